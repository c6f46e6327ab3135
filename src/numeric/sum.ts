// Sums in order, so that they are the same wherever they are computed.

/** The sum, in order. */
export function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

/** What rows count together: each 1, or its weight. */
export function weightOf({
  numRows,
  weights,
}: {
  numRows: number;
  weights?: Float32Array | undefined;
}): number {
  return weights ? sumOf(weights) : numRows;
}
