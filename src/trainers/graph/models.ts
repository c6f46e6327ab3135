// The models that runs of `train-graph` hold: a table of nodes, and as a rule one of nodes as contexts.

import type { Model, Models } from "../../training/capabilities/model.js";
import { readPreprocess } from "../../training/capabilities/run-space.js";
import { CONTEXT_TABLE, OPTIMIZER_FILE } from "../../skip-grams/names.js";
import { EGES_MODEL, kinds, type Kind } from "./names.js";

const nodes: Model = {
  holds: "node vectors of a graph (train-graph)",
  preprocess: readPreprocess,
  forgetting: async (run) => {
    const { byFeature, forgettingOf } = await import("../../training/capabilities/forgetting/forgetting.js");
    return await forgettingOf(run, { tensors: { [OPTIMIZER_FILE]: byFeature(() => true) } });
  },
  vectors: async (run) =>
    await (await import("../../training/capabilities/key-vectors.js")).vectorsOfFeatures(run),
  lacks: {
    transform: "its rows are nodes: use export to write them, and --init to add new nodes and edges",
    foldIn: "a new node needs edges: train with --init (--freeze known keeps the existing vectors)",
  },
};

const rotation =
  (contexts: boolean): NonNullable<Model["rotation"]> =>
  async (_, table) =>
    (await import("../../skip-grams/rotation.js")).rotationOf(table, { contexts });

/** Items that are composed with their side information. */
const composed: Model = {
  ...nodes,
  holds: "item vectors of a graph and side information (train-graph --method eges)",
  contexts: CONTEXT_TABLE,
  rotation: async (...of) => (await import("./eges/artifact.js")).egesRotation(...of),
  async forgetting(run) {
    const { forgettingOf } = await import("../../training/capabilities/forgetting/forgetting.js");
    const { ATTENTION_FILE, forgetAttention, forgetSideValues, SIDE_FILE } =
      await import("./eges/artifact.js");
    return await forgettingOf(run, {
      withoutKeys: [SIDE_FILE],
      tensors: { [ATTENTION_FILE]: forgetAttention, ...(await forgetSideValues(run)) },
    });
  },
  transform: async (...of) => await (await import("./eges/transform.js")).encodeNewItems(...of),
  reported: async (run) => ({
    shares: await (await import("./eges/attention-report.js")).attentionOf(run),
  }),
  lacks: { foldIn: "new items are composed from their side columns: embed transform RUN items.csv" },
};

export const models: Models = {
  graph: { ...nodes, contexts: CONTEXT_TABLE, rotation: rotation(true) },
  [EGES_MODEL]: composed,
  "graph-order-1": {
    ...nodes,
    holds: "node vectors of a graph (train-graph --method line --order 1)",
    rotation: rotation(false),
  },
  "graph-both-orders": {
    ...nodes,
    holds: "node vectors of a graph (train-graph --method line)",
    rotation: async (_, table) =>
      (await import("./two-orders.js")).rotationOfHalves(table, kinds["graph-both-orders"]),
  },
} satisfies Record<Kind | typeof EGES_MODEL, Model>;
