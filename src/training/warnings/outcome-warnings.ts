// Warnings about a finished training, based on the validation split: it ended too early, or its model is worse than a
// simpler model.
//
// The thresholds are such that trainings which have nearly converged get no warning.

import type { FeatureRows } from "../../dataset/rows.js";
import type { Metrics, VectorsAdd } from "../../table/manifest.js";
import { addsNothing, vectorsAddText } from "../../metrics/vectors-add.js";
import type { RankingExamples } from "../../dataset/sampling/ranking-events.js";

/** Minimum relative improvement in the last tenth of the epochs of an unfinished training; metrics fluctuate more. */
const LEAST_GAIN = { lower: 0.005, higher: 0.02 };
/** Minimum relative difference for which a simpler model counts as better. */
const LEAST_LOSS = 0.002;
/** Maximum relative loss of a table compared with the posterior draws that it summarizes. */
const MOST_TABLE_LOSS = 0.05;

/** The same for the training loss in the last epoch: with a decaying learning rate, it always decreases a little. */
const LEAST_FALL = 0.01;

export interface Course {
  /** values of the stopping metric in the epochs that validated */
  values: readonly number[];
  better: "lower" | "higher";
  /** training losses by epoch, if it hardly overfits: without validation, they show whether it has converged */
  losses?: readonly number[];
  /** name of the metric in messages: `loss`, or its title */
  name: string;
  /** number of completed epochs, which equals `most` if the training did not stop early */
  done: number;
  most: number;
  flag: string;
  best: number;
}

/** Warns if the loss was still improving in the last allowed epoch. */
export function unfinishedWarnings(course: Course): string[] {
  const { values, better, name, done, most, flag, best, losses = [] } = course;
  if (values.length === 0) return fallingWarnings(losses, course);
  if (done < most || best < done || values.length < 2) return [];
  const sign = better === "lower" ? 1 : -1;
  const ago = Math.max(1, Math.floor(values.length / 10));
  const [before, last] = [values.at(-1 - ago)!, values.at(-1)!];
  const gain = (sign * (before - last)) / Math.abs(before);
  // without early stopping, the last epoch is not necessarily the best one
  if (!(gain >= LEAST_GAIN[better]) || values.some((value) => sign * value < sign * last)) return [];
  const what = better === "lower" ? "falling" : "rising";
  return [
    `the validation ${name} was still ${what} (${before.toPrecision(4)} to ${last.toPrecision(4)}) when ` +
      `training ended after ${flag} ${most}: try ${flag} ${2 * most}`,
  ];
}

function fallingWarnings(losses: readonly number[], { done, most, flag }: Course): string[] {
  const [before, last] = [losses.at(-2), losses.at(-1)];
  if (done < most || before === undefined || !((before - last!) / Math.abs(before) >= LEAST_FALL)) return [];
  return [
    `the training loss was still falling (${before.toPrecision(4)} to ${last!.toPrecision(4)}) when training ended after ` +
      `${flag} ${most}: try ${flag} ${2 * most}, or --valid 0.1 to see whether held-out events gain from it`,
  ];
}

/** Warns if predictions are worse than the best constant on the validation split. @param patience of early stopping */
export function constantWarnings(
  { normalizedEntropy, logLoss, rmse }: Metrics,
  { labels, weights }: Pick<FeatureRows, "labels" | "weights">,
  advice: string,
  patience: number,
): string[] {
  const keep = patience === 0 ? "Omit --patience 0, which keeps the last epoch instead of the best. " : "";
  const sentence = (name: string, own: number, constant: number) =>
    own > (1 + LEAST_LOSS) * constant
      ? [
          `the model is worse than predicting the mean label on the validation split: ${name} ` +
            `${own.toPrecision(4)}, mean label ${constant.toPrecision(4)}. ${keep}${advice}`,
        ]
      : [];
  if (normalizedEntropy !== undefined) return sentence("log loss", logLoss!, logLoss! / normalizedEntropy);
  return rmse === undefined ? [] : sentence("RMSE", rmse, deviationOf(labels, weights));
}

/** The beginning of the warning about vectors that add nothing. */
export const NOTHING_SHOWS = "nothing shows that the vectors mean anything";

/** Warns if it is not certain that the model is better than a control without vectors. */
export function vectorWarnings(vectorsAdd: VectorsAdd | undefined, advice: string): string[] {
  if (!vectorsAdd || !addsNothing(vectorsAdd)) return [];
  const { value, low, high, count, units } = vectorsAdd;
  // the width of the interval falls with the square root of the number of rows or users
  const needed = count * ((high - low) / 2 / value) ** 2;
  const isFew = value > 0 && needed <= 100 * count;
  const more = isFew
    ? `About ${Number(needed.toPrecision(2)).toLocaleString("en")} ${units} would show such a gain: use more of the log or a larger --valid. `
    : "";
  return [
    `${NOTHING_SHOWS}${high < 0 ? ": the model is worse with them" : ""}. On the validation split, they add ` +
      `${vectorsAddText(vectorsAdd)}. ${more}${advice}`,
  ];
}

/** Warning about the table of an MCMC chain, if there are no held-out rows to evaluate it. */
export const UNJUDGED_TABLE =
  "the exported table predicts worse than the posterior draws used by evaluate and predict, but without " +
  "held-out rows the difference is unknown: --valid 0.1 reports both and rescales the table's scores";

/** Warns if the table of an MCMC chain predicts worse than its draws. @param metrics metrics of all splits */
export function tableWarnings(metrics: Record<string, Metrics>, isModerated: boolean): string[] {
  for (const part of ["valid", "test"]) {
    const [draws, table] = [metrics[part], metrics[`${part}ByTable`]];
    if (!draws || !table) continue;
    const [name, own, alone] = lossesOf(draws, table);
    if (!(alone > (1 + MOST_TABLE_LOSS) * own)) continue;
    const advice = isModerated
      ? "a smaller --dim reduces the difference; --method adagrad trains a table without draws"
      : "--valid 0.1 rescales the table's scores";
    return [
      `the exported table predicts worse than the posterior draws used by evaluate and predict: ${part} ` +
        `${name} ${alone.toPrecision(4)} against ${own.toPrecision(4)}; ${advice}`,
    ];
  }
  return [];
}

function lossesOf(one: Metrics, other: Metrics): [string, number, number] {
  const key = one["logLoss"] === undefined ? "rmse" : "logLoss";
  return [key === "rmse" ? "RMSE" : "log loss", one[key] ?? NaN, other[key] ?? NaN];
}

function deviationOf(labels: ArrayLike<number>, weights: ArrayLike<number> | undefined): number {
  let [total, sum, squares] = [0, 0, 0];
  for (let r = 0; r < labels.length; r++) {
    const weight = weights ? weights[r]! : 1;
    total += weight;
    sum += weight * labels[r]!;
    squares += weight * labels[r]! ** 2;
  }
  return Math.sqrt(Math.max(0, squares / total - (sum / total) ** 2));
}

/** Warns about splits without ranking metrics, which would otherwise be missing from the summary unexplained. */
export function unrankedWarnings(
  { valid, test }: Pick<RankingExamples, "valid" | "test">,
  metrics: Record<string, Metrics>,
): string[] {
  return Object.entries({ valid, test }).flatMap(([part, queries]) => {
    if (!queries || Object.keys(metrics[part] ?? {}).length > 0) return [];
    const why =
      queries.context.numRows === 0
        ? "none of its users has training events"
        : "all of its events repeat an item that their user has in training";
    return [`no ranking metrics on the ${part === "valid" ? "validation" : "test"} split: ${why}`];
  });
}
