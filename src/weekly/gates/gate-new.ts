// Checks new files, gone files and new days of a log since the previous version.

import type { BeforeBounds, GroupBounds } from "./gates-schema.js";
import type { Description } from "../../dataset/encoded/description.js";
import type { EncodedDataset } from "../../dataset/encoded/read.js";
import type { GateOutcome } from "../../table/gate-file.js";
import type { Run } from "../../table/run-directory.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { type MeasuredGroup, dayGroups, fileGroups, type RowGroup } from "./group-facts.js";
import {
  excessOf,
  expectedOf,
  GROUP_FACTS,
  holdsReading,
  isRelative,
  measured,
  measuresOf,
  type MeasuredGroups,
  type GroupReading,
} from "./group-readings.js";
import { asCount, shortList, withoutValue, type Show } from "./bounds.js";
import { referencesOf, slotsOf, type References } from "./references.js";

// Compares each file and day that is new since the previous version with the median of its references, the earlier
// files or days of its weekday and hour (references.ts), and returns one outcome per bound.
//
//   newFiles.rows   gate; its value is that of the new file which violates the bound most
//   previous        what the value is compared with

type Kind = "newFiles" | "newDays";
type Bounds = Readonly<Record<string, number | string | undefined>>;

/** Returns the bounds of files or days, by the name of what they bound; one of a column's values is `values:COLUMN`. */
export function boundsByName({ values = {}, metrics: _, ...bounds }: GroupBounds): Map<string, Bounds> {
  const ofColumns = Object.entries(values).map(([column, { minShare: _, ...bound }]): [string, Bounds] => [
    `values:${column}`,
    bound,
  ]);
  return new Map([...Object.entries(bounds as Record<string, Bounds>), ...ofColumns]);
}

/** A value of a new file or day, next to its references. */
type NewReading = GroupReading & { g: number; references: References };

/** @param measured groups of a version's log; or why new groups cannot be measured */
function groupOutcomes(
  kind: Kind,
  measured: MeasuredGroups | string,
  bounds: GroupBounds = {},
): GateOutcome[] {
  const asked = boundsByName(bounds);
  const names = new Set([...GROUP_FACTS, ...[...asked.keys()].filter((name) => name.startsWith("values:"))]);
  if (typeof measured === "string")
    return [...names].flatMap((name) =>
      withoutValue(`${kind}.${name}`, asked.get(name) ?? {}, measured, "failed"),
    );
  const { groups } = measured;
  const slots = slotsOf(groups.map(({ middle }) => middle));
  const indexes = groups.map((_, g) => g);
  const earlier = indexes.filter((g) => !groups[g]!.isNew && groups[g]!.isWhole && groups[g]!.facts.rows > 0);
  const fresh = indexes
    .filter((g) => groups[g]!.isNew)
    .map((g) => ({ g, references: referencesOf(slots, g, earlier) }));
  const measures = new Map(measuresOf(measured).map((measure) => [measure.name, measure]));
  return [...names].flatMap((name) => {
    const [gate, what] = [`${kind}.${name}`, kind === "newFiles" ? "file" : "day"];
    const measure = measures.get(name);
    if (fresh.length === 0)
      return withoutValue(gate, asked.get(name) ?? {}, `no ${what} is new`, "notCompared");
    const readings = fresh.flatMap(({ g, references }) =>
      (measure?.readings(g, references.groups) ?? []).map((reading) => ({ ...reading, g, references })),
    );
    const why = measure?.why ?? measured.uncounted.get(name) ?? "";
    if (readings.length === 0) return withoutValue(gate, asked.get(name) ?? {}, why, "failed");
    return readingOutcomes(gate, what, measure!.show, groups, readings, asked.get(name) ?? {});
  });
}

function readingOutcomes(
  gate: string,
  what: string,
  show: Show,
  groups: readonly MeasuredGroup[],
  readings: readonly NewReading[],
  bounds: Bounds,
): GateOutcome[] {
  const outcome = (bound: string, { g, references, value, of, median }: NewReading, others = "") => {
    const n = references.groups.length;
    const isValue = of !== undefined;
    const found = isValue ? `${value === 0 ? "no row" : show(value)} of '${of}'${others}` : show(value);
    const { name, repeats = "" } = groups[g]!;
    const source = gate.endsWith(".repeatedRows") && repeats !== "" ? ` (most are in ${repeats})` : "";
    const expected =
      median === null
        ? ""
        : `, median of ${n} earlier ${what}${n === 1 ? "" : "s"}${references.alike} ${show(median)}`;
    return {
      ...{ gate, bound, value },
      message: `${gate} is ${found} in ${name}${source}${expected}`,
    };
  };
  const asked = Object.entries(bounds).flatMap(([rule, bound]) =>
    bound === undefined ? [] : [{ rule, bound }],
  );
  if (asked.length === 0) {
    const distance = ({ value, median }: NewReading) =>
      median === null ? -value : Math.abs(Math.log((value + 1e-9) / (median + 1e-9)));
    const worst = readings.toSorted((a, b) => distance(b) - distance(a))[0]!;
    return [{ ...outcome("none", worst), previous: worst.median, status: "measured" }];
  }
  return asked.map(({ rule, bound }): GateOutcome => {
    const failing = readings.filter((reading) => !holdsReading(rule, bound, reading));
    const compared = readings.filter((reading) => expectedOf(rule, reading) !== null);
    const shown = [failing, compared, readings].find(({ length }) => length > 0)!;
    const sorted = shown.toSorted((a, b) => excessOf(rule, b) - excessOf(rule, a));
    const worst = sorted[0]!;
    const also = sorted.filter(({ g }) => g === worst.g).slice(1);
    const others =
      failing.length === 0 || also.length === 0 ? "" : ` (also '${shortList(also.map(({ of }) => of!))}')`;
    const stated = `${rule} ${bound}`;
    const previous = expectedOf(rule, worst);
    const found = { ...outcome(stated, worst, others), previous };
    if (isRelative(rule) && previous === null)
      return { ...found, status: "notCompared", message: `${found.message}: ${stated}: no ${what} is older` };
    const more = new Set(failing.map(({ g }) => g)).size - 1;
    const status = failing.length > 0 ? "failed" : "passed";
    const of = isRelative(rule) && rule !== "maxRise" ? " of it" : "";
    return {
      ...found,
      status,
      ...(failing.length > 0 && { groups: [...new Set(failing.map(({ g }) => groups[g]!.name))] }),
      message:
        `${found.message}: ${status === "failed" ? "not " : ""}${stated}${of}` +
        (more > 0 ? ` (nor do ${more} more ${what}s hold it)` : ""),
    };
  });
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
    return [
      ...notComparedGroups("newFiles", newFiles, why),
      ...withoutValue("goneFiles", goneFiles ?? {}, why, "notCompared"),
      ...notComparedGroups("newDays", newDays, why),
    ];
  }
  const { dataset, description } = encoded;
  const { from } = positiveRate ?? {};
  const { inputs } = run.manifest;
  const files = fileGroups(encoded, inputs);
  const ofFiles = files && measured(dataset, files, from, newFiles);
  const copies = ofFiles ? copiesIn(ofFiles.groups) : [];
  const gone = goneOf(inputs, description);
  return [
    ...groupOutcomes("newFiles", ofFiles ?? NO_FILES, newFiles),
    ...(ofFiles
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

function notComparedGroups(kind: Kind, bounds: GroupBounds = {}, why: string): GateOutcome[] {
  return [...boundsByName(bounds)].flatMap(([name, bound]) =>
    withoutValue(`${kind}.${name}`, bound, why, "notCompared"),
  );
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
    return notComparedGroups("newDays", bounds, "the last version has no times");
  }
  const days = dayGroups(dataset, newest.now, newest.before);
  if (!days) {
    const why = "no event has a time";
    return [...groupOutcomes("newDays", why, bounds), ...empty(why, "failed")];
  }
  const { length, name } = longestEmptyRun(days.groups);
  // a day without events is checked against the bound `empty` only
  const groups = days.groups.filter(({ isNew, isWhole, start, end }) => end > start && (isWhole || !isNew));
  return [
    ...groupOutcomes("newDays", measured(dataset, { ...days, groups }, from, bounds), bounds),
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
