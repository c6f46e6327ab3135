// Names of the models of train-graph, and of their tables.

import { DEFAULT_TABLE } from "../../embedding/run-directory.js";
import { CONTEXT_TABLE } from "../../skip-grams/names.js";

/** Names of the two tables of one side, vectors and contexts, which are trained together. */
export interface SideTables {
  vectors: string;
  /** name of the table of contexts; equal to `vectors` if nodes and contexts share their vectors */
  contexts: string;
}

/** Name in the manifest of the model whose items are composed with side information (eges/). */
export const EGES_MODEL = "eges";

/**
 * Names in the manifest of the other models, each with the names of the tables of its sides (pairs of vectors and
 * contexts). With two sides, the default table concatenates their vectors.
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

/** Returns the name that a model has in the manifest, given its sides (pairs of tables of vectors and contexts). */
export function kindOf(sides: readonly { oneTable: boolean }[]): Kind {
  if (sides.length > 1) return "graph-both-orders";
  return sides[0]!.oneTable ? "graph-order-1" : "graph";
}
