// Concatenates the vectors of LINE's two orders, which were trained separately, and rotates them separately.
//
//   row of the default table   vector of order 1 | vector of order 2     each scaled to length 1
//   tables of an order         its vectors as trained, and its contexts

import type { EmbeddingTable } from "../../embedding/table.js";
import type { TableRows } from "../../skip-grams/contents.js";
import type { Rotation } from "../../training/capabilities/rotation.js";
import type { SideTables } from "./names.js";

/** Concatenates several vectors of each node, each of them normalized. @returns f32[numFeatures * sum of dims] */
export function sideBySide(sides: readonly TableRows[]): Float32Array {
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

/**
 * Returns a rotation for each part of the default table's vectors, which concatenate the vectors of LINE's orders. The
 * rotation of a part also applies to the tables of its order: vectors and contexts.
 */
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
