// --head lr: which rows the head is fitted on, and what trees, logistic regression and both are worth beside one another.

import { columnNamed } from "../../../dataset/dataset.js";
import type { Metrics } from "../../../embedding/manifest.js";
import { UsageError } from "../../../errors.js";
import { normalizedEntropy } from "../../../evaluation/metrics.js";
import { draw } from "../../../numeric/random.js";
import { fitLogistic, scoresOfRows, type OneHotRows } from "../../../solvers/logistic.js";
import { binOf, binnedColumn, cellsOf, type Feature } from "../features.js";
import type { Part } from "../../../training/examples/examples.js";
import type { LabelledPart } from "../target.js";

/** The share of the rows that the head is fitted on: the latest ones by time, by a hash of seed and row without a time. */
export function splitHead({ dataset, rows }: Part, share: number, seed: number): { trees: Part; head: Part } {
  if (!(share > 0 && share < 1))
    throw new UsageError(`--head-split must be between 0 and 1 (exclusive), got ${share}`);
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  const key = draw(seed, 0x4ead);
  let isHead = (row: number) => draw(key, row) < share * 2 ** 32;
  if (column?.kind === "number") {
    // by time, then row
    const order = rows.slice().sort((a, b) => column.values[a]! - column.values[b]! || a - b);
    const latest = new Set(order.subarray(rows.length - Math.round(share * rows.length)));
    isHead = (row) => latest.has(row);
  }
  const [trees, head] = [rows.filter((row) => !isHead(row)), rows.filter(isHead)];
  if (trees.length === 0 || head.length === 0)
    throw new UsageError(
      `--head-split ${share} of ${rows.length} rows leaves no rows for the trees or for the head`,
    );
  return { trees: { dataset, rows: trees }, head: { dataset, rows: head } };
}

/** For each of so many folds, drawn by a hash of seed and row, the rows without it and its own. */
export function foldsOf({ dataset, rows }: Part, count: number, seed: number): { trees: Part; head: Part }[] {
  const key = draw(seed, 0xf01d);
  const foldOf = (row: number) => Math.floor((draw(key, row) / 2 ** 32) * count);
  return Array.from({ length: count }, (_, fold) => {
    const [trees, head] = [
      rows.filter((row) => foldOf(row) !== fold),
      rows.filter((row) => foldOf(row) === fold),
    ];
    if (trees.length === 0 || head.length === 0)
      throw new UsageError(`--cross-fit ${count} of ${rows.length} rows leaves a fold without rows`);
    return { trees: { dataset, rows: trees }, head: { dataset, rows: head } };
  });
}

/** Penalty of the logistic regression that is compared with. */
const L2_ALONE = 10;

/** Bins of all columns, one-hot: what a logistic regression without trees reads. */
function oneHotBins(features: readonly Feature[], { dataset, rows }: Part): OneHotRows {
  const width = features.length;
  const ids = new Uint32Array(rows.length * width);
  let first = 0;
  features.forEach((feature, f) => {
    const bin = binOf(binnedColumn(dataset, feature), feature);
    for (let i = 0; i < rows.length; i++) ids[i * width + f] = first + bin(rows[i]!);
    first += cellsOf(feature);
  });
  return { numRows: rows.length, width, numFeatures: first, ids };
}

/** Log-odds of a part by a logistic regression on the bins of the columns, fitted on the head's rows. */
export function scoresWithoutTrees(
  features: readonly Feature[],
  { labels, weights, ...part }: LabelledPart,
  evaluated: Part,
  iterations: number,
): Float64Array {
  const model = fitLogistic(oneHotBins(features, part), labels, weights, { l2: L2_ALONE, iterations });
  return scoresOfRows(oneHotBins(features, evaluated), model);
}

/**
 * Log losses over the entropy of the training rate, and relative to the trees alone, as table 1 of He et al. 2014 has them.
 *
 * @param metrics by part: of both, of the trees alone and of the logistic regression alone
 * @param training labels of the training part
 */
export function comparisons(
  metrics: Record<string, Metrics>,
  training: Float32Array,
): Record<string, Record<string, { normalizedEntropy: number; relativeToTrees: number }>> {
  const parts = ["valid", "test"].filter((part) => metrics[`${part}Trees`]);
  return Object.fromEntries(
    parts.map((part) => {
      const lossOf = (suffix: string) => metrics[`${part}${suffix}`]!["logLoss"]!;
      const of = (suffix: string) => ({
        normalizedEntropy: normalizedEntropy(lossOf(suffix), training),
        relativeToTrees: lossOf(suffix) / lossOf("Trees"),
      });
      return [part, { treesAndLr: of(""), lr: of("Lr"), trees: of("Trees") }];
    }),
  );
}
