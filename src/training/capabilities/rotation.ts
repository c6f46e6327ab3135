// Describes how a run's vectors can be rotated without changing its predictions: which vectors share a rotation, and
// which files of model/ must be rotated with them.

import type { EmbeddingTable } from "../../embedding/table.js";

/** Components offset .. offset + width - 1 of the vectors of a field's rows. */
export interface VectorBlock {
  field: string;
  /** in a field-aware run: the field whose features these vectors interact with */
  partner?: string;
  /** in a run whose vectors consist of separately trained parts: the part's name */
  part?: string;
  offset: number;
  width: number;
}

/** Rotates rows. @param fieldOf [rows]: index of each row's field in the table @returns f32[rows * dim] */
export type Rotate = (vectors: Float32Array, fieldOf: ArrayLike<number>) => Float32Array;

/** A further table that rotates with the default one. */
export interface RotatedTable {
  name: string;
  /** offset of the block of the default table's vectors whose rotation applies to this table */
  offset: number;
}

/** The possible rotations of a run's vectors. */
export interface Rotation {
  /** lists of blocks; the blocks of a list share a rotation */
  groups: VectorBlock[][];
  /** further tables that rotate with the default one or a block of it; none when absent */
  tables?: readonly RotatedTable[];
  /** Returns the changed files of model/, by name. @throws {ArtifactError} damaged */
  files(rotate: Rotate): Promise<Record<string, readonly Uint8Array[]>>;
}

/** Returns a single group: one rotation for the whole vectors of all fields. */
export function wholeRows({ fields, dim }: EmbeddingTable): VectorBlock[][] {
  return [fields.map((field) => ({ field, offset: 0, width: dim }))];
}
