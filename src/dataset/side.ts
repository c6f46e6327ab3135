// Side tables: columns of items or users that are joined to the rows of the log by a key while the log is read.

import { mapTo } from "../base/numeric/indices.js";
import { MISSING, encodeKeys, keyAt, keyInCase, type Keys } from "../log/keys.js";
import { DataError, UsageError } from "../base/errors.js";
import type { InputFingerprint } from "../base/io/fingerprint.js";
import type { Log } from "../log/log.js";
import { hasOwnForm, numberParser, type NumberParser } from "../log/number.js";
import type { NullCells } from "../log/nulls.js";
import { requireColumn } from "./roles.js";
import type { Cells } from "./collect.js";
import { MemoryColumns, type ColumnPlan } from "./columns.js";
import type { KeyColumn, Roles } from "./dataset.js";
import { KeyIndex } from "./vocabulary/key-index.js";
import { cellFormOf, isVectors, splitCells } from "./multi.js";

/** Placeholder in #rowOfCode for keys of the log that were not looked up yet. */
const NOT_SOUGHT = 0xfffffffe;

/** A side table in memory. Its columns are stored as keys, and each key of the join has one row. */
export interface SideTable {
  path: string;
  /** name of the log's column by which the table is joined */
  key: string;
  /** distinct keys of the join; row r of the table belongs to key r */
  keys: Keys;
  /** further columns of the table; the code of row r belongs to key r, u32[keys.size] */
  columns: KeyColumn[];
  /** texts that were read as missing cells, by column */
  nulls: ReadonlyMap<string, NullCells>;
  parse: NumberParser;
  inputs: InputFingerprint[];
  /** separators of the columns of lists */
  multi?: Log["multi"];
}

/**
 * Parses FILE:KEY or FILE:KEY=SIDEKEY, split at the last colon.
 *
 * @param flag flag that contains the value
 * @throws {UsageError} there is no colon or no key
 */
export function parseSide(text: string, flag = "--side"): { path: string; key: string; sideKey: string } {
  const colon = text.lastIndexOf(":");
  const [key = "", sideKey = key] = text.slice(colon + 1).split("=", 2);
  if (colon <= 0 || key === "" || sideKey === "") {
    throw new UsageError(
      `${flag} expects FILE:KEY or FILE:KEY=SIDEKEY, such as movies.csv:movie_id, got '${text}'`,
    );
  }
  return { path: text.slice(0, colon), key, sideKey };
}

/**
 * Reads a side table completely.
 *
 * @throws {DataError} a key is empty or repeated, with file and line
 */
export async function readSide(
  log: Log,
  path: string,
  key: string,
  sideKey: string,
  flag = "--side",
  kind = "a side table",
): Promise<SideTable> {
  requireColumn(flag, sideKey, log.columns);
  // cells of other tables, such as the names of keys, are shown
  const isShown = (name: string) => flag !== "--side" && name !== sideKey;
  const requests = log.columns.map((name) => ({
    ...{ name, as: "key" as const },
    ...(isShown(name) && { keepsCase: true as const }),
  }));
  const keyColumn = log.columns.indexOf(sideKey);
  const cells = new MemoryColumns(log.columns.map((name) => ({ name, kind: "key" })));
  const read = await log.read(requests, (batch, keyOf) => {
    const codes = batch.columns[keyColumn] as Uint32Array;
    for (let row = 0; row < batch.numRows; row++) {
      // codes are numbered by first appearance, so a code that differs from its row number belongs to a repeated key
      if (codes[row] === batch.firstRow + row) continue;
      const what =
        codes[row] === MISSING
          ? "is empty"
          : `'${keyOf(keyColumn, codes[row]!)}' also occurs in an earlier row` +
            (log.keyCase === undefined ? "" : ` (with --key-case ${log.keyCase})`);
      throw new DataError(`the key ${what}: ${kind} must have one row per key`, {
        ...batch.placeOf(row),
        column: sideKey,
      });
    }
    cells.append(batch.columns, batch.numRows);
  });
  const columns = log.columns.map((name, i): KeyColumn => {
    const codes = cells.take(i) as Uint32Array;
    return { kind: "key", name, codes, dictionary: read.dictionaries[i]! };
  });
  const keys = columns[keyColumn]!.dictionary;
  const others = columns.filter((_, i) => i !== keyColumn);
  const nulls = new Map(read.nulls.map((found, i) => [log.columns[i]!, found]));
  const parse = hasOwnForm(log.numbers) ? numberParser(log.numbers) : Number;
  return { path, key, keys, columns: others, nulls, parse, inputs: read.inputs, multi: log.multi };
}

/** Appends the cells of the side tables to the log's sample, from which roles are inferred. */
export function withSideCells(log: Log, sides: SideTable[]): string[][] {
  const indexes = sides.map(({ keys }) => new KeyIndex(keys));
  return log.sample.map((row) => [
    ...row,
    ...sides.flatMap(({ key, columns }, s) => {
      const sideRow = indexes[s]!.findText(keyInCase(row[log.columns.indexOf(key)]!, log.keyCase));
      return columns.map(({ codes, dictionary }) =>
        sideRow < 0 || codes[sideRow] === MISSING ? "" : keyAt(dictionary, codes[sideRow]!),
      );
    }),
  ]);
}

/**
 * Joins a side table to the log's rows while they are read: each row gets the cells of the side table's row with the
 * same key, or empty cells.
 *
 * A column with almost as many values as keys adds no information to the key: unless --fields names it, it is not a
 * feature, and a note says so.
 */
export class SideJoin {
  /** columns that the side table adds to the log */
  readonly plans: ColumnPlan[] = [];
  /** distinct keys of each added column, or distinct whole cells of a multi-valued column; empty for numbers */
  readonly dictionaries: Keys[] = [];
  readonly #side: SideTable;
  readonly #index: KeyIndex;
  readonly #columns: KeyColumn[] = [];
  /** row of the side table by code of the log's key; NOT_SOUGHT before the lookup, MISSING for unknown keys */
  #rowOfCode = new Uint32Array(1024).fill(NOT_SOUGHT);

  constructor(side: SideTable, roles: Roles, named: readonly string[], notes: string[]) {
    this.#side = side;
    this.#index = new KeyIndex(side.keys);
    for (const column of side.columns) {
      const { name, dictionary } = column;
      const isField = roles.fields.includes(name);
      if (isField && !named.includes(name) && side.keys.size > 1 && dictionary.size > 0.9 * side.keys.size) {
        roles.fields = roles.fields.filter((field) => field !== name);
        notes.push(
          `ignored '${name}', which has a different value for nearly every '${side.key}' (${dictionary.size} ` +
            `of ${side.keys.size}); use --fields to include it`,
        );
        continue;
      }
      const form = cellFormOf(name, roles);
      const isNumber = roles.numeric.includes(name);
      if (!form && !isField && !isNumber) continue;
      // vectors are checked here, where rows are those of the side table
      if (form && isVectors(form)) splitCells(name, column.codes, dictionary, form, side.path);
      if (form) this.plans.push({ name, kind: "multi", ...form });
      else this.plans.push({ name, kind: isField ? "key" : "number" });
      this.#columns.push(column);
      this.dictionaries.push(isField || form ? dictionary : encodeKeys([]));
    }
  }

  /** Returns the added cells of rows. @throws {DataError} a cell of a numeric column is not a number */
  cellsOf(keys: Uint32Array, keyOf: (code: number) => string): Cells[] {
    const rows = keys.map((code) => (code === MISSING ? MISSING : this.#rowOf(code, keyOf)));
    return this.#columns.map((column, i) => {
      const codes = rows.map((row) => (row === MISSING ? MISSING : column.codes[row]!));
      return this.plans[i]!.kind === "number"
        ? mapTo(Float64Array, codes, (code) => numberAt(this.#side, column, code))
        : codes;
    });
  }

  /** Returns a note on keys of the log that the side table lacks, if there are any. */
  unmatched(keys: Keys): string[] {
    const { key, path } = this.#side;
    let count = 0;
    for (let code = 0; code < keys.size; code++) if (this.#index.find(keys, code) < 0) count++;
    return count > 0 ? [`${count} of ${keys.size} keys of '${key}' are not in ${path}`] : [];
  }

  #rowOf(code: number, keyOf: (code: number) => string): number {
    if (code >= this.#rowOfCode.length) {
      const larger = new Uint32Array(2 * code).fill(NOT_SOUGHT, this.#rowOfCode.length);
      larger.set(this.#rowOfCode);
      this.#rowOfCode = larger;
    }
    if (this.#rowOfCode[code] === NOT_SOUGHT) {
      const row = this.#index.findText(keyOf(code));
      this.#rowOfCode[code] = row < 0 ? MISSING : row;
    }
    return this.#rowOfCode[code]!;
  }
}

/** Returns the number of a cell; NaN for an empty one. @throws {DataError} it is not a number */
export function numberAt(
  { path, parse = Number }: Pick<SideTable, "path"> & Partial<Pick<SideTable, "parse">>,
  { name, dictionary }: KeyColumn,
  code: number,
): number {
  if (code === MISSING) return NaN;
  const text = keyAt(dictionary, code);
  const x = parse(text) ?? NaN;
  if (!Number.isFinite(x))
    throw new DataError(`expected a finite number, got '${text}'`, { file: path, column: name });
  return x;
}
