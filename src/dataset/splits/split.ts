// Splits a dataset's rows into training, validation and test.
//
//   time    rows stably sorted by time; test has the latest share, validation the share before it
//   random  by a 64-bit hash of the seed and the row's cells: a row keeps its split when others are added, and equal
//           rows are in one split; with --split-key of chosen columns only, so that repeats of a pair are in one split
//   rows    by a hash of the seed and the row's number: independent of the columns and their types
//   user    whole users, by a hash of the seed and the user's key
//   items   whole items, which imitates new items: the newest by the time of their first event, then by their key's
//           bytes; if a row has no time, by a hash of the seed and the item's key
//   last    each user's last events, or groups of events (a basket, a session); unlike in a split by time, the training
//           split contains events of other users after the held-out ones

import { ascending, mapTo, sharedU32, thoseOf } from "../../base/numeric/indices.js";
import { MISSING, compareKeys } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import {
  columnNamed,
  timeColumn,
  type Column,
  type Dataset,
  type NumberColumn,
  type KeyColumn,
} from "../dataset.js";
import { numbersOf, SLICE_ROWS, sliceOf } from "../stored-columns.js";
import {
  streamOf,
  uniformAt,
  finish,
  hashBytes,
  hashText,
  mixWord,
  type Hash64,
} from "../../base/numeric/hash.js";
import { cellCodes } from "../item-fields.js";
import { splitLike, type Likeness, type Parts } from "./split-like.js";

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
  last?: LastOptions;
  /** required popularity of a random validation split's items; `valid` is a share of each user's items */
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
  if (valid + test === 0 && validFrom === undefined && testFrom === undefined)
    return { train: allRows(dataset), valid: new Uint32Array(), test: new Uint32Array() };
  const parts =
    options.by === "time"
      ? splitByTime(dataset, options)
      : options.by === "items"
        ? splitItems(dataset, options)
        : splitByHash(dataset, options);
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
      const newest = splitTimes(dataset).values.reduce((most, time) => Math.max(most, time), -Infinity);
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

/** Returns all rows in memory that threads can share. */
function allRows({ numRows }: Dataset): Uint32Array {
  return ascending(numRows, sharedU32(numRows));
}

function splitByTime(dataset: Dataset, { valid, test, ...dates }: DatasetSplitOptions): Parts {
  const { time } = dataset.roles;
  if (time === undefined) {
    const dated = dates.testFrom !== undefined ? "--test" : "--valid";
    throw new UsageError(
      (dates.testFrom ?? dates.validFrom) === undefined
        ? "--split time needs a time column: name it with --time, or use --split random"
        : `${dated} with a date needs a time column: name it with --time, or use a share, such as ${dated} 0.1`,
    );
  }
  const column = splitTimes(dataset);
  const n = dataset.numRows;
  const order = allRows(dataset);
  if (!isSorted(column, n)) {
    const { values } = column;
    order.sort((a, b) => values[a]! - values[b]! || a - b);
  }
  /** returns the number of rows before a time */
  const before = (from: number): number => {
    let count = 0;
    for (const [times] of numbersOf(column, n))
      for (let i = 0; i < times.length; i++) count += times[i]! < from ? 1 : 0;
    return count;
  };
  const testFrom = dates.testFrom === undefined ? Math.floor(n * (1 - test)) : before(dates.testFrom);
  const share = dates.testFrom === undefined ? test : (n - testFrom) / n;
  const validFrom =
    dates.validFrom === undefined
      ? Math.max(0, Math.floor(n * (1 - valid - share)))
      : Math.min(testFrom, before(dates.validFrom));
  return {
    train: order.subarray(0, validFrom),
    valid: order.subarray(validFrom, testFrom),
    test: order.subarray(testFrom),
  };
}

/** Tells whether each number is at least the one before it. Most logs are in the order of time already. */
function isSorted(column: NumberColumn, numRows: number): boolean {
  let last = -Infinity;
  for (const [values] of numbersOf(column, numRows))
    for (let i = 0; i < values.length; i++) {
      if (!(values[i]! >= last)) return false;
      last = values[i]!;
    }
  return true;
}

/** Returns the times, in milliseconds since 1970, of a log that has a time column. */
function splitTimes(dataset: Dataset): NumberColumn {
  const column = columnNamed(dataset, dataset.roles.time!);
  if (column.kind !== "number") throw new RangeError(`time column '${column.name}' was not read as numbers`);
  return column;
}

function splitByHash(dataset: Dataset, options: DatasetSplitOptions): Parts {
  const { like: likeness, seed } = options;
  if (!likeness) return splitShares(dataset, options);
  const { train, test } = splitShares(dataset, { ...options, valid: 0 });
  const hashOf = (roles: readonly string[]) => {
    const hashes = rowHasher(keyColumns(dataset, roles), seed)(0, dataset.numRows);
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

function splitShares(dataset: Dataset, { by, valid, test, seed, key }: DatasetSplitOptions): Parts {
  const { user } = dataset.roles;
  if (by === "user" && user === undefined) {
    throw new UsageError("--split user needs a user column: name it with --user");
  }
  if (by === "rows") {
    const stream = streamOf(seed, ROWS);
    return dealt(dataset.numRows, { valid, test }, () => (row) => uniformAt(stream, row));
  }
  const columns =
    by === "user" ? [columnNamed(dataset, user!)] : key ? keyColumns(dataset, key) : dataset.columns;
  const hash = rowHasher(columns, seed);
  // rows without a user are assigned individually by the hash of their cells, because they do not belong to one user
  const hashAlone = by === "user" ? rowHasher(dataset.columns, seed) : undefined;
  return dealt(dataset.numRows, { valid, test }, (from, to) => {
    const hashes = hash(from, to);
    if (!hashAlone) return (row) => fractionOf(hashes, row - from);
    const [user] = sliceOf(columns, from, to);
    let alone: RowHashes | undefined;
    return (row) => {
      const own = isEmpty(user!, row - from) ? (alone ??= hashAlone(from, to)) : hashes;
      return fractionOf(own, row - from);
    };
  });
}

function isEmpty(column: Column, row: number): boolean {
  return column.kind === "number" ? Number.isNaN(column.values[row]) : column.codes[row] === MISSING;
}

/**
 * Assigns rows to splits by one number in [0, 1) per row: rows with the lowest numbers are in test, those with the next
 * ones in validation, all others in training.
 *
 * @param placesOf returns a function that returns the number of a row from .. to - 1
 */
function dealt(
  numRows: number,
  { valid, test }: { valid: number; test: number },
  placesOf: (from: number, to: number) => (row: number) => number,
): Parts {
  const sizes = [0, 0, 0];
  // 0 for training, 1 for validation and 2 for test
  const parts = new Uint8Array(numRows);
  for (let from = 0; from < numRows; from += SLICE_ROWS) {
    const to = Math.min(numRows, from + SLICE_ROWS);
    const placeOf = placesOf(from, to);
    for (let row = from; row < to; row++) {
      const u = placeOf(row);
      parts[row] = u < test ? 2 : u < test + valid ? 1 : 0;
      sizes[parts[row]!]!++;
    }
  }
  const [train, held, last] = sizes.map((size) => sharedU32(size));
  const all = [train!, held!, last!];
  sizes.fill(0);
  for (let row = 0; row < numRows; row++) all[parts[row]!]![sizes[parts[row]!]!++] = row;
  return { train: train!, valid: held!, test: last! };
}

/** Returns the columns of --split-key, in the dataset's order; `user` and `item` denote roles. */
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

/** Hashes names and cells of rows from .. to - 1. @returns two u32[to - from]: the halves of each row's hash */
function rowHasher(columns: readonly Column[], seed: number): (from: number, to: number) => RowHashes {
  const names = columns.map(({ name }) => hashText(name));
  const ofCodes = columns.map((column, c) => {
    if (column.kind === "number") return new Uint32Array();
    return column.kind === "key" ? keyHashes(column, names[c]!) : cellHashes(column, names[c]!);
  });
  return (from, to) => {
    const numRows = to - from;
    const lo = new Int32Array(numRows).fill(seed);
    const hi = new Int32Array(numRows).fill(~seed);
    for (const [c, column] of sliceOf(columns, from, to).entries()) {
      const name = names[c]!;
      if (column.kind === "number") {
        const words = new Uint32Array(column.values.buffer, column.values.byteOffset, 2 * numRows);
        for (let row = 0; row < numRows; row++) {
          const h = finish(mixWord(mixWord(name.lo, words[2 * row]!), words[2 * row + 1]!));
          lo[row] = mixWord(lo[row]!, h);
          hi[row] = mixWord(hi[row]!, finish(mixWord(h, name.hi)));
        }
        continue;
      }
      const ofCode = ofCodes[c]!;
      for (let row = 0; row < numRows; row++) {
        const code = column.codes[row]!;
        lo[row] = mixWord(lo[row]!, code === MISSING ? name.lo : ofCode[2 * code]!);
        hi[row] = mixWord(hi[row]!, code === MISSING ? name.hi : ofCode[2 * code + 1]!);
      }
    }
    return { lo: mapTo(Uint32Array, lo, finish), hi: mapTo(Uint32Array, hi, finish) };
  };
}

/** Returns u32[2 * number of keys]: the halves of the hash of each key. */
function keyHashes(
  { dictionary }: Pick<Extract<Column, { kind: "key" }>, "dictionary">,
  seed: Hash64,
): Uint32Array {
  const { bytes, offsets, size } = dictionary;
  const hashes = new Uint32Array(2 * size);
  for (let code = 0; code < size; code++) {
    const { lo, hi } = hashBytes(bytes, offsets[code]!, offsets[code + 1]!, seed);
    hashes[2 * code] = lo;
    hashes[2 * code + 1] = hi;
  }
  return hashes;
}

/** Returns u32[2 * number of cells]: the halves of the hash of each cell. */
function cellHashes(column: Extract<Column, { kind: "multi" }>, seed: Hash64): Uint32Array {
  const keys = keyHashes(column, seed);
  const { weights, indptr, values } = column;
  const words = weights && new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
  const hashes = new Uint32Array(2 * (indptr.length - 1));
  for (let cell = 0; cell < indptr.length - 1; cell++) {
    let [lo, hi] = [seed.lo, seed.hi];
    for (let j = indptr[cell]!; j < indptr[cell + 1]!; j++) {
      lo = mixWord(lo, keys[2 * values[j]!]!);
      hi = mixWord(hi, keys[2 * values[j]! + 1]!);
      if (words) [lo, hi] = [mixWord(lo, words[j]!), mixWord(hi, words[j]!)];
    }
    hashes[2 * cell] = finish(lo);
    hashes[2 * cell + 1] = finish(hi);
  }
  return hashes;
}

/**
 * Given n items with events, the first floor(n (1 - valid - test)) are for training, those up to floor(n (1 - test))
 * for validation, and the rest for the test. Rows without an item are in the training split.
 *
 * @returns rows of each split in the log's order, and a sentence on how they were made
 * @throws {UsageError} there is no item column, or it does not hold keys
 */
function splitItems(
  dataset: Dataset,
  { valid, test, seed }: { valid: number; test: number; seed: number },
): Parts {
  const { item } = dataset.roles;
  const column = item === undefined ? undefined : columnNamed(dataset, item);
  if (column?.kind !== "key")
    throw new UsageError("--split items needs an item column with one item per row: name it with --item");
  const { codes, dictionary } = column;
  const first = firstTimes(dataset, column);
  const hashes = first ? undefined : hashesOf(column, seed);
  const orderOf = first ?? hashes!;
  const present = new Uint8Array(dictionary.size);
  for (const code of codes) if (code !== MISSING) present[code] = 1;
  const items = thoseOf(ascending(present.length), (code) => present[code] === 1).sort(
    (a, b) => orderOf[a]! - orderOf[b]! || compareKeys(dictionary, a, b),
  );

  const n = items.length;
  const testFrom = Math.floor(n * (1 - test));
  const validFrom = Math.max(0, Math.floor(n * (1 - valid - test)));
  const partOf = new Uint8Array(dictionary.size);
  for (let i = validFrom; i < n; i++) partOf[items[i]!] = i < testFrom ? 1 : 2;
  const rowsIn = (part: number): Uint32Array =>
    thoseOf(ascending(codes.length), (row) => (codes[row] === MISSING ? 0 : partOf[codes[row]!]) === part);
  const held = [
    ...(testFrom > validFrom ? [`${testFrom - validFrom} for validation`] : []),
    ...(n > testFrom ? [`${n - testFrom} for the test`] : []),
  ];
  const how = first
    ? `the newest by first event, starting at ${new Date(first[items[validFrom]!]!).toISOString()}`
    : "by a hash of their keys, because the log has no times";
  return {
    train: rowsIn(0),
    valid: rowsIn(1),
    test: rowsIn(2),
    ...(validFrom < n && { note: `--split items holds out ${held.join(" and ")} of ${n} items: ${how}` }),
  };
}

/** Returns f64[dictionary.size]: time of each item's first event in milliseconds; undefined if a row has no time. */
function firstTimes(dataset: Dataset, { codes, dictionary }: KeyColumn): Float64Array | undefined {
  const column = timeColumn(dataset);
  if (!column) return undefined;
  const { values } = column;
  const first = new Float64Array(dictionary.size).fill(Infinity);
  for (let row = 0; row < codes.length; row++) {
    if (Number.isNaN(values[row]!)) return undefined;
    if (codes[row] !== MISSING) first[codes[row]!] = Math.min(first[codes[row]!]!, values[row]!);
  }
  return first;
}

/** Returns f64[dictionary.size]: a hash of each key as a fraction of 53 bits. */
function hashesOf({ dictionary: { bytes, offsets, size } }: KeyColumn, seed: number): Float64Array {
  return mapTo(Float64Array, { length: size }, (_, code) => {
    const { hi, lo } = hashBytes(bytes, offsets[code]!, offsets[code + 1]!, { lo: seed, hi: ~seed });
    return (hi * 2 ** 21 + (lo >>> 11)) / 2 ** 53;
  });
}

interface LastOptions {
  /** number of each user's events, or groups, in the test split, and also in the validation split before it */
  last: number;
  /** column that defines groups: rows of a user with equal cells; each event is its own group when absent */
  group?: string;
  /** splits for which no events are held out */
  without: readonly ("valid" | "test")[];
}

/**
 * A user's events are ordered by time, then by row, or in the log's order if there is no time column. The position of a
 * group is that of its latest event. A user keeps at least one group in the training split: the validation split is
 * reduced first, then the test split. Rows without a user are in the training split.
 *
 * @returns rows of each split in the log's order
 * @throws {UsageError} there is no user column, or the group's column does not hold keys
 */
function splitLast(dataset: Dataset, { last, group, without }: LastOptions): Parts {
  const { user } = dataset.roles;
  if (user === undefined) throw new UsageError("--split last needs a user column: name it with --user");
  const users = keyColumn(dataset, user, "--split last needs a categorical user column");
  const groupCodes = group === undefined ? undefined : groupColumn(dataset, group);
  const times = timeColumn(dataset);
  const timeOf = (row: number): number => (times ? times.values[row]! : 0);

  const rowsOf: number[][] = Array.from({ length: users.dictionary.size }, () => []);
  users.codes.forEach((code, row) => code !== MISSING && rowsOf[code]!.push(row));
  const held = { valid: new Uint8Array(dataset.numRows), test: new Uint8Array(dataset.numRows) };
  for (const rows of rowsOf) {
    rows.sort((a, b) => timeOf(a) - timeOf(b) || a - b);
    const groups = groupsOf(rows, groupCodes);
    for (const part of ["test", "valid"] as const) {
      if (without.includes(part)) continue;
      const count = Math.min(last, groups.length - 1);
      if (count < 1) break;
      for (const row of groups.splice(-count).flat()) held[part][row] = 1;
    }
  }
  const all = ascending(dataset.numRows);
  return {
    train: all.filter((row) => held.valid[row] === 0 && held.test[row] === 0),
    valid: all.filter((row) => held.valid[row] === 1),
    test: all.filter((row) => held.test[row] === 1),
  };
}

/** Returns a user's rows as groups, ordered by their latest rows. A row without a group forms a group of its own. */
function groupsOf(rows: readonly number[], codes: Uint32Array | undefined): number[][] {
  if (!codes) return rows.map((row) => [row]);
  const groups = new Map<number, number[]>();
  for (const row of rows) {
    const name = codes[row] === MISSING ? -1 - row : codes[row]!;
    const group = groups.get(name) ?? [];
    // a map iterates in the order of insertion, so inserting the group again moves it to the end
    group.push(row);
    groups.delete(name);
    groups.set(name, group);
  }
  return [...groups.values()];
}

function groupColumn(dataset: Dataset, name: string): Uint32Array {
  const column = dataset.columns.find((candidate) => candidate.name === name);
  if (column) return cellCodes(column);
  throw new UsageError(
    `--group names column '${name}', which is not in the data: the columns are ` +
      `${dataset.columns.map((each) => each.name).join(", ")}; use --session to keep a column that is not a ` +
      "feature",
  );
}

function keyColumn(dataset: Dataset, name: string, message: string): KeyColumn {
  const column = columnNamed(dataset, name);
  if (column.kind !== "key") throw new UsageError(`${message}: '${name}' is not`);
  return column;
}
