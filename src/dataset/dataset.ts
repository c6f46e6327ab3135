// A dataset: the log's columns as dictionary-encoded arrays, before any model option is applied.
//
// It holds every row and every value. Minimum counts, scaling, vocabularies and splits belong to a training and are
// made from it (vocabulary.ts, split.ts, rows.ts), from the training part's rows only.

import type { Keys } from "../log/keys.js";
import { excerpt, UsageError } from "../errors.js";
import type { InputFingerprint } from "../io/fingerprint.js";

/** One key a row. */
export interface KeyColumn {
  kind: "key";
  name: string;
  /** u32[numRows]: index into the dictionary, or MISSING */
  codes: Uint32Array;
  /** the distinct keys in order of first appearance */
  dictionary: Keys;
}

/** Several keys a row: distinct cells are split once, and rows refer to distinct cells. */
export interface MultiColumn {
  kind: "multi";
  name: string;
  separator: string;
  /** u32[numRows]: index of a distinct cell, or MISSING */
  codes: Uint32Array;
  /** u32[numCells + 1]: a cell's values are values[indptr[c] .. indptr[c + 1]) */
  indptr: Uint32Array;
  /** u32: indices into the dictionary; a repeated value counts once */
  values: Uint32Array;
  /** f32, one a value: the number that it carries. Absent where a cell of n values has 1/n for each */
  weights?: Float32Array;
  dictionary: Keys;
}

/** One number a row; NaN where the cell is empty. Times are milliseconds since 1970 in UTC. */
export interface NumberColumn {
  kind: "number";
  name: string;
  /** f64[numRows] */
  values: Float64Array;
}

export type Column = KeyColumn | MultiColumn | NumberColumn;

export const roleNames = ["user", "item", "label", "time", "weight", "event", "session"] as const;

/** Which column plays which part; a role without a column is absent. `fields` are categorical features in the log's order. */
export interface Roles {
  user?: string;
  item?: string;
  label?: string;
  time?: string;
  weight?: string;
  event?: string;
  session?: string;
  /** key columns that are features, user's and item's among them unless --fields left them out */
  fields: string[];
  /** number columns that are features */
  numeric: string[];
  /** multi columns that are features, with the separator of their cells */
  multi: Record<string, string>;
  /** multi columns whose values carry a number, `key:number`; none when absent */
  multiWeights?: string[];
  /** which rows of a log with labels are events, where only those that happened were taken; the label is no role then */
  positives?: Positives;
  /** key columns that nobody named and that are no features, as they have hardly two rows a key; none when absent */
  leftOut?: string[];
}

/** Rows whose label is at least `from`. */
export interface Positives {
  label: string;
  from: number;
}

export interface Dataset {
  numRows: number;
  /** in the log's order of columns, then side tables' */
  columns: Column[];
  roles: Roles;
  inputs: InputFingerprint[];
  /** the first row whose label is neither 0 nor 1, for a message; unknown of rows that were encoded or chosen since */
  firstOther?: LabelPlace;
  /** how ids were replaced by hashes; absent when they stand as they are */
  hashKeys?: KeyHashing;
  /** of a log that was read with it, all of whose rows are still here */
  beside?: Beside;
}

/** What is kept of rows for those who read what was made of them; no model looks at it. */
export interface Beside {
  /** cells as the log has them, whatever their columns are to a model */
  texts: KeyColumn[];
  /** f64[numRows]: each row's number in the log, from 0; rows that were left out are counted */
  rowNumbers: Float64Array;
}

/** Where a label stands in the log. */
export interface LabelPlace {
  file: string;
  /** from 1 */
  line: number;
  label: number;
}

/** What a run or a dataset keeps of it: enough to do the same to another log, and nothing to undo it with. */
export interface KeyHashing {
  function: "hmac-sha256";
  encoding: "hex";
  /** tells one secret from another: the hash of no id, cut short */
  secretId: string;
  columns: string[];
}

/** The column of that name. @throws {RangeError} there is none, which is a bug: roles are checked when the log is read */
export function columnNamed(dataset: Dataset, name: string): Column {
  const column = dataset.columns.find((candidate) => candidate.name === name);
  if (!column) throw new RangeError(`dataset has no column '${name}'`);
  return column;
}

/**
 * The column that an option names; of a log that was checked as it was read, of an encoded dataset it is here.
 *
 * @param option as a user types it
 * @throws {UsageError} there is none
 */
export function columnOfOption(dataset: Dataset, option: string, name: string): Column {
  const columns = dataset.columns.map((column) => column.name);
  if (columns.includes(name)) return columnNamed(dataset, name);
  throw new UsageError(
    `${option} names column ${excerpt(name)}, which is not in the dataset: its columns are ` +
      `${columns.join(", ")}; name one of them, or encode the log again with that column`,
  );
}
