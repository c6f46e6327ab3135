// What predicts rows of a log one by one, whatever the model: rows of a dataset ──► scores ──► probabilities, numbers or scores.

import type { Dataset } from "../../dataset/dataset.js";
import { bindEncoder, type UnseenCounts } from "../../dataset/rows.js";
import { ranksItems } from "../../dataset/labels.js";
import { DivergedError } from "../../errors.js";
import { exp, logistic } from "../../numeric/exp.js";
import { openAsTrained, type FurtherLog, type TrainedAs } from "../reading/open-as-trained.js";
import type { ScoringModel } from "./run-space.js";
import type { Watch } from "../session/watch.js";

/** Rows that are scored at a time. */
const CHUNK_ROWS = 16_384;

/** What the scores of a row say. */
export type Predicted =
  /** log-odds of label 1 */
  | { kind: "probability" }
  /** the label itself, clipped to those of training as metrics clip it */
  | { kind: "number"; range: readonly [low: number, high: number] }
  /** of each class, before the softmax */
  | { kind: "classes"; names: readonly string[] }
  /** what a model ranks by, or sums of trees whose link is not known */
  | { kind: "score"; numScores: number };

/** A model that predicts rows; `end` must be called. */
export interface RowPredictor {
  predicted: Predicted;
  /** how a log is read as the run's; absent for a model of another program */
  as?: TrainedAs;
  /** sentences on what its predictions are, where a user may take them for something else */
  notes: readonly string[];
  /** Reads a log: labels, weights and events need not be there. */
  read(log: FurtherLog, watch: Watch): Promise<Dataset>;
  /**
   * Scores of rows of a dataset that `read` made, before any link; the same bytes at any number of threads, however rows are parted.
   *
   * @param rows u32
   * @returns f64[rows.length][scores of a row]
   */
  score(dataset: Dataset, rows: Uint32Array): Promise<Float64Array>;
  /** By column: how many of the rows' cells hold a key that training has not seen. */
  countUnseen(dataset: Dataset, rows: Uint32Array): Record<string, UnseenCounts>;
  end(): Promise<void>;
}

/** Opens a model file of other programs. @throws {UsageError} the file holds none that is known */
export type PredictForeign = (file: string, how: { threads: number }) => Promise<RowPredictor>;

/** Of a model over features. */
export async function predictorOf(
  model: ScoringModel,
  { threads }: { threads: number },
): Promise<RowPredictor> {
  const { space, preprocess } = model;
  const { task, labelRange, negatives } = preprocess;
  // all rows are scored, whichever were events of the training
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
      const encoder = bindEncoder(space, dataset);
      const scores = new Float64Array(rows.length);
      for (let first = 0; first < rows.length; first += CHUNK_ROWS) {
        const part = rows.subarray(first, first + CHUNK_ROWS);
        const encoded = encoder.encode(part, new Float32Array(part.length));
        scores.set(running ? await running.score(encoded) : await model.score(encoded, { threads }), first);
      }
      return scores;
    },
    countUnseen: (dataset, rows) => bindEncoder(space, dataset).countUnseen(rows),
    end: async () => await running?.end(),
  };
}

/** What a row's predictions are called. @param raw scores as they are, without the link */
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
 * What scores predict, by the link that metrics are taken with.
 *
 * @param scores f64[numRows][n], which may be written over
 * @param raw scores as they are
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
