// Rotating a run's vectors without changing what it predicts: which vectors share a rotation, and what of model/ goes with them.

import type { EmbeddingTable } from "../../embedding/table.js";

/** Numbers offset .. offset + width - 1 of the vectors of a field's rows. */
export interface VectorBlock {
  field: string;
  /** of a field-aware run: the field whose features they meet */
  partner?: string;
  /** of vectors whose blocks were trained apart: which of them it is */
  part?: string;
  offset: number;
  width: number;
}

/** Rotates rows. @param fieldOf [rows], indices of the table's fields @returns f32[rows * dim] */
export type Rotate = (vectors: Float32Array, fieldOf: ArrayLike<number>) => Float32Array;

/** A table beside the default one. */
export interface RotatedTable {
  name: string;
  /** where its numbers stand in the default table's vectors: it turns as this block of them does */
  offset: number;
}

/** How a run's vectors can be rotated. */
export interface Rotation {
  /** the blocks that share a rotation, a list a rotation */
  groups: VectorBlock[][];
  /** tables beside the default one that turn as it does, or as a block of it; none when absent */
  tables?: readonly RotatedTable[];
  /** The files of model/ that change, by name. @throws {ArtifactError} damaged */
  files(rotate: Rotate): Promise<Record<string, readonly Uint8Array[]>>;
}

/** One rotation for all rows, whole. */
export function wholeRows({ fields, dim }: EmbeddingTable): VectorBlock[][] {
  return [fields.map((field) => ({ field, offset: 0, width: dim }))];
}
