// The models that runs of `train-graph` hold: a table of nodes, and as a rule one of nodes as contexts.

import type { Model, Models } from "../../training/model.js";
import { readPreprocess } from "../../training/run-space.js";
import { CONTEXT_TABLE, OPTIMIZER_FILE } from "../../skip-grams/names.js";
import { EGES_MODEL, type Kind } from "./names.js";

const lacks = {
  rotation: "its contexts lie in a table of their own, which would have to be turned with it",
  transform: "its rows are nodes: export writes them, and --init takes new nodes and edges in",
  foldIn: "a new node needs edges: train with --init, and --freeze known keeps the others as they are",
};

const nodes: Model = {
  holds: "node vectors of a graph (train-graph)",
  preprocess: readPreprocess,
  forgetting: async (run) => {
    const { byFeature, forgettingOf } = await import("../../training/forgetting/forgetting.js");
    return await forgettingOf(run, { tensors: { [OPTIMIZER_FILE]: byFeature(() => true) } });
  },
  vectors: async (run) => await (await import("../../training/key-vectors.js")).vectorsOfFeatures(run),
  lacks,
};

export const models: Models = {
  graph: { ...nodes, contexts: CONTEXT_TABLE },
  [EGES_MODEL]: {
    ...nodes,
    holds: "item vectors of a graph and side information (train-graph --method eges)",
    contexts: CONTEXT_TABLE,
    async forgetting(run) {
      const { forgettingOf } = await import("../../training/forgetting/forgetting.js");
      const { ATTENTION_FILE, forgetAttention, SIDE_FILE } = await import("./eges/artifact.js");
      return await forgettingOf(run, {
        withoutKeys: [SIDE_FILE],
        tensors: { [ATTENTION_FILE]: forgetAttention },
      });
    },
    transform: async (...of) => await (await import("./eges/transform.js")).encodeNewItems(...of),
    shares: async (run) => await (await import("./eges/attention-report.js")).attentionOf(run),
    lacks: {
      rotation: lacks.rotation,
      foldIn: "a new item is composed of its side values: embed transform RUN items.csv",
    },
  },
  "graph-order-1": { ...nodes, holds: "node vectors of a graph (train-graph --method line --order 1)" },
  "graph-both-orders": { ...nodes, holds: "node vectors of a graph (train-graph --method line)" },
} satisfies Record<Kind | typeof EGES_MODEL, Model>;
