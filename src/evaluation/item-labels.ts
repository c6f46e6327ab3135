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

/** Returns the labels of one item as a view. */
export function labelsOfItem({ indptr, labels }: ItemLabels, item: number): Uint32Array {
  return labels.subarray(indptr[item], indptr[item + 1]);
}

/** Creates item labels from one list per item. */
export function itemLabels(lists: readonly Iterable<number>[], numLabels: number): ItemLabels {
  const indptr = new Uint32Array(lists.length + 1);
  const labels: number[] = [];
  lists.forEach((list, i) => {
    labels.push(...list);
    indptr[i + 1] = labels.length;
  });
  return { numItems: lists.length, numLabels, indptr, labels: Uint32Array.from(labels) };
}
