// How much a linear model reads of items' labels from their vectors: one logistic regression a label, on a part of the items, and
// the labels that it predicts for the rest.
//
//   x         vectors, each dimension of mean 0 and deviation 1 over the training part; or as they are, as published protocols have them
//   training  one against the rest, l2 / 2 |w|^2 with l2 = 1, the bias free
//   predicted the m labels of highest score, m the number that the item has: as Perozzi et al. 2014 (arXiv:1403.6652) and the
//             work after them evaluate nodes of several labels; of one label each, the most probable
//   F1        2 TP / (2 TP + FP + FN): micro of the counts over all labels, macro the mean over labels that test items have

import { mapTo } from "../numeric/indices.js";
import { fitLogistic, scoresOfRows, type DenseRows } from "../solvers/logistic.js";
import { labelsOfItem, type ItemLabels } from "./item-labels.js";

const L2 = 1;
const ITERATIONS = 200;

export interface F1 {
  micro: number;
  macro: number;
}

/**
 * Trains on the items that are not in the test part, and evaluates on those that are.
 *
 * @param vectors f32[numItems * dim]
 * @param isTest  u8[numItems]
 * @param isRaw   take vectors as they are: their length then decides how much the penalty weighs
 */
export function probeLabels(
  vectors: Float32Array,
  dim: number,
  items: ItemLabels,
  isTest: Uint8Array,
  isRaw = false,
): F1 {
  const all = Array.from({ length: items.numItems }, (_, i) => i);
  const [train, test] = [all.filter((i) => !isTest[i]), all.filter((i) => isTest[i])];
  const x = isRaw ? Float64Array.from(vectors) : standardized(vectors, dim, train);
  const [trainRows, testRows] = [rowsOf(x, dim, train), rowsOf(x, dim, test)];
  const scores = Array.from({ length: items.numLabels }, (_, label) => {
    const labels = mapTo(Float32Array, train, (i) => (labelsOfItem(items, i).includes(label) ? 1 : 0));
    // a label without examples is never predicted
    if (!labels.includes(1)) return new Float64Array(test.length).fill(-Infinity);
    return scoresOfRows(
      testRows,
      fitLogistic(trainRows, labels, undefined, { l2: L2, iterations: ITERATIONS }),
    );
  });
  return f1(
    items,
    test,
    test.map((i, t) =>
      highest(
        scores.map((ofLabel) => ofLabel[t]!),
        labelsOfItem(items, i).length,
      ),
    ),
  );
}

/** The same of a model that knows no vector: the labels that most items of the training part have. */
export function probeByFrequency(items: ItemLabels, isTest: Uint8Array): F1 {
  const counts = new Float64Array(items.numLabels);
  const test: number[] = [];
  for (let i = 0; i < items.numItems; i++) {
    if (isTest[i]) test.push(i);
    else for (const label of labelsOfItem(items, i)) counts[label]!++;
  }
  return f1(
    items,
    test,
    test.map((i) => highest(counts, labelsOfItem(items, i).length)),
  );
}

/** @param test items @param predicted labels of each */
export function f1(
  items: ItemLabels,
  test: readonly number[],
  predicted: readonly (readonly number[])[],
): F1 {
  const [hits, given, had] = [0, 1, 2].map(() => new Float64Array(items.numLabels)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  test.forEach((item, t) => {
    const own = labelsOfItem(items, item);
    for (const label of own) had[label]!++;
    for (const label of predicted[t]!) {
      given[label]!++;
      if (own.includes(label)) hits[label]!++;
    }
  });
  const sum = (counts: Float64Array) => counts.reduce((all, count) => all + count, 0);
  const ofTest = [...had.keys()].filter((label) => had[label]! > 0);
  const macro = ofTest.reduce((all, label) => all + (2 * hits[label]!) / (given[label]! + had[label]!), 0);
  return { micro: (2 * sum(hits)) / (sum(given) + sum(had)), macro: macro / ofTest.length };
}

/** Indices of the m highest, ties in their order. */
function highest(scores: Float64Array | readonly number[], m: number): number[] {
  return [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, m);
}

/** f64[n * dim]: by mean and deviation over some rows; a dimension that does not vary there becomes 0. */
function standardized(vectors: Float32Array, dim: number, over: readonly number[]): Float64Array {
  const out = Float64Array.from(vectors);
  for (let d = 0; d < dim; d++) {
    let [sum, squares] = [0, 0];
    for (const i of over) sum += out[i * dim + d]!;
    const mean = sum / over.length;
    for (const i of over) squares += (out[i * dim + d]! - mean) ** 2;
    const scale = squares > 0 ? 1 / Math.sqrt(squares / over.length) : 0;
    for (let at = d; at < out.length; at += dim) out[at] = (out[at]! - mean) * scale;
  }
  return out;
}

function rowsOf(x: Float64Array, dim: number, items: readonly number[]): DenseRows {
  const values = new Float64Array(items.length * dim);
  items.forEach((i, r) => values.set(x.subarray(i * dim, (i + 1) * dim), r * dim));
  return { numRows: items.length, numFeatures: dim, values };
}
