// Measures the gain of a training's vectors on the validation split: its metric by row or user, compared with a control
// without vectors.

import { mapTo } from "../../base/numeric/indices.js";
import { concatRows, type FeatureRows, type StoredRows, type TrainingRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { VectorsAdd } from "../../table/manifest.js";
import type { UserMetric } from "../../metrics/user-metric.js";
import { vectorsAddOf } from "../../metrics/vectors-add.js";
import { log } from "../../base/numeric/exp.js";
import { rowLoss } from "../../base/numeric/losses.js";
import type { Examples } from "../examples/examples.js";
import { type MeasuredParts, rankingByPopularity } from "../split-metrics/split-metrics.js";
import { listMetric } from "../shared-options/passes.js";
import type { RankingJob } from "../session/feature-training.js";
import { fitWeights, weightScores } from "./weights-alone.js";

/** Maximum number of rows on which the control is fitted, if rows are sampled or read from disk. */
const MOST_ROWS = 1 << 22;
const ROWS_OF_BLOCK = 1 << 16;

/** Compares with weights alone or, if items are ranked, with popularity; undefined without a validation split. */
export function addedByVectors(
  { validScores, validByUser }: Pick<MeasuredParts, "validScores" | "validByUser">,
  examples: Examples,
  space: FeatureSpace,
): VectorsAdd | undefined {
  if (examples.ranking) return addedToPopularity(validByUser, examples.ranking);
  return validScores && addedToWeights(validScores, examples, space);
}

/** Returns advice for vectors that give no gain. */
export function vectorAdvice({ ranking, negatives, task }: Examples): string {
  if (ranking)
    return "Try more events of each user, a smaller --dim, or --where to leave out events that no user chose";
  if (negatives)
    return "Try the trainers that rank items (embed compare LOG --goal lists -o lists.html), or a smaller --dim";
  const from = task === "binary" ? 1 : "N";
  return (
    "For vectors of items whose neighbors are alike, train on the positive events: embed compare LOG --goal lists " +
    `--positive-from ${from} -o lists.html tries the trainers for them. For predictions, try a larger --l2-vector, a ` +
    "smaller --dim or more rows; a linear model predicts by weights alone"
  );
}

/** Compares the model with a popularity ranking, by user. @param byUser the model's metrics */
export function addedToPopularity(
  byUser: readonly UserMetric[] | undefined,
  { examples, options }: RankingJob,
): VectorsAdd | undefined {
  const name = listMetric(options);
  const model = byUser?.find((metric) => metric.name === name);
  if (!model || !examples.valid) return undefined;
  const alone = rankingByPopularity(examples.source, examples.valid, options.k).find(
    (metric) => metric.name === name,
  );
  return alone && vectorsAddOf({ control: "popularity", units: "users", model, alone });
}

function addedToWeights(
  scores: Float32Array,
  { train, valid, task, labelRange, negativeShare = 1 }: Examples,
  space: FeatureSpace,
): VectorsAdd | undefined {
  if (!valid) return undefined;
  const loss = task === "regression" ? "squared" : "logistic";
  const fitted = fitWeights(rowsToFit(train), space, loss);
  // fitting the control on a share of the negatives raises all of its scores by the same amount, which is corrected
  // here
  if (loss === "logistic") fitted.bias += log(negativeShare);
  const model = lossByRow(scores, valid, loss, labelRange);
  const alone = lossByRow(weightScores(valid, fitted), valid, loss, labelRange);
  return vectorsAddOf({ control: "weights alone", units: "rows", model, alone });
}

/** Returns the loss of each row: log loss, or squared error of scores that are clipped to the range of labels. */
export function lossByRow(
  scores: ArrayLike<number>,
  { labels, weights }: Pick<FeatureRows, "labels" | "weights">,
  loss: "logistic" | "squared",
  clip: readonly [low: number, high: number],
): UserMetric {
  const sums = mapTo(Float64Array, labels, (label, r) => {
    const score = loss === "squared" ? Math.min(Math.max(scores[r]!, clip[0]), clip[1]) : scores[r]!;
    return (weights ? weights[r]! : 1) * rowLoss(loss, score, label);
  });
  return {
    name: loss === "squared" ? "rmse" : "logLoss",
    sums,
    ...(weights && { weights: Float64Array.from(weights) }),
    ...(loss === "squared" && { root: true }),
  };
}

/** Rows that are sampled or stored on disk are limited to blocks of about MOST_ROWS rows. */
function rowsToFit(train: TrainingRows): FeatureRows {
  if (train.kind === "resident") return train.rows;
  const blocks: FeatureRows[] = [];
  let numRows = 0;
  for (const block of train.kind === "drawn" ? train.draw(1) : storedBlocks(train.rows)) {
    blocks.push(block);
    if ((numRows += block.numRows) >= MOST_ROWS) break;
  }
  return concatRows(blocks);
}

/** Yields evenly spaced blocks of at most MOST_ROWS / 2 rows, because a copy of them is in memory at the same time. */
function* storedBlocks(rows: StoredRows): Iterable<FeatureRows> {
  const every = Math.max(1, Math.ceil(rows.numRows / (MOST_ROWS / 2)));
  for (let first = 0; first < rows.numRows; first += every * ROWS_OF_BLOCK)
    yield rows.rowsAt(first, Math.min(ROWS_OF_BLOCK, rows.numRows - first), 1);
}
