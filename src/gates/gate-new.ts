// Checks new files, gone files and new days of a log since the previous version.

import { type BeforeBounds, shareOf, type GroupBounds } from "../config/gates.js";
import type { Description } from "../dataset/encoded/description.js";
import type { EncodedDataset } from "../dataset/encoded/read.js";
import type { GateOutcome } from "../embedding/gate-file.js";
import type { Run } from "../embedding/run-directory.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import {
  measuredGroups,
  type MeasuredGroup,
  dayGroups,
  fileGroups,
  type RowGroup,
  type GroupFacts,
} from "./group-facts.js";
import { asCount, asNumber, asShare, shortList, withoutValue, type Show } from "./bounds.js";

// Compares each file and day that is new since the previous version with the median of the earlier files or days, and
// returns one outcome per bound.
//
//   newFiles.rows   gate; its value is that of the new file which violates the bound most
//   previous        the median of the files that are not new

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

/** A bound that is relative to the median is satisfied if there is no median. */
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

/** @param groups measured groups of a version's log; or why new groups cannot be measured */
function groupOutcomes(
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
      ...(failing.length > 0 && { groups: failing.map((each) => each.name) }),
      message: `${found.message}: ${status === "failed" ? "not " : ""}${stated}${of}${others}`,
    };
  });
}

/** Less than three standard deviations of a random sample with as many rows. */
function isNoise({ value, facts: { rows } }: { value: number; facts: GroupFacts }, median: number): boolean {
  return Math.abs(value - median) * rows < 3 * Math.sqrt(rows * median * (1 - median));
}

function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** @param found names of the counted things, for the message */
function countOutcome(
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

/** Minimum number of rows of a file that is compared with other files; smaller files may be equal by chance. */
const LEAST_COPY = 10;

/** @param newest newest event of the log, and of the previous version: milliseconds since 1970 */
export function newOutcomes(
  encoded: EncodedDataset,
  run: Run | undefined,
  newest: { now: number | undefined; before: number | undefined },
  { newFiles, goneFiles, newDays, positiveRate }: BeforeBounds,
): GateOutcome[] {
  if (!run) {
    const why = "there is no earlier version to compare with";
    const none = (gate: string, bounds: object = {}) =>
      Object.entries(bounds).flatMap(([name, bound]) =>
        withoutValue(`${gate}.${name}`, bound as Record<string, number>, why, "notCompared"),
      );
    return [
      ...none("newFiles", newFiles),
      ...withoutValue("goneFiles", goneFiles ?? {}, why, "notCompared"),
      ...none("newDays", newDays),
    ];
  }
  const { dataset, description } = encoded;
  const { from } = positiveRate ?? {};
  const { inputs } = run.manifest;
  const files = fileGroups(encoded, inputs);
  const measured = files && measuredGroups(dataset, files, from);
  const copies = measured ? copiesIn(measured) : [];
  const gone = goneOf(inputs, description);
  return [
    ...groupOutcomes("newFiles", measured ?? NO_FILES, newFiles),
    ...(measured
      ? [
          {
            ...countOutcome(
              "newFiles.copies",
              copies.length,
              newFiles?.copies,
              shortList(copies.map(copyText)),
            ),
            ...(copies.length > 0 && { groups: copies.map(({ name }) => name) }),
          },
        ]
      : []),
    countOutcome("goneFiles", gone.length, goneFiles, shortList(gone)),
    ...dayOutcomes(encoded, newest, newDays, from),
  ];
}

const NO_FILES = "the dataset does not state the rows of its files: encode the log again";

function dayOutcomes(
  { dataset }: EncodedDataset,
  newest: { now: number | undefined; before: number | undefined },
  bounds: BeforeBounds["newDays"],
  from: number | undefined,
): GateOutcome[] {
  const empty = (why: string, status: "failed" | "notCompared") =>
    withoutValue("newDays.empty", bounds?.empty ?? {}, why, status);
  if (newest.before === undefined) {
    const why = "the last version has no times";
    return Object.entries(bounds ?? {}).flatMap(([name, bound]) =>
      withoutValue(`newDays.${name}`, bound as Record<string, number>, why, "notCompared"),
    );
  }
  const days = dayGroups(dataset, newest.now, newest.before);
  if (!days) {
    const why = "no event has a time";
    return [...groupOutcomes("newDays", why, bounds), ...empty(why, "failed")];
  }
  const measured = measuredGroups(dataset, days, from);
  const { length, name } = longestEmptyRun(measured);
  // a day without events is checked against the bound `empty` only
  const filled = measured.filter(({ isNew, isWhole, start, end }) => end > start && (isWhole || !isNew));
  return [
    ...groupOutcomes("newDays", filled, bounds),
    countOutcome("newDays.empty", length, bounds?.empty, `no event in ${name}`),
  ];
}

function longestEmptyRun(days: readonly RowGroup[]): { length: number; name: string } {
  let [run, longest] = [
    { length: 0, name: "" },
    { length: 0, name: "" },
  ];
  for (const { name, isNew, start, end } of days) {
    run =
      isNew && start === end ? { length: run.length + 1, name: run.name || name } : { length: 0, name: "" };
    if (run.length > longest.length) longest = run;
  }
  return longest;
}

const copyText = ({ name, of }: { name: string; of: string }): string => `${name} has the rows of ${of}`;

/** Returns new files with the same rows as another file, in any order. */
function copiesIn(files: readonly MeasuredGroup[]): { name: string; of: string }[] {
  const byDigest = new Map<string, string>();
  return files.flatMap(({ name, isNew, digest, facts }) => {
    const other = byDigest.get(digest);
    byDigest.set(digest, name);
    return isNew && other !== undefined && facts.rows >= LEAST_COPY ? [{ name, of: other }] : [];
  });
}

/**
 * Returns files that the previous version's log has and the log now lacks, although a file that sorts before them by
 * name exists. A missing file that sorts first may have left a moving window.
 */
function goneOf(
  before: readonly InputFingerprint[],
  { inputs: now, fileRows = [] }: Pick<Description, "inputs" | "fileRows">,
): string[] {
  const sides = now.slice(fileRows.length);
  const contents = new Set(now.map(({ sha256 }) => sha256));
  const isHere = ({ path, sha256 }: InputFingerprint) =>
    contents.has(sha256) || now.some((other) => isSamePlace(path, other.path));
  const kept = before
    .filter((file) => isHere(file) && !sides.some(({ path }) => isSamePlace(path, file.path)))
    .map(({ path }) => path);
  const gone = before.filter((file) => !isHere(file)).map(({ path }) => path);
  return gone.filter((path) => kept.some((other) => other < path));
}

/** Whether two paths, which may be relative to different folders, denote the same file, compressed or not. */
function isSamePlace(a: string, b: string): boolean {
  const plain = (path: string) => `/${path.replace(/\.(gz|zst)$/i, "").replace(/^(\.{1,2}\/)+|^\/+/, "")}`;
  const [one, other] = [plain(a), plain(b)];
  return one.endsWith(other) || other.endsWith(one);
}
