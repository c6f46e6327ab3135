// Names of the models of train-graph, and of their tables.

import { DEFAULT_TABLE } from "../../embedding/run-directory.js";
import { CONTEXT_TABLE } from "../../skip-grams/names.js";

/** The tables of one side of a method, which were trained together. */
export interface SideTables {
  vectors: string;
  /** the same as `vectors` if a node's vector is also its context */
  contexts: string;
}

/** Name in the manifest of the model of items that are composed with side information (eges/). */
export const EGES_MODEL = "eges";

/**
 * Names of the other models in the manifest, with the tables of each side. With two sides, the default table
 * concatenates them.
 */
export const kinds = {
  graph: [{ vectors: DEFAULT_TABLE, contexts: CONTEXT_TABLE }],
  "graph-order-1": [{ vectors: DEFAULT_TABLE, contexts: DEFAULT_TABLE }],
  "graph-both-orders": [
    { vectors: "order1", contexts: "order1" },
    { vectors: "order2", contexts: CONTEXT_TABLE },
  ],
} as const satisfies Record<string, readonly [SideTables, ...SideTables[]]>;

export type Kind = keyof typeof kinds;

/** Returns the kind of model that consists of these sides. */
export function kindOf(sides: readonly { oneTable: boolean }[]): Kind {
  if (sides.length > 1) return "graph-both-orders";
  return sides[0]!.oneTable ? "graph-order-1" : "graph";
}
