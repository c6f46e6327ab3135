// Joins the feature rows of two groups of fields.

import { firstPair, type FeatureRows } from "./rows.js";

/**
 * Returns rows with the pairs of a left row and a right row, in the order of their fields, as an encoder returns them.
 *
 * @param left, right rows of different fields of one space
 * @param places u32[numRows] for each side: index of the left (right) row of each result row
 */
export function joinedRows(
  left: FeatureRows,
  leftPlaces: Uint32Array,
  right: FeatureRows,
  rightPlaces: Uint32Array,
): FeatureRows {
  const numRows = leftPlaces.length;
  const isDense = [left, right].every(({ indptr, values }) => !indptr && !values);
  const indptr = new Uint32Array(isDense ? 0 : numRows + 1);
  if (!isDense)
    for (let r = 0; r < numRows; r++)
      indptr[r + 1] = indptr[r]! + pairsIn(left, leftPlaces[r]!) + pairsIn(right, rightPlaces[r]!);
  const width = left.width + right.width;
  const ids = new Uint32Array(isDense ? numRows * width : indptr[numRows]!);
  const values = isDense ? undefined : new Float32Array(ids.length);
  let at = 0;
  const take = (rows: FeatureRows, pair: number): void => {
    ids[at] = rows.ids[pair]!;
    if (values) values[at] = rows.values ? rows.values[pair]! : 1;
    at++;
  };
  for (let r = 0; r < numRows; r++) {
    let [l, k] = [firstPair(left, leftPlaces[r]!), firstPair(right, rightPlaces[r]!)];
    const [endL, endK] = [firstPair(left, leftPlaces[r]! + 1), firstPair(right, rightPlaces[r]! + 1)];
    // the next left pair and the next right pair belong to different fields, so that their features differ
    while (l < endL || k < endK) {
      if (k === endK || (l < endL && left.ids[l]! < right.ids[k]!)) take(left, l++);
      else take(right, k++);
    }
  }
  const labels = new Float32Array(numRows);
  return isDense
    ? { numRows, width, ids, labels }
    : { numRows, width: 0, indptr, ids, values: values!, labels };
}

function pairsIn(rows: FeatureRows, row: number): number {
  return firstPair(rows, row + 1) - firstPair(rows, row);
}
