// Compares a value with its bounds and returns one outcome per bound.

import { durationOf, shareOf, type BeforeBounds } from "./gates-schema.js";
import type { GateOutcome } from "../../table/gate-file.js";
import { parseTime } from "../../log/time.js";

export type Show = (value: number) => string;

export const asCount: Show = (value) => value.toLocaleString("en");
export const asShare: Show = (value) => `${Number((100 * value).toPrecision(3))}%`;
export const asNumber: Show = (value) => String(Number(value.toPrecision(5)));
export const asTime: Show = (value) => new Date(value).toISOString();

export interface GateMeasurement {
  gate: string;
  value: number | undefined;
  previous: number | undefined;
  show: Show;
  why?: string;
  /** reason why there is no previous value; by default, that there is no previous version */
  whyNoPrevious?: string;
}

export interface ValueBounds {
  min?: number | string | undefined;
  max?: number | string | undefined;
  within?: number | string | undefined;
}

/** Checks a value against absolute bounds, and against the previous version's value ± a share of it (`within`). */
export function checkBounds(
  measured: GateMeasurement,
  { min, max, within }: ValueBounds = {},
): GateOutcome[] {
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

/** Checks a value that may be absent: an absent one fails its bounds, or is not reported without bounds. */
export function reported(measured: GateMeasurement, bounds: ValueBounds | undefined): GateOutcome[] {
  const { min, max, within } = bounds ?? {};
  const isAsked = min !== undefined || max !== undefined || within !== undefined;
  return measured.value === undefined && !isAsked ? [] : checkBounds(measured, bounds);
}

function absolute(measured: GateMeasurement, name: "min" | "max", bound: number, text: string): GateOutcome {
  return outcome(measured, `${name} ${text}`, (value) => (name === "min" ? value >= bound : value <= bound));
}

/** `notCompared` if the previous value is absent, `failed` if the current one is. */
export function relative(
  measured: GateMeasurement,
  bound: string,
  isGood: (value: number, previous: number) => boolean,
): GateOutcome {
  const { value, previous, whyNoPrevious = "there is no earlier version to compare with" } = measured;
  if (value === undefined || previous !== undefined)
    return outcome(measured, bound, (now) => isGood(now, previous!));
  const { message, ...reported } = unbounded(measured);
  return { ...reported, bound, status: "notCompared", message: `${message}: ${bound}: ${whyNoPrevious}` };
}

/** Returns the outcome of an absolute bound; an absent value fails it. */
export function outcome(
  measured: GateMeasurement,
  bound: string,
  isGood: (value: number) => boolean,
): GateOutcome {
  const passed = measured.value !== undefined && isGood(measured.value);
  const { message, ...reported } = unbounded(measured);
  return {
    ...reported,
    bound,
    status: passed ? "passed" : "failed",
    message: `${message}: ${passed ? "" : "not "}${bound}`,
  };
}

function unbounded({ gate, value, previous, show, why }: GateMeasurement): GateOutcome {
  const now =
    value === undefined ? `has no value${why === undefined ? "" : ` (${why})`}` : `is ${show(value)}`;
  const before = previous === undefined ? "" : `, last version ${show(previous)}`;
  return {
    gate,
    bound: "none",
    value: value ?? null,
    previous: previous ?? null,
    status: "measured",
    message: `${gate} ${now}${before}`,
  };
}

/** Checks the bounds of a time. @param now milliseconds since 1970 */
export function checkTime(
  measured: GateMeasurement,
  { min, max, maxAge, minAdvance, maxAdvance }: NonNullable<BeforeBounds["newest"]>,
  now: number,
): GateOutcome[] {
  const outcomes: GateOutcome[] = [];
  const own = (bound: string, isGood: (value: number) => boolean) =>
    outcomes.push(outcome(measured, bound, isGood));
  const advance = (bound: string, isGood: (advance: number) => boolean) =>
    outcomes.push(relative(measured, bound, (value, previous) => isGood(value - previous)));
  if (min !== undefined) own(`min ${min}`, (value) => value >= parseTime(min));
  if (max !== undefined) own(`max ${max}`, (value) => value <= parseTime(max));
  if (maxAge !== undefined) outcomes.push(ageOutcome(measured, maxAge, now));
  if (minAdvance !== undefined) advance(`minAdvance ${minAdvance}`, (by) => by >= durationOf(minAdvance));
  if (maxAdvance !== undefined) advance(`maxAdvance ${maxAdvance}`, (by) => by <= durationOf(maxAdvance));
  return outcomes.length > 0 ? outcomes : [unbounded(measured)];
}

/** Clocks and time zones may put an event this far into the future; a later one has no meaningful age. */
const AHEAD = durationOf("1d");

function ageOutcome(measured: GateMeasurement, maxAge: string, now: number): GateOutcome {
  const reported = outcome(
    measured,
    `maxAge ${maxAge}`,
    (value) => value - now <= AHEAD && now - value <= durationOf(maxAge),
  );
  const { value } = measured;
  if (reported.status === "passed" || value === undefined) return reported;
  const age = `${((now - value) / durationOf("1d")).toFixed(1)} days old`;
  return {
    ...reported,
    message: `${reported.message}, it is ${value - now > AHEAD ? "in the future" : age}`,
  };
}

type PerField = ValueBounds & { fields?: Record<string, ValueBounds> | undefined };

/** Names of the columns that bounds may call `user` and `item`, by these roles. */
export interface NamedRoles {
  user?: string | undefined;
  item?: string | undefined;
}

export interface FieldBounds {
  of: (field: string) => ValueBounds | undefined;
  /** whether bounds are given for this field by its name, and not only for all fields */
  isNamed: (field: string) => boolean;
  /** failed outcomes of bounds that name a field which does not exist, so that a misspelled field is reported */
  unknown: GateOutcome[];
}

/** @param kind noun for the names in messages: `field` */
export function fieldBounds(
  gate: string,
  bounds: PerField | undefined,
  known: readonly string[],
  { user, item }: NamedRoles,
  kind = "field",
): FieldBounds {
  const { fields = {}, ...ofEvery } = bounds ?? {};
  const own = new Map<string, ValueBounds>();
  const unknown: GateOutcome[] = [];
  for (const [name, bound] of Object.entries(fields)) {
    const role = name === "user" ? user : name === "item" ? item : undefined;
    const field = known.includes(name) ? name : (role ?? name);
    own.set(field, bound);
    if (known.includes(field)) continue;
    const why = `there is no ${kind} '${name}' among ${known.join(", ")}`;
    const nothing = { gate: `${gate}:${name}`, value: undefined, previous: undefined, show: asNumber, why };
    unknown.push(...checkBounds(nothing, bound));
  }
  const every = bounds && Object.keys(ofEvery).length > 0 ? ofEvery : undefined;
  return { of: (field) => own.get(field) ?? every, isNamed: (field) => own.has(field), unknown };
}

export function withoutEarlier(gate: string, bounds: PerField | undefined): GateOutcome[] {
  const why = "there is no earlier version to compare with";
  const own = Object.entries(bounds?.fields ?? {});
  return [
    ...notCompared(gate, bounds, why),
    ...own.flatMap(([field, bound]) => notCompared(`${gate}:${field}`, bound, why)),
  ];
}

export function notCompared(
  gate: string,
  { min, max, within }: ValueBounds = {},
  why: string,
): GateOutcome[] {
  return withoutValue(gate, { min, max, within }, why, "notCompared");
}

/** Returns one outcome per bound for a value that cannot be measured or compared. */
export function withoutValue(
  gate: string,
  bounds: Readonly<Record<string, number | string | undefined>>,
  why: string,
  status: "failed" | "notCompared",
): GateOutcome[] {
  return Object.entries(bounds).flatMap(([kind, bound]): GateOutcome[] => {
    if (bound === undefined) return [];
    const stated = `${kind} ${bound}`;
    const message = `${gate} has no value (${why}): ${status === "failed" ? "not " : ""}${stated}`;
    return [{ gate, bound: stated, value: null, previous: null, status, message }];
  });
}

/** Lists the first three names, and the number of others. */
export function shortList(names: readonly string[]): string {
  const rest = names.length - 3;
  return names.slice(0, 3).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
