// Feature rows put together of two parts: a user's context and an item.

import { firstPair, type FeatureRows } from "./rows.js";

/**
 * Rows that hold the pairs of a row of one part and of a row of the other, in the order of their fields, as an encoder has them.
 *
 * @param left, right  of different fields of one space
 * @param places       u32[numRows] of each part: which of its rows
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
    // the next pairs are of two fields, whose features do not overlap
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
