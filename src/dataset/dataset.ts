// A dataset: the log's columns as dictionary-encoded arrays, before any model option is applied.
//
// It contains every row and every value. Minimum counts, scaling, vocabularies and splits belong to a training and are
// computed from it (vocabulary.ts, split.ts, rows.ts), from the rows of the training split only.

import { encodeKeys, type Keys, MISSING, selectKeys } from "../log/keys.js";
import { excerpt, UsageError } from "../base/errors.js";
import type { InputFingerprint } from "../base/io/fingerprint.js";
import { doublesAt, mapTo } from "../base/numeric/indices.js";

/** A column with one key per row. */
export interface KeyColumn {
  kind: "key";
  name: string;
  /** u32[numRows]: index of each row's key in the dictionary, or MISSING */
  codes: Uint32Array;
  /** the distinct keys in order of first appearance */
  dictionary: Keys;
}

/** A column with several keys per row: distinct cells are split once, and rows refer to distinct cells. */
export interface MultiColumn {
  kind: "multi";
  name: string;
  separator: string;
  /** u32[numRows]: index of each row's cell among the distinct cells, or MISSING */
  codes: Uint32Array;
  /** u32[numCells + 1]: cell c has the values values[indptr[c] .. indptr[c + 1]) */
  indptr: Uint32Array;
  /** u32: values of all distinct cells, as indices into the dictionary; those of one cell are distinct */
  values: Uint32Array;
  /** f32: the number that the cell attaches to each value; absent if each of a cell's n values has the weight 1/n */
  weights?: Float32Array;
  dictionary: Keys;
}

/** A column with one number per row; NaN denotes an empty cell. Times are milliseconds since 1970 in UTC. */
export interface NumberColumn {
  kind: "number";
  name: string;
  /** f64[numRows]: number in the cell of each row; NaN for an empty cell */
  values: Float64Array;
}

export type Column = KeyColumn | MultiColumn | NumberColumn;

export const roleNames = ["user", "item", "label", "time", "weight", "event", "session"] as const;

/** The roles of columns; a role without a column is absent. `fields` are categorical features in the log's order. */
export interface Roles {
  user?: string;
  item?: string;
  label?: string;
  time?: string;
  weight?: string;
  event?: string;
  session?: string;
  /** key columns that are features; they include the user and the item unless --fields excludes them */
  fields: string[];
  /** names of number columns that are features */
  numeric: string[];
  /** separators of the multi-valued columns that are features, by column */
  multi: Record<string, string>;
  /** columns of `multi` whose values have the form `key:number`; absent if there are none */
  multiWeights?: string[];
  /** rule that selected the events from a log with labels; the label has no role then */
  positives?: Positives;
  /**
   * key columns with fewer than two rows per key, which are not features unless an option names them; absent if none
   */
  leftOut?: string[];
}

/** Rule that the rows whose label is at least `from` are events. */
export interface Positives {
  label: string;
  from: number;
}

export interface Dataset {
  numRows: number;
  /** columns of the log in their order, followed by the columns of side tables */
  columns: Column[];
  roles: Roles;
  inputs: InputFingerprint[];
  /** position of the first label that is neither 0 nor 1, for messages; absent for encoded or selected rows */
  firstOther?: LabelPlace;
  /** parameters with which ids were replaced by hashes; absent if ids are not hashed */
  hashKeys?: KeyHashing;
  /** original cells, if they were requested; absent once rows are removed */
  beside?: OriginalCells;
  /** the steps that the rows have been through, if they were read from a log or an encoded dataset */
  steps?: readonly ReadingStep[];
}

/** A step of reading that may leave out rows. */
export interface ReadingStep {
  step: string;
  /** the options that request it, as on the command line */
  by?: string;
  /** number of rows before the step */
  before: number;
  /** number of rows after the step */
  after: number;
  /** for `users`: number of users that were left out */
  users?: number;
  /** for `dedupe`: number of rows that were kept because a cell of the key is empty */
  withoutKey?: number;
}

/** Original cells that output files repeat next to the results of each row; models do not use them. */
export interface OriginalCells {
  /** columns that contain the text of each cell, also for columns whose cells models use as numbers */
  texts: KeyColumn[];
  /** f64[numRows]: position of each row in the log, from 0, where skipped rows count */
  rowNumbers: Float64Array;
}

/** The position of a cell in the log that contains a label. */
export interface LabelPlace {
  file: string;
  /** number of the line in the file, from 1 */
  line: number;
  label: number;
}

/**
 * Parameters of the hashing of ids, as stored in a run or dataset: enough to hash another log, but not to reverse it.
 */
export interface KeyHashing {
  function: "hmac-sha256";
  encoding: "hex";
  /** truncated hash of a fixed text, which shows whether another log is hashed with the same secret */
  secretId: string;
  columns: string[];
}

/**
 * Returns the column with the given name.
 *
 * @throws {RangeError} it does not exist, which is a bug, because roles are checked when the log is read
 */
export function columnNamed(dataset: Dataset, name: string): Column {
  const column = dataset.columns.find((candidate) => candidate.name === name);
  if (!column) throw new RangeError(`dataset has no column '${name}'`);
  return column;
}

/** Returns the column of the events' times; undefined if the log has none. */
export function timeColumn(dataset: Dataset): NumberColumn | undefined {
  const { time } = dataset.roles;
  const column = time === undefined ? undefined : columnNamed(dataset, time);
  return column?.kind === "number" ? column : undefined;
}

/** Returns the columns of the given names, in that order, in linear time: a log may have 10,000 columns. */
export function columnsNamed(dataset: Dataset, names: readonly string[]): Column[] {
  const byName = new Map(dataset.columns.map((column) => [column.name, column]));
  return names.map((name) => byName.get(name) ?? columnNamed(dataset, name));
}

/**
 * Returns the column that an option names. For a log, its existence was checked while reading; for an encoded dataset,
 * it is checked here.
 *
 * @param option the option as the user types it
 * @throws {UsageError} there is no such column
 */
export function columnOfOption(dataset: Dataset, option: string, name: string): Column {
  const columns = dataset.columns.map((column) => column.name);
  if (columns.includes(name)) return columnNamed(dataset, name);
  throw new UsageError(
    `${option} names column ${excerpt(name)}, which is not in the dataset: its columns are ` +
      `${columns.join(", ")}; name one of them, or encode the log again with that column`,
  );
}

/** Returns u32: the rows for which isKept returns true, in ascending order. */
export function rowsWhere(numRows: number, isKept: (row: number) => boolean): Uint32Array {
  const rows = new Uint32Array(numRows);
  let kept = 0;
  for (let row = 0; row < numRows; row++) if (isKept(row)) rows[kept++] = row;
  return rows.slice(0, kept);
}

/** Returns a dataset that contains only the given rows, with the same dictionaries. */
export function selectRows(dataset: Dataset, rows: Uint32Array): Dataset {
  const columns = dataset.columns.map((column): Column => {
    if (column.kind !== "number") return { ...column, codes: rows.map((row) => column.codes[row]!) };
    return { ...column, values: doublesAt(column.values, rows) };
  });
  const { firstOther: _, beside: __, ...rest } = dataset;
  return { ...rest, numRows: rows.length, columns };
}

/**
 * Returns a dataset that contains only the given rows and the keys of these rows, as if the log had only these rows.
 */
export function rowsAsLog(dataset: Dataset, rows: Uint32Array): Dataset {
  const selected = selectRows(dataset, rows);
  const columns = selected.columns.map((column) => (column.kind === "key" ? withOwnKeys(column) : column));
  return { ...selected, columns };
}

/**
 * Returns columns of an encoded dataset as text for Dataset.beside. The original text of numbers is not stored: they
 * are printed as JavaScript does.
 *
 * @throws {UsageError} there is no such column, or its cells hold several values, which were split
 */
export function besideOfEncoded(dataset: Dataset, names: readonly string[]): OriginalCells {
  return {
    texts: names.map((name) => textColumn(dataset, name)),
    rowNumbers: mapTo(Float64Array, { length: dataset.numRows }, (_, row) => row),
  };
}

function textColumn(dataset: Dataset, name: string): KeyColumn {
  const column = columnOfOption(dataset, "--keep", name);
  if (column.kind === "key") return column;
  if (column.kind === "multi")
    throw new UsageError(
      `--keep ${name}: '${name}' is multi-valued and stored split in the encoded dataset: keep another ` +
        "column, or read the original log",
    );
  const codeOf = new Map<number, number>();
  const codes = mapTo(Uint32Array, column.values, (x) => {
    if (Number.isNaN(x)) return MISSING;
    const code = codeOf.get(x) ?? codeOf.size;
    codeOf.set(x, code);
    return code;
  });
  return { kind: "key", name, codes, dictionary: encodeKeys([...codeOf.keys()].map(String)) };
}

function withOwnKeys(column: KeyColumn): KeyColumn {
  const own = new OwnCodes();
  const codes = own.renumber(column.codes.slice());
  return { ...column, codes, dictionary: own.keysOf(column.dictionary) };
}

/** Renumbers keys in the order in which rows have them, so that keys without rows have no code. */
export class OwnCodes {
  /** u32 by code: its new code, or MISSING */
  #numbers = new Uint32Array(1024).fill(MISSING);
  readonly #found: number[] = [];

  /** Replaces codes in place; MISSING remains. */
  renumber(codes: Uint32Array): Uint32Array {
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i]!;
      if (code === MISSING) continue;
      if (code >= this.#numbers.length) {
        const grown = new Uint32Array(2 * code).fill(MISSING);
        grown.set(this.#numbers);
        this.#numbers = grown;
      }
      if (this.#numbers[code] === MISSING) this.#numbers[code] = this.#found.push(code) - 1;
      codes[i] = this.#numbers[code]!;
    }
    return codes;
  }

  /** Returns the keys by their new codes. */
  keysOf(dictionary: Keys): Keys {
    return selectKeys(dictionary, Uint32Array.from(this.#found));
  }
}
