// What runs of train-graph are called, and which tables they hold.

import { DEFAULT_TABLE } from "../../embedding/run-directory.js";
import { CONTEXT_TABLE } from "../../skip-grams/names.js";

/** Tables of one side of a method: what was trained together. */
export interface SideTables {
  vectors: string;
  /** the same as `vectors` where a node is its own context */
  contexts: string;
}

/** The manifest's name of the model of items that are composed with their side information (eges/). */
export const EGES_MODEL = "eges";

/** The manifest's names of the other models, with the tables of each side. The default table of two sides joins them. */
export const kinds = {
  graph: [{ vectors: DEFAULT_TABLE, contexts: CONTEXT_TABLE }],
  "graph-order-1": [{ vectors: DEFAULT_TABLE, contexts: DEFAULT_TABLE }],
  "graph-both-orders": [
    { vectors: "order1", contexts: "order1" },
    { vectors: "order2", contexts: CONTEXT_TABLE },
  ],
} as const satisfies Record<string, readonly [SideTables, ...SideTables[]]>;

export type Kind = keyof typeof kinds;

/** The kind of model that some sides make. */
export function kindOf(sides: readonly { oneTable: boolean }[]): Kind {
  if (sides.length > 1) return "graph-both-orders";
  return sides[0]!.oneTable ? "graph-order-1" : "graph";
}
