// Creates the splits of a training: cuts them from the log, or reads them from further logs.

import { ascending, mapTo, sharedCopy, thoseOf } from "../../base/numeric/indices.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { MISSING } from "../../log/keys.js";
import { isRemote } from "../../log/log.js";
import {
  columnNamed,
  type Dataset,
  type KeyColumn,
  type NumberColumn,
  type ReadingStep,
  type Roles,
} from "../../dataset/dataset.js";
import { UsageError } from "../../base/errors.js";
import { withForms } from "../../dataset/numeric.js";
import { inReadingOrder, isAscending, isStored, slicesAt } from "../../dataset/stored-columns.js";
import { bindEncoder, type UnseenCounts } from "../../dataset/rows.js";
import { splitRows } from "../../dataset/splits/split.js";
import { selectedSteps } from "../../dataset/steps.js";
import type { Likeness, Imitation } from "../../dataset/splits/split-like.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Manifest } from "../../table/manifest.js";
import type { Part } from "../examples/examples.js";
import { timesOfRows } from "../../dataset/sampling/training-events.js";
import type { Watch } from "../session/watch.js";
import { areShared } from "../../compute/threads/rounds.js";
import { furtherReading, readDataset, type DatasetOptions } from "./read-dataset.js";
import { isCut, splitOptionsOf, type SplitFlags } from "../shared-options/split-options.js";

/** Number of held-out events below which a comparison of settings is noise. */
const FEWEST_HELD_OUT = 100;

export interface SplitParts {
  parts: { train: Part; valid: Part | undefined; test: Part | undefined };
  by: string;
  /** how closely the validation split imitates item popularity in the log of --valid-like; absent for other splits */
  like?: Imitation;
  /** fingerprints of further logs that were read by an engine */
  remote: readonly InputFingerprint[];
}

/**
 * Splits the log. A split that is a file is read with the log's roles.
 *
 * @param earlier popularity that an earlier training measured in the log of --valid-like, which may have changed since
 */
export async function splitParts(
  dataset: Dataset,
  options: DatasetOptions & SplitFlags,
  seed: number,
  watch: Watch,
  earlier?: { target: number },
): Promise<SplitParts> {
  const { valid, test, validLike } = options;
  const remote: InputFingerprint[] = [];
  const readFurther = async (path: string): Promise<Dataset> => {
    const further = await readLike(dataset, path, options, watch);
    // the inputs end with the fingerprints of side tables, which are left out here
    if (isRemote(path)) remote.push(...further.inputs.slice(0, further.inputs.length - options.sides.length));
    return further;
  };
  const split = splitOptionsOf(dataset.roles, options, seed);
  const like =
    validLike === undefined ? undefined : (earlier ?? popularityIn(dataset, await readFurther(validLike)));
  const rows = splitRows(dataset, { ...split, ...(like && { like }) });
  if (rows.note !== undefined) watch.observe({ stage: "note", text: rows.note });
  if (rows.like && !earlier) watch.observe({ stage: "note", text: likeNote(rows.like) });
  const partOf = async (part: number | string, own: Uint32Array): Promise<Part | undefined> => {
    if (typeof part === "string" && !isCut(part)) {
      const other = await readFurther(part);
      for (const text of trainedOnWarnings(dataset, other, options.sides.length))
        watch.observe({ stage: "warning", text });
      return wholeOf(other);
    }
    return own.length > 0 ? { dataset, rows: inShared(own) } : undefined;
  };
  return {
    parts: {
      train:
        rows.train.length === dataset.numRows
          ? allOf(dataset, rows.train)
          : { dataset, rows: inShared(rows.train) },
      valid: await partOf(valid, rows.valid),
      test: await partOf(test, rows.test),
    },
    by: split.by,
    remote,
    like: rows.like,
  };
}

/** Returns all rows as a split. If they are on disk, the array of their numbers is in memory only while it is used. */
function allOf(dataset: Dataset, rows: Uint32Array): Part {
  if (!isStored(dataset) || !isAscending(rows)) return { dataset, rows: inShared(rows) };
  let latest = new WeakRef(rows);
  return {
    dataset,
    get rows() {
      const own = latest.deref() ?? ascending(dataset.numRows);
      if (own !== latest.deref()) latest = new WeakRef(own);
      return own;
    },
  };
}

function inShared(rows: Uint32Array): Uint32Array {
  return areShared([rows]) ? rows : sharedCopy(rows);
}

/**
 * Cuts a tenth of the training events as a validation split, to choose a setting: the latest before the test split, or
 * random ones if the log is not split by time. Returns undefined if those are too few to compare settings.
 */
export function holdOutInside(
  dataset: Dataset,
  { train }: SplitParts["parts"],
  options: SplitFlags,
  seed: number,
): SplitParts["parts"] | undefined {
  const { by, key, test } = splitOptionsOf(dataset.roles, options, seed);
  const flags =
    by === "time" || by === "rows" || (by === "random" && !key)
      ? { ...options, valid: 0.1 * (1 - test) }
      : ({ valid: 0.1, test: 0, split: "random" } as const);
  if (train.rows.length < 10 * FEWEST_HELD_OUT) return undefined;
  const isHeldOut = new Uint8Array(dataset.numRows);
  for (const row of splitRows(dataset, splitOptionsOf(dataset.roles, flags, seed)).valid) isHeldOut[row] = 1;
  const part = (held: number) => ({
    dataset,
    rows: inShared(thoseOf(train.rows, (row) => isHeldOut[row] === held)),
  });
  return { train: part(0), valid: part(1), test: undefined };
}

/** Warns about files that are both training and held-out data; side tables, the last inputs, may be shared. */
function trainedOnWarnings(dataset: Dataset, other: Dataset, numSides: number): string[] {
  const logsOf = ({ inputs }: Dataset) => inputs.slice(0, inputs.length - numSides);
  const trained = new Set(logsOf(dataset).flatMap(({ sha256 }) => sha256 || []));
  return logsOf(other)
    .filter(({ sha256 }) => trained.has(sha256))
    .map(
      ({ path }) =>
        `'${path}' is held out and also a log that is trained on: its metrics do not measure performance on new ` +
        "rows",
    );
}

function popularityIn(dataset: Dataset, other: Dataset): Likeness {
  const [own, there] = [itemColumn(dataset), itemColumn(other)];
  const index = new KeyIndex(own.dictionary);
  const codes = mapTo(Int32Array, { length: there.dictionary.size }, (_, code) =>
    index.find(there.dictionary, code),
  );
  const events = new Uint32Array(own.dictionary.size);
  let unknown = 0;
  for (const code of there.codes) {
    if (code === MISSING) continue;
    if (codes[code]! < 0) unknown++;
    else events[codes[code]!]!++;
  }
  return { events, unknown };
}

function itemColumn(dataset: Dataset): KeyColumn {
  const { item } = dataset.roles;
  const column = item === undefined ? undefined : columnNamed(dataset, item);
  if (column?.kind === "key") return column;
  throw new UsageError("--valid-like needs an item column: name it with --item");
}

function likeNote({ target, reached, power }: Imitation): string {
  return (
    `items in the validation split have ${reached.toFixed(1)} other users on average, items in --valid-like ` +
    `${target.toFixed(1)}: sampled by number of users to the power ${power.toFixed(2)}`
  );
}

/** Returns the steps of reading with the split, after which the training rows are left. */
export function splitSteps(dataset: Dataset, { parts, by }: SplitParts): ReadingStep[] {
  return selectedSteps(dataset, { step: "split", by: `--split ${by}`, after: parts.train.rows.length });
}

/** Returns the steps of reading with the selection of a split. @param name name of the split, as in --part */
export function partSteps({ dataset, rows }: Part, name: string | undefined): ReadingStep[] {
  return selectedSteps(dataset, { step: "part", ...(name && { by: `--part ${name}` }), after: rows.length });
}

/** Returns the sizes of the splits and the time of the newest training event, for the manifest. */
export function splitCounts({ parts: { train, valid, test }, by, like }: SplitParts): Manifest["split"] {
  const sizeOf = (part: Part | undefined) => part?.rows.length ?? 0;
  const newest = newestTime(train);
  return {
    ...{ by, train: train.rows.length, valid: sizeOf(valid), test: sizeOf(test) },
    ...(newest !== undefined && Number.isFinite(newest) && { newest }),
    like,
  };
}

/** Returns the newest time of a split; undefined unless every row has a time. */
function newestTime({ dataset, rows }: Part): number | undefined {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  if (column?.kind !== "number") return undefined;
  let newest = -Infinity;
  for (const slice of slicesAt([column], inReadingOrder([column], rows))) {
    const { values } = slice.columns[0] as NumberColumn;
    for (let i = 0; i < slice.rows.length; i++) {
      const at = values[slice.rows[i]!]!;
      if (!Number.isFinite(at)) return undefined;
      newest = Math.max(newest, at);
    }
  }
  return newest;
}

/** Returns f64[rows]: times of a split's rows in milliseconds since 1970; undefined unless every row has a time. */
export function timesOf({ dataset, rows }: Part): Float64Array | undefined {
  const times = timesOfRows(dataset, rows);
  return times?.every(Number.isFinite) ? times : undefined;
}

/** Returns u32: the rows of several splits of one dataset, in ascending order. */
export function rowsOfParts(parts: readonly Pick<Part, "rows">[]): Uint32Array {
  const rows = new Uint32Array(parts.reduce((sum, part) => sum + part.rows.length, 0));
  let at = 0;
  for (const part of parts) {
    rows.set(part.rows, at);
    at += part.rows.length;
  }
  return rows.sort();
}

export function wholeOf(dataset: Dataset): Part {
  return { dataset, rows: ascending(dataset.numRows) };
}

/** Converts roles to options that leave nothing to infer, without session and time, which only splitting needs. */
export function givenRoles({
  session: _,
  time: __,
  ...roles
}: Roles): Roles & { ignore: string[]; infer: false } {
  return { ...roles, ignore: [], infer: false };
}

async function readLike(
  { roles, hashKeys }: Dataset,
  path: string,
  options: DatasetOptions,
  watch: Watch,
): Promise<Dataset> {
  const given = {
    ...givenRoles(roles),
    like: hashKeys ? { hashKeys } : {},
    numeric: withForms(roles.numeric, options.numeric),
    ...(options.hashKeysOf && { hashKeysOf: options.hashKeysOf.filter((name) => name !== roles.session) }),
  };
  // the time column is needed for fields that are derived from it, and for the limit on a user's events per day
  if (options.timeFields?.length || options.dropUsersAbovePerDay !== undefined)
    Object.assign(given, { time: roles.time });
  if (options.inSequence) Object.assign(given, { session: roles.session, time: roles.time });
  // limits on events apply to the log alone
  const { session: _, time: __, since: ___, maxEventsPerUser: ____, ...others } = options;
  const reading = furtherReading(options.reading, path);
  const { dataset } = await readDataset([path], { ...others, ...given, reading }, silently(watch));
  return dataset;
}

/** Returns a watch that forwards progress and warnings, but no notes. */
export function silently({ observe, signal }: Watch): Watch {
  return { signal, observe: (progress) => progress.stage !== "note" && observe(progress) };
}

/** Reports the number of cells in held-out rows whose keys are not in the training split. */
export function countUnseen(
  space: FeatureSpace,
  { valid, test }: Pick<SplitParts["parts"], "valid" | "test">,
  { observe }: Watch,
): void {
  for (const [name, part] of Object.entries({ valid, test })) {
    if (!part) continue;
    for (const text of unseenNotes(space, part)) observe({ stage: "note", text: `${name}: ${text}` });
  }
}

export function unseenNotes(space: FeatureSpace, { dataset, rows }: Part): string[] {
  return unseenWarnings(bindEncoder(space, dataset).countUnseen(rows));
}

/** Returns a sentence for each column with keys that training did not see. */
export function unseenWarnings(unknown: Record<string, UnseenCounts>): string[] {
  return Object.entries(unknown)
    .filter(([, { unseen }]) => unseen > 0)
    .map(
      ([name, { cells, unseen }]) =>
        `${unseen} of ${cells} cells of '${name}' hold keys not seen in training`,
    );
}
