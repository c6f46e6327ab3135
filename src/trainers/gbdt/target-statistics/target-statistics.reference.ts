// Ordered target statistics as a plain reference implementation of target-statistics.ts.
//
//   value_i = (sum of w_j y_j + a p) / (sum of w_j + a)     over the rows j of i's key that come before i
//
// Rows with equal times see neither themselves nor one another; a row without a time sees none and is seen by none.
// Source: Prokhorenkova et al. 2018 (arXiv:1706.09516), section 3.2, eq. 5.

/**
 * Computes the ordered target statistic of each row.
 *
 * @param keys     key of each row
 * @param order    time or rank of each row; NaN if unknown
 * @param targets values to average; w are the rows' weights
 * @param prior    p and its weight a
 */
export function orderedStatistics(
  keys: readonly string[],
  order: readonly number[],
  targets: readonly number[],
  w: readonly number[],
  [p, a]: readonly [p: number, a: number],
): number[] {
  return keys.map((key, i) => {
    let [sum, weight] = [a * p, a];
    keys.forEach((other, j) => {
      if (other !== key || !(order[j]! < order[i]!)) return;
      sum += w[j]! * targets[j]!;
      weight += w[j]!;
    });
    return sum / weight;
  });
}
