// Measures whether items that are close to each other have the same labels.
//
//   N(i)      the k nearest other items of item i, or all n - 1 if there are fewer
//   share(i)  share of N(i) that has at least one label in common with i
//   chance(i) share of all other items with a label in common with i, which is the expected share for random vectors
//
// An item with a zero vector has no neighbors, and its share is 0.

import { mapTo } from "../base/numeric/indices.js";
import { NO_ITEM } from "../compute/kernels/top-items/binding.js";
import { fitLogistic, scoresOfRows, type DenseRows } from "../compute/solvers/logistic.js";

// Labels of the items of a table. An item has none, one or several labels.

/** Labels of items as a sparse matrix of items x labels; each item has at least one. */
export interface ItemLabels {
  numItems: number;
  numLabels: number;
  /** u32[numItems + 1]: offsets of the items in `labels` */
  indptr: Uint32Array;
  /** u32: labels; item i has the distinct labels labels[indptr[i] .. indptr[i + 1]) */
  labels: Uint32Array;
}

export function labelsOfItem({ indptr, labels }: ItemLabels, item: number): Uint32Array {
  return labels.subarray(indptr[item], indptr[item + 1]);
}

export function itemLabels(lists: readonly Iterable<number>[], numLabels: number): ItemLabels {
  const indptr = new Uint32Array(lists.length + 1);
  const labels: number[] = [];
  lists.forEach((list, i) => {
    labels.push(...list);
    indptr[i + 1] = labels.length;
  });
  return { numItems: lists.length, numLabels, indptr, labels: Uint32Array.from(labels) };
}

/**
 * Returns f64[numItems]: the share of each item's k nearest items that have a label in common with it.
 *
 * @param nearest u32[numItems * most], nearest first, padded with NO_ITEM
 * @param k number of neighbors to use, <= most
 */
export function sharedLabels(items: ItemLabels, nearest: Uint32Array, most: number, k: number): Float64Array {
  // by label: the last of the items so far that has the label
  const owner = new Uint32Array(items.numLabels).fill(NO_ITEM);
  return mapTo(Float64Array, { length: items.numItems }, (_, i) => {
    for (const label of labelsOfItem(items, i)) owner[label] = i;
    let shared = 0;
    for (const other of nearest.subarray(i * most, i * most + k)) {
      if (other !== NO_ITEM && labelsOfItem(items, other).some((label) => owner[label] === i)) shared++;
    }
    return shared / k;
  });
}

/** Returns f64[numItems]: the share of all other items that have a label in common with each item. */
export function sharedByChance(items: ItemLabels): Float64Array {
  const { numItems, numLabels } = items;
  const itemsOf: number[][] = Array.from({ length: numLabels }, () => []);
  for (let i = 0; i < numItems; i++) for (const label of labelsOfItem(items, i)) itemsOf[label]!.push(i);
  // computes the share once for all items with the same labels
  const known = new Map<string, number>();
  return mapTo(Float64Array, { length: numItems }, (_, i) => {
    const own = labelsOfItem(items, i);
    const name = own.toSorted().join();
    if (!known.has(name)) {
      const alike = new Set([...own].flatMap((label) => itemsOf[label]!));
      known.set(name, (alike.size - 1) / (numItems - 1));
    }
    return known.get(name)!;
  });
}

/** Returns u8[n]: 1 for the half of the items with the fewest events, rounded down; ties are in item order. */
export function rarerHalf(counts: ArrayLike<number>): Uint8Array {
  const order = Array.from({ length: counts.length }, (_, i) => i).sort(
    (a, b) => counts[a]! - counts[b]! || a - b,
  );
  const rare = new Uint8Array(counts.length);
  for (const i of order.slice(0, Math.floor(counts.length / 2))) rare[i] = 1;
  return rare;
}

// Measures how well a linear model predicts items' labels from their vectors. One logistic regression per label is
// trained on a part of the items, and evaluated on the rest.
//
//   x         vectors, standardized to mean 0 and deviation 1 per dimension over the training part;
//             or unchanged, as in published protocols
//   training  one against the rest, l2 / 2 |w|^2 with l2 = 1, the bias is not penalized
//   predicted the m labels with the highest scores, where m is the item's number of labels, as Perozzi et al. 2014
//             (arXiv:1403.6652) evaluate nodes with several labels; the most probable label if each has only one
//   F1        2 TP / (2 TP + FP + FN): micro from the sums of the counts over all labels,
//             macro the mean over labels that occur in test items

const L2 = 1;
const ITERATIONS = 200;

export interface F1 {
  micro: number;
  macro: number;
}

/**
 * Trains on the items outside the test part, and evaluates on the test part.
 *
 * @param vectors f32[numItems * dim]
 * @param isTest u8[numItems]
 * @param isRaw true to use the vectors unchanged, in which case their length determines the effect of the penalty
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
    // a label without training examples is never predicted
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

/** Returns the F1 of a model that ignores vectors and predicts the most frequent labels of the training part. */
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

/** @param test test items @param predicted predicted labels of each test item */
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

/** Returns the indices of the m highest scores; the lower index precedes at equal scores. */
function highest(scores: Float64Array | readonly number[], m: number): number[] {
  return [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, m);
}

/**
 * Returns f64[n * dim]: vectors standardized by the mean and deviation of some rows; a dimension that is constant in
 * these rows becomes 0.
 */
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
