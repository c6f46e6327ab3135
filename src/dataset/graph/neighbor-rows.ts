// Features that items take over from their neighbours, as rows beside their own.
//
//   own row        x_f of item i: its own feature, and those of the columns that go with it
//   neighbour row  s sum over its neighbours j of weight_ij x_f of item j, for the columns that go with the item alone
//   template       both, added up by feature

import type { ItemNeighbors } from "./item-neighbors.js";
import { forEachPair, type FeatureRows } from "../rows.js";

/**
 * What its neighbours add to the row of each item; nothing to one without neighbours.
 *
 * @param rows  a row an item
 * @param own   from .. end: the features that stand for items themselves, which are not taken over
 * @param scale what an item's neighbours weigh together
 */
export function neighborRows(
  rows: FeatureRows,
  { indptr, items, weights }: ItemNeighbors,
  own: { from: number; end: number },
  scale: number,
): FeatureRows {
  return summedRows(rows.numRows, (item, add) => {
    for (let n = indptr[item]!; n < indptr[item + 1]!; n++) {
      const share = scale * weights[n]!;
      forEachPair(rows, items[n]!, (feature, x) => {
        if (feature < own.from || feature >= own.end) add(feature, share * x);
      });
    }
  });
}

/**
 * Rows with what the neighbours of their items add, by feature: those of the row in its order, then what is new to it.
 *
 * @param itemOf the row of `added` of each row's item, by default its own number; one that `added` does not have adds nothing
 */
export function withNeighborRows(
  rows: FeatureRows,
  added: FeatureRows,
  itemOf: (row: number) => number = (row) => row,
): FeatureRows {
  const summed = summedRows(rows.numRows, (row, add) => {
    forEachPair(rows, row, add);
    const item = itemOf(row);
    if (item < added.numRows) forEachPair(added, item, add);
  });
  return { ...summed, labels: rows.labels };
}

/** Rows whose pairs are given one by one, a feature any number of times; sums in f64. */
function summedRows(
  numRows: number,
  visit: (row: number, add: (feature: number, x: number) => void) => void,
): FeatureRows {
  const indptr = new Uint32Array(numRows + 1);
  const ids: number[] = [];
  const values: number[] = [];
  const sums = new Map<number, number>();
  for (let row = 0; row < numRows; row++) {
    sums.clear();
    visit(row, (feature, x) => sums.set(feature, (sums.get(feature) ?? 0) + x));
    for (const [feature, x] of sums) {
      ids.push(feature);
      values.push(x);
    }
    indptr[row + 1] = ids.length;
  }
  return {
    numRows,
    width: 0,
    indptr,
    ids: Uint32Array.from(ids),
    values: Float32Array.from(values),
    labels: new Float32Array(numRows),
  };
}
