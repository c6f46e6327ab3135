// The metrics: one table with what each is called, which way is better and how it is computed, under the names that scripts rely
// on (docs/cli.md). A new metric is an entry in it. Losses are in nats.
//
// A metric that its input does not define is left out, never NaN: no rows, no metrics; one class only, no auc and no
// normalizedEntropy; no positive label, no calibration.

import { mapTo } from "../numeric/indices.js";
import { DivergedError } from "../errors.js";
import { auc, type Scores } from "./auc.js";
import { exp, log, logistic, softplus } from "../numeric/exp.js";

/** A list of items of one user, by what it hit of the user's held-out items. */
export interface HitList {
  /** K; a list may be shorter where there are fewer items */
  k: number;
  /** held-out items, each once */
  numHeldOut: number;
  hits: number;
  /** rank of the first hit, from 1; 0 without a hit */
  firstHit: number;
  /** sum over the ranks r of hits of 1 / log2(r + 1), and of a list that begins with all held-out items */
  dcg: number;
  idealDcg: number;
  /** sum over hits of the precision down to their rank */
  precisions: number;
}

/** Scored rows: binary, scores are log-odds and labels 0 or 1; regression, both are of the label's unit. */
export interface ScoredRows {
  scores: Scores;
  labels: Float32Array;
  /** f32[n]: how much each row counts; 1 when absent */
  weights?: Float32Array | undefined;
}

/** What is known of a metric. */
export interface MetricKind {
  /** as tables and charts show it; the `@K` of a metric at K follows */
  title: string;
  /** which values are better; absent for a metric that only describes */
  better?: "high" | "low" | "near 1";
  /** it is measured at a K, and named with it: `recallAt20` */
  atK?: true;
  /** digits after the point in tables; 4 when absent */
  digits?: number;
  /** undefined where all labels are equal */
  needsTwoClasses?: true;
  /** compares with the share of positive labels, which drawn negatives make up */
  needsBaseRate?: true;
  /** its value for a user's list; the metric is the mean over users */
  ofList?: (list: HitList) => number;
  /** rows of which task it is computed from, and how. @param found metrics that stand before it in the table; NaN: not defined */
  ofRows?: {
    task: "binary" | "regression";
    value: (rows: ScoredRows, found: Readonly<Record<string, number>>) => number;
    /** the same as (the root of) a sum over rows over another one, 1 a row when absent: for intervals over users */
    byRow?: {
      sum: (score: number, label: number) => number;
      over?: (score: number, label: number) => number;
      root?: true;
    };
  };
}

/** All metrics, in the order of the columns that show them. */
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
  // of lists: formulas in ranking.ts and exposure.ts
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
  // of tables, by labels of items
  sameLabel: { title: "same label ", better: "high", atK: true },
  rareSameLabel: { title: "rarer: same label ", better: "high", atK: true },
} satisfies Record<string, MetricKind>;

const kinds: [name: string, kind: MetricKind][] = Object.entries(metricTable);
const kindsByName: ReadonlyMap<string, MetricKind> = new Map(kinds);

/** Metrics that are means over users of lists; `embed evaluate` has all of them. */
export const listMetrics = kinds.flatMap(([name, { ofList }]) => (ofList ? [{ name, ofList }] : []));
export const rankingMetricNames = listMetrics.map(({ name }) => name);

/** A metric's name taken apart; `newRecallAt20` is recall at 20 among new items. */
function partsOf(name: string): { kind: MetricKind | undefined; k: string | undefined; isNew: boolean } {
  const [, isNew, base = name, k] = /^(?:(new)(?=[A-Z]))?(.+)At(\d+)$/.exec(name) ?? [];
  const of = isNew ? base[0]!.toLowerCase() + base.slice(1) : base;
  return { kind: kindsByName.get(of), k, isNew: isNew !== undefined };
}

/** What is known of a metric; undefined for another name. */
export function kindOf(name: string): MetricKind | undefined {
  return partsOf(name).kind;
}

/** A metric's name as people read it. */
export function titleOf(name: string): string {
  const { kind, k, isNew } = partsOf(name);
  const title = kind ? kind.title + (k === undefined ? "" : `@${k}`) : name.replace("At", "@");
  return isNew ? `among new: ${title}` : title;
}

/** A metric's value as tables show it. */
export function metricText(name: string, value: number): string {
  return value.toFixed(kindOf(name)?.digits ?? 4);
}

/** How good a value is: greater is better; undefined for a metric that only describes. */
export function goodness(name: string, value: number): number | undefined {
  const kind = kindOf(name);
  if (kind && !kind.better) return undefined;
  if (kind?.better === "low") return -value;
  return kind?.better === "near 1" ? -Math.abs(value - 1) : value;
}

/** recallAt20 and the like. */
export function isAtK(name: string): boolean {
  return /^[a-z]\w*At\d+$/i.test(name);
}

/** The metrics that some part has, in the order in which they are read. @param parts metrics of a part each */
export function metricNames(parts: readonly object[]): string[] {
  const known = [...kindsByName.keys()].filter((name) => parts.some((part) => Object.hasOwn(part, name)));
  return [...new Set([...known, ...parts.flatMap((part) => Object.keys(part).filter(isAtK))])];
}

/** The metrics of scored rows of a task: their names, and how they are computed. */
export function rowMetrics(
  task: "binary" | "regression",
): { name: string; ofRows: NonNullable<MetricKind["ofRows"]> }[] {
  return kinds.flatMap(([name, { ofRows }]) => (ofRows?.task === task ? [{ name, ofRows }] : []));
}

/** How metrics are taken. */
export interface MetricOptions {
  /** regression: scores are first clipped to this range, the training labels' (as libFM does) */
  clip?: readonly [low: number, high: number];
  /** f32[n]: how much each row counts; 1 when absent */
  weights?: Float32Array | undefined;
}

/**
 * Every metric that fits the task.
 *
 * @param task  as ScoredRows has it
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
 * Metrics of scores for several classes.
 *
 * @param scores f64[n][numClasses], before the softmax
 * @param labels f32[n]: the number of each row's class
 * @returns multiLogLoss: the mean of log sum exp(s_k) - s_y, in nats; multiError: the share of rows whose greatest score is another
 *   class's; of equal scores the first class counts
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

/** f64[n]: log sum exp(s_k) - s_y of each row, in nats. @throws {DivergedError} a score is NaN or infinite */
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

/** The weighted mean of a value a row; NaN without rows. */
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
 * Mean logistic loss of log-odds: no clipping is needed, since it is finite for every finite score.
 *
 * @param scores log-odds[n]
 * @param labels f32[n], 0 or 1
 * @returns nats, >= 0; NaN without rows
 */
export function logLoss(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  return weightedMean(scores.length, (i) => softplus(labels[i]! > 0 ? -scores[i]! : scores[i]!), weights);
}

/**
 * Mean log loss of probabilities, which are clipped to [1e-15, 1 - 1e-15]: a wrong certainty costs 34.5 nats, not infinity.
 *
 * @param probabilities [n], in [0, 1]
 * @param labels f32[n], 0 or 1
 * @returns nats, >= 0; NaN without rows
 */
export function logLossOfProbabilities(probabilities: Scores, labels: Float32Array): number {
  const lossOf = (i: number) => {
    const p = Math.min(Math.max(probabilities[i]!, 1e-15), 1 - 1e-15);
    return -log(labels[i]! > 0 ? p : 1 - p);
  };
  return weightedMean(probabilities.length, lossOf, undefined);
}

/**
 * A log loss over the entropy of the labels' own base rate: below 1 is better than always predicting that rate.
 *
 * Source: He et al. 2014 (doi:10.1145/2648584.2648589), eq. 1.
 *
 * @returns unitless, >= 0; NaN when a class is missing
 */
export function normalizedEntropy(loss: number, labels: Float32Array, weights?: Float32Array): number {
  const rate = weightedMean(labels.length, (i) => labels[i]!, weights);
  if (!(rate > 0 && rate < 1)) return Number.NaN;
  return loss / -(rate * log(rate) + (1 - rate) * log(1 - rate));
}

/**
 * Mean predicted over mean observed: 1 is calibrated, above it events are promised that did not come.
 *
 * @param scores log-odds[n]
 * @returns unitless, >= 0; NaN when no label is 1
 */
export function calibration(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  const predicted = weightedMean(scores.length, (i) => logistic(scores[i]!), weights);
  const observed = weightedMean(labels.length, (i) => labels[i]!, weights);
  return observed > 0 ? predicted / observed : Number.NaN;
}

/** The root of the mean squared error, in the label's unit; NaN without rows. */
export function rmse(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  return Math.sqrt(weightedMean(scores.length, (i) => (scores[i]! - labels[i]!) ** 2, weights));
}

/** The mean absolute error, in the label's unit; NaN without rows. */
export function mae(scores: Scores, labels: Float32Array, weights?: Float32Array): number {
  return weightedMean(scores.length, (i) => Math.abs(scores[i]! - labels[i]!), weights);
}

function defined(metrics: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => !Number.isNaN(value)));
}
