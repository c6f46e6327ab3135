// Names of the models of train-graph, and of their tables.

import { DEFAULT_TABLE } from "../../embedding/run-directory.js";
import { CONTEXT_TABLE } from "../../skip-grams/names.js";

/** Names of the tables of one side of a method, which are trained together. */
export interface SideTables {
  vectors: string;
  /** name of the table of contexts; equal to `vectors` if nodes and contexts share their vectors */
  contexts: string;
}

/** Name in the manifest of the model whose items are composed with side information (eges/). */
export const EGES_MODEL = "eges";

/**
 * Names in the manifest of the other models, with the tables of each side. With two sides, the default table
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

/** Returns the name of the model that consists of the given sides. */
export function kindOf(sides: readonly { oneTable: boolean }[]): Kind {
  if (sides.length > 1) return "graph-both-orders";
  return sides[0]!.oneTable ? "graph-order-1" : "graph";
}
