// Reading a further log as the one that a run was trained on.

import { isEncodedDataset, readDescription } from "../../dataset/encoded/read.js";
import type { Dataset, Roles } from "../../dataset/dataset.js";
import { secretIdOf } from "../../dataset/hash-keys.js";
import { userLimitsOf, type UserLimits } from "../../dataset/filters/heavy-users.js";
import { timeOf, type Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { rowsAsLog } from "../../dataset/rows-as-log.js";
import type { SideTable } from "../../dataset/side.js";
import { UsageError } from "../../errors.js";
import { keyedHashFrom } from "../../io/key-file.js";
import { formOf } from "../../log/form.js";
import type { CellReading, ReadOptions } from "../../log/log.js";
import { definedOf } from "../options/defined.js";
import type { BadRowReport } from "./bad-row-report.js";
import { givenRoles } from "./split-parts.js";
import type { Watch } from "../session/watch.js";
import { readDataset, type DatasetOptions, type ReadDataset } from "./read-dataset.js";

/** What a run's preprocess.json says of reading, whatever its model. */
export type ReadAsTrained = Pick<
  Preprocess,
  "roles" | "sides" | "drop" | "where" | "timeFormat" | "timeFields" | "hashKeys" | "cells" | keyof UserLimits
>;

/** A further log. */
export interface ReadLike {
  on: string[];
  reading: ReadOptions;
  hashKeys?: string | undefined;
  maxBad?: number;
  badRows?: BadRowReport;
  /** hears how many rows were bad, by reason, and of how many, in place of the check against maxBad */
  onRead?: (skipped: Record<string, number>, numRead: number) => void;
  /** whether its times are read, in the column that the run has for them */
  timed?: boolean;
  /** its rows are events of users, of whom those above the run's limits are left out; others are rows to score */
  limitsUsers?: true;
  /** columns whose cells are kept as they stand there, with the rows' numbers: Dataset.beside */
  beside?: readonly string[];
  /** the run's side tables, where they were read before */
  tables?: SideTable[];
  /** which of its rows, ascending, stand for the log; all when absent */
  rowsOf?: ((dataset: Dataset) => Uint32Array) | undefined;
}

/** Reads a log in a run's roles, with its side tables and filters. @param shape what the run's model adds */
export async function readAsTrained(
  preprocess: ReadAsTrained,
  { on, reading, hashKeys, timed = false, rowsOf, limitsUsers: isLimited, ...bad }: ReadLike,
  shape: Pick<DatasetOptions, "unlabelled"> &
    Partial<
      Pick<DatasetOptions, "numeric" | "labelIsName" | "session" | "time" | "timeFormat" | "hashKeysOf">
    >,
  watch: Watch,
): Promise<ReadDataset> {
  const { roles, sides, drop, where = [], timeFormat, cells } = preprocess;
  const limits = isLimited ? userLimitsOf(preprocess) : {};
  const given = {
    ...givenRoles(roles),
    ...(await secretOf(preprocess, hashKeys, on)),
    like: preprocess,
    ...((timed || limits.dropUsersAbovePerDay !== undefined) && definedOf({ time: roles.time, timeFormat })),
    ...timeOf(preprocess),
    sides,
    drop,
    where,
    reading: readingAs(cells, reading, on),
    ...bad,
    ...limits,
    onBadRow: reading.onBadRow,
    ...shape,
  };
  const read = await readDataset(on, given, watch);
  return rowsOf ? { ...read, dataset: rowsAsLog(read.dataset, rowsOf(read.dataset)) } : read;
}

/** How a further log is read: a flag of this command goes before what the run says, which names columns of delimited text alone. */
export function readingAs(
  { columns, delimiter, decimal, thousands, ...cells }: CellReading = {},
  reading: ReadOptions,
  on: readonly string[],
): ReadOptions {
  // a table or a query has typed columns
  const isText = !on.some((name) => name.startsWith("table:")) && formOf(on, reading.format) === "csv";
  const ofText = isText ? definedOf({ delimiter, decimal, thousands }) : {};
  if (!isText || !columns || reading.columns) return { ...cells, ...ofText, ...reading };
  return { ...cells, ...ofText, ...reading, columns, header: false };
}

/**
 * The roles of rows that are encoded: what only judging needs is not asked of them.
 *
 * @param key a column that is kept as keys beside the features
 */
export function rolesToEncode(
  { label: _, weight: __, event: ___, ...roles }: Roles,
  key: string | undefined,
): Roles {
  const isOther = key !== undefined && ![...roles.fields, ...roles.numeric].includes(key);
  return isOther ? { ...roles, fields: [...roles.fields, key] } : roles;
}

/**
 * How ids are replaced as in training.
 *
 * @throws {UsageError} the run's ids are hashed and there is no secret, or another one; or they are not and there is one
 */
export async function secretOf(
  { hashKeys: hashing, roles: { session } }: Pick<ReadAsTrained, "roles" | "hashKeys">,
  hashKeys: string | undefined,
  on: readonly string[],
): Promise<Pick<DatasetOptions, "hashKeys" | "hashKeysOf">> {
  if (!hashing && hashKeys === undefined) return {};
  if (!hashing) throw new UsageError("the run's ids are not hashed: omit --hash-keys");
  // a dataset may hold hashes already, and says of which secret
  if (hashKeys === undefined && (await isEncodedDataset(on[0]!)) && (await readDescription(on[0]!)).hashKeys)
    return {};
  if (hashKeys === undefined)
    throw new UsageError("the ids of this run are hashed: pass the secret with --hash-keys FILE");
  if (secretIdOf(await keyedHashFrom(hashKeys)) !== hashing.secretId)
    throw new UsageError(
      `the secret in '${hashKeys}' does not match: the run's ids were hashed with another secret`,
    );
  // a log to evaluate on needs no session
  return { hashKeys, hashKeysOf: hashing.columns.filter((name) => name !== session) };
}
