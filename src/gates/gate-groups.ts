// Compares each file and day that is new since the previous version with the median of the earlier files or days, and
// returns one outcome per bound.
//
//   newFiles.rows   gate; its value is that of the new file which violates the bound most
//   previous        the median of the files that are not new

import { shareOf, type GroupBounds } from "../config/gates.js";
import type { GateOutcome } from "../embedding/gate-file.js";
import { asCount, asNumber, asShare, type Show } from "./bounds.js";
import type { GroupFacts, MeasuredGroup } from "./group-facts.js";

type Kind = "newFiles" | "newDays";
type Bounds = Record<string, number | string | undefined>;

/** For each kind of bound: its check, and whether the lowest or the highest value violates it most. */
const RULES = new Map<
  string,
  {
    isRelative: boolean;
    worst: "lowest" | "highest";
    holds: (value: number, bound: number, median: number) => boolean;
  }
>(
  Object.entries({
    min: { isRelative: false, worst: "lowest", holds: (value, bound) => value >= bound },
    max: { isRelative: false, worst: "highest", holds: (value, bound) => value <= bound },
    atLeast: { isRelative: true, worst: "lowest", holds: (value, bound, median) => value >= bound * median },
    atMost: { isRelative: true, worst: "highest", holds: (value, bound, median) => value <= bound * median },
    maxRise: { isRelative: true, worst: "highest", holds: (value, bound, median) => value <= median + bound },
  }),
);

/**
 * Whether the value of a new file or day satisfies a bound. A bound that is relative to the median is satisfied if
 * there is no median.
 */
export function holdsGroupBound(
  kind: string,
  bound: number | string,
  value: number,
  median: number | null,
): boolean {
  const rule = RULES.get(kind);
  if (!rule || (rule.isRelative && median === null)) return true;
  return rule.holds(value, shareOf(bound), median ?? NaN);
}

const SHOWN: Record<keyof GroupFacts, { show: Show; why: string }> = {
  rows: { show: asCount, why: "" },
  users: { show: asCount, why: "no column of keys is the user" },
  items: { show: asCount, why: "no column of keys is the item" },
  positiveRate: { show: asShare, why: "the dataset has no labels" },
  labelSpread: { show: asNumber, why: "the dataset has no labels" },
  unseenUsers: { show: asShare, why: "no column of keys is the user" },
  unseenItems: { show: asShare, why: "no column of keys is the item" },
};

/**
 * Checks the measurements that files and days have in common against their bounds.
 *
 * @param groups measured groups of a version's log; or why new groups cannot be measured
 */
export function groupOutcomes(
  kind: Kind,
  groups: readonly MeasuredGroup[] | string,
  bounds: GroupBounds = {},
): GateOutcome[] {
  const names = Object.keys(SHOWN) as (keyof GroupFacts)[];
  return names.flatMap((name) => {
    const gate = `${kind}.${name}`;
    const asked: Bounds = bounds[name] ?? {};
    if (typeof groups === "string") return withoutValue(gate, asked, groups, "failed");
    return valueOutcomes(kind, name, groups, asked);
  });
}

/** Returns one outcome per bound for a value that cannot be measured or compared. */
export function withoutValue(
  gate: string,
  bounds: Bounds,
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

function valueOutcomes(
  kind: Kind,
  name: keyof GroupFacts,
  groups: readonly MeasuredGroup[],
  bounds: Bounds,
): GateOutcome[] {
  const gate = `${kind}.${name}`;
  const what = kind === "newFiles" ? "file" : "day";
  const fresh = groups.filter(({ isNew }) => isNew);
  if (fresh.length === 0) return withoutValue(gate, bounds, `no ${what} is new`, "notCompared");
  const valued = fresh.flatMap((group) => {
    const value = group.facts[name];
    return value === undefined ? [] : [{ ...group, value }];
  });
  const { show, why } = SHOWN[name];
  if (valued.length === 0) return withoutValue(gate, bounds, why, "failed");
  const earlier = groups
    .filter(({ isNew, isWhole, facts }) => !isNew && isWhole && facts.rows > 0)
    .flatMap(({ facts }) => facts[name] ?? []);
  const median = medianOf(earlier);
  const medianText =
    median === null
      ? ""
      : `, median of ${earlier.length} earlier ${what}${earlier.length === 1 ? "" : "s"} ${show(median)}`;
  const outcome = (bound: string, { name: group, value }: { name: string; value: number }) => ({
    gate,
    bound,
    value,
    previous: median,
    message: `${gate} is ${show(value)} in ${group}${medianText}`,
  });
  const asked = Object.entries(bounds).filter(
    (each): each is [string, number | string] => each[1] !== undefined,
  );
  if (asked.length === 0) {
    const distance = (value: number) =>
      median === null ? -value : Math.abs(Math.log((value + 1e-9) / (median + 1e-9)));
    const [worst] = valued.toSorted((a, b) => distance(b.value) - distance(a.value));
    return [{ ...outcome("none", worst!), status: "measured" }];
  }
  return asked.map(([rule, bound]): GateOutcome => {
    const isGood = (group: (typeof valued)[number]) =>
      holdsGroupBound(rule, bound, group.value, median) ||
      (name === "positiveRate" && median !== null && RULES.get(rule)!.isRelative && isNoise(group, median));
    const failing = valued.filter((group) => !isGood(group));
    const sign = RULES.get(rule)!.worst === "lowest" ? 1 : -1;
    const [worst] = (failing.length > 0 ? failing : valued).toSorted((a, b) => sign * (a.value - b.value));
    const stated = `${rule} ${bound}`;
    const found = outcome(stated, worst!);
    if (RULES.get(rule)!.isRelative && median === null)
      return { ...found, status: "notCompared", message: `${found.message}: ${stated}: no ${what} is older` };
    const others = failing.length > 1 ? ` (nor do ${failing.length - 1} more ${what}s hold it)` : "";
    const status = failing.length > 0 ? "failed" : "passed";
    const of = RULES.get(rule)!.isRelative && rule !== "maxRise" ? " of it" : "";
    return {
      ...found,
      status,
      message: `${found.message}: ${status === "failed" ? "not " : ""}${stated}${of}${others}`,
    };
  });
}

/**
 * Whether a share of positives differs from the median by less than three standard deviations of a random sample with
 * as many rows.
 */
function isNoise({ value, facts: { rows } }: { value: number; facts: GroupFacts }, median: number): boolean {
  return Math.abs(value - median) * rows < 3 * Math.sqrt(rows * median * (1 - median));
}

function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/**
 * Returns the outcome of a count that must not exceed the bound `max`. @param found names of the counted things, for
 * the message
 */
export function countOutcome(
  gate: string,
  count: number,
  bound: { max: number } | undefined,
  found: string,
): GateOutcome {
  const message = `${gate} is ${asCount(count)}${count > 0 && found !== "" ? ` (${found})` : ""}`;
  const measured = { gate, value: count, previous: null };
  if (!bound) return { ...measured, bound: "none", status: "measured", message };
  const stated = `max ${bound.max}`;
  const passed = count <= bound.max;
  return {
    ...measured,
    bound: stated,
    status: passed ? "passed" : "failed",
    message: `${message}: ${passed ? "" : "not "}${stated}`,
  };
}
