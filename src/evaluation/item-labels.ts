// What the items of a table are called: none, one or several labels each.

/** Items with at least one label each, as a sparse matrix of items x labels. */
export interface ItemLabels {
  numItems: number;
  numLabels: number;
  /** u32[numItems + 1] */
  indptr: Uint32Array;
  /** u32: the distinct labels of item i are labels[indptr[i] .. indptr[i + 1]) */
  labels: Uint32Array;
}

/** The labels of one item; a view. */
export function labelsOfItem({ indptr, labels }: ItemLabels, item: number): Uint32Array {
  return labels.subarray(indptr[item], indptr[item + 1]);
}

/** From a list an item. */
export function itemLabels(lists: readonly Iterable<number>[], numLabels: number): ItemLabels {
  const indptr = new Uint32Array(lists.length + 1);
  const labels: number[] = [];
  lists.forEach((list, i) => {
    labels.push(...list);
    indptr[i + 1] = labels.length;
  });
  return { numItems: lists.length, numLabels, indptr, labels: Uint32Array.from(labels) };
}
