// The training rows as one list that stays: residuals belong to rows, so rows must not change from sweep to sweep.

import { firstPair, type FeatureRows, type TrainingRows } from "../../../dataset/rows.js";

/** The rows, or what the first epoch would draw of them: its negatives, its hidden keys. */
export function residentRows(train: TrainingRows): FeatureRows {
  if (train.kind === "resident") return train.atEpoch?.(1) ?? train.rows;
  if (train.kind === "stored") throw new RangeError("rows that are read from disk have no columns");
  const chunks = [...train.draw(1)];
  const numRows = chunks.reduce((sum, chunk) => sum + chunk.numRows, 0);
  const numPairs = chunks.reduce((sum, { ids }) => sum + ids.length, 0);
  const valued = chunks.some(({ values }) => values !== undefined);
  const ids = new Uint32Array(numPairs);
  const values = valued ? new Float32Array(numPairs).fill(1) : undefined;
  const labels = new Float32Array(numRows);
  const weights = chunks[0]?.weights && new Float32Array(numRows);
  const indptr = new Uint32Array(numRows + 1);
  let [row, pair] = [0, 0];
  for (const chunk of chunks) {
    ids.set(chunk.ids, pair);
    if (chunk.values) values!.set(chunk.values, pair);
    labels.set(chunk.labels, row);
    if (weights && chunk.weights) weights.set(chunk.weights, row);
    for (let r = 0; r < chunk.numRows; r++) {
      indptr[row + r + 1] = pair + firstPair(chunk, r + 1);
    }
    row += chunk.numRows;
    pair += chunk.ids.length;
  }
  return { numRows, width: 0, indptr, ids, values, labels, weights };
}
