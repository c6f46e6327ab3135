// Metrics of the items in lists, regardless of whether users choose them: coverage, popularity and inequality.
//
//   e_i   number of users whose K best items contain item i, in ascending order; n items
//
//   itemCoverage@K   items with e_i > 0 / n
//   popularity@K     sum e_i (training events of i) / sum e_i
//   gini@K           sum (2 i - n - 1) e_i / (n sum e_i), i = 1 .. n:
//                    0 if all items occur equally often, close to 1 if few items occur
//
// Source: Herlocker et al. 2004 (doi:10.1145/963770.963772) for coverage; Gini 1912 in the form of Sen 1973.

import { NO_ITEM } from "../kernels/top-items/binding.js";

/**
 * Returns the metrics of the K best items of lists, at each K.
 *
 * @param ranked u32[numQueries * top]
 * @param counts u32[numItems]: training events of each item
 * @returns no metrics if the lists contain no item
 */
export function exposureMetrics(
  ranked: Uint32Array,
  top: number,
  ks: readonly number[],
  counts: Uint32Array,
): Record<string, number> {
  const metrics: Record<string, number> = {};
  for (const k of ks) {
    const shown = new Float64Array(counts.length);
    let [total, popularity] = [0, 0];
    for (let at = 0; at < ranked.length; at++) {
      const item = ranked[at]!;
      if (at % top >= k || item === NO_ITEM) continue;
      shown[item]!++;
      total++;
      popularity += counts[item]!;
    }
    if (total === 0) continue;
    const n = shown.length;
    metrics[`itemCoverageAt${k}`] = shown.filter((times) => times > 0).length / n;
    metrics[`popularityAt${k}`] = popularity / total;
    shown.sort();
    metrics[`giniAt${k}`] = shown.reduce((sum, times, i) => sum + (2 * i + 1 - n) * times, 0) / (n * total);
  }
  return metrics;
}
