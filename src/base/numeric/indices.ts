// Functions on arrays of row numbers, codes and values. They are loops, because `from` and `filter` of typed arrays use
// iterators and lists in V8, which is 20 to 40 times slower.

/** Writes 0, 1, ..., n - 1 to the start of an array, by default a new u32[n], and returns the array. */
export function ascending(n: number, all: Uint32Array = new Uint32Array(n)): Uint32Array {
  for (let i = 0; i < n; i++) all[i] = i;
  return all;
}

/** Returns u32[n] of zeros in memory that threads can share. */
export function sharedU32(n: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(4 * n));
}

/** Returns f64[n] of zeros in memory that threads can share. */
export function sharedF64(n: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(8 * n));
}

/** Copies an array to memory that threads can share. */
export function sharedCopy(indices: Uint32Array): Uint32Array {
  const copy = sharedU32(indices.length);
  copy.set(indices);
  return copy;
}

/** Returns the indices that pass a test, in their order, as a new array. */
export function thoseOf(indices: Uint32Array, passes: (index: number) => boolean): Uint32Array {
  const kept = new Uint32Array(indices.length);
  let n = 0;
  for (let i = 0; i < indices.length; i++) if (passes(indices[i]!)) kept[n++] = indices[i]!;
  return kept.slice(0, n);
}

/**
 * Returns the first n numbers: a view of the array unless it would keep more than an eighth too much memory alive, so
 * that a large array is not copied.
 */
export function firstOf(numbers: Uint32Array, n: number): Uint32Array {
  return 8 * n >= 7 * numbers.length ? numbers.subarray(0, n) : numbers.slice(0, n);
}

/** Returns the array of the results of a function of each value and its index, like `from` of typed arrays. */
export function mapTo<T extends Float64Array | Float32Array | Uint32Array | Int32Array | Uint8Array, V>(
  type: new (length: number) => T,
  values: ArrayLike<V>,
  f: (value: V, index: number) => number,
): T {
  const out = new type(values.length);
  for (let i = 0; i < values.length; i++) out[i] = f(values[i]!, i);
  return out;
}

/** Returns f32[indices.length]: the values at the given indices. */
export function valuesAt(
  values: Float32Array | Float64Array | Uint8Array,
  indices: ArrayLike<number>,
): Float32Array {
  const out = new Float32Array(indices.length);
  for (let i = 0; i < indices.length; i++) out[i] = values[indices[i]!]!;
  return out;
}

/** Returns u32[indices.length]: the values at the given indices. */
export function codesAt(values: Uint32Array, indices: ArrayLike<number>): Uint32Array {
  const out = new Uint32Array(indices.length);
  for (let i = 0; i < indices.length; i++) out[i] = values[indices[i]!]!;
  return out;
}

/** Returns f64[indices.length]: the values at the given indices. */
export function doublesAt(values: Float32Array | Float64Array, indices: ArrayLike<number>): Float64Array {
  return mapTo(Float64Array, indices, (index) => values[index]!);
}

export function areFinite(numbers: Float32Array): boolean {
  // x - x is 0 for a finite x and NaN otherwise
  let check = 0;
  for (let i = 0; i < numbers.length; i++) check += numbers[i]! - numbers[i]!;
  return check === 0;
}

/** Returns the sum of the numbers, added in order, so that rounding is the same for every caller. */
export function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

/** Returns the total weight of the given rows, or their number if there are no weights. */
export function weightOf({
  numRows,
  weights,
}: {
  numRows: number;
  weights?: Float32Array | undefined;
}): number {
  return weights ? sumOf(weights) : numRows;
}

/** Returns the number of entries of the longest row. @param indptr u32[numRows + 1], or more */
export function longestRow(indptr: Uint32Array, numRows = indptr.length - 1): number {
  let most = 0;
  for (let r = 0; r < numRows; r++) most = Math.max(most, indptr[r + 1]! - indptr[r]!);
  return most;
}

/**
 * Returns the position of the first number that is at least x, or the length if there is none.
 *
 * @param sorted numbers in ascending order
 */
export function lowerBound(sorted: Float64Array | Uint32Array, x: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
