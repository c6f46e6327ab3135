// Checks that a table was not trained on the rows on which a network is evaluated, which would inflate the table's
// gain.
//
//   the run's manifest: time of its newest training event ──► all held-out rows of the network must be newer, or
//                       its files and split options ──► its training rows in the network's log
//                                                      └─► none may be a validation or test row of the network

import { isDeepStrictEqual } from "node:util";
import type { Dataset, Roles } from "../../dataset/dataset.js";
import { splitRows, type SplitBy } from "../../dataset/splits/split.js";
import { TABLE_MODEL, type Manifest } from "../../table/manifest.js";
import { openRun, type Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import type { Part } from "../../training/examples/examples.js";
import type { ExampleOptions } from "../../training/shared-options/log.js";
import { timesOf, type SplitParts } from "../../training/reading/split-parts.js";
import { splitOptionsOf, type SplitFlags } from "../../training/shared-options/split-options.js";

interface HeldOut {
  dataset: Dataset;
  parts: SplitParts["parts"];
  options: ExampleOptions;
}

/** Checks that the table's run, and the runs from which it was warm-started, were trained on other rows. */
export async function checkUnseen(path: string, judged: HeldOut): Promise<void> {
  const seen = new Set<string>();
  for (let next: string | undefined = path; next !== undefined && !seen.has(next);) {
    seen.add(next);
    const run = await openAncestor(next, path);
    checkRun(run, judged);
    next = run.manifest.init?.run;
  }
}

async function openAncestor(path: string, first: string): Promise<Run> {
  try {
    return await openRun(path);
  } catch (error) {
    if (path === first) throw error;
    throw notGiven(first, `it was warm-started from '${path}', which no longer exists`);
  }
}

function checkRun({ path, manifest }: Run, { dataset, parts, options }: HeldOut): void {
  if (manifest.model === TABLE_MODEL)
    throw notGiven(path, "it was imported and does not record its training data");
  const trained = new Set(logsOf(manifest.inputs, sidesOf(manifest)).map(({ sha256 }) => sha256));
  for (const part of ["valid", "test"] as const) {
    const own = parts[part];
    if (!own) continue;
    if (own.dataset !== dataset) {
      const shared = logsOf(own.dataset.inputs, options.sides.length).find(({ sha256 }) =>
        trained.has(sha256),
      );
      if (shared) throw leaked(path, `'${shared.path}', which is the network's --${part}`);
      continue;
    }
    // the network's held-out rows come from its own log, so they may be among the rows that trained the table
    const logs = logsOf(dataset.inputs, options.sides.length);
    if (!logs.some(({ sha256 }) => trained.has(sha256))) continue;
    if (isLater(own, manifest, options)) continue;
    const rows = trainingRows(path, manifest, dataset, logs);
    const isTrained = new Uint8Array(dataset.numRows);
    for (const row of rows) isTrained[row] = 1;
    const met = own.rows.reduce((count, row) => count + isTrained[row]!, 0);
    if (met > 0)
      throw leaked(
        path,
        `${met.toLocaleString("en")} of the ${own.rows.length.toLocaleString("en")} rows of the network's ` +
          `${part} split`,
      );
  }
}

/** Returns whether all rows of a split are newer than all training rows of the run, by the times of the same column. */
function isLater(
  part: Part,
  { split: { newest }, roles, refit, options: trained }: Manifest,
  options: HeldOut["options"],
): boolean {
  // the manifest records the newest time of the first training, and a refit was trained on all rows
  if (newest === undefined || refit) return false;
  const isSameTime =
    (roles as Roles).time === part.dataset.roles.time && trained["timeFormat"] === options.timeFormat;
  return isSameTime && (timesOf(part)?.every((time) => time > newest) ?? false);
}

/** Repeats the run's split on this dataset and returns the training rows. @throws {UsageError} it cannot be repeated */
function trainingRows(
  path: string,
  manifest: Manifest,
  dataset: Dataset,
  logs: readonly InputFingerprint[],
): Uint32Array {
  if (manifest.refit) throw leaked(path, "all rows of its log (--refit)");
  const own = logsOf(manifest.inputs, sidesOf(manifest)).map(({ sha256 }) => sha256);
  const here = logs.map(({ sha256 }) => sha256);
  const alike = isDeepStrictEqual(own, here) && manifest.rows === dataset.numRows;
  if (!alike)
    throw notGiven(
      path,
      "it was trained on some of the log's files, but neither on the same rows in the same order nor only on " +
        "older rows: use the same files, --where, --drop and --dedupe for both commands, or train the table on " +
        "older rows (--test DATE)",
    );
  const { like } = manifest.split;
  const split = splitOptionsOf(dataset.roles, splitFlagsOf(manifest), manifest.seed);
  const { train, valid, test } = splitRows(dataset, { ...split, ...(like && { like }) });
  const counts = [manifest.split.train, manifest.split.valid, manifest.split.test];
  const isFile = (part: unknown, rows: Uint32Array, count: number) =>
    rows.length === count || (rows.length === 0 && typeof part === "string");
  const found =
    train.length === counts[0] &&
    isFile(manifest.options["valid"], valid, counts[1]!) &&
    isFile(manifest.options["test"], test, counts[2]!);
  // a random split hashes the cells of each row, so the same rows are split differently if the columns differ
  const sameColumns =
    manifest.split.by !== "random" ||
    isDeepStrictEqual(hashedColumns(manifest.roles as Roles), hashedColumns(dataset.roles));
  if (!found || !sameColumns)
    throw notGiven(
      path,
      "its splits cannot be reproduced from this log: use the same column and split options for both commands",
    );
  return train;
}

function hashedColumns(roles: Roles): string[] {
  return Object.values(roles)
    .flat()
    .filter((name): name is string => typeof name === "string")
    .sort();
}

function splitFlagsOf({ options, split: { by } }: Manifest): SplitFlags {
  const { valid = 0, test = 0, splitKey, validLike, last, group } = options as Partial<SplitFlags>;
  const isKnown = ["time", "random", "rows", "user", "items", "last"].includes(by);
  return {
    valid,
    test,
    ...(isKnown && { split: by as SplitBy }),
    ...(splitKey && by === "random" && { splitKey }),
    validLike,
    ...(last !== undefined && by === "last" && { last }),
    ...(group !== undefined && by === "last" && { group }),
  };
}

function sidesOf({ options }: Manifest): number {
  const { sides } = options;
  return Array.isArray(sides) ? sides.length : 0;
}

/** Returns a run's inputs without its side tables, which are the last ones in the manifest. */
function logsOf(inputs: readonly InputFingerprint[], numSides: number): readonly InputFingerprint[] {
  return inputs.slice(0, inputs.length - numSides);
}

function leaked(path: string, what: string): UsageError {
  return new UsageError(
    `the table of '${path}' was trained on ${what}, so its gain there would be leakage. Train it again with ` +
      "the same --valid, --test, --split and --seed as this command",
  );
}

function notGiven(path: string, why: string): UsageError {
  return new UsageError(
    `cannot tell whether the table of '${path}' was trained on the network's held-out rows: ${why}. ` +
      "--unchecked continues anyway and marks the result",
  );
}
