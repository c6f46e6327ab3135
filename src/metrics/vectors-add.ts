// The gain of a model's vectors: a metric on the validation split with the vectors, minus the same metric of a control
// without vectors, on the same rows or users.

import type { VectorsAdd } from "../table/manifest.js";
import { goodness, titleOf } from "./metrics.js";
import { differenceOf, valueOf, type UserMetric } from "./user-metric.js";

/** The contributions are those of units, such as rows or users. */
export interface Controlled {
  /** name of the control: `popularity` */
  control: string;
  units: VectorsAdd["units"];
  model: UserMetric;
  alone: UserMetric;
}

/** Returns the difference with its interval; undefined if fewer than two units (rows, users) contribute. */
export function vectorsAddOf({ control, units, model, alone }: Controlled): VectorsAdd | undefined {
  const interval = differenceOf(model, alone);
  const sign = goodness(model.name, 1)! < 0 ? -1 : 1;
  const value = sign * (valueOf(model) - valueOf(alone));
  if (!interval || !Number.isFinite(interval.low)) return undefined;
  const ends = [sign * interval.low, sign * interval.high].sort((a, b) => a - b);
  return {
    ...{ metric: model.name, control, value, low: ends[0]!, high: ends[1]! },
    ...{ units, count: model.sums.length },
  };
}

/** Whether the interval of the improvement contains 0 or is below 0. */
export function addsNothing({ low }: Pick<VectorsAdd, "low">): boolean {
  return !(low > 0);
}

/** Returns a clause on vectors that add nothing to a control. @param of such as ` of A, B` */
export function doubtText(control: string, of = ""): string {
  return control === "markov"
    ? `the vectors${of} rank no better than the transitions that they approximate (markov)`
    : `nothing shows that the vectors${of} mean anything`;
}

export function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;
}

/** Whether the vectors are those of keys, which have nearest neighbors, and not of a tree's leaves. */
export function ofKeys({ control }: Pick<VectorsAdd, "control">): boolean {
  return control !== "mean label" && control !== "leaf values";
}

/**
 * Returns a text such as `ndcg@20 +0.0310 (95 % interval 0.0270 to 0.0350) over popularity, 4,096 users`, or for a loss
 * `log loss lower by 0.0120 (...)`, or `higher by` if the vectors increase the loss.
 */
export function vectorsAddText({ metric, control, value, low, high, units, count }: VectorsAdd): string {
  // number of decimal places that shows two significant digits of half the interval's width; at least 4, at most 8
  const digits = high > low ? Math.ceil(-Math.log10((high - low) / 2)) + 1 : 4;
  const shown = (x: number): string =>
    x.toFixed(Math.min(Math.max(digits, 4), 8)).replace(/^-(0\.0*)$/, "$1");
  const interval = (from: number, to: number) => `(95 % interval ${shown(from)} to ${shown(to)})`;
  const of = `${control}, ${count.toLocaleString("en")} ${units}`;
  if (goodness(metric, 1)! > 0)
    return `${titleOf(metric)} ${value < 0 ? "" : "+"}${shown(value)} ${interval(low, high)} over ${of}`;
  return value < 0
    ? `${titleOf(metric)} higher by ${shown(-value)} ${interval(-high, -low)} than ${of}`
    : `${titleOf(metric)} lower by ${shown(value)} ${interval(low, high)} than ${of}`;
}
