// An embedding table: one vector for each key of each field.

/** Rows are grouped by field, fields in the log's column order, rows by id (descending count, then key bytes). */
export interface EmbeddingTable {
  dim: number;
  numRows: number;
  /** names of the fields; u32[numRows] indices into them */
  fields: string[];
  fieldOf: Uint32Array;
  /** a numeric field has one row, whose key is empty */
  keys: string[];
  /** u32[numRows]: events of the training part that held the key */
  counts: Uint32Array;
  /** f32[numRows], where the model has one */
  weights?: Float32Array;
  /** f32[numRows * dim], row-major */
  vectors: Float32Array;
}
