// Checks new files, gone files and new days of a log since the previous version.

import type { BeforeBounds } from "../config/gates.js";
import type { Description } from "../dataset/encoded/description.js";
import type { EncodedDataset } from "../dataset/encoded/read.js";
import type { GateOutcome } from "../embedding/gate-file.js";
import type { Run } from "../embedding/run-directory.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import { countOutcome, groupOutcomes, withoutValue } from "./gate-groups.js";
import { measuredGroups, type MeasuredGroup, dayGroups, fileGroups, type RowGroup } from "./group-facts.js";

/** Minimum number of rows of a file that is compared with other files; smaller files may be equal by chance. */
const LEAST_COPY = 10;

/**
 * Checks the bounds of the gates `newFiles`, `goneFiles` and `newDays`.
 *
 * @param newest newest event of the log, and of the previous version: milliseconds since 1970
 */
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
      ? [countOutcome("newFiles.copies", copies.length, newFiles?.copies, copies.join(", "))]
      : []),
    countOutcome("goneFiles", gone.length, goneFiles, listed(gone)),
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

/** Returns the length of the longest run of new days without events, and the name of its first day. */
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

/** Returns new files with the same rows as another file, in any order. */
function copiesIn(files: readonly MeasuredGroup[]): string[] {
  const byDigest = new Map<string, string>();
  return files.flatMap(({ name, isNew, digest, facts }) => {
    const other = byDigest.get(digest);
    byDigest.set(digest, name);
    return isNew && other !== undefined && facts.rows >= LEAST_COPY
      ? [`${name} has the rows of ${other}`]
      : [];
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

function listed(paths: readonly string[]): string {
  return paths.slice(0, 3).join(", ") + (paths.length > 3 ? ` and ${paths.length - 3} more` : "");
}
