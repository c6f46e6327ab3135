// Derives the bounds on new files and days in a starter pipeline from the log's own files and days.
//
// Each earlier file and day is measured as the gates measure a new one. A bound starts at three robust standard
// deviations, and is then loosened until all bounds together refuse at most one earlier day in 50. The comment beside a
// bound names the days that it refuses.

import { scalarOf } from "../../judge/starter/pipeline-starter.js";
import { printable } from "../../base/errors.js";
import { timeColumn } from "../../dataset/dataset.js";
import type { EncodedDataset } from "../../dataset/encoded/read.js";
import { shortList } from "./bounds.js";
import { dayGroups, factsOf, fileGroups, type RowGroup } from "./group-facts.js";
import {
  excessOf,
  expectedOf,
  measured,
  measuresOf,
  MIN_SHARE,
  valueMeasure,
  type GroupMeasure,
  type MeasuredGroups,
  type GroupReading,
} from "./group-readings.js";
import { medianOf, referencesOf, slotsOf, spreadOf } from "./references.js";
import { HOUR_COLUMNS } from "./value-counts.js";

/** Minimum number of files or days that show how they vary; two weeks include weekends. */
const ENOUGH = 14;
/** Minimum number of files or days to compare with each other. */
const LEAST = 5;
/** Of so many files or days, one may be refused. */
const ONE_IN = 50;
/** Maximum number of values of a column whose shares get bounds. */
const FEW_VALUES = 50;
/** Shares of the rows that a value must have; the smallest is chosen for which a bound exists. */
const MIN_SHARES = [MIN_SHARE, 0.02, 0.05, 0.1, 0.2];
const OF_VALUES = "values:";
const DAY = 86_400_000;

type Task = "binary" | "regression" | "events";
type Rule = "atLeast" | "atMost" | "maxRise";

/** @param hasPattern whether the log's files are named by a pattern, so that new ones may come */
export function newRowsLines(encoded: EncodedDataset, task: Task, hasPattern: boolean): string[] {
  const { dataset, description } = encoded;
  const columns = columnsOfFewValues(encoded);
  const files = hasPattern ? fileGroups(encoded, description.inputs) : undefined;
  const { newest } = factsOf(encoded, undefined);
  const days = timeColumn(dataset) && dayGroups(dataset, newest, Infinity);
  const filled = days?.groups.filter(({ start, end }) => end > start) ?? [];
  return [
    ...(files
      ? [
          "# each file that the last version's log lacks, next to the median of the last files of its weekday and hour",
          "newFiles:",
          ...boundLines(measured(dataset, files, undefined, asked(columns)), "file", task),
          "  copies: { max: 0 } # no rows of another file again",
          "goneFiles: { max: 0 } # files at the start of the log may go",
        ]
      : []),
    ...(days
      ? [
          "# each day after the last version's newest event, next to the median of the last days of its weekday",
          "newDays:",
          `  empty: { max: ${longestRepeatedGap(days.groups)} } # days in a row without an event`,
          ...boundLines(
            measured(dataset, { ...days, groups: filled }, undefined, { values: asked(columns).values }),
            "day",
            task,
          ),
        ]
      : []),
  ];
}

const asked = (columns: readonly string[]) => ({
  values: Object.fromEntries(columns.map((name) => [name, {}])),
  repeatedRows: {},
});

function columnsOfFewValues({ dataset: { roles }, description }: EncodedDataset): string[] {
  const fields = description.columns.filter(
    ({ name, kind, distinct = 0 }) =>
      kind === "key" &&
      (roles.fields.includes(name) || name === roles.event) &&
      ![roles.user, roles.item].includes(name) &&
      distinct >= 2 &&
      distinct <= FEW_VALUES,
  );
  const names = fields.map(({ name }) => name);
  return roles.time === undefined ? names : [...new Set([...names, ...Object.keys(HOUR_COLUMNS)])];
}

/** Returns the length of the longest run of days without an event that occurs at least twice; 0 if there is none. */
function longestRepeatedGap(days: readonly RowGroup[]): number {
  const filled = days.flatMap(({ start, end }, i) => (end > start ? [i] : []));
  const runs = filled
    .slice(1)
    .map((day, i) => day - filled[i]! - 1)
    .sort((a, b) => b - a);
  return runs.find((run, i) => run === runs[i + 1]) ?? 0;
}

/** Measures of which only a rise is bounded. */
const RISES = new Set(["unseenUsers", "unseenItems", "repeatedRows"]);

/** A bound of one kind, and how far each earlier group is from what its references lead to expect. */
interface Candidate {
  measure: GroupMeasure;
  rule: Rule;
  bound: number;
  /** only for the values of a column */
  minShare?: number;
  /** for each group that has a value: its reading that violates the bound most, as `excessOf` measures it */
  worst: Map<number, { excess: number; of: string | undefined }>;
}

function boundLines(log: MeasuredGroups, what: "file" | "day", task: Task): string[] {
  const { groups } = log;
  const slots = slotsOf(groups.map(({ middle }) => middle));
  const usable = groups.flatMap(({ isWhole, facts }, g) => (isWhole && facts.rows > 0 ? [g] : []));
  const all = new Map(
    (usable.length < LEAST ? [] : usable).map((g, i) => [
      g,
      referencesOf(slots, g, usable.slice(0, i), usable.slice(i + 1)).groups,
    ]),
  );
  // the first weeks have too few earlier days to compare with, and are left out if there are enough others
  const causal = new Map([...all].filter(([g, of]) => isBefore(g, of)));
  const references = causal.size < ENOUGH ? all : causal;
  const tested = [...references.keys()];
  // a file of a few hours has other hours than the next
  const isPartOfDay = what === "file" && slots.width > 0 && slots.width < DAY;
  const measures = measuresOf(log).filter(
    ({ name, readings }) =>
      !(isPartOfDay && Object.hasOwn(HOUR_COLUMNS, name.slice(OF_VALUES.length))) &&
      !(name === "positiveRate" && task !== "binary") &&
      !(name === "labelSpread" && task !== "regression") &&
      groups.some((_, g) => readings(g, []).length > 0),
  );
  const budget = Math.max(1, Math.floor(tested.length / ONE_IN));
  // candidates of each measure; of a column's values for each minimum share, because the shares of rare values vary most
  const choices = measures.map((measure) => choicesOf(measure, log, references));
  const perBound = Math.max(1, Math.floor(budget / (2 * Math.max(1, log.counts.size))));
  const first = choices.flatMap(
    (choice) => choice.find((bounds) => bounds.every((each) => canHold(each, perBound))) ?? [],
  );
  // bounds on shares refuse half of the odd groups, so that a day that has no row of a value does not hide an odd size
  const odd = new Set<number>();
  for (const [isOfValue, most] of [
    [false, Math.ceil(budget / 2)],
    [true, budget],
  ] as const) {
    const bounds = first.filter(({ measure }) => measure.name.startsWith(OF_VALUES) === isOfValue);
    const distances = tested
      .map((g) => ({
        g,
        far: Math.max(...bounds.map((each) => distanceTo(each, each.worst.get(g)?.excess))),
      }))
      .filter(({ g, far }) => far > 1 && !odd.has(g))
      .toSorted((a, b) => b.far - a.far);
    for (const { g } of distances.slice(0, most - odd.size)) odd.add(g);
  }
  const loosened = choices.flatMap((choice) => {
    const found = choice.map((bounds) =>
      bounds.flatMap((candidate) => {
        const bound = loosenedBound(candidate, odd);
        return bound === undefined ? [] : [{ ...candidate, bound }];
      }),
    );
    return found.find((bounds, i) => bounds.length === choice[i]!.length) ?? found[0]!;
  });
  const refused = new Set(loosened.flatMap((candidate) => refusedBy(candidate)));
  const linesOf = (isOfValue: boolean) =>
    measures.flatMap(({ name }) => {
      const bounds = loosened.filter(({ measure }) => measure.name === name);
      const isMeant = name.startsWith(OF_VALUES) === isOfValue;
      return isMeant && bounds.length > 0 ? [boundLine(name, bounds, groups, tested.length, what)] : [];
    });
  const ofValues = linesOf(true).map((line) => `  ${line}`);
  return [
    ...(tested.length === 0
      ? []
      : [`# together these bounds refuse ${refused.size} of the log's own ${tested.length} ${what}s`]),
    ...linesOf(false),
    ...(ofValues.length === 0 ? [] : ["values: # shares of the rows", ...ofValues]),
  ].map((line) => `  ${line}`);
}

/** Whether there is a bound that refuses no more groups than the budget. */
const canHold = ({ rule, worst }: Candidate, budget: number): boolean =>
  [...worst.values()].filter(({ excess }) => bounded(rule, excess) === undefined).length <= budget;

const isBefore = (g: number, references: readonly number[]) => references.every((each) => each < g);

function choicesOf(
  measure: GroupMeasure,
  { counts }: MeasuredGroups,
  references: ReadonlyMap<number, readonly number[]>,
): Candidate[][] {
  const column = measure.name.slice(OF_VALUES.length);
  const found = counts.get(column);
  if (!measure.name.startsWith(OF_VALUES) || !found) return [candidatesOf(measure, references)];
  return MIN_SHARES.map((minShare) =>
    candidatesOf(valueMeasure(column, found, minShare), references).map((each) => ({ ...each, minShare })),
  );
}

function candidatesOf(
  measure: GroupMeasure,
  references: ReadonlyMap<number, readonly number[]>,
): Candidate[] {
  // keys and rows that no earlier group has are frequent at the start of a log
  const isMeant = (g: number, of: readonly number[]) => !RISES.has(measure.name) || isBefore(g, of);
  const readings = new Map(
    [...references].filter(([g, of]) => isMeant(g, of)).map(([g, of]) => [g, measure.readings(g, of)]),
  );
  const values = [...readings.values()].flat();
  return startBounds(measure.name, values, references.size < ENOUGH).map(({ rule, bound }): Candidate => {
    const worst = new Map<number, { excess: number; of: string | undefined }>();
    for (const [g, found] of readings)
      for (const reading of found) {
        const expected = expectedOf(rule, reading);
        if (expected === null || Math.abs(reading.value - expected) <= reading.noise) continue;
        const excess = excessOf(rule, reading);
        if (excess > (worst.get(g)?.excess ?? -Infinity)) worst.set(g, { excess, of: reading.of });
      }
    return { measure, rule, bound, worst };
  });
}

/** Returns bounds at three standard deviations, but wide enough for changes that a log has now and then. */
function startBounds(
  name: string,
  readings: readonly GroupReading[],
  isFew: boolean,
): { rule: Rule; bound: number }[] {
  if (RISES.has(name)) {
    const rises = readings.flatMap(({ value, median }) => (median === null ? [] : [value - median]));
    const [few, least] = name === "repeatedRows" ? [0.1, 0.01] : [0.4, 0.1];
    return [{ rule: "maxRise", bound: isFew ? few : Math.max(least, 3 * spreadOf(rises)) }];
  }
  const both = (atLeast: number, atMost: number) => [
    { rule: "atLeast" as const, bound: atLeast },
    { rule: "atMost" as const, bound: atMost },
  ];
  if (name === "positiveRate" || name === "labelSpread") return both(0.5, 2);
  if (name.startsWith(OF_VALUES)) return isFew ? both(0.3, 3) : both(0.5, 2);
  if (isFew) return both(0.3, 2.5);
  const logs = readings.flatMap(({ value, median }) =>
    value > 0 && median !== null && median > 0 ? [Math.log(value / median)] : [],
  );
  // a growing log exceeds its references
  const drift = Math.max(0.8, Math.min(1.25, Math.exp(medianOf(logs) ?? 0)));
  const three = Math.exp(3 * spreadOf(logs));
  return both(drift * Math.min(0.8, 1 / three), drift * Math.max(1.3, three));
}

/** Returns how far a group is from what is expected, relative to the bound: above 1 if the bound refuses it. */
function distanceTo({ rule, bound }: Candidate, excess: number | undefined): number {
  if (excess === undefined) return 0;
  if (rule === "maxRise") return excess / bound;
  const ratio = rule === "atLeast" ? -excess : excess;
  return Math.log(Math.max(0, ratio)) / Math.log(bound);
}

/** Returns a bound, rounded, that does not refuse a group with the given excess; undefined if it would be no bound. */
function bounded(rule: Rule, excess: number): number | undefined {
  const percent = 100 * Math.max(0, rule === "atLeast" ? -excess : excess);
  const step = rule === "atMost" ? 10 : rule === "maxRise" && percent >= 5 ? 5 : 1;
  const found =
    step * (rule === "atLeast" ? Math.floor(percent / step + 1e-9) : Math.ceil(percent / step - 1e-9));
  const isBound = rule === "atLeast" ? found > 0 : found < LARGEST[rule];
  return isBound ? found / 100 : undefined;
}

/** Bounds that are this large, in percent, refuse next to nothing. */
const LARGEST = { atMost: 2000, maxRise: 100 };

/** @param odd groups that the bound may refuse */
function loosenedBound({ rule, bound, worst }: Candidate, odd: ReadonlySet<number>): number | undefined {
  const others = [...worst].flatMap(([g, { excess }]) => (odd.has(g) ? [] : [excess]));
  return bounded(
    rule,
    others.reduce((a, b) => Math.max(a, b), rule === "atLeast" ? -bound : bound),
  );
}

function boundLine(
  name: string,
  bounds: readonly Candidate[],
  groups: MeasuredGroups["groups"],
  numTested: number,
  what: string,
): string {
  const limits = bounds.map(({ rule, bound }) => `${rule}: ${percentText(bound)}`);
  const { minShare } = bounds[0]!;
  const isDefault = minShare === undefined || minShare === MIN_SHARE;
  const stated = [...limits, ...(isDefault ? [] : [`minShare: ${percentText(minShare)}`])].join(", ");
  const found = bounds.flatMap((candidate) =>
    refusedBy(candidate).map((g) => {
      const { excess, of } = candidate.worst.get(g)!;
      const value = candidate.rule === "maxRise" ? `+${percentText(excess)}` : percentText(Math.abs(excess));
      return { g, text: `${groups[g]!.name} (${of === undefined ? "" : `'${of}' `}${value})` };
    }),
  );
  const refused = found.toSorted((a, b) => a.g - b.g).map(({ text }) => text);
  const past =
    numTested === 0
      ? `fewer than ${LEAST} ${what}s: a guess`
      : `of ${numTested} ${what}s ${refused.length === 0 ? "none" : printable(shortList(refused))} refused`;
  const key = name.startsWith(OF_VALUES) ? scalarOf(name.slice(OF_VALUES.length)) : name;
  return `${key}: { ${stated} } # ${past}`;
}

const refusedBy = (candidate: Candidate): number[] =>
  [...candidate.worst].flatMap(([g, { excess }]) => (distanceTo(candidate, excess) > 1 ? [g] : []));

const percentText = (share: number): string => `${Math.round(100 * share)}%`;
