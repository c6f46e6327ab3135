// The models that runs of `train-graph` hold: a table of nodes, and as a rule one of nodes as contexts.

import type { Model, Models } from "../../training/model.js";
import { readPreprocess } from "../../training/run-space.js";
import { CONTEXT_TABLE, OPTIMIZER_FILE } from "../../skip-grams/names.js";
import type { Kind } from "./names.js";

const nodes: Model = {
  holds: "node vectors of a graph (train-graph)",
  preprocess: readPreprocess,
  forgetting: async (run) => {
    const { byFeature, forgettingOf } = await import("../../training/forgetting/forgetting.js");
    return await forgettingOf(run, { tensors: { [OPTIMIZER_FILE]: byFeature(() => true) } });
  },
  vectors: async (run) => await (await import("../../training/key-vectors.js")).vectorsOfFeatures(run),
  lacks: {
    transform: "its rows are nodes: export writes them, and --init takes new nodes and edges in",
    foldIn: "a new node needs edges: train with --init, and --freeze known keeps the others as they are",
  },
};

const rotation =
  (contexts: boolean): NonNullable<Model["rotation"]> =>
  async (_, table) =>
    (await import("../../skip-grams/rotation.js")).rotationOf(table, { contexts });

export const models: Models = {
  graph: { ...nodes, contexts: CONTEXT_TABLE, rotation: rotation(true) },
  "graph-order-1": {
    ...nodes,
    holds: "node vectors of a graph (train-graph --method line --order 1)",
    rotation: rotation(false),
  },
  "graph-both-orders": {
    ...nodes,
    holds: "node vectors of a graph (train-graph --method line)",
    lacks: { ...nodes.lacks, rotation: "its halves were trained apart, and would each turn by itself" },
  },
} satisfies Record<Kind, Model>;
