// Selects rows or normalizes vectors before they are written.

import { keyAt } from "../log/keys.js";
import { UsageError } from "../base/errors.js";
import { rangeOf, type TableRows } from "../table/rows.js";
import { fieldNumber, isHole, pickRows, type EmbeddingTable } from "../table/table.js";

/**
 * Selects the rows with the largest event counts of each field; among rows with equal counts, the first ones are
 * selected. Memory holds four bytes per row, and as many numbers as the largest field has rows.
 *
 * @param count >= 1, number of rows per field
 */
export async function topRows(rows: TableRows, count: number): Promise<TableRows> {
  const byField: number[][] = rows.fields.map(() => []);
  const counts = new Uint32Array(rows.numRows);
  for await (const { start, table } of rows.batches({ vectors: false })) {
    counts.set(table.counts, start);
    for (let row = 0; row < table.numRows; row++)
      if (!isHole(table, row)) byField[table.fieldOf[row]!]!.push(start + row);
  }
  // equal counts keep the order of the rows, because the sort is stable
  const best = byField.flatMap((of) =>
    of
      .sort((a, b) => counts[b]! - counts[a]!)
      .slice(0, count)
      .sort((a, b) => a - b),
  );
  return pickedRows(rows, Uint32Array.from(best));
}

/** Selects the rows of some fields, in the order of the table. @throws {UsageError} the table has no such field */
export async function rowsOfFields(rows: TableRows, fields: readonly string[]): Promise<TableRows> {
  for (const field of fields) fieldNumber(rows.fields, field);
  const kept = rows.fields.filter((field) => fields.includes(field));
  const numbers = rows.fields.map((field) => kept.indexOf(field));
  const picked: number[] = [];
  for await (const { start, table } of rows.batches({ vectors: false }))
    table.fieldOf.forEach((f, row) => {
      if (numbers[f]! >= 0) picked.push(start + row);
    });
  const own = pickedRows(rows, Uint32Array.from(picked));
  return {
    ...own,
    fields: kept,
    async *batches(pass) {
      for await (const { start, table } of own.batches(pass))
        yield { start, table: { ...table, fields: kept, fieldOf: table.fieldOf.map((f) => numbers[f]!) } };
    },
  };
}

/**
 * Selects the rows of the given keys.
 *
 * @param keys  `field:key`, or keys of `field` if it is given
 * @returns the rows, and the number of keys that have no row
 * @throws {UsageError} no key has a row
 */
export async function rowsNamed(
  rows: TableRows,
  keys: readonly string[],
  field: string | undefined,
): Promise<{ rows: TableRows; missing: number }> {
  const wanted = new Map(keys.map((key) => [field === undefined ? key : `${field}:${key}`, false]));
  const picked: number[] = [];
  const range = await rangeOf(rows, field);
  for await (const { start, table } of rows.batches({ range, vectors: false })) {
    for (let row = 0; row < table.numRows; row++) {
      if (isHole(table, row)) continue;
      const key = `${table.fields[table.fieldOf[row]!]!}:${keyAt(table.keys, row)}`;
      if (!wanted.has(key)) continue;
      wanted.set(key, true);
      picked.push(start + row);
    }
  }
  if (picked.length === 0) {
    const form =
      field === undefined
        ? "one field:key per line, or one key per line with --field"
        : `keys of '${field}', one per line`;
    throw new UsageError(`none of the ${wanted.size} keys has a row in the table: expected ${form}`);
  }
  return {
    rows: pickedRows(rows, Uint32Array.from(picked)),
    missing: [...wanted.values()].filter((found) => !found).length,
  };
}

/** @param picked numbers of the selected rows, ascending */
function pickedRows(rows: TableRows, picked: Uint32Array): TableRows {
  return {
    ...rows,
    numRows: picked.length,
    async *batches({ range = { first: 0, last: picked.length }, vectors = true } = {}) {
      if (range.first >= range.last) return;
      const span = { first: picked[range.first]!, last: picked[range.last - 1]! + 1 };
      let at = range.first;
      for await (const { start, table } of rows.batches({ range: span, vectors })) {
        const from = at;
        while (at < range.last && picked[at]! < start + table.numRows) at++;
        if (at === from) continue;
        const own = picked.subarray(from, at).map((row) => row - start);
        yield { start: from, table: pickRows(table, own) };
      }
    },
  };
}

/** Returns the rows with their vectors normalized to length 1; a zero vector stays zero. */
export function normalizedRows(rows: TableRows): TableRows {
  return {
    ...rows,
    async *batches(pass) {
      for await (const { start, table } of rows.batches(pass))
        yield { start, table: pass?.vectors === false ? table : normalized(table) };
    },
  };
}

function normalized(table: EmbeddingTable): EmbeddingTable {
  const { dim, numRows } = table;
  const vectors = table.vectors.slice();
  for (let row = 0; row < numRows; row++) {
    const vector = vectors.subarray(row * dim, (row + 1) * dim);
    const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
    if (norm > 0) for (let d = 0; d < dim; d++) vector[d] = vector[d]! / norm;
  }
  return { ...table, vectors };
}
