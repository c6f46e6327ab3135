// Table of the metrics: title, direction and computation of each, by the name that scripts use (docs/cli.md). A new
// metric is an entry in it. Losses are in nats.
//
// A metric that is undefined for the input is omitted, never NaN: without rows there are no metrics, with only one
// class no auc and no normalizedEntropy, without positive labels no calibration.

import { isAtK } from "../table/manifest.js";
import { mapTo } from "../base/numeric/indices.js";
import { DivergedError } from "../base/errors.js";
import { auc, type Scores } from "./auc.js";
import { exp, log, logistic, softplus } from "../base/numeric/exp.js";

/** Summary of a user's list: its hits among the user's held-out items. */
export interface HitList {
  /** K, the requested length of the list, which is shorter if there are fewer items */
  k: number;
  /** number of distinct held-out items of the user */
  numHeldOut: number;
  hits: number;
  /** rank of the first hit, from 1; 0 if there is none */
  firstHit: number;
  /** DCG (sum of 1 / log2(r + 1) over the ranks r of hits) of the list, and DCG of the ideal list */
  dcg: number;
  idealDcg: number;
  /** sum of the precision at the rank of each hit */
  precisions: number;
}

/** Scored rows. Binary: scores are log-odds, labels 0 or 1. Regression: scores and labels have the same unit. */
export interface ScoredRows {
  scores: Scores;
  labels: Float32Array;
  /** f32[n]: weight of each row; 1 when absent */
  weights?: Float32Array | undefined;
}

export interface MetricKind {
  title: string;
  /** direction of better values; absent for a descriptive metric */
  better?: "high" | "low" | "near 1";
  /** set if the metric is measured at a K, which its name contains: `recallAt20` */
  atK?: true;
  /** number of decimal places in tables; 4 when absent */
  digits?: number;
  /** set if the metric is undefined for rows of a single label */
  needsTwoClasses?: true;
  /** set if the metric depends on the share of positive labels, which is artificial for sampled negatives */
  needsBaseRate?: true;
  ofList?: (list: HitList) => number;
  /** computes the metric; NaN if it is undefined. @param found values of earlier metrics in the table */
  ofRows?: {
    task: "binary" | "regression";
    value: (rows: ScoredRows, found: Readonly<Record<string, number>>) => number;
    /** terms of a ratio of two sums over rows (1 per row by default), or its root; used for intervals over users */
    byRow?: {
      sum: (score: number, label: number) => number;
      over?: (score: number, label: number) => number;
      root?: true;
    };
  };
}

/** All metrics, in the order of columns in tables. */
const metricTable = {
  logLoss: {
    ...{ title: "log loss", better: "low" },
    ofRows: {
      task: "binary",
      value: ({ scores, labels, weights }) => logLoss(scores, labels, weights),
      byRow: { sum: (score, label) => softplus(label > 0 ? -score : score) },
    },
  },
  normalizedEntropy: {
    ...{ title: "normalized entropy", better: "low", needsTwoClasses: true, needsBaseRate: true },
    ofRows: {
      task: "binary",
      value: ({ labels, weights }, found) => normalizedEntropy(found["logLoss"]!, labels, weights),
    },
  },
  auc: {
    ...{ title: "AUC", better: "high", needsTwoClasses: true },
    ofRows: { task: "binary", value: ({ scores, labels, weights }) => auc(scores, labels, weights) },
  },
  userAuc: { title: "user AUC", better: "high" },
  calibration: {
    ...{ title: "calibration", better: "near 1", needsTwoClasses: true, needsBaseRate: true },
    ofRows: {
      task: "binary",
      value: ({ scores, labels, weights }) => calibration(scores, labels, weights),
      byRow: { sum: logistic, over: (_, label) => label },
    },
  },
  multiLogLoss: { title: "multi log loss", better: "low" },
  multiError: { title: "multi error", better: "low" },
  pairLoss: { title: "pair loss", better: "low" },
  rmse: {
    ...{ title: "RMSE", better: "low" },
    ofRows: {
      task: "regression",
      value: ({ scores, labels, weights }) => rmse(scores, labels, weights),
      byRow: { sum: (score, label) => (score - label) ** 2, root: true },
    },
  },
  mae: {
    ...{ title: "MAE", better: "low" },
    ofRows: {
      task: "regression",
      value: ({ scores, labels, weights }) => mae(scores, labels, weights),
      byRow: { sum: (score, label) => Math.abs(score - label) },
    },
  },
  explainedVarianceRatioTotal: { title: "explained variance", better: "high" },
  microF1: { title: "micro F1", better: "high" },
  macroF1: { title: "macro F1", better: "high" },
  edgeAuc: { title: "edge AUC", better: "high" },
  directionAuc: { title: "direction AUC", better: "high" },
  // metrics of lists
  recall: {
    ...{ title: "recall", better: "high", atK: true },
    ofList: ({ hits, numHeldOut }) => hits / numHeldOut,
  },
  ndcg: {
    ...{ title: "ndcg", better: "high", atK: true },
    ofList: ({ dcg, idealDcg }) => dcg / idealDcg,
  },
  hitRate: {
    ...{ title: "hitRate", better: "high", atK: true },
    ofList: ({ hits }) => (hits > 0 ? 1 : 0),
  },
  mrr: {
    ...{ title: "mrr", better: "high", atK: true },
    ofList: ({ firstHit }) => (firstHit > 0 ? 1 / firstHit : 0),
  },
  map: {
    ...{ title: "map", better: "high", atK: true },
    ofList: ({ k, numHeldOut, precisions }) => precisions / Math.min(k, numHeldOut),
  },
  precision: {
    ...{ title: "precision", better: "high", atK: true },
    ofList: ({ k, hits }) => hits / k,
  },
  itemCoverage: { title: "itemCoverage", atK: true },
  popularity: { title: "popularity", atK: true, digits: 1 },
  gini: { title: "gini", atK: true },
  // metrics of tables by labels of items
  sameLabel: { title: "same label ", better: "high", atK: true },
  rareSameLabel: { title: "rarer: same label ", better: "high", atK: true },
} satisfies Record<string, MetricKind>;

const kinds: [name: string, kind: MetricKind][] = Object.entries(metricTable);
const kindsByName: ReadonlyMap<string, MetricKind> = new Map(kinds);

/** Metrics that are means over the lists of users; `embed evaluate` computes all of them. */
export const listMetrics = kinds.flatMap(([name, { ofList }]) => (ofList ? [{ name, ofList }] : []));
export const rankingMetricNames = listMetrics.map(({ name }) => name);

/** Splits a metric's name into its parts; `newRecallAt20` is recall at 20 among new items. */
function partsOf(name: string): { kind: MetricKind | undefined; k: string | undefined; isNew: boolean } {
  const [, isNew, base = name, k] = /^(?:(new)(?=[A-Z]))?(.+)At(\d+)$/.exec(name) ?? [];
  const of = isNew ? base[0]!.toLowerCase() + base.slice(1) : base;
  return { kind: kindsByName.get(of), k, isNew: isNew !== undefined };
}

/** Returns the properties of a metric; undefined for an unknown name. */
export function kindOf(name: string): MetricKind | undefined {
  return partsOf(name).kind;
}

/** Returns the title of a metric for readers. */
export function titleOf(name: string): string {
  const { kind, k, isNew } = partsOf(name);
  const title = kind ? kind.title + (k === undefined ? "" : `@${k}`) : name.replace("At", "@");
  return isNew ? `among new: ${title}` : title;
}

/** Formats a metric's value for tables. */
export function metricText(name: string, value: number): string {
  return value.toFixed(kindOf(name)?.digits ?? 4);
}

/** Converts a metric's value so that greater is better; undefined for a descriptive metric. */
export function goodness(name: string, value: number): number | undefined {
  const kind = kindOf(name);
  if (kind && !kind.better) return undefined;
  if (kind?.better === "low") return -value;
  return kind?.better === "near 1" ? -Math.abs(value - 1) : value;
}

/** Returns the names of all metrics in some objects, in display order. @param parts objects with metrics by name */
export function metricNames(parts: readonly object[]): string[] {
  const known = [...kindsByName.keys()].filter((name) => parts.some((part) => Object.hasOwn(part, name)));
  return [...new Set([...known, ...parts.flatMap((part) => Object.keys(part).filter(isAtK))])];
}

/** Returns the names and functions of the metrics that are computed from scored rows of a task. */
export function rowMetrics(
  task: "binary" | "regression",
): { name: string; ofRows: NonNullable<MetricKind["ofRows"]> }[] {
  return kinds.flatMap(([name, { ofRows }]) => (ofRows?.task === task ? [{ name, ofRows }] : []));
}

export interface MetricOptions {
  /** regression only: range of the training labels, to which scores are clipped first (as libFM does) */
  clip?: readonly [low: number, high: number];
  /** f32[n]: weight of each row; 1 when absent */
  weights?: Float32Array | undefined;
}

/**
 * Computes all metrics of the task.
 *
 * @param task same as in ScoredRows
 * @returns binary: logLoss, normalizedEntropy, auc, calibration; regression: rmse, mae
 * @throws {DivergedError} a score is NaN or infinite
 */
export function metricsOf(
  task: "binary" | "regression",
  scores: Scores,
  labels: Float32Array,
  { clip, weights }: MetricOptions = {},
): Record<string, number> {
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i]!)) throw new DivergedError(`the score of row ${i + 1} is ${scores[i]}`);
  }
  const isClipped = task === "regression" && clip !== undefined;
  const taken = isClipped ? scores.map((score) => Math.min(Math.max(score, clip[0]), clip[1])) : scores;
  const found = new Map<string, number>();
  for (const { name, ofRows } of rowMetrics(task))
    found.set(name, ofRows.value({ scores: taken, labels, weights }, Object.fromEntries(found)));
  return defined(Object.fromEntries(found));
}

/**
 * Computes metrics of multiclass scores.
 *
 * @param scores f64[n][numClasses], before the softmax
 * @param labels f32[n]: index of each row's class
 * @returns multiLogLoss: the mean of log sum exp(s_k) - s_y, in nats; multiError: the share of rows in which a wrong
 * class has the greatest score (the lower class index wins ties)
 * @throws {DivergedError} a score is NaN or infinite
 */
export function multiclassMetrics(
  scores: Float64Array,
  numClasses: number,
  labels: Float32Array,
  weights?: Float32Array,
): Record<string, number> {
  const of = (row: number) => scores.subarray(row * numClasses, (row + 1) * numClasses);
  const losses = multiclassLosses(scores, numClasses, labels);
  const isWrong = (row: number): number => {
    const own = of(row);
    return own.indexOf(own.reduce((a, b) => Math.max(a, b))) === labels[row] ? 0 : 1;
  };
  return defined({
    multiLogLoss: weightedMean(labels.length, (row) => losses[row]!, weights),
    multiError: weightedMean(labels.length, isWrong, weights),
  });
}

/** Returns f64[n]: log sum exp(s_k) - s_y of each row, in nats. @throws {DivergedError} a score is NaN or infinite */
export function multiclassLosses(
  scores: Float64Array,
  numClasses: number,
  labels: Float32Array,
): Float64Array {
  return mapTo(Float64Array, labels, (label, row) => {
    const own = scores.subarray(row * numClasses, (row + 1) * numClasses);
    const most = own.reduce((a, b) => Math.max(a, b));
    const total = own.reduce((sum, score) => sum + exp(score - most), 0);
    const value = log(total) + most - own[label]!;
    if (!Number.isFinite(value))
      throw new DivergedError(`the scores of row ${row + 1} are ${own.join(", ")}`);
    return value;
  });
}

/** Returns the weighted mean of a function of the rows; NaN without rows. */
function weightedMean(
  n: number,
  valueOf: (row: number) => number,
  weights: Float32Array | undefined,
): number {
  let [sum, total] = [0, 0];
  for (let i = 0; i < n; i++) {
    const weight = weights ? weights[i]! : 1;
    sum += weight * valueOf(i);
    total += weight;
  }
  return sum / total;
}

/**
 * Returns the mean logistic loss of log-odds. It needs no clipping, because it is finite for every finite score.
 *
 * @param scores log-odds[n]
 * @param labels f32[n], 0 or 1
 * @returns nats, >= 0; NaN without rows
 */
export function logLoss(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  return weightedMean(scores.length, (i) => softplus(labels[i]! > 0 ? -scores[i]! : scores[i]!), weights);
}

/**
 * Returns a log loss divided by the entropy of the share of positive labels; below 1 is better than always predicting
 * that share. Source: He et al. 2014 (doi:10.1145/2648584.2648589), eq. 1.
 *
 * @returns unitless, >= 0; NaN when a class is missing
 */
export function normalizedEntropy(loss: number, labels: Float32Array, weights?: Float32Array): number {
  const rate = weightedMean(labels.length, (i) => labels[i]!, weights);
  if (!(rate > 0 && rate < 1)) return Number.NaN;
  return loss / -(rate * log(rate) + (1 - rate) * log(1 - rate));
}

/**
 * Returns the mean prediction divided by the mean label: 1 is calibrated; above 1, predictions are too high.
 *
 * @param scores log-odds[n]
 * @returns unitless, >= 0; NaN when no label is 1
 */
function calibration(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  const predicted = weightedMean(scores.length, (i) => logistic(scores[i]!), weights);
  const observed = weightedMean(labels.length, (i) => labels[i]!, weights);
  return observed > 0 ? predicted / observed : Number.NaN;
}

/** Returns the root of the mean squared error, in the label's unit; NaN without rows. */
function rmse(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  return Math.sqrt(weightedMean(scores.length, (i) => (scores[i]! - labels[i]!) ** 2, weights));
}

/** Returns the mean absolute error, in the label's unit; NaN without rows. */
function mae(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  return weightedMean(scores.length, (i) => Math.abs(scores[i]! - labels[i]!), weights);
}

function defined(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => !Number.isNaN(value)));
}
