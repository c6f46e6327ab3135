// Replaces ids by their keyed hash before anything is computed from them, so that trained, written and printed results
// contain only hashes.

import type { KeyedHash } from "../base/io/key-file.js";
import { encodeKeys, keyAt, type Keys } from "../log/keys.js";
import { DataError, excerpt, UsageError } from "../base/errors.js";
import { weightedText } from "../log/multi-value-cells.js";
import type { ColumnPlan, ColumnSink } from "./columns.js";
import type { OriginalCells, Column, Dataset, KeyColumn, KeyHashing, Roles } from "./dataset.js";
import { splitCell } from "./multi.js";
import type { StreamedRows } from "./build.js";
import type { DatasetStep } from "./steps.js";

/** Text that replaces quoted cells of the log in messages and reports. */
export const TEXT_LEFT_OUT = "[text left out under --hash-keys]";

function idColumns({ user, item, session }: Roles): string[] {
  return [...new Set([user, item, session].filter((name) => name !== undefined))];
}

/** Options of the hashing of ids. */
export interface HashingRequest {
  hash: KeyedHash;
  /** columns to hash; by default the user, item and session columns */
  named: readonly string[] | undefined;
  /** row filters, which the run or dataset stores, with the columns that they test */
  filters: readonly { flag: string; column: string }[];
}

/**
 * Decides which columns are hashed, and with which secret.
 *
 * @param columns columns in use
 * @throws {UsageError} a column does not contain keys, or a stored filter contains an id
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

/** Returns the dataset with hashes in place of the keys of the named columns. @throws the errors of planHashing */
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

/**
 * Returns the step that hashes ids, unless they were hashed when the dataset was encoded.
 *
 * It throws {UsageError} if they were hashed with another secret, or in other columns; or the errors of planHashing.
 *
 * @param path path of the dataset, for messages
 */
export function hashStep(request: HashingRequest, path: string): DatasetStep {
  return { step: "hash", run: (dataset) => ({ dataset: withHashedIds(dataset, request, path) }) };
}

function withHashedIds(dataset: Dataset, request: HashingRequest, path: string): Dataset {
  const { columns, hashKeys } = dataset;
  if (!hashKeys) return withHashedKeys(dataset, request);
  const { hash, named } = request;
  if (hashKeys.secretId !== secretIdOf(hash))
    throw new UsageError(
      `the ids of dataset '${path}' were hashed with a different secret than the one in --hash-keys`,
    );
  const other = columns.find(({ name }) => named && named.includes(name) !== hashKeys.columns.includes(name));
  if (other)
    throw new UsageError(
      `--hash-keys-of contradicts dataset '${path}', whose hashed columns are ${hashKeys.columns.join(", ")}`,
    );
  return dataset;
}

/** Returns the step that checks that ids are hashed like those of the dataset with which they are used. */
export function likeStep(
  { hashKeys: expected }: Pick<Dataset, "hashKeys">,
  paths: readonly string[],
): DatasetStep {
  const named = paths.join(", ");
  return {
    step: "hashed alike",
    run(dataset) {
      const got = dataset.hashKeys;
      if (expected?.secretId === got?.secretId) return { dataset };
      if (!expected)
        throw new UsageError(
          `the ids of dataset '${named}' are hashed, but those of the run or of the other rows are not`,
        );
      throw new UsageError(
        got
          ? `the ids of dataset '${named}' were hashed with a different secret than those of the run or of the ` +
              "other rows"
          : `the ids of '${named}' are not hashed, but those of the run or of the other rows are: pass the file ` +
              "with the secret, --hash-keys FILE",
      );
    },
  };
}

function hashedBeside(
  { texts, ...rest }: OriginalCells,
  { columns }: KeyHashing,
  { hash }: Pick<HashingRequest, "hash">,
): OriginalCells {
  const hashed = (column: KeyColumn): KeyColumn =>
    columns.includes(column.name)
      ? { ...column, dictionary: hashedDictionary(column.dictionary, hash) }
      : column;
  return { ...rest, texts: texts.map(hashed) };
}

/** Hashes the keys of a column's dictionary before it is written. In multi-valued cells, each value is hashed. */
export function hashedCells(plan: ColumnPlan, cells: Keys, hash: KeyedHash): Keys {
  if (plan.kind !== "multi") return hashedDictionary(cells, hash);
  if (/[0-9a-f]/.test(plan.separator)) {
    throw new UsageError(
      `--hash-keys cannot hash '${plan.name}': its separator ${excerpt(plan.separator)} may occur in a hash`,
    );
  }
  return encodeKeys(
    Array.from({ length: cells.size }, (_, code) =>
      [...(splitCell(keyAt(cells, code), plan) ?? [])]
        .map(([key, value]) => weightedText(hash(Buffer.from(key, "utf8")), value))
        .join(plan.separator),
    ),
  );
}

/** Returns a text that identifies the secret without revealing it. */
export function secretIdOf(hash: KeyedHash): string {
  return hash(Buffer.from("embed: which secret is this?")).slice(0, 16);
}

function hashedDictionary({ bytes, offsets, size }: Keys, hash: KeyedHash): Keys {
  return encodeKeys(
    Array.from({ length: size }, (_, code) => hash(bytes.subarray(offsets[code], offsets[code + 1]))),
  );
}

/** Removes quoted cells from an error message, because a cell may be an id. The position in the log remains. */
export function withoutExcerpts(error: DataError): DataError {
  // only the text before the first quotation mark is repeated, because it does not come from the log
  const own = error.detail.split(/["']/u, 1)[0]!;
  if (own === error.detail) return error;
  return new DataError(`${own}${TEXT_LEFT_OUT}`, error.place);
}

/** Creates the sink that receives the rows of a log; the type of the argument `open` of streamRows. */
export type OpenSink = (columns: readonly ColumnPlan[], roles: Roles) => ColumnSink;

/**
 * Streams rows with hashed dictionaries.
 *
 * @param stream sends all rows to the sink that it opens (streamRows)
 * @throws {UsageError} the errors of planHashing, before a row is read; or a separator can occur in a hash
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
