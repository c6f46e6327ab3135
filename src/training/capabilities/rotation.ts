// Describes the rotations of a run's vectors that leave its predictions unchanged: the vectors that share a rotation,
// and the files of model/ that must be rotated with them.

import type { EmbeddingTable } from "../../table/table.js";

/** A range of dimensions of the vectors in a field's rows, offset .. offset + width - 1. */
export interface VectorBlock {
  field: string;
  /** field whose features interact with this block, in a field-aware run */
  partner?: string;
  /** name of the block, in a run whose vectors concatenate blocks that were trained separately */
  part?: string;
  offset: number;
  width: number;
}

/** Rotates rows. @param fieldOf [rows]: index of each row's field in the table @returns f32[rows * dim] */
export type Rotate = (vectors: Float32Array, fieldOf: ArrayLike<number>) => Float32Array;

interface RotatedTable {
  name: string;
  /** offset of the block of the default table's vectors whose rotation applies to this table */
  offset: number;
}

export interface Rotation {
  /** groups of blocks of dimensions; the blocks of a group share a rotation */
  groups: VectorBlock[][];
  /** further tables that share the rotation of the default table or of one of its blocks; none when absent */
  tables?: readonly RotatedTable[];
  /** Returns the files of model/ that a rotation changes, keyed by their names. @throws {ArtifactError} damaged */
  files(rotate: Rotate): Promise<Record<string, readonly Uint8Array[]>>;
}

/** Returns a single group of blocks: the whole vectors of all fields, so that one rotation applies to all of them. */
export function wholeRows({ fields, dim }: EmbeddingTable): VectorBlock[][] {
  return [fields.map((field) => ({ field, offset: 0, width: dim }))];
}
