// Compares a table with an earlier one: which rows a network's copy of the earlier table must overwrite or add, and
// which keys are gone.
//
//   added     a key that the earlier table lacks                 its row follows the earlier rows
//   changed   a key of both whose vector or weight differs       its row is the earlier one
//   removed   a key that this table lacks                        its row has no key now
//
// Rows are numbered within the field, so `table[row] = vector` needs no mapping. This requires that the later run kept
// the earlier run's rows (--row-order EARLIER); any other pair of runs is rejected. If --reserve puts two rows before
// the keys, the padding row stays zero, and the out-of-vocabulary row, whose key is empty, may change like any other
// row.
//
//   jsonl   {"change":...,"row":...,"field":...,"key":...[,"count":...,"vector":[...]]} per line; removed ones have no
//           vector
//   npy     a directory of vectors.npy f32[n, dim] and rows.npy u32[n] of one field, keys.txt, removed.jsonl; with
//           weights weights.npy f32[n]

import { keyAt } from "../log/keys.js";
import { UsageError, excerpt } from "../base/errors.js";
import { isHole, rowsOf, type EmbeddingTable, type RowRange, vectorsAt } from "../table/table.js";
import { ByteWriter } from "./files/byte-writer.js";
import { jsonString, documentParts } from "./files/jsonl.js";
import { npyHead } from "./files/npy.js";
import { reservedRows, type ReserveScheme } from "./reserve.js";
import { byteView, keyBytes, type ExportBatch } from "./selection.js";

interface Removed {
  field: string;
  key: string;
  row: number;
}

export interface Delta {
  /** rows of the later table that a network must overwrite or add, ascending, with their numbers within the field */
  written: { row: number; place: number; isNew: boolean }[];
  removed: Removed[];
  /** number of keys in both tables whose weights and vectors have identical bits */
  same: number;
}

export const deltaFormats = ["jsonl", "npy"] as const;

/**
 * Compares tables key by key.
 *
 * @param reserve where the reserved rows of both tables are, which precede the keys; undefined without reserved rows
 * @throws {UsageError} another dim, or a key of both is in different rows
 */
export function deltaOf(
  earlier: EmbeddingTable,
  { table, field, weights }: ExportBatch,
  reserve: ReserveScheme | undefined,
): Delta {
  if (earlier.dim !== table.dim)
    throw new UsageError(
      `--delta: the earlier vectors have ${earlier.dim} dimensions, but these have ${table.dim}`,
    );
  const delta: Delta = { written: [], removed: [], same: 0 };
  const isSame = (was: number, row: number): boolean =>
    sameRow(earlier, was, table, row) && (!weights || Object.is(earlier.weights?.[was], weights[row]));
  for (const name of field === undefined ? table.fields : [field]) {
    const own = rowsOf(table, name);
    const old = earlier.fields.includes(name) ? rowsOf(earlier, name) : { first: 0, last: 0 };
    const oldRows = new Map<string, number>();
    for (let row = old.first; row < old.last; row++)
      if (!isHole(earlier, row)) oldRows.set(keyAt(earlier.keys, row), row);
    const unknown = unknownRow(own, reserve);
    for (let row = own.first; row < own.last; row++) {
      const place = row - own.first;
      const isUnknown = row === unknown;
      if (isHole(table, row) && !isUnknown) continue;
      const key = keyAt(table.keys, row);
      const was = isUnknown && old.last > old.first ? old.first + place : oldRows.get(key);
      if (was === undefined) {
        delta.written.push({ row, place, isNew: true });
        continue;
      }
      oldRows.delete(key);
      if (was - old.first !== place)
        throw new UsageError(
          `--delta: key ${excerpt(`${name}:${key}`)} moved from row ${was - old.first} to row ${place}: ` +
            "train the later run with --row-order EARLIER to keep row numbers",
        );
      if (isSame(was, row)) delta.same++;
      else delta.written.push({ row, place, isNew: false });
    }
    for (const [key, row] of oldRows) delta.removed.push({ field: name, key, row: row - old.first });
  }
  return delta;
}

/** Returns the out-of-vocabulary row of a field; undefined for a numeric field, which has a single row. */
function unknownRow({ first, last }: RowRange, reserve: ReserveScheme | undefined): number | undefined {
  return reserve && last - first > 1 ? first + reservedRows(reserve).outOfVocabulary : undefined;
}

export function* deltaLines(batch: ExportBatch, { written, removed }: Delta): Generator<Uint8Array> {
  const out = new ByteWriter();
  const { facts, vector } = documentParts(out, batch);
  for (const { row, place, isNew } of written) {
    out.text(`{"change":"${isNew ? "added" : "changed"}","row":${place},`);
    facts(row);
    out.text(',"vector":');
    vector(row);
    out.text("}\n");
    if (out.isFull) yield out.take();
  }
  for (const gone of removed) out.text(removedLine(gone));
  yield out.take();
}

/** Files that --delta writes as npy, by name. @throws {UsageError} the table has several fields */
export function deltaFiles(
  { table, field, weights }: ExportBatch,
  { written, removed }: Delta,
): Map<string, Iterable<Uint8Array>> {
  if (field === undefined)
    throw new UsageError("--delta with format npy needs one field: name it with --field");
  const { dim } = table;
  const rows = Uint32Array.from(written, ({ place }) => place);
  const numbers = vectorsAt(
    table,
    Uint32Array.from(written, ({ row }) => row),
  );
  const keys = written.map(({ row }) => Buffer.concat([jsonString(keyBytes(table, row)), Buffer.from("\n")]));
  return new Map<string, Iterable<Uint8Array>>([
    ["vectors.npy", [npyHead("<f4", [written.length, dim]), byteView(numbers)]],
    ["rows.npy", vectorFile(rows, "<u4")],
    ["keys.txt", keys],
    ["removed.jsonl", removed.map((gone) => Buffer.from(removedLine(gone)))],
    ...(weights
      ? [
          [
            "weights.npy",
            vectorFile(
              Float32Array.from(written, ({ row }) => weights[row]!),
              "<f4",
            ),
          ] as const,
        ]
      : []),
  ]);
}

function vectorFile(values: Uint32Array | Float32Array, descr: string): Uint8Array[] {
  return [npyHead(descr, [values.length]), byteView(values)];
}

function removedLine({ field, key, row }: Removed): string {
  return `${JSON.stringify({ change: "removed", row, field, key })}\n`;
}

/** Compares the bits of two numbers, so 0 and -0 are different. */
function sameRow(a: EmbeddingTable, rowA: number, b: EmbeddingTable, rowB: number): boolean {
  const { dim } = a;
  for (let d = 0; d < dim; d++)
    if (!Object.is(a.vectors[rowA * dim + d], b.vectors[rowB * dim + d])) return false;
  return true;
}
