// The models of train-graph, and the tables of their sides, which are pairs of vectors and contexts.

import { DEFAULT_TABLE } from "../../table/run-directory.js";
import { CONTEXT_TABLE } from "../shared/skip-grams/capabilities.js";
import type { EmbeddingTable } from "../../table/table.js";
import type { WrittenRows } from "../shared/skip-grams/contents.js";
import type { Rotation } from "../../training/capabilities/rotation.js";

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

export function kindOf(sides: readonly { oneTable: boolean }[]): Kind {
  if (sides.length > 1) return "graph-both-orders";
  return sides[0]!.oneTable ? "graph-order-1" : "graph";
}

// LINE trains the vectors of its two orders separately; they are concatenated, and rotated separately.
//
//   row of the default table   vector of order 1 | vector of order 2     each scaled to length 1
//   tables of an order         its vectors as trained, and its contexts

/** Concatenates several vectors of each node, each of them normalized. @returns f32[numFeatures * sum of dims] */
export function sideBySide(sides: readonly WrittenRows[]): Float32Array {
  const width = sides.reduce((sum, { dim }) => sum + dim, 0);
  const numRows = sides[0]!.vectors.length / sides[0]!.dim;
  const all = new Float32Array(numRows * width);
  let first = 0;
  for (const { dim, vectors } of sides) {
    for (let row = 0; row < numRows; row++) {
      let squares = 0;
      for (let k = row * dim; k < (row + 1) * dim; k++) squares += vectors[k]! ** 2;
      const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
      for (let k = 0; k < dim; k++) all[row * width + first + k] = vectors[row * dim + k]! * scale;
    }
    first += dim;
  }
  return all;
}

/** One rotation per part of the default table's vectors, which also applies to the tables of that order. */
export function rotationOfHalves({ fields, dim }: EmbeddingTable, sides: readonly SideTables[]): Rotation {
  const width = dim / sides.length;
  return {
    groups: sides.map(({ vectors: part }, i) =>
      fields.map((field) => ({ field, part, offset: i * width, width })),
    ),
    tables: sides.flatMap(({ vectors, contexts }, i) =>
      [...new Set([vectors, contexts])].map((name) => ({ name, offset: i * width })),
    ),
    files: async () => await Promise.resolve({}),
  };
}
