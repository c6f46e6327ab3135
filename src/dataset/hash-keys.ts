// Ids replaced by their keyed hash, before anything is made of them: what is trained, written and printed holds the
// hashes alone.

import { keysOf, keyAt, type Keys } from "../log/keys.js";
import { DataError, excerpt, UsageError } from "../errors.js";
import { weightedText } from "../log/multi-value-cells.js";
import type { ColumnPlan, ColumnSink } from "./columns.js";
import type { Beside, Column, Dataset, KeyColumn, KeyHashing, Roles } from "./dataset.js";
import { valuesOf } from "./multi.js";
import type { StreamedRows } from "./build.js";

/** What stands where a message or a report would quote the log. */
export const TEXT_LEFT_OUT = "[text left out under --hash-keys]";

/** HMAC-SHA256 of bytes, hexadecimal. */
export type KeyedHash = (bytes: Uint8Array) => string;

/** Columns that hold ids when nobody names them. */
function idColumns({ user, item, session }: Roles): string[] {
  return [...new Set([user, item, session].filter((name) => name !== undefined))];
}

/** What is asked of a hashing. */
export interface HashingRequest {
  hash: KeyedHash;
  /** columns to hash; by default the user's, the item's and the session's */
  named: readonly string[] | undefined;
  /** columns of rows' filters, which the run or the dataset states */
  filters: readonly { flag: string; column: string }[];
}

/**
 * Which columns are hashed, and how.
 *
 * @param columns what is in use
 * @throws {UsageError} a column is not of keys, or a filter that names an id would be written down
 */
export function planHashing(
  roles: Roles,
  columns: readonly { name: string; kind: Column["kind"] }[],
  { hash, named, filters }: HashingRequest,
): KeyHashing {
  const names = named ?? idColumns(roles);
  const present = columns.map(({ name }) => name);
  const unknown = names.find((name) => !present.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `--hash-keys-of names '${unknown}', which is not a column in use: columns are ${present.join(", ")}`,
    );
  }
  const filter = filters.find(({ column }) => names.includes(column));
  if (filter) {
    throw new UsageError(
      `${filter.flag} on '${filter.column}' would store ids that --hash-keys must hide: filter the log ` +
        "beforehand",
    );
  }
  const numbers = columns.find(({ name, kind }) => kind === "number" && names.includes(name));
  if (numbers) throw new UsageError(`--hash-keys cannot hash column '${numbers.name}', which is numeric`);
  return {
    function: "hmac-sha256",
    encoding: "hex",
    secretId: secretIdOf(hash),
    columns: [...names],
  };
}

/** A dataset whose named columns hold hashes in place of their keys. @throws as planHashing */
export function withHashedKeys(dataset: Dataset, request: HashingRequest): Dataset {
  const hashKeys = planHashing(dataset.roles, dataset.columns, request);
  const columns = dataset.columns.map((column): Column => {
    if (column.kind === "number" || !hashKeys.columns.includes(column.name)) return column;
    return { ...column, dictionary: hashedDictionary(column.dictionary, request.hash) };
  });
  const { beside } = dataset;
  return {
    ...dataset,
    columns,
    hashKeys,
    ...(beside && { beside: hashedBeside(beside, hashKeys, request) }),
  };
}

/** Cells that are kept beside hashed columns are hashed, too. */
function hashedBeside(
  { texts, ...rest }: Beside,
  { columns }: KeyHashing,
  { hash }: Pick<HashingRequest, "hash">,
): Beside {
  const hashed = (column: KeyColumn): KeyColumn =>
    columns.includes(column.name)
      ? { ...column, dictionary: hashedDictionary(column.dictionary, hash) }
      : column;
  return { ...rest, texts: texts.map(hashed) };
}

/** The dictionary of a column as it goes to disk: of multi-valued cells each value is hashed in its place. */
export function hashedCells(plan: ColumnPlan, cells: Keys, hash: KeyedHash): Keys {
  if (plan.kind !== "multi") return hashedDictionary(cells, hash);
  if (/[0-9a-f]/.test(plan.separator)) {
    throw new UsageError(
      `--hash-keys cannot hash '${plan.name}': its separator ${excerpt(plan.separator)} may occur in a hash`,
    );
  }
  return keysOf(
    Array.from({ length: cells.size }, (_, code) =>
      [...(valuesOf(keyAt(cells, code), plan) ?? [])]
        .map(([key, value]) => weightedText(hash(Buffer.from(key, "utf8")), value))
        .join(plan.separator),
    ),
  );
}

/** What tells this secret from another. */
export function secretIdOf(hash: KeyedHash): string {
  return hash(Buffer.from("embed: which secret is this?")).slice(0, 16);
}

function hashedDictionary({ bytes, offsets, size }: Keys, hash: KeyedHash): Keys {
  return keysOf(
    Array.from({ length: size }, (_, code) => hash(bytes.subarray(offsets[code], offsets[code + 1]))),
  );
}

/** The error without text from the input: a message quotes cells, and a cell may be an id. Its place stays. */
export function withoutExcerpts(error: DataError): DataError {
  // what stands before the first quotation mark is the program's own words
  const own = error.detail.split(/["']/u, 1)[0]!;
  if (own === error.detail) return error;
  return new DataError(`${own}${TEXT_LEFT_OUT}`, error.place);
}

/** Makes the sink for a log's columns, as streamRows calls it. */
export type OpenSink = (columns: readonly ColumnPlan[], roles: Roles) => ColumnSink;

/**
 * The rows as they are streamed, with hashed dictionaries.
 *
 * @param stream sends all rows to the sink that it opens (streamRows)
 * @throws {UsageError} as planHashing, before a row is read; a separator that may stand in a hash
 */
export async function streamHashed(
  request: HashingRequest,
  stream: (open: OpenSink) => Promise<StreamedRows>,
  open: OpenSink,
): Promise<StreamedRows & { hashKeys: KeyHashing }> {
  let plans: readonly ColumnPlan[] = [];
  let hashKeys: KeyHashing | undefined;
  const rows = await stream((columns, roles) => {
    hashKeys = planHashing(roles, (plans = columns), request);
    return open(columns, roles);
  });
  const { columns } = hashKeys!;
  const dictionaries = rows.dictionaries.map((cells, i) =>
    columns.includes(plans[i]!.name) ? hashedCells(plans[i]!, cells, request.hash) : cells,
  );
  return { ...rows, dictionaries, hashKeys: hashKeys! };
}
