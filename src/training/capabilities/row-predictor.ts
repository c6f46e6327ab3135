// Predicts rows of a log one by one with any model: rows of a dataset ──► scores ──► probabilities, numbers or scores.

import type { Dataset } from "../../dataset/dataset.js";
import { bindEncoder, type UnseenCounts } from "../../dataset/rows.js";
import { ranksItems } from "../../dataset/labels.js";
import { DivergedError } from "../../base/errors.js";
import { exp, logistic } from "../../base/numeric/exp.js";
import { openAsTrained, type FurtherLog, type TrainedAs } from "../reading/open-as-trained.js";
import { featureChunks } from "./encoded-chunks.js";
import type { ScoringModel } from "./run-space.js";
import type { Watch } from "../session/watch.js";

type Predicted =
  /** the score is the log-odds of label 1 */
  | { kind: "probability" }
  /** the score predicts a number, which metrics clip to the range of the training labels */
  | { kind: "number"; range: readonly [low: number, high: number] }
  /** one score per class, before the softmax */
  | { kind: "classes"; names: readonly string[] }
  /** scores of a ranking model, or sums of trees whose link function is unknown */
  | { kind: "score"; numScores: number };

/** A model that predicts rows. The caller must call `end` when it is no longer needed. */
export interface RowPredictor {
  predicted: Predicted;
  /** how the run's log was read, so that other logs are read in the same way; absent for a model of another program */
  as?: TrainedAs;
  /** sentences that warn about predictions which a user may misunderstand */
  notes: readonly string[];
  /** Reads a log, which needs no columns for labels, weights or events. */
  read(log: FurtherLog, watch: Watch): Promise<Dataset>;
  /**
   * Scores rows of a dataset that `read` returned, without a link function. The bytes depend neither on the thread
   * count nor on how rows are divided into calls.
   *
   * @param rows u32
   * @returns f64[rows.length][scores per row]
   */
  score(dataset: Dataset, rows: Uint32Array): Promise<Float64Array>;
  /** Returns, by column, the number of the rows' cells whose key does not occur in training. */
  countUnseen(dataset: Dataset, rows: Uint32Array): Record<string, UnseenCounts>;
  end(): Promise<void>;
}

/** Opens a model file of another program. @throws {UsageError} its format is unknown */
export type PredictForeign = (file: string, how: { threads: number }) => Promise<RowPredictor>;

export async function predictorOf(
  model: ScoringModel,
  { threads }: { threads: number },
): Promise<RowPredictor> {
  const { space, preprocess } = model;
  const { task, labelRange, negatives } = preprocess;
  // drops the roles that select, weight or label rows, because every row of the log is scored
  const { positives: _, label: __, weight: ___, event: ____, ...roles } = preprocess.roles;
  const as = { ...preprocess, roles };
  const running = await model.start?.({ threads });
  const predicted: Predicted = ranksItems(task)
    ? { kind: "score", numScores: 1 }
    : task === "binary"
      ? { kind: "probability" }
      : { kind: "number", range: labelRange };
  return {
    predicted,
    as,
    notes:
      negatives && predicted.kind === "probability"
        ? [
            `the run was trained with ${negatives.perEvent} sampled negatives per event: its probabilities ` +
              "rank rows but are not calibrated to real impressions",
          ]
        : [],
    read: async (log, watch) => (await openAsTrained(as, log, watch, { roles: "features" })).dataset,
    async score(dataset, rows) {
      const scores = new Float64Array(rows.length);
      for (const { first, rows: encoded } of featureChunks(space, dataset, rows))
        scores.set(running ? await running.score(encoded) : await model.score(encoded, { threads }), first);
      return scores;
    },
    countUnseen: (dataset, rows) => bindEncoder(space, dataset).countUnseen(rows),
    end: async () => await running?.end(),
  };
}

/** Returns the column names of a row's predictions. @param raw true if scores are written without a link function */
export function predictionNames(predicted: Predicted, raw: boolean): string[] {
  const { kind } = predicted;
  const name = raw
    ? "score"
    : { probability: "probability", number: "prediction", classes: "probability", score: "score" }[kind];
  if (kind === "classes") return predicted.names.map((each) => `${name}:${each}`);
  if (kind === "score" && predicted.numScores > 1)
    return Array.from({ length: predicted.numScores }, (_, k) => `${name}:${k}`);
  return [name];
}

/**
 * Applies the link function to scores, as metrics do.
 *
 * @param scores f64[numRows][n]; may be overwritten
 * @param raw true to return the scores unchanged
 * @throws {DivergedError} a score is NaN or infinite
 */
export function linked(predicted: Predicted, scores: Float64Array, raw: boolean): Float64Array {
  const broken = scores.find((score) => !Number.isFinite(score));
  if (broken !== undefined)
    throw new DivergedError(
      `a score is ${broken}: the run holds parameters that are not finite; train again`,
    );
  if (raw) return scores;
  switch (predicted.kind) {
    case "probability":
      return scores.map(logistic);
    case "number": {
      const [low, high] = predicted.range;
      return scores.map((score) => Math.min(Math.max(score, low), high));
    }
    case "classes":
      return softmax(scores, predicted.names.length);
    default:
      return scores;
  }
}

function softmax(scores: Float64Array, numClasses: number): Float64Array {
  for (let at = 0; at < scores.length; at += numClasses) {
    const own = scores.subarray(at, at + numClasses);
    const most = own.reduce((a, b) => Math.max(a, b));
    let total = 0;
    for (let k = 0; k < numClasses; k++) total += own[k] = exp(own[k]! - most);
    for (let k = 0; k < numClasses; k++) own[k]! /= total;
  }
  return scores;
}
