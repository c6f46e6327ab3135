// What the validation part says of a training that has ended: it was cut short, or what it learned is worse than something simpler.
//
// Sentences for the summary. Thresholds are wide enough that a training which is as good as done is left alone.

import type { FeatureRows } from "../../dataset/rows.js";
import type { Metrics, VectorsAdd } from "../../embedding/manifest.js";
import { addsNothing, vectorsAddText } from "../../evaluation/vectors-add.js";
import type { RankingExamples } from "../../sampling/ranking-events.js";

/** Share by which the last tenth of a training must have made a loss better, or a metric, which wavers more. */
const LEAST_GAIN = { lower: 0.005, higher: 0.02 };
/** Share by which something simpler must be better. */
const LEAST_LOSS = 0.002;
/** Share by which a table may predict worse than the draws that it stands for. */
const MOST_TABLE_LOSS = 0.05;

/** Share by which the last epoch must have lowered the training loss: with a decaying rate it always falls a little. */
const LEAST_FALL = 0.01;

/** How a training went, epoch by epoch or tree by tree. */
export interface Course {
  /** what the validation part was evaluated by, in each epoch that looked */
  values: readonly number[];
  better: "lower" | "higher";
  /** training losses by epoch, if they tell how far it is without a validation split: of trainings that hardly overfit */
  losses?: readonly number[];
  /** for messages: the loss, or the metric's name */
  name: string;
  /** epochs done; all that were allowed, when the training was not stopped early */
  done: number;
  most: number;
  /** the flag that allows more of them: --epochs */
  flag: string;
  /** the best epoch */
  best: number;
}

/** The training stopped at its last epoch while it was still getting better. */
export function unfinishedWarnings(course: Course): string[] {
  const { values, better, name, done, most, flag, best, losses = [] } = course;
  if (values.length === 0) return fallingWarnings(losses, course);
  if (done < most || best < done || values.length < 2) return [];
  const sign = better === "lower" ? 1 : -1;
  const ago = Math.max(1, Math.floor(values.length / 10));
  const [before, last] = [values.at(-1 - ago)!, values.at(-1)!];
  const gain = (sign * (before - last)) / Math.abs(before);
  // with early stopping off the last need not be the best
  if (!(gain >= LEAST_GAIN[better]) || values.some((value) => sign * value < sign * last)) return [];
  const what = better === "lower" ? "falling" : "rising";
  return [
    `the validation ${name} was still ${what} (${before.toPrecision(4)} to ${last.toPrecision(4)}) when ` +
      `training ended after ${flag} ${most}: try ${flag} ${2 * most}`,
  ];
}

/** Nothing is held out, and the last epoch lowered the training loss. */
function fallingWarnings(losses: readonly number[], { done, most, flag }: Course): string[] {
  const [before, last] = [losses.at(-2), losses.at(-1)];
  if (done < most || before === undefined || !((before - last!) / Math.abs(before) >= LEAST_FALL)) return [];
  return [
    `the training loss was still falling (${before.toPrecision(4)} to ${last!.toPrecision(4)}) when training ended after ` +
      `${flag} ${most}: try ${flag} ${2 * most}, or --valid 0.1 to see whether held-out events gain from it`,
  ];
}

/** Predictions that are worse than the constant that suits the validation part best. @param advice what to change @param patience of early stopping */
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

/** Vectors that add nothing to what needs none. @param advice what to try */
export function vectorWarnings(vectorsAdd: VectorsAdd | undefined, advice: string): string[] {
  if (!vectorsAdd || !addsNothing(vectorsAdd)) return [];
  const isWorse = vectorsAdd.high < 0;
  return [
    `nothing shows that the vectors mean anything${isWorse ? ": the model is worse with them" : ""}. On the ` +
      `validation split, they add ${vectorsAddText(vectorsAdd)}. ${advice}`,
  ];
}

/** What is said of the table of a chain whose log holds nothing out. */
export const UNJUDGED_TABLE =
  "the exported table predicts worse than the posterior draws used by evaluate and predict, but without " +
  "held-out rows the difference is unknown: --valid 0.1 reports both and rescales the table's scores";

/** A chain's table that predicts worse than the draws. @param metrics of all parts; validation comes before test */
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

/** The standard deviation of labels. */
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

/** Splits of events that ranking metrics could not be computed on, which would otherwise be missing from the summary. */
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
