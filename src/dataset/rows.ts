// Feature rows: what a trainer reads. A row is a list of (feature, value) pairs; most often one feature a field, all 1.
//
// Features of all fields are numbered together: field f owns [offset_f, offset_f + size_f), and the first of them is
// its out-of-vocabulary feature (vocabulary.ts).

/** Rows of one part of a dataset, ready for a kernel. */
export interface FeatureRows {
  numRows: number;
  /** u32[numRows + 1]: row r has pairs indptr[r] .. indptr[r + 1). Absent when every row has exactly `width` pairs */
  indptr?: Uint32Array;
  /** pairs a row when indptr is absent */
  width: number;
  /** u32[numPairs]: features; distinct within a row */
  ids: Uint32Array;
  /** f32[numPairs]; absent when all are 1 */
  values?: Float32Array;
  /** f32[numRows]: 0 or 1 for the logistic loss, any number for the squared loss */
  labels: Float32Array;
}

/**
 * The training part. `resident` rows are shuffled by the trainer; `drawn` rows (negatives drawn anew each epoch) come in
 * chunks, in the order in which they are to be trained on, and are read while the chunk before is being trained on.
 */
export type TrainingRows =
  | { kind: "resident"; rows: FeatureRows }
  | { kind: "drawn"; numRows: number; draw(epoch: number): Iterable<FeatureRows> };
