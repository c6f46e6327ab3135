// Evaluates --where over batches and over a dataset: each test is evaluated once per distinct cell, and rows combine
// the results of their cells.

import { mapTo } from "../../base/numeric/indices.js";
import { MISSING, keyAt } from "../../log/keys.js";
import { nearestName, UsageError } from "../../base/errors.js";
import type { Batch } from "../../log/log.js";
import { parseNumber } from "../../log/number.js";
import { whereError, type CellTest, type Condition, type Where, parseWhere } from "./where.js";
import { columnNamed, type Column, type Dataset } from "../dataset.js";

type KeyOf = (request: number, code: number) => string;

/** Returns the columns that expressions use. @throws {UsageError} the log has no such column */
export function whereColumns(wheres: readonly Where[], columns: readonly string[]): Set<string> {
  for (const where of wheres) {
    for (const { column, at } of where.tests) {
      if (columns.includes(column)) continue;
      const near = nearestName(column, columns);
      const hint = near === undefined ? `the columns are ${columns.join(", ")}` : `did you mean '${near}'?`;
      throw whereError(where, at, `the log has no column '${column}': ${hint}`);
    }
  }
  return new Set(wheres.flatMap(({ tests }) => tests.map(({ column }) => column)));
}

/** Evaluator of an expression over the batches of one reading of a log. */
export class WhereRows {
  /** for each test, by code of a distinct cell: 1 if the test is true */
  readonly #truths: number[][];
  readonly #ofMissing: number[];
  /** for each test that compares numbers: how many distinct cells are not numbers */
  readonly #noNumbers: number[];

  /** @param requestOf returns the index of a column among the requested columns; its cells are read as keys */
  constructor(
    private readonly where: Where,
    private readonly requestOf: (column: string) => number,
    /** rewrites a number in the log's format with a decimal point and no thousands separators */
    private readonly plain: (cell: string) => string = (cell) => cell,
  ) {
    this.#truths = where.tests.map(() => []);
    this.#ofMissing = where.tests.map((test) => (test.holds("") ? 1 : 0));
    this.#noNumbers = where.tests.map(() => 0);
  }

  /** Returns u8[numRows]: 1 if the expression is true for the row. */
  of(batch: Batch, keyOf: KeyOf): Uint8Array {
    const answers = this.where.tests.map((test, t) => this.#answers(test, t, batch, keyOf));
    return evaluate(this.where.condition, answers, batch.numRows);
  }

  /** Returns notes on cells that a test compares with a number, but that are not numbers. */
  notes(): string[] {
    return this.where.tests.flatMap(({ column }, t) => {
      const n = this.#noNumbers[t]!;
      if (n === 0) return [];
      return [
        `--where: ${n} distinct cells of '${column}' are not numbers and never match numeric comparisons`,
      ];
    });
  }

  #answers(test: CellTest, t: number, batch: Batch, keyOf: KeyOf): Uint8Array {
    const request = this.requestOf(test.column);
    const truths = this.#truths[t]!;
    for (let code = truths.length; code < batch.sizes[request]!; code++) {
      const text = keyOf(request, code);
      const cell = test.texts.length === 0 ? this.plain(text) : text;
      truths.push(test.holds(cell) ? 1 : 0);
      if (test.numeric && parseNumber(cell) === undefined) this.#noNumbers[t]!++;
    }
    const codes = batch.columns[request]!;
    const answers = new Uint8Array(batch.numRows);
    for (let row = 0; row < batch.numRows; row++) {
      answers[row] = codes[row] === MISSING ? this.#ofMissing[t]! : truths[codes[row]!]!;
    }
    return answers;
  }
}

/** @param answers u8[numRows] for each test: 1 if it is true, otherwise 0 */
function evaluate(condition: Condition, answers: readonly Uint8Array[], numRows: number): Uint8Array {
  if (condition.kind === "test") return answers[condition.test]!;
  if (condition.kind === "not") return evaluate(condition.of, answers, numRows).map((answer) => 1 - answer);
  const parts = condition.of.map((part) => evaluate(part, answers, numRows));
  const all = condition.kind === "and" ? 1 : 0;
  return mapTo(Uint8Array, { length: numRows }, (_, row) => {
    for (const part of parts) if (part[row] !== all) return 1 - all;
    return all;
  });
}

/**
 * Evaluates an expression for the given rows. Numbers are compared in their printed form.
 *
 * @param rows u32: rows of the dataset
 * @returns u8[rows.length]: 1 where the expression is true, otherwise 0
 * @throws {UsageError} it uses a column that does not exist, or times, multi-valued cells or hashed ids
 */
export function rowsThatHold(dataset: Dataset, rows: Uint32Array, where: Where): Uint8Array {
  const { positives, time } = dataset.roles;
  const refuse = ({ column, at }: CellTest, why: string) =>
    whereError(where, at, `'${column}' cannot be used here: ${why}`);
  const chosen = where.tests.find(({ column }) => column === positives?.label);
  if (chosen) throw refuse(chosen, `it is the label used by --positive-from ${positives!.from}`);
  whereColumns(
    [where],
    dataset.columns.map(({ name }) => name),
  );
  const answers = where.tests.map((test) => {
    const { column } = test;
    if (column === time) throw refuse(test, "it is the time");
    if (dataset.hashKeys?.columns.includes(column)) throw refuse(test, "its ids are hashed");
    const asked = columnNamed(dataset, column);
    if (asked.kind === "multi") throw refuse(test, "it is multi-valued");
    return answersOf(test, asked, rows);
  });
  return evaluate(where.condition, answers, rows.length);
}

/**
 * Evaluates the expression of an option for the given rows.
 *
 * @param what plural noun for the rows; if given, the expression must be true for at least one row
 * @returns u8[rows.length]: 1 or 0
 * @throws {UsageError} the errors of rowsThatHold, or `what` is given and the expression is false for all rows
 */
export function rowsHeldBy(
  dataset: Dataset,
  rows: Uint32Array,
  { source, flag, what }: { source: string; flag: string; what?: string | undefined },
): Uint8Array {
  const where = parseWhere(source, flag);
  const held = rowsThatHold(dataset, rows, where);
  if (what !== undefined && !held.includes(1)) throw neverHolds(dataset, rows.length, where, what);
  return held;
}

/** Returns the error for an expression that is false for all rows, with values that would match. */
export function neverHolds(dataset: Dataset, numRows: number, where: Where, what: string): UsageError {
  const values = [...new Set(where.tests.map(({ column }) => column))].map((name) => {
    const some = someValues(columnNamed(dataset, name));
    return some === "" ? `'${name}' is empty` : `'${name}' has ${some}`;
  });
  return new UsageError(
    `${where.flag} '${where.source}' matches none of ${numRows} ${what}: ${values.join("; ")}`,
  );
}

const MOST_SHOWN = 8;

function someValues(column: Column): string {
  if (column.kind !== "number") {
    const { size } = column.dictionary;
    const shown = Array.from(
      { length: Math.min(size, MOST_SHOWN) },
      (_, code) => `'${keyAt(column.dictionary, code)}'`,
    );
    return shown.join(", ") + (size > MOST_SHOWN ? ` and ${size - MOST_SHOWN} others` : "");
  }
  let [low, high] = [Infinity, -Infinity];
  for (const x of column.values) [low, high] = [x < low ? x : low, x > high ? x : high];
  return low > high ? "" : `numbers from ${low} to ${high}`;
}

/** Maximum number of distinct numbers whose results are remembered; a Map has at most 16.7 million entries. */
const MOST_ANSWERS = 1 << 20;

/** Returns u8[rows.length]: the result of a test for each row. A distinct cell is tested once, if they are few. */
function answersOf(
  test: CellTest,
  column: Exclude<Column, { kind: "multi" }>,
  rows: Uint32Array,
): Uint8Array {
  const ofMissing = test.holds("") ? 1 : 0;
  if (column.kind === "number") {
    const known = new Map<number, number>();
    // the cells are read into a variable once, because each access to a stored column reads the disk
    const { values } = column;
    return mapTo(Uint8Array, rows, (row) => {
      const x = values[row]!;
      if (Number.isNaN(x)) return ofMissing;
      const answer = known.get(x) ?? (test.holds(String(x)) ? 1 : 0);
      if (known.size < MOST_ANSWERS) known.set(x, answer);
      return answer;
    });
  }
  const truths = mapTo(Uint8Array, { length: column.dictionary.size }, (_, code) =>
    test.holds(keyAt(column.dictionary, code)) ? 1 : 0,
  );
  const { codes } = column;
  return mapTo(Uint8Array, rows, (row) => {
    const code = codes[row]!;
    return code === MISSING ? ofMissing : truths[code]!;
  });
}
