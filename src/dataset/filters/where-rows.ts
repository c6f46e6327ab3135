// --where over batches: each test is decided once for a distinct cell, and rows combine what is known of their cells.

import { MISSING } from "../../log/keys.js";
import { nearestName } from "../../errors.js";
import type { Batch } from "../../log/log.js";
import { parseNumber } from "../../log/number.js";
import { whereError, type CellTest, type Condition, type Where } from "./where.js";

type KeyOf = (request: number, code: number) => string;

/** The columns that expressions ask about. @throws {UsageError} the log has no such column */
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

/** One expression over the batches of one reading. */
export class WhereRows {
  /** by test, of each code seen so far: 1 where it holds */
  readonly #truths: number[][];
  readonly #ofMissing: number[];
  /** by test: distinct cells that are compared with a number and are none */
  readonly #noNumbers: number[];

  /** @param requestOf the request that reads a column as keys */
  constructor(
    private readonly where: Where,
    private readonly requestOf: (column: string) => number,
    /** a cell as it is compared with a number */
    private readonly plain: (cell: string) => string = (cell) => cell,
  ) {
    this.#truths = where.tests.map(() => []);
    this.#ofMissing = where.tests.map((test) => (test.holds("") ? 1 : 0));
    this.#noNumbers = where.tests.map(() => 0);
  }

  /** u8[numRows]: 1 where the expression holds. */
  of(batch: Batch, keyOf: KeyOf): Uint8Array {
    const answers = this.where.tests.map((test, t) => this.#answers(test, t, batch, keyOf));
    return evaluate(this.where.condition, answers, batch.numRows);
  }

  /** What a user should know. */
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

/** Where a condition holds, from where its tests do. @param answers u8[numRows] by test: 1 or 0 */
export function evaluate(condition: Condition, answers: readonly Uint8Array[], numRows: number): Uint8Array {
  if (condition.kind === "test") return answers[condition.test]!;
  if (condition.kind === "not") return evaluate(condition.of, answers, numRows).map((answer) => 1 - answer);
  const parts = condition.of.map((part) => evaluate(part, answers, numRows));
  const all = condition.kind === "and" ? 1 : 0;
  return Uint8Array.from({ length: numRows }, (_, row) => {
    for (const part of parts) if (part[row] !== all) return 1 - all;
    return all;
  });
}
