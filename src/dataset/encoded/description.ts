// dataset.json describes an encoded dataset and the options that shaped it; it contains no times of day, durations or
// number of threads.
//
//   dataset.json   this description, with the size and sha256 of the other files
//   rows.arrow     every row, in dictionary-encoded and float64 columns (write.ts)
//   values.arrow   every value of every dictionary with its count (write.ts)

import { ArtifactError, UsageError } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import {
  anything,
  count,
  flag,
  list,
  object,
  parseVersioned,
  record,
  text,
  whole,
  word,
  type Shape,
} from "../../base/io/json-shape.js";
import type { WrittenFile } from "../../base/io/write.js";
import { keyCases } from "../../log/keys.js";
import type { CellReading, ReadOptions } from "../../log/log.js";
import type { ColumnPlan } from "../columns.js";
import { roleNames, type KeyHashing, type ReadingStep, type Roles } from "../dataset.js";
import { userLimitFlags, type DroppedUsers, type UserLimits } from "../filters/heavy-users.js";
import { stepsShape } from "../steps.js";
import {
  hashingShape,
  kindsOf,
  rolesShape,
  userLimitShapes,
  type Preprocess,
} from "../vocabulary/preprocess.js";
import type { ColumnOptions } from "../roles.js";
import type { TimeFieldOptions } from "../time-fields.js";

/** Name of the file that identifies an encoded dataset. */
export const DATASET_MARKER = "dataset.json";
export const ROWS_FILE = "rows.arrow";
export const VALUES_FILE = "values.arrow";

const SCHEMA_VERSION = 1;

/** Options that are fixed once a dataset is encoded. */
export interface ShapingOptions
  extends
    Omit<ColumnOptions, "infer" | "unlabelled">,
    TimeFieldOptions,
    UserLimits,
    Pick<Preprocess, "sides" | "drop" | "where"> {
  reading: Record<string, unknown> & CellReading & Pick<ReadOptions, "dedupe" | "dedupeBy" | "dedupeKeep">;
}

/** A column of rows.arrow. */
export type EncodedColumn = ColumnPlan & {
  /** number of empty cells */
  missing: number;
  /** number of distinct keys, or of distinct whole cells of a multi-valued column; absent for numbers */
  distinct?: number;
};

export interface Description {
  schemaVersion: number;
  /** version of the program that wrote the dataset */
  version: string;
  rows: number;
  roles: Roles;
  columns: EncodedColumn[];
  inputs: InputFingerprint[];
  /** Number of rows of each log file, in the order of `inputs`; absent in datasets of earlier versions. */
  fileRows?: number[];
  options: ShapingOptions;
  /** parameters with which ids were hashed; absent if ids are not hashed */
  hashKeys?: KeyHashing;
  /** number of rows of the log that were dropped, by reason */
  skipped: Record<string, number>;
  /** the steps that the rows have been through; of earlier versions, only the users that were left out are known */
  steps: ReadingStep[];
  files: Record<string, WrittenFile>;
}

export function descriptionText(description: Omit<Description, "schemaVersion">): string {
  return `${JSON.stringify({ schemaVersion: SCHEMA_VERSION, ...description }, undefined, 2)}\n`;
}

/** @param file path of the file, for messages @throws {ArtifactError} not a description, or of another schema version */
export function parseDescription(bytes: Uint8Array, file: string): Description {
  const remake = "encode the log again";
  const parsed = parseVersioned(bytes, SCHEMA_VERSION, descriptionShape, file, remake) as Parsed;
  const description = { ...parsed, steps: parsed.steps ?? stepsOfEarlier(parsed) };
  const problem = contradictionOf(description);
  if (problem !== undefined) throw damaged(file, problem);
  return description;
}

type Parsed = Omit<Description, "steps"> & { steps?: ReadingStep[]; droppedUsers?: DroppedUsers };

function stepsOfEarlier({ rows, options, droppedUsers = { users: 0, events: 0 } }: Parsed): ReadingStep[] {
  const by = userLimitFlags(options).join(" and ");
  const before = rows + droppedUsers.events;
  const limited = { step: "users", by, users: droppedUsers.users, before, after: rows };
  return [{ step: "read", before, after: before }, ...(by === "" ? [] : [limited])];
}

function contradictionOf({ columns, roles, rows, steps }: Description): string | undefined {
  if (steps.at(-1)?.after !== rows) return "its steps do not leave its rows";
  const kinds = new Map(columns.map(({ name, kind }) => [name, kind]));
  if (kinds.size < columns.length) return "two columns have the same name";
  for (const [name, kind] of kindsOf({ roles }))
    if (kinds.get(name) !== kind) return `'${name}' does not match its role (${kind})`;
  for (const role of roleNames) {
    const name = roles[role];
    if (name !== undefined && !kinds.has(name)) return `its ${role} '${name}' is not a column`;
  }
  return undefined;
}

export function damaged(file: string, why: string, cause?: unknown): ArtifactError {
  return new ArtifactError(`'${file}' is damaged (${why}): restore it or encode the log again`, { cause });
}

/** @throws {UsageError} the dictionary exceeds the maximum size of an Arrow text column */
export function checkDictionaryBytes(name: string, bytes: number): void {
  if (bytes < 2 ** 31) return;
  throw new UsageError(
    `the distinct keys of '${name}' need ${bytes} bytes, the limit is 2 GiB per column: exclude it with ` +
      "--ignore",
  );
}

const texts = list(text);
const file = object({ bytes: count, sha256: text });
const column = {
  name: text,
  missing: count,
};
const columnShape: Shape = (value, at) =>
  object({ ...column, kind: word("key", "number", "multi") }, { distinct: count })(value, at) ??
  ((value as EncodedColumn).kind === "multi"
    ? object({ separator: text, distinct: count }, { weighted: flag })(value, at)
    : undefined);

/** Schema of the reading options; it checks the types of the options that a training on the dataset uses again. */
const reading: Shape = (value, at) =>
  record(anything)(value, at) ??
  object(
    {},
    {
      ...{ nulls: texts, columns: texts, delimiter: text, decimal: text, thousands: text },
      ...{ header: flag, onBadRow: text, maxCell: count, encoding: text, comment: text, format: text },
      ...{ dedupe: flag, dedupeBy: texts, dedupeKeep: word("first", "last") },
      keyCase: word(...keyCases),
    },
  )(value, at);

/** Schema of dataset.json, with the members that its reader needs. */
const descriptionShape = object(
  {
    version: text,
    rows: whole(0, 2 ** 32 - 1),
    roles: rolesShape,
    columns: list(columnShape),
    inputs: list(object({ path: text, bytes: count, sha256: text }, { of: text, modified: text })),
    options: object(
      {
        sides: texts,
        drop: texts,
        numeric: texts,
        multi: record(text),
        ignore: texts,
        reading,
      },
      {
        ...{ where: texts, timeFormat: text, timeFields: texts, timeZone: text, fields: texts, label: text },
        ...userLimitShapes,
      },
    ),
    skipped: record(count),
    files: object({ [ROWS_FILE]: file, [VALUES_FILE]: file }),
  },
  {
    hashKeys: hashingShape,
    fileRows: list(count),
    steps: stepsShape,
    droppedUsers: object({ users: count, events: count }),
  },
);
