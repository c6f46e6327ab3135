// What changed from an earlier table to this one: rows to write into a network's table of the earlier version, and keys gone.
//
//   added     a key that the earlier table lacks                 its row stands after the earlier rows
//   changed   a key of both whose vector or weight differs       its row is the earlier one
//   removed   a key that this table lacks                        its row, a hole now
//
// Rows are numbers within the field, so `table[row] = vector` needs no mapping. That holds where the later run kept the earlier
// one's rows (train-fm --row-order EARLIER); any other pair of runs is refused.
//
//   jsonl   {"change":...,"row":...,"field":...,"key":...[,"count":...,"vector":[...]]} a line; removed ones have no vector
//   npy     a directory of vectors.npy f32[n, dim] and rows.npy u32[n] of one field, keys.txt, and removed.jsonl

import { UsageError, excerpt } from "../errors.js";
import { isHole, keyText, rowsOf, type EmbeddingTable } from "../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { jsonString, documentParts } from "./jsonl.js";
import { npyHead } from "./npy-head.js";
import { keyBytes, type Batch } from "./selection.js";

/** A key that is gone. */
interface Removed {
  field: string;
  key: string;
  row: number;
}

export interface Delta {
  /** rows of the later table that are to be written, ascending; within the field, and whether the key is new */
  written: { row: number; place: number; isNew: boolean }[];
  removed: Removed[];
  /** keys of both, bit for bit the same */
  same: number;
}

export const deltaFormats = ["jsonl", "npy"] as const;

/**
 * Compares tables key by key.
 *
 * @param shift reserved rows before a field's first key
 * @throws {UsageError} another dim, or a key of both stands in another row
 */
export function deltaOf(earlier: EmbeddingTable, { table, field, weights }: Batch, shift: number): Delta {
  if (earlier.dim !== table.dim)
    throw new UsageError(
      `--delta: the earlier vectors have ${earlier.dim} dimensions, these ${table.dim}: a network's table keeps its width`,
    );
  const delta: Delta = { written: [], removed: [], same: 0 };
  for (const name of field === undefined ? table.fields : [field]) {
    const own = rowsOf(table, name);
    // a number's one row has no key, and its field no reserved rows
    const isNumber = own.last - own.first === 1 && keyBytes(table, own.first).length === 0;
    const offset = isNumber ? 0 : shift;
    if (!earlier.fields.includes(name)) {
      for (let row = own.first; row < own.last; row++)
        if (!isHole(table, row)) delta.written.push({ row, place: row - own.first + offset, isNew: true });
      continue;
    }
    const old = rowsOf(earlier, name);
    const oldRows = new Map<string, number>();
    for (let row = old.first; row < old.last; row++)
      if (!isHole(earlier, row)) oldRows.set(keyText(earlier.keys, row), row);
    for (let row = own.first; row < own.last; row++) {
      if (isHole(table, row)) continue;
      const key = keyText(table.keys, row);
      const was = oldRows.get(key);
      const place = row - own.first;
      if (was === undefined) delta.written.push({ row, place: place + offset, isNew: true });
      else {
        oldRows.delete(key);
        if (was - old.first !== place)
          throw new UsageError(
            `--delta: key ${excerpt(`${name}:${key}`)} stood in row ${was - old.first} and stands in row ${place}: ` +
              "train the later run with --row-order EARLIER, so that rows keep their numbers",
          );
        const isSame =
          sameRow(earlier, was, table, row) && (!weights || earlier.weights?.[was] === weights[row]);
        if (isSame) delta.same++;
        else delta.written.push({ row, place: place + offset, isNew: false });
      }
    }
    for (const [key, row] of oldRows) delta.removed.push({ field: name, key, row: row - old.first + offset });
  }
  return delta;
}

/** A line a change. */
export function* deltaLines(batch: Batch, { written, removed }: Delta): Generator<Uint8Array> {
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

/** Names of the files and their chunks. @throws {UsageError} rows of several fields */
export function deltaFiles(
  { table, field }: Batch,
  { written, removed }: Delta,
): Map<string, Iterable<Uint8Array>> {
  if (field === undefined)
    throw new UsageError("--delta with format npy needs one field: name it with --field");
  const { dim, vectors } = table;
  const rows = Uint32Array.from(written, ({ place }) => place);
  const numbers = new Float32Array(written.length * dim);
  written.forEach(({ row }, i) => numbers.set(vectors.subarray(row * dim, (row + 1) * dim), i * dim));
  const keys = written.map(({ row }) => Buffer.concat([jsonString(keyBytes(table, row)), Buffer.from("\n")]));
  return new Map<string, Iterable<Uint8Array>>([
    ["vectors.npy", [npyHead("<f4", [written.length, dim]), new Uint8Array(numbers.buffer)]],
    ["rows.npy", [npyHead("<u4", [written.length]), new Uint8Array(rows.buffer)]],
    ["keys.txt", keys],
    ["removed.jsonl", removed.map((gone) => Buffer.from(removedLine(gone)))],
  ]);
}

function removedLine({ field, key, row }: Removed): string {
  return `${JSON.stringify({ change: "removed", row, field, key })}\n`;
}

/** Bit for bit: a zero of another sign is another row. */
function sameRow(a: EmbeddingTable, rowA: number, b: EmbeddingTable, rowB: number): boolean {
  const { dim } = a;
  for (let d = 0; d < dim; d++)
    if (!Object.is(a.vectors[rowA * dim + d], b.vectors[rowB * dim + d])) return false;
  return true;
}
