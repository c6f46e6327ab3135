// Opens a log in the same way as the log on which a run was trained: with the run's roles, side tables, filters,
// formats of cells and times, and hashed ids.
//
//   preprocess.json of the run, files, the required roles ──► openAsTrained ──► rows as a dataset
//
// `openTableAsTrained` opens a file that lacks some of the run's columns, and `openKeysAsTrained` opens a file that
// contains only keys. run-parts.ts reads the training's own log again.

import { buildDataset } from "../../dataset/build.js";
import { type Column, type Dataset, type Roles, columnNamed, rowsAsLog } from "../../dataset/dataset.js";
import { isEncodedDataset, readDescription } from "../../dataset/encoded/read.js";
import { userLimitsOf, type UserLimits } from "../../dataset/filters/heavy-users.js";
import { secretIdOf, withHashedKeys } from "../../dataset/hash-keys.js";
import type { ColumnOptions } from "../../dataset/roles.js";
import { numericForms } from "../../dataset/numeric.js";
import { stepNotes } from "../../dataset/steps.js";
import { numericOf, readingShapes, timeOf, type Preprocess } from "../../dataset/vocabulary/preprocess.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { object, type Shape } from "../../base/io/json-shape.js";
import { keyedHashFrom } from "../../base/io/key-file.js";
import { formOf } from "../../log/form.js";
import { encodeKeys, MISSING } from "../../log/keys.js";
import { cellReadingOf, numberFormOf, type CellReading, type ReadOptions } from "../../log/log.js";
import { COMMON_NULLS } from "../../log/nulls.js";
import { definedOf } from "../../options/table.js";
import type { Watch } from "../session/watch.js";
import { readDataset, withLog, type DatasetOptions, type ReadDataset } from "./read-dataset.js";
import { givenRoles, silently } from "./split-parts.js";

/** Part of a run's preprocess.json that describes how its log was read; every model has it. */
export type TrainedAs = Pick<
  Preprocess,
  "roles" | "sides" | "drop" | "where" | "timeFormat" | "timeFields" | "hashKeys" | "cells" | keyof UserLimits
> &
  Partial<Pick<Preprocess, "fields" | "negatives" | "eventWeight">>;

export const trainedShape: Shape = object(readingShapes.required, readingShapes.optional);

/** Options for a log that is read after training. */
export interface FurtherLog extends Pick<
  DatasetOptions,
  "reading" | "hashKeys" | "maxBad" | "badRows" | "onRead" | "beside" | "tables"
> {
  on: string[];
  timed?: boolean;
  /** true if the rows are events of users, to which the run's user limits apply; absent if they are rows to score */
  limitsUsers?: true;
  /** returns the rows to use, in ascending order; all rows when absent */
  rowsOf?: (dataset: Dataset) => Uint32Array;
}

interface NeededRoles {
  /**
   * - `all`: the run's roles (the default); labels are required unless the run samples negatives
   * - `features`: labels, weights and event types are not required
   * - a list, for events: the item, the features, and the listed roles
   */
  roles?: "all" | "features" | readonly ("user" | "session" | "time")[];
  /** column whose cells are returned as keys in addition to the features */
  key?: string;
  /** true if labels are names of classes, not numbers */
  labelIsName?: boolean;
  askers?: ColumnOptions["askers"];
}

/** Reads a log or an encoded dataset with a run's roles, side tables and filters. */
export async function openAsTrained(
  trained: TrainedAs,
  { on, reading, hashKeys, timed = false, rowsOf, limitsUsers: isLimited, ...bad }: FurtherLog,
  watch: Watch,
  needed: NeededRoles = {},
): Promise<ReadDataset> {
  const { sides, drop, where = [], timeFormat, cells } = trained;
  const roles = rolesNeeded(trained.roles, needed);
  const limits = isLimited ? userLimitsOf(trained) : {};
  const needsTime = timed || limits.dropUsersAbovePerDay !== undefined;
  const given: DatasetOptions = {
    ...givenRoles(roles),
    ...(await secretOf(trained, hashKeys, on)),
    like: trained,
    ...(needsTime && definedOf({ time: roles.time, timeFormat })),
    ...timeOf({ ...trained, roles }),
    ...{ sides, drop, where, reading: readingAs(cells, reading, on) },
    ...bad,
    ...limits,
    // logs whose rows are scored, not counted, need no column of kinds, and rows of weight 0 are scored, too
    ...(roles.event !== undefined && { eventWeight: trained.eventWeight }),
    onBadRow: reading.onBadRow,
    ...(trained.fields && { numeric: numericOf({ roles: trained.roles, fields: trained.fields }) }),
    labelIsName: needed.labelIsName,
    askers: needed.askers,
    unlabelled: (needed.roles ?? "all") === "all" && Boolean(trained.negatives),
    ...(Array.isArray(needed.roles) && eventOptions(trained, roles)),
  };
  const read = await readDataset(on, given, watch);
  const weightless = read.dataset.steps!.filter(({ step }) => step === "weight");
  for (const text of stepNotes(weightless)) watch.observe({ stage: "warning", text });
  return rowsOf ? { ...read, dataset: rowsAsLog(read.dataset, rowsOf(read.dataset)) } : read;
}

function rolesNeeded(roles: Roles, { roles: needed = "all", key }: NeededRoles): Roles {
  if (needed === "all" || needed === "features") {
    const { label: _, weight: __, event: ___, ...features } = roles;
    const isOther = key !== undefined && ![...roles.fields, ...roles.numeric].includes(key);
    const fields = isOther ? [...roles.fields, key] : roles.fields;
    return { ...(needed === "all" ? roles : features), fields };
  }
  const { user, session, time, ...others } = roles;
  const named = Object.entries(definedOf({ user, session, time }));
  return { ...others, ...Object.fromEntries(named.filter(([role]) => needed.some((one) => one === role))) };
}

/** Session and time columns that the command does not use may be missing, and need not be hashed. */
function eventOptions({ timeFormat, hashKeys }: TrainedAs, roles: Roles): Partial<DatasetOptions> {
  const { user, session, time, item, fields } = roles;
  const named = definedOf({ user, session, time });
  const columns = [item, ...fields, ...Object.values(named)];
  return {
    unlabelled: true,
    ...named,
    ...(time !== undefined && timeFormat !== undefined && { timeFormat }),
    ...(hashKeys && { hashKeysOf: hashKeys.columns.filter((name) => columns.includes(name)) }),
  };
}

/** Combines the formats of a run's log with this command's flags. The run's column names apply only to text. */
export function readingAs(
  { columns, delimiter, decimal, thousands, ...cells }: CellReading = {},
  reading: ReadOptions,
  on: readonly string[],
): ReadOptions {
  // tables and queries have typed columns, so that formats of text do not apply
  const { keyCase } = cells;
  if (keyCase && reading.keyCase && keyCase !== reading.keyCase)
    throw new UsageError(
      `--key-case ${reading.keyCase} contradicts the run, whose keys are in ${keyCase} case`,
    );
  const isText = !on.some((name) => name.startsWith("table:")) && formOf(on, reading.format) === "csv";
  const ofText = isText ? definedOf({ delimiter, decimal, thousands }) : {};
  if (!isText || !columns || reading.columns) return { ...cells, ...ofText, ...reading };
  return { ...cells, ...ofText, ...reading, columns, header: false };
}

/**
 * Returns the hashing with which ids match those of the run.
 *
 * @throws {UsageError} the run's ids are hashed and the secret is missing or different; or they are not hashed and
 * there is one
 */
export async function secretOf(
  { hashKeys: hashing, roles: { session } }: Pick<TrainedAs, "roles" | "hashKeys">,
  hashKeys: string | undefined,
  on: readonly string[],
): Promise<Pick<DatasetOptions, "hashKeys" | "hashKeysOf">> {
  if (!hashing && hashKeys === undefined) return {};
  if (!hashing) throw new UsageError("the run's ids are not hashed: omit --hash-keys");
  // the ids of an encoded dataset may be hashed already, and it stores the id of their secret
  if (hashKeys === undefined && (await isEncodedDataset(on[0]!)) && (await readDescription(on[0]!)).hashKeys)
    return {};
  if (hashKeys === undefined)
    throw new UsageError("the ids of this run are hashed: pass the secret with --hash-keys FILE");
  if (secretIdOf(await keyedHashFrom(hashKeys)) !== hashing.secretId)
    throw new UsageError(
      `the secret in '${hashKeys}' does not match: the run's ids were hashed with another secret`,
    );
  // logs on which a run is evaluated need no session column
  return { hashKeys, hashKeysOf: hashing.columns.filter((name) => name !== session) };
}

/** Hashing of a run's keys, and format of the cells in a file of keys. */
export type HowKeysRead = Partial<Pick<Preprocess, "hashKeys">> & { cells?: CellsBesideLog };

interface KeyRoles extends Partial<Roles>, Pick<ColumnOptions, "askers"> {
  /** filters rows like --where */
  where?: string[];
  /** option that names the file, which a message names if the user or the item column is missing */
  flag?: string;
}

/**
 * Reads rows of keys, such as allowed items, candidates or known pairs. Ids are hashed if the run's are. By default, the
 * user and item columns are the features.
 */
export async function openKeysAsTrained(
  paths: string[],
  { where = [], flag, askers, ...roles }: KeyRoles,
  { hashKeys: hashing, cells }: HowKeysRead,
  { reading, hashKeys }: Pick<FurtherLog, "reading" | "hashKeys">,
  watch: Watch,
): Promise<Dataset> {
  const named = [roles.user, roles.item].filter((name) => name !== undefined);
  const keys: Roles = { fields: named, numeric: [], multi: {}, ...roles };
  const columns = hashing?.columns.filter((name) => keys.fields.includes(name)) ?? [];
  const hashed = hashing && columns.length > 0 && { hashKeys: { ...hashing, columns } };
  // events are deduplicated by an event id, which a list of keys does not have
  const { dedupeBy: _, dedupeKeep: __, ...ofKeys } = reading;
  const { dataset } = await openAsTrained(
    { roles: keys, sides: [], drop: [], where, ...hashed, cells },
    { on: paths, reading: ofKeys, ...(hashed && { hashKeys }) },
    silently(watch),
    { roles: ["user"], askers: flag === undefined ? askers : new Map(named.map((name) => [name, flag])) },
  );
  return dataset;
}

/** Strings for missing cells, and number format in delimited text, for a file other than the log. */
export type CellsBesideLog = Omit<CellReading, "columns" | "delimiter">;

/**
 * Returns how to parse the cells of another file, such as a catalogue or a table of users: like those of the run's log,
 * unless the options of this command differ. Imported runs have the common strings for missing cells.
 *
 * @param reading options of this command
 */
export function cellsBesideLog(
  { manifest }: Pick<Run, "manifest">,
  { nulls, keyCase, ...reading }: CellReading = {},
): CellsBesideLog {
  const log = manifest.options["reading"] as CellReading | undefined;
  const { columns: _, delimiter: __, ...cells } = log ? cellReadingOf(log) : { nulls: COMMON_NULLS };
  return { ...(keyCase && { keyCase }), ...cells, ...(nulls && { nulls }), ...numberFormOf(reading) };
}

/**
 * Reads a table that may lack columns of a run. In every row, the cells of these columns are missing.
 *
 * @param key column whose cells are returned as keys in addition to the features
 * @returns the rows, and the names of the fields that the table has
 */
export async function openTableAsTrained(
  { space, preprocess }: { space: FeatureSpace; preprocess: Preprocess },
  { on, reading, hashKeys, key, ...bad }: FurtherLog & { key?: string },
  watch: Watch,
): Promise<{ dataset: Dataset; known: string[] }> {
  const { roles } = preprocess;
  const features = [...roles.fields, ...roles.numeric, ...Object.keys(roles.multi)];
  const given = {
    ...{ fields: [], numeric: [], multi: roles.multi, multiWeights: roles.multiWeights, ignore: [] },
    ...{ sides: [], drop: [], reading, ...bad, onBadRow: reading.onBadRow },
    ...{ infer: false, unlabelled: false },
  };
  const { dataset } = await withLog(on, given, watch, (log, tables, options, observe) => {
    const has = (name: string) => log.columns.includes(name);
    if (!features.some(has))
      throw new UsageError(
        `no column is a feature of the run: the run has ${features.join(", ")}, the file has ` +
          log.columns.join(", "),
      );
    const fields = roles.fields.filter(has);
    const present = {
      fields: key === undefined || features.includes(key) ? fields : [...fields, key],
      numeric: numericOf(preprocess).filter((name) =>
        [...numericForms([name], roles.numeric).keys()].some(has),
      ),
      multi: Object.fromEntries(Object.entries(roles.multi).filter(([name]) => has(name))),
      multiWeights: roles.multiWeights?.filter(has),
    };
    return buildDataset(log, tables, { ...options, ...present }, observe);
  });
  const isThere = (name: string) => dataset.columns.some((column) => column.name === name);
  const hashed = await hashedAs(preprocess, dataset, hashKeys, on);
  const absent = space.fields.filter(({ name }) => !isThere(name));
  const columns = [...hashed.columns, ...absent.map((field) => missingColumn(field, dataset.numRows))];
  return {
    dataset: { ...hashed, columns },
    known: space.fields.map(({ name }) => name).filter(isThere),
  };
}

async function hashedAs(
  preprocess: Preprocess,
  dataset: Dataset,
  hashKeys: string | undefined,
  on: readonly string[],
): Promise<Dataset> {
  const named = (preprocess.hashKeys?.columns ?? []).filter((name) =>
    dataset.columns.some((column) => column.name === name),
  );
  if (named.length === 0 && hashKeys === undefined) return dataset;
  await secretOf(preprocess, hashKeys, on);
  return withHashedKeys(dataset, { hash: await keyedHashFrom(hashKeys!), named, filters: [] });
}

function missingColumn({ kind, name }: FeatureSpace["fields"][number], numRows: number): Column {
  if (kind === "number" || kind === "bins")
    return { kind: "number", name, values: new Float64Array(numRows).fill(NaN) };
  return { kind: "key", name, codes: new Uint32Array(numRows).fill(MISSING), dictionary: encodeKeys([]) };
}

/** Returns a function from a row to its key as bytes: its cell, empty if missing; or the row number, from 1. */
export function keysOfRows(dataset: Dataset, key: string | undefined): (row: number) => Uint8Array {
  if (key === undefined) return (row) => Buffer.from(String(row + 1));
  const column = columnNamed(dataset, key);
  if (column.kind === "number") {
    return (row) => Buffer.from(Number.isNaN(column.values[row]!) ? "" : String(column.values[row]));
  }
  if (column.kind === "multi") throw new RangeError("a key is one value");
  const { codes, dictionary } = column;
  return (row) => {
    const code = codes[row]!;
    if (code === MISSING) return new Uint8Array();
    return dictionary.bytes.subarray(dictionary.offsets[code], dictionary.offsets[code + 1]);
  };
}
