// Metrics of scored rows: over all rows, as contributions of users, and the calibration curve.
//
//   userAuc   the mean of the AUC within each user, weighted by the user's events;
//             users whose labels are all equal have no AUC and are only counted
//   curve     rows sorted by score, in bins with equal numbers of rows; rows of equal scores are in one bin
//
// Sources: Zhu et al. 2017 (arXiv:1706.06978), section 5.3 (GAUC); Niculescu-Mizil and Caruana 2005
// (doi:10.1145/1102351.1102430).

import { byGroup } from "../base/numeric/groups.js";
import { doublesAt, valuesAt } from "../base/numeric/indices.js";
import type { Metrics } from "../table/manifest.js";
import { logistic } from "../base/numeric/exp.js";
import { auc, aucByUnit, type Scores } from "./auc.js";
import { metricsOf, rowMetrics, type MetricOptions } from "./metrics.js";
import type { UserMetric } from "./user-metric.js";

/** Assignment of rows to users, who are resampled as units. In a log without users, each row is a unit. */
export interface Units {
  kind: "user" | "row";
  size: number;
  /** u32[numRows]: index of the user to whom each row belongs, or of the row itself */
  of: Uint32Array;
}

/** A bin of the calibration curve, with means over its rows. */
export interface CurveBin {
  rows: number;
  predicted: number;
  observed: number;
}

export interface ScoredMetrics {
  metrics: Metrics;
  /** for metrics that are sums over users (rows, in a log without users): the contribution of each */
  byUser: UserMetric[];
  /** calibration curve of a binary task, by ascending prediction */
  curve?: CurveBin[];
  /** number of users whose labels are all equal, and who therefore have no AUC */
  oneClassUsers?: number;
}

/** @throws {DivergedError} a score is NaN or infinite */
export function scoredMetrics(
  task: "binary" | "regression",
  scores: Scores,
  labels: Float32Array,
  units: Units,
  { bins, ...options }: MetricOptions & { bins: number },
): ScoredMetrics {
  const metrics = metricsOf(task, scores, labels, options);
  const { clip, weights } = options;
  const sumBy = (valueOf: (score: number, label: number) => number): Float64Array => {
    const sums = new Float64Array(units.size);
    for (let row = 0; row < labels.length; row++) {
      const own = scores[row]!;
      const score = task === "regression" && clip ? Math.min(Math.max(own, clip[0]), clip[1]) : own;
      sums[units.of[row]!]! += (weights ? weights[row]! : 1) * valueOf(score, labels[row]!);
    }
    return sums;
  };
  const counted = sumBy(() => 1);
  const byUser = rowMetrics(task).flatMap(({ name, ofRows: { byRow } }): UserMetric[] => {
    if (!byRow || !Object.hasOwn(metrics, name)) return [];
    const { sum, over, root } = byRow;
    return [{ name, sums: sumBy(sum), weights: over ? sumBy(over) : counted, ...(root && { root }) }];
  });
  if (task === "regression") return { metrics, byUser };
  const shares = aucByUnit(scores, labels, units, weights);
  const ofAll: UserMetric[] = shares ? [{ name: "auc", sums: shares }] : [];
  const curve = calibrationCurve(scores, labels, bins, weights);
  if (units.kind === "row") return { metrics, byUser: [...byUser, ...ofAll], curve };
  const { sums, weights: events, oneClass } = userAucs(scores, labels, units, weights);
  const total = events.reduce((sum, weight) => sum + weight, 0);
  const userAuc: Metrics = total > 0 ? { userAuc: sums.reduce((sum, value) => sum + value, 0) / total } : {};
  return {
    metrics: { ...metrics, ...userAuc },
    byUser: [...byUser, ...(total > 0 ? [{ name: "userAuc", sums, weights: events }] : []), ...ofAll],
    curve,
    oneClassUsers: oneClass,
  };
}

/**
 * Returns two arrays f64[number of users]: each user's AUC times the weight of the user's rows, and this weight. Both
 * are 0 for a user whose labels are all equal.
 */
function userAucs(scores: Scores, labels: Float32Array, units: Units, weights: Float32Array | undefined) {
  const { starts: ends, order: rows } = byGroup((row) => units.of[row]!, units.of.length, units.size);
  const [sums, events] = [new Float64Array(units.size), new Float64Array(units.size)];
  let oneClass = 0;
  for (let u = 0; u < units.size; u++) {
    const own = rows.subarray(ends[u], ends[u + 1]);
    if (own.length === 0) continue;
    const pick = (values: Scores) => doublesAt(values, own);
    const ownLabels = valuesAt(labels, own);
    const ownWeights = weights && valuesAt(weights, own);
    const value = auc(pick(scores), ownLabels, ownWeights);
    if (Number.isNaN(value)) {
      oneClass++;
      continue;
    }
    events[u] = ownWeights ? ownWeights.reduce((sum, weight) => sum + weight, 0) : own.length;
    sums[u] = value * events[u]!;
  }
  return { sums, weights: events, oneClass };
}

/**
 * Returns the mean prediction and mean label of bins with equal numbers of rows, by ascending score. Rows of equal
 * scores are in one bin, so that there may be fewer bins.
 *
 * @param scores log-odds[n]
 */
export function calibrationCurve(
  scores: Scores,
  labels: Float32Array,
  bins: number,
  weights?: Float32Array,
): CurveBin[] {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!);
  const curve: CurveBin[] = [];
  for (let from = 0, bin = 1; from < order.length; bin++) {
    let to = Math.max(from + 1, Math.floor((bin * order.length) / bins));
    while (to < order.length && scores[order[to]!] === scores[order[to - 1]!]) to++;
    let [predicted, observed, total] = [0, 0, 0];
    for (const row of order.subarray(from, to)) {
      const weight = weights ? weights[row]! : 1;
      predicted += weight * logistic(scores[row]!);
      observed += weight * labels[row]!;
      total += weight;
    }
    if (total > 0) curve.push({ rows: to - from, predicted: predicted / total, observed: observed / total });
    // skips bins whose rows are all in this bin because of equal scores
    while (Math.floor(((bin + 1) * order.length) / bins) <= to && bin < bins) bin++;
    from = to;
  }
  return curve;
}
