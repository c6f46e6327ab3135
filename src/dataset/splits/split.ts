// Splits a dataset's rows into training, validation and test.
//
//   time    rows stably sorted by time; test has the latest share, validation the share before it
//   random  by a 64-bit hash of the seed and the row's cells: a row keeps its split when others are added, and equal
//           rows are in one split; with --split-key of chosen columns only, so that repeats of a pair are in one split
//   rows    by a hash of the seed and the row's number: independent of the columns and their types
//   user    whole users, by a hash of the seed and the user's key
//   items   whole items: the newest by their first event where all rows have a time, else by a hash of the seed and the
//           item's key
//   last    each user's last events (split-last.ts)

import { ascending, mapTo } from "../../numeric/indices.js";
import { MISSING } from "../../log/keys.js";
import { UsageError } from "../../errors.js";
import { columnNamed, type Column, type Dataset } from "../dataset.js";
import type { Parts } from "./parts.js";
import { splitLike, type Likeness } from "./split-like.js";
import { splitItems } from "./split-items.js";
import { splitLast, type LastOptions } from "./split-last.js";
import {
  streamOf,
  uniformAt,
  finish,
  hashBytes,
  hashText,
  mixWord,
  type Hash64,
} from "../../numeric/hash.js";

/** Constant that separates the split by rows from other random draws with the same seed. */
const ROWS = 0x726f7773;

export type SplitBy = "time" | "random" | "rows" | "user" | "items" | "last";

export interface DatasetSplitOptions {
  by: SplitBy;
  /** shares of the rows, each in [0, 1), with a sum below 1 */
  valid: number;
  test: number;
  seed: number;
  /** first time (in milliseconds) of the validation and the test split, instead of their shares, for a split by time */
  validFrom?: number;
  testFrom?: number;
  /** columns, or the roles user and item, whose cells are hashed, for a random split; all columns by default */
  key?: readonly string[];
  /** options of the split that holds out each user's last events */
  last?: LastOptions;
  /**
   * required popularity of a random validation split's items (split-like.ts); `valid` is a share of each user's items
   */
  like?: Likeness;
}

/**
 * Splits the rows of a dataset.
 * @throws {UsageError} a split by time without a time column, by user without a user column, or a split that is empty
 */
export function splitRows(dataset: Dataset, options: DatasetSplitOptions): Parts {
  const { valid, test } = options;
  if (!(valid >= 0 && test >= 0 && valid + test < 1)) {
    throw new UsageError(
      `--valid and --test must be at least 0 and sum to less than 1, got ${valid} and ${test}`,
    );
  }
  const { validFrom, testFrom, last = { last: 1, without: [] } } = options;
  if (options.by !== "time" && (validFrom ?? testFrom) !== undefined)
    throw new UsageError(`a date for --valid or --test needs --split time, got --split ${options.by}`);
  if (options.by !== "random" && options.key)
    throw new UsageError(`--split-key needs --split random, got --split ${options.by}`);
  if (options.by === "last") return splitLast(dataset, last);
  const all = ascending(dataset.numRows);
  if (valid + test === 0 && validFrom === undefined && testFrom === undefined)
    return { train: all, valid: new Uint32Array(), test: new Uint32Array() };
  const parts =
    options.by === "time"
      ? splitByTime(dataset, all, options)
      : options.by === "items"
        ? splitItems(dataset, options)
        : splitByHash(dataset, all, options);
  for (const [name, share] of [
    ["valid", valid],
    ["test", test],
  ] as const) {
    if (share > 0 && parts[name].length === 0) {
      throw new UsageError(
        `--${name} ${share} of ${dataset.numRows} rows gives an empty split: use a larger share`,
      );
    }
    const from = options[`${name}From`];
    if (from !== undefined && parts[name].length === 0) {
      const newest = splitTimes(dataset).reduce((most, time) => Math.max(most, time), -Infinity);
      const why =
        from > newest
          ? `the newest event is of ${new Date(newest).toISOString()}`
          : "the validation split ends where the test split begins";
      throw new UsageError(`--${name} ${new Date(from).toISOString()} gives an empty split: ${why}`);
    }
  }
  if (parts.train.length === 0)
    throw new UsageError(`no training rows: all ${dataset.numRows} rows are in the validation or test split`);
  return parts;
}

function splitByTime(
  dataset: Dataset,
  rows: Uint32Array,
  { valid, test, ...dates }: DatasetSplitOptions,
): Parts {
  const { time } = dataset.roles;
  if (time === undefined) {
    const dated = dates.testFrom !== undefined ? "--test" : "--valid";
    throw new UsageError(
      (dates.testFrom ?? dates.validFrom) === undefined
        ? "--split time needs a time column: name it with --time, or use --split random"
        : `${dated} with a date needs a time column: name it with --time, or use a share, such as ${dated} 0.1`,
    );
  }
  const times = splitTimes(dataset);
  // checks first whether the rows are in the order of time already, as in most logs
  let sorted = true;
  for (let row = 1; sorted && row < rows.length; row++) sorted = times[row - 1]! <= times[row]!;
  const order = sorted ? rows : rows.sort((a, b) => times[a]! - times[b]! || a - b);
  const n = rows.length;
  /** returns the number of rows before a time; if all times are earlier, this is the number of all rows */
  const before = (from: number): number => {
    const at = order.findIndex((row) => times[row]! >= from);
    return at < 0 ? n : at;
  };
  const testFrom = dates.testFrom === undefined ? Math.floor(n * (1 - test)) : before(dates.testFrom);
  const share = dates.testFrom === undefined ? test : (n - testFrom) / n;
  const validFrom =
    dates.validFrom === undefined
      ? Math.max(0, Math.floor(n * (1 - valid - share)))
      : Math.min(testFrom, before(dates.validFrom));
  return {
    train: order.slice(0, validFrom),
    valid: order.slice(validFrom, testFrom),
    test: order.slice(testFrom),
  };
}

/** Returns the times, in milliseconds since 1970, of a log that has a time column. */
function splitTimes(dataset: Dataset): Float64Array {
  const column = columnNamed(dataset, dataset.roles.time!);
  if (column.kind !== "number") throw new RangeError(`time column '${column.name}' was not read as numbers`);
  return column.values;
}

function splitByHash(dataset: Dataset, rows: Uint32Array, options: DatasetSplitOptions): Parts {
  const { like: likeness, seed } = options;
  if (!likeness) return splitShares(dataset, rows, options);
  const { train, test } = splitShares(dataset, rows, { ...options, valid: 0 });
  const hashOf = (roles: readonly string[]) => {
    const hashes = rowHashes(keyColumns(dataset, roles), dataset.numRows, seed);
    return (row: number) => fractionOf(hashes, row);
  };
  // if the user or item column is missing, no column is hashed, so that splitLike reports the missing column
  const { user, item } = dataset.roles;
  const hashes = {
    ofUser: hashOf(user === undefined ? [] : ["user"]),
    ofPair: hashOf(user === undefined || item === undefined ? [] : ["user", "item"]),
  };
  return { ...splitLike(dataset, train, { share: options.valid, likeness, hashes }), test };
}

function splitShares(
  dataset: Dataset,
  rows: Uint32Array,
  { by, valid, test, seed, key }: DatasetSplitOptions,
): Parts {
  const { user } = dataset.roles;
  if (by === "user" && user === undefined) {
    throw new UsageError("--split user needs a user column: name it with --user");
  }
  if (by === "rows") {
    const stream = streamOf(seed, ROWS);
    return dealt(rows, { valid, test }, (row) => uniformAt(stream, row));
  }
  const columns =
    by === "user" ? [columnNamed(dataset, user!)] : key ? keyColumns(dataset, key) : dataset.columns;
  const hashes = rowHashes(columns, dataset.numRows, seed);
  if (by === "user") spreadRowsWithoutUser(dataset, columns[0]!, hashes, seed);
  return dealt(rows, { valid, test }, (row) => fractionOf(hashes, row));
}

/** Assigns rows to splits by one number in [0, 1) per row: test gets the lowest share, validation the next. */
function dealt(
  rows: Uint32Array,
  { valid, test }: { valid: number; test: number },
  placeOf: (row: number) => number,
): Parts {
  const parts = {
    train: new Uint32Array(rows.length),
    valid: new Uint32Array(rows.length),
    test: new Uint32Array(rows.length),
  };
  const sizes = { train: 0, valid: 0, test: 0 };
  for (const row of rows) {
    const u = placeOf(row);
    const part = u < test ? "test" : u < test + valid ? "valid" : "train";
    parts[part][sizes[part]++] = row;
  }
  return {
    train: parts.train.slice(0, sizes.train),
    valid: parts.valid.slice(0, sizes.valid),
    test: parts.test.slice(0, sizes.test),
  };
}

/** Rows without a user are assigned individually by the hash of their cells, because they do not belong to one user. */
function spreadRowsWithoutUser(
  { columns, numRows }: Dataset,
  user: Column,
  hashes: RowHashes,
  seed: number,
): void {
  const isMissing = (row: number): boolean =>
    user.kind === "number" ? Number.isNaN(user.values[row]) : user.codes[row] === MISSING;
  let own: RowHashes | undefined;
  for (let row = 0; row < numRows; row++) {
    if (!isMissing(row)) continue;
    own ??= rowHashes(columns, numRows, seed);
    [hashes.lo[row], hashes.hi[row]] = [own.lo[row]!, own.hi[row]!];
  }
}

/**
 * Returns the columns of --split-key, in the dataset's order; `user` and `item` denote the columns with these roles.
 */
function keyColumns({ columns, roles }: Dataset, key: readonly string[]): Column[] {
  const names = key.map((name) => {
    const isRole = name === "user" || name === "item";
    const found = columns.some((column) => column.name === name) ? name : isRole ? roles[name] : undefined;
    if (found !== undefined) return found;
    throw new UsageError(
      `--split-key names column '${name}', which is not in the data: the columns are ` +
        columns.map((column) => column.name).join(", "),
    );
  });
  return columns.filter(({ name }) => names.includes(name));
}

interface RowHashes {
  lo: Uint32Array;
  hi: Uint32Array;
}

/** Returns the hash of a row, in [0, 1). */
function fractionOf({ hi, lo }: RowHashes, row: number): number {
  return (hi[row]! * 2 ** 21 + (lo[row]! >>> 11)) / 2 ** 53;
}

/** Returns two u32[numRows]: the halves of each row's hash over the given columns' names and cells. */
function rowHashes(columns: Column[], numRows: number, seed: number): RowHashes {
  const lo = new Int32Array(numRows).fill(seed);
  const hi = new Int32Array(numRows).fill(~seed);
  for (const column of columns) {
    const name = hashText(column.name);
    const mix = (row: number, h: Hash64) => {
      lo[row] = mixWord(lo[row]!, h.lo);
      hi[row] = mixWord(hi[row]!, h.hi);
    };
    if (column.kind === "number") {
      const words = new Uint32Array(column.values.buffer, column.values.byteOffset, 2 * numRows);
      for (let row = 0; row < numRows; row++) {
        const h = finish(mixWord(mixWord(name.lo, words[2 * row]!), words[2 * row + 1]!));
        mix(row, { lo: h, hi: finish(mixWord(h, name.hi)) });
      }
      continue;
    }
    const ofCode = column.kind === "key" ? keyHashes(column, name) : cellHashes(column, name);
    for (let row = 0; row < numRows; row++) {
      const code = column.codes[row]!;
      mix(row, code === MISSING ? name : ofCode[code]!);
    }
  }
  return { lo: mapTo(Uint32Array, lo, finish), hi: mapTo(Uint32Array, hi, finish) };
}

function keyHashes({ dictionary }: Extract<Column, { kind: "key" }>, seed: Hash64): Hash64[] {
  const { bytes, offsets, size } = dictionary;
  return Array.from({ length: size }, (_, code) =>
    hashBytes(bytes, offsets[code]!, offsets[code + 1]!, seed),
  );
}

function cellHashes(column: Extract<Column, { kind: "multi" }>, seed: Hash64): Hash64[] {
  const keys = Array.from({ length: column.dictionary.size }, (_, code) =>
    hashBytes(
      column.dictionary.bytes,
      column.dictionary.offsets[code]!,
      column.dictionary.offsets[code + 1]!,
      seed,
    ),
  );
  const { weights } = column;
  const words = weights && new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
  return Array.from({ length: column.indptr.length - 1 }, (_, cell) => {
    let [lo, hi] = [seed.lo, seed.hi];
    for (let j = column.indptr[cell]!; j < column.indptr[cell + 1]!; j++) {
      const value = column.values[j]!;
      lo = mixWord(lo, keys[value]!.lo);
      hi = mixWord(hi, keys[value]!.hi);
      if (words) [lo, hi] = [mixWord(lo, words[j]!), mixWord(hi, words[j]!)];
    }
    return { lo: finish(lo), hi: finish(hi) };
  });
}
