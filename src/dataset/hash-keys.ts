// Ids replaced by their keyed hash, before anything is made of them: what is trained, written and printed holds the
// hashes alone.

import { DataError, UsageError } from "../errors.js";
import { dictionaryOf, type Dictionary } from "../log/dictionary.js";
import type { Column, Dataset, Roles } from "./dataset.js";

/** What a run keeps of it: enough to do the same to another log, and nothing to undo it with. */
export interface KeyHashing {
  function: "hmac-sha256";
  encoding: "hex";
  /** tells one secret from another: the hash of no id, cut short */
  secretId: string;
  columns: string[];
}

/** What stands where a message or a report would quote the log. */
export const TEXT_LEFT_OUT = "[text left out under --hash-keys]";

/** HMAC-SHA256 of bytes, hexadecimal. */
type KeyedHash = (bytes: Uint8Array) => string;

/** Columns that hold ids when nobody names them. */
function idColumns({ user, item, session }: Roles): string[] {
  return [...new Set([user, item, session].filter((name) => name !== undefined))];
}

/**
 * A dataset whose named columns hold hashes in place of their keys.
 *
 * @param named columns to hash; by default the user's, the item's and the session's
 * @param filters columns of rows' filters, which the run states
 * @throws {UsageError} a column is not of keys, or a filter that names an id would be written into the run
 */
export function withHashedKeys(
  dataset: Dataset,
  hash: KeyedHash,
  named: readonly string[] | undefined,
  filters: readonly { flag: string; column: string }[],
): { dataset: Dataset; hashing: KeyHashing } {
  const names = named ?? idColumns(dataset.roles);
  const present = dataset.columns.map(({ name }) => name);
  const unknown = names.find((name) => !present.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `--hash-keys-of names '${unknown}', which is no column in use: those are ${present.join(", ")}`,
    );
  }
  const filter = filters.find(({ column }) => names.includes(column));
  if (filter) {
    throw new UsageError(
      `${filter.flag} on '${filter.column}' would be written into the run, and --hash-keys keeps its ids out: filter before`,
    );
  }
  const columns = dataset.columns.map((column): Column => {
    if (!names.includes(column.name)) return column;
    if (column.kind === "number")
      throw new UsageError(`--hash-keys hashes keys, and column '${column.name}' holds numbers`);
    return { ...column, dictionary: hashedDictionary(column.dictionary, hash) };
  });
  const hashing: KeyHashing = {
    function: "hmac-sha256",
    encoding: "hex",
    secretId: secretIdOf(hash),
    columns: [...names],
  };
  return { dataset: { ...dataset, columns }, hashing };
}

/** What tells this secret from another. */
export function secretIdOf(hash: KeyedHash): string {
  return hash(Buffer.from("embed: which secret is this?")).slice(0, 16);
}

function hashedDictionary({ bytes, offsets, size }: Dictionary, hash: KeyedHash): Dictionary {
  return dictionaryOf(
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
