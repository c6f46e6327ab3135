// A value and its bounds → outcomes, one a bound.

import { durationOf, shareOf } from "../config/gates.js";

/** What became of one bound. Without bounds a gate has one outcome of bound `none`, so that next week knows the value. */
export interface GateOutcome {
  /** what was measured: `rows`, `missing:price` (of a column or field), `valid.auc` (of a metric) */
  gate: string;
  /** as it was stated: `min 1000`, `within 30%` */
  bound: string;
  /** a count, a share in [0, 1], a metric, or milliseconds since 1970; null where there is nothing to measure */
  value: number | null;
  /** last version's; null where there is none */
  previous: number | null;
  passed: boolean;
  message: string;
}

/** A value as a person reads it. */
export type Show = (value: number) => string;

export const asCount: Show = (value) => value.toLocaleString("en");
export const asShare: Show = (value) => `${Number((100 * value).toPrecision(3))}%`;
export const asNumber: Show = (value) => String(Number(value.toPrecision(5)));
export const asTime: Show = (value) => new Date(value).toISOString();

/** What a gate has measured. */
export interface Measured {
  gate: string;
  value: number | undefined;
  previous: number | undefined;
  show: Show;
  /** why there is no value */
  why?: string;
}

export interface ValueBounds {
  min?: number | string | undefined;
  max?: number | string | undefined;
  within?: number | string | undefined;
}

/** Absolute bounds, and last version's value ± a share of it. What has no last version is within it. */
export function judge(measured: Measured, { min, max, within }: ValueBounds = {}): GateOutcome[] {
  const outcomes: GateOutcome[] = [];
  if (min !== undefined) outcomes.push(absolute(measured, "min", shareOf(min), String(min)));
  if (max !== undefined) outcomes.push(absolute(measured, "max", shareOf(max), String(max)));
  if (within !== undefined) {
    const share = shareOf(within);
    outcomes.push(
      relative(measured, `within ${String(within)}`, (value, previous) => {
        return Math.abs(value - previous) <= share * Math.abs(previous);
      }),
    );
  }
  return outcomes.length > 0 ? outcomes : [unbounded(measured)];
}

function absolute(measured: Measured, name: "min" | "max", bound: number, text: string): GateOutcome {
  return outcome(measured, `${name} ${text}`, (value) => (name === "min" ? value >= bound : value <= bound));
}

/** A bound that compares with last version; passed where there is none. */
export function relative(
  measured: Measured,
  bound: string,
  isGood: (value: number, previous: number) => boolean,
): GateOutcome {
  const { previous } = measured;
  if (previous !== undefined) return outcome(measured, bound, (value) => isGood(value, previous));
  const told = outcome(measured, bound, () => true);
  return {
    ...told,
    passed: true,
    message: `${told.message}: there is no last version's value to compare with`,
  };
}

/** The outcome of a bound on the value alone; a value that is not there fails it. */
export function outcome(measured: Measured, bound: string, isGood: (value: number) => boolean): GateOutcome {
  const { gate, value, previous } = measured;
  const passed = value !== undefined && isGood(value);
  const told = unbounded(measured);
  return {
    gate,
    bound,
    value: value ?? null,
    previous: previous ?? null,
    passed,
    message: `${told.message}: ${passed ? "" : "not "}${bound}`,
  };
}

function unbounded({ gate, value, previous, show, why }: Measured): GateOutcome {
  const now = value === undefined ? `no value${why === undefined ? "" : `, ${why}`}` : show(value);
  const before = previous === undefined ? "" : `, last version ${show(previous)}`;
  return {
    gate,
    bound: "none",
    value: value ?? null,
    previous: previous ?? null,
    passed: true,
    message: `${gate} is ${now}${before}`,
  };
}

export interface NewestBounds {
  min?: string | undefined;
  max?: string | undefined;
  maxAge?: string | undefined;
  minAdvance?: string | undefined;
  maxAdvance?: string | undefined;
}

/** Bounds of a time. @param now milliseconds since 1970; @param parse of the bounds that are times */
export function judgeTime(
  measured: Measured,
  { min, max, maxAge, minAdvance, maxAdvance }: NewestBounds,
  now: number,
  parse: (text: string) => number,
): GateOutcome[] {
  const outcomes: GateOutcome[] = [];
  const own = (bound: string, isGood: (value: number) => boolean) =>
    outcomes.push(outcome(measured, bound, isGood));
  const advance = (bound: string, isGood: (advance: number) => boolean) =>
    outcomes.push(relative(measured, bound, (value, previous) => isGood(value - previous)));
  if (min !== undefined) own(`min ${min}`, (value) => value >= parse(min));
  if (max !== undefined) own(`max ${max}`, (value) => value <= parse(max));
  if (maxAge !== undefined) own(`maxAge ${maxAge}`, (value) => now - value <= durationOf(maxAge));
  if (minAdvance !== undefined) advance(`minAdvance ${minAdvance}`, (by) => by >= durationOf(minAdvance));
  if (maxAdvance !== undefined) advance(`maxAdvance ${maxAdvance}`, (by) => by <= durationOf(maxAdvance));
  return outcomes.length > 0 ? outcomes : [unbounded(measured)];
}
