// Ordered target statistics, spelled out: the definition of correct for trainers/gbdt/target-statistics/target-statistics.ts.
//
//   value_i = (sum of w_j y_j + a p) / (sum of w_j + a)     over the rows j of i's key that come before i
//
// Rows of one time see neither themselves nor one another; a row without a time sees none and is seen by none.
// Source: Prokhorenkova et al. 2018 (arXiv:1706.09516), section 3.2, eq. 5.

/**
 * @param keys     of each row
 * @param order    when each row comes; NaN where that is unknown
 * @param targets  what is averaged, w the rows' weights
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
