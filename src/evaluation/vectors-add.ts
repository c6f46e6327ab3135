// The gain of a training's vectors: a metric of the validation split with them, less the same metric of a control without vectors, on
// the same rows or users.

import type { VectorsAdd } from "../embedding/manifest.js";
import { goodness, titleOf } from "./metrics.js";
import { differenceOf, valueOf, type UserMetric } from "./user-metric.js";

/** Unit by unit, the model's metric and the control's. */
export interface Controlled {
  /** how the control is called: `popularity` */
  control: string;
  units: VectorsAdd["units"];
  model: UserMetric;
  alone: UserMetric;
}

/** The difference with its interval; undefined where fewer than two units say something. */
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

/** Whether the interval holds 0, or lies below it. */
export function addsNothing({ low }: Pick<VectorsAdd, "low">): boolean {
  return !(low > 0);
}

/** Whether the vectors are those of keys, which have neighbors, and not of leaves. */
export function ofKeys({ control }: Pick<VectorsAdd, "control">): boolean {
  return control !== "mean label" && control !== "leaf values";
}

/** `ndcg@20 +0.0310 (95 % interval 0.0270 to 0.0350) over popularity, 4,096 users`, of a loss `log loss lower by 0.0120 (...)`. */
export function vectorsAddText({ metric, control, value, low, high, units, count }: VectorsAdd): string {
  // two digits of the interval's half are shown, and four at least
  const digits = high > low ? Math.ceil(-Math.log10((high - low) / 2)) + 1 : 4;
  const shown = (x: number): string =>
    x.toFixed(Math.min(Math.max(digits, 4), 8)).replace(/^-(0\.0*)$/, "$1");
  const interval = `(95 % interval ${shown(low)} to ${shown(high)})`;
  const of = `${control}, ${count.toLocaleString("en")} ${units}`;
  return goodness(metric, 1)! < 0
    ? `${titleOf(metric)} lower by ${shown(value)} ${interval} than ${of}`
    : `${titleOf(metric)} ${value < 0 ? "" : "+"}${shown(value)} ${interval} over ${of}`;
}
