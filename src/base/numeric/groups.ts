// Counting sort of numbers by group.

/**
 * Numbers 0 .. n - 1 by group: those of group g are order[starts[g]] .. order[starts[g + 1] - 1], in ascending order.
 */
export interface SortedGroups {
  /** u32[number of groups + 1] */
  starts: Uint32Array;
  /** u32: all numbers that have a group */
  order: Uint32Array;
}

/**
 * Sorts the numbers 0 .. length - 1 by group.
 * @param groupOf returns the group of a number; a number whose group is not in 0 .. count - 1 is left out
 */
export function byGroup(groupOf: (n: number) => number, length: number, count: number): SortedGroups {
  const starts = groupStarts(groupOf, length, count);
  return { starts, order: orderByGroup(groupOf, length, starts) };
}

/** Returns the `starts` of byGroup. */
export function groupStarts(groupOf: (n: number) => number, length: number, count: number): Uint32Array {
  const starts = new Uint32Array(count + 1);
  for (let n = 0; n < length; n++) {
    const group = groupOf(n);
    if (group >= 0 && group < count) starts[group + 1]!++;
  }
  for (let group = 0; group < count; group++) starts[group + 1]! += starts[group]!;
  return starts;
}

/** Returns the `order` of byGroup. @param starts may be those of some of the groups */
export function orderByGroup(
  groupOf: (n: number) => number,
  length: number,
  starts: Uint32Array,
): Uint32Array {
  const count = starts.length - 1;
  const order = new Uint32Array(starts[count]! - starts[0]!);
  const next = starts.map((start) => start - starts[0]!);
  for (let n = 0; n < length; n++) {
    const group = groupOf(n);
    if (group >= 0 && group < count) order[next[group]!++] = n;
  }
  return order;
}
