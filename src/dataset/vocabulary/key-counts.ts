// Counts the rows of each key of a column.

import { sharedU32 } from "../../base/numeric/indices.js";
import { shareRounds } from "../../compute/threads/rounds.js";
import { start } from "./counting.worker.js";
import type { KeyColumn } from "../dataset.js";
import { MISSING } from "../../log/keys.js";
import { inReadingOrder, isStored, slicesAt } from "../stored-columns.js";
import { densityOf } from "../sparse-fields.js";

interface Codes {
  codes: Uint32Array;
  numKeys: number;
}

/** Cached counts over all rows, by a column's codes. Vocabularies reuse the counts that were made while reading. */
const ofAllRows = new WeakMap<Uint32Array, Uint32Array>();

/** Codes of columns that are known to have no empty cell. */
const neverEmpty = new WeakSet<Uint32Array>();

export function isNeverEmpty(codes: Uint32Array): boolean {
  return neverEmpty.has(codes);
}

/** Returns u32[numKeys] for each column: the rows of each key. @param rows distinct row numbers; default: all */
function countCodes(columns: readonly Codes[], rows?: Uint32Array): Uint32Array[] {
  const counted = columns.map(({ codes, numKeys }) => ({ codes, events: sharedU32(numKeys) }));
  const large = [...(rows ? [rows] : []), ...columns.map(({ codes }) => codes)];
  const url = new URL("./counting.worker.js", import.meta.url);
  shareRounds(url, start, { columns: counted, rows }, columns.length, large);
  return counted.map(({ events }) => events);
}

/** Returns countCodes over all rows, and caches the counts for later calls. */
export function countAll(columns: readonly Codes[]): Uint32Array[] {
  const others = columns.filter(({ codes }) => !ofAllRows.has(codes));
  const counts = countCodes(others);
  others.forEach(({ codes }, i) => {
    ofAllRows.set(codes, counts[i]!);
    if (densityOf(counts[i]!).rows === codes.length) neverEmpty.add(codes);
  });
  return columns.map(({ codes }) => ofAllRows.get(codes)!);
}

/** Returns u32[size of its dictionary] for each column: rows of each key; read-only. @param rows distinct numbers */
export function countColumns(columns: readonly KeyColumn[], rows: Uint32Array): Uint32Array[] {
  if (isStored({ columns })) return countStored(columns, rows);
  const all = columns.map(({ codes, dictionary }) => ({ codes, numKeys: dictionary.size }));
  const isWhole = all.every(({ codes }) => codes.length === rows.length);
  return isWhole ? countAll(all) : countCodes(all, rows);
}

/** Counts of columns on disk, with the rows that were counted last. */
const ofStored = new WeakMap<KeyColumn, { rows: WeakRef<Uint32Array>; events: Uint32Array }>();

/** Returns countColumns of columns on disk, which are read in slices unless the same rows were counted last. */
function countStored(columns: readonly KeyColumn[], rows: Uint32Array): Uint32Array[] {
  const others = columns.filter((column) => ofStored.get(column)?.rows.deref() !== rows);
  const counts = others.map(({ dictionary }) => new Uint32Array(dictionary.size));
  for (const slice of others.length > 0 ? slicesAt(others, inReadingOrder(others, rows)) : [])
    for (const [c, { codes }] of (slice.columns as KeyColumn[]).entries()) {
      const events = counts[c]!;
      for (let i = 0; i < slice.rows.length; i++) {
        const code = codes[slice.rows[i]!]!;
        if (code !== MISSING) events[code]!++;
      }
    }
  others.forEach((column, c) => ofStored.set(column, { rows: new WeakRef(rows), events: counts[c]! }));
  return columns.map((column) => ofStored.get(column)!.events);
}

/** Returns u32[size of the dictionary]: the number of rows of each key; read-only. @param rows distinct row numbers */
export function countKeys(column: KeyColumn, rows: Uint32Array): Uint32Array {
  return countColumns([column], rows)[0]!;
}
