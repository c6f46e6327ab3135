// The kinds of models in runs of `train-graph`: a table of nodes, and usually one of nodes as contexts.

import type { Model, Models } from "../../training/capabilities/model.js";
import { EGES_MODEL, kinds, type Kind } from "./side-tables.js";
import { sgnsCapabilities, vectorCapabilities } from "../shared/skip-grams/capabilities.js";

const lacks: Model["lacks"] = {
  transform: "its rows are nodes: use export to write them, and --init to add new nodes and edges",
  foldIn: "a new node needs edges: train with --init (--freeze known keeps the existing vectors)",
};

const composed: Model = {
  ...sgnsCapabilities,
  holds: "item vectors of a graph and side information",
  command: "train-graph --method eges",
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
    shares: await (await import("./eges/artifact.js")).attentionOf(run),
  }),
  lacks: {
    foldIn: "new items are composed from their side columns: embed transform RUN items.csv",
    parts: "transform leaves out items without a known value, and counts them over the whole log",
  },
};

export const models: Models = {
  graph: { holds: "node vectors of a graph", command: "train-graph", ...sgnsCapabilities, lacks },
  [EGES_MODEL]: composed,
  "graph-order-1": {
    holds: "node vectors of a graph",
    command: "train-graph --method line --order 1",
    ...vectorCapabilities,
    lacks,
  },
  "graph-both-orders": {
    holds: "node vectors of a graph",
    command: "train-graph --method line",
    ...vectorCapabilities,
    lacks,
    rotation: async (_, table) =>
      (await import("./side-tables.js")).rotationOfHalves(table, kinds["graph-both-orders"]),
  },
} satisfies Record<Kind | typeof EGES_MODEL, Model>;
