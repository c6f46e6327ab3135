// An expression as --where takes it, asked of a dataset that has been read: which rows are events of a kind.

import { MISSING, keyAt } from "../../log/keys.js";
import { UsageError } from "../../errors.js";
import { columnNamed, type Column, type Dataset } from "../dataset.js";
import { evaluate, whereColumns } from "./where-rows.js";
import { type CellTest, parseWhere, whereError, type Where } from "./where.js";

/**
 * Which of the rows an expression holds for. A number is compared as it prints.
 *
 * @param rows u32: rows of the dataset
 * @returns u8[rows.length]: 1 or 0
 * @throws {UsageError} it asks for a column that there is not, or for times, multi-valued cells or hashed ids
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
 * Which of the rows the expression of an option holds for.
 *
 * @param what rows are, in the plural, where the expression must hold for one at least
 * @returns u8[rows.length]: 1 or 0
 * @throws {UsageError} as rowsThatHold, or it holds for none and must
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

/**
 * An expression that holds for no row, with the values that it could ask for.
 *
 * @param what rows are, in the plural
 */
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

/** u8[rows.length]: each distinct cell is tested once. */
function answersOf(
  test: CellTest,
  column: Exclude<Column, { kind: "multi" }>,
  rows: Uint32Array,
): Uint8Array {
  const ofMissing = test.holds("") ? 1 : 0;
  if (column.kind === "number") {
    const known = new Map<number, number>();
    // of a column on disk, read once
    const { values } = column;
    return Uint8Array.from(rows, (row) => {
      const x = values[row]!;
      if (Number.isNaN(x)) return ofMissing;
      const answer = known.get(x) ?? (test.holds(String(x)) ? 1 : 0);
      known.set(x, answer);
      return answer;
    });
  }
  const truths = Uint8Array.from({ length: column.dictionary.size }, (_, code) =>
    test.holds(keyAt(column.dictionary, code)) ? 1 : 0,
  );
  const { codes } = column;
  return Uint8Array.from(rows, (row) => {
    const code = codes[row]!;
    return code === MISSING ? ofMissing : truths[code]!;
  });
}
