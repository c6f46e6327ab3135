// word2vec, text and binary: a header `rows dim`, then each row's key and vector, as word2vec.c writes them.
//
//   text    key, then each number after a blank, LF
//   binary  key, a blank, f32[dim] little-endian, LF
//
// Holes of --row-order, which have no key, are left out. The formats cannot hold white space in a key: each such character becomes `_`. With weights, the weight is one more,
// last dimension: a user's vector with 1 there times an item's vector is then <v_u, v_i> + w_i.

import { DataError, excerpt } from "../errors.js";
import { isHole } from "../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { chunksByRow, oneKeyBytes, type Selection } from "./selection.js";

// what readers split or strip at: Unicode's white space, and the controls that Python counts among it
// oxlint-disable-next-line no-control-regex
const WHITE_SPACE = /[\s\u0085\u001c-\u001f]/g;

/** The text format. @throws {DataError} as `checkKeys` */
export function word2vecChunks(selection: Selection): Generator<Uint8Array> {
  const { table, weights } = selection;
  const { dim, vectors } = table;
  const out = start(selection);
  return chunksByRow(selection, out, (row) => {
    if (isHole(table, row)) return;
    out.bytes(word(selection, row));
    for (let i = row * dim; i < (row + 1) * dim; i++) {
      out.byte(32);
      out.float32(vectors[i]!);
    }
    if (weights) {
      out.byte(32);
      out.float32(weights[row]!);
    }
    out.byte(10);
  });
}

/** The binary format. @throws {DataError} as `checkKeys` */
export function word2vecBinChunks(selection: Selection): Generator<Uint8Array> {
  const { table, weights } = selection;
  const { dim, vectors } = table;
  const out = start(selection);
  const numbers = new Float32Array(dim + (weights ? 1 : 0));
  const bytes = new Uint8Array(numbers.buffer);
  return chunksByRow(selection, out, (row) => {
    if (isHole(table, row)) return;
    out.bytes(word(selection, row));
    out.byte(32);
    numbers.set(vectors.subarray(row * dim, (row + 1) * dim));
    if (weights) numbers[dim] = weights[row]!;
    out.bytes(bytes);
    out.byte(10);
  });
}

function start(selection: Selection): ByteWriter {
  checkKeys(selection);
  const out = new ByteWriter();
  const { first, last, table, weights } = selection;
  let numRows = 0;
  for (let row = first; row < last; row++) numRows += isHole(table, row) ? 0 : 1;
  out.text(`${numRows} ${table.dim + (weights ? 1 : 0)}\n`);
  return out;
}

/** The key as written: a numeric field's row, whose key is empty, is called like its field. */
function word(selection: Selection, row: number): Uint8Array {
  const key = oneKeyBytes(selection, row);
  if (key.length === 0) return Buffer.from((selection.field ?? "").replaceAll(WHITE_SPACE, "_") || "_");
  // ASCII above the blank has no white space: most keys need no string
  if (key.every((byte) => byte > 32 && byte < 128)) return key;
  return Buffer.from(Buffer.from(key).toString("utf8").replaceAll(WHITE_SPACE, "_"));
}

/**
 * Checks that keys stay distinct when they are written, before the first byte is.
 *
 * Only a key that is changed can meet another, or one of a field whose name holds a colon; so only those are remembered.
 *
 * @throws {DataError} two keys become the same, or under strict a key has to be changed
 */
function checkKeys(selection: Selection): void {
  const { first, last, table, field, strict } = selection;
  const colon = table.fields.map((name) => field === undefined && name.includes(":"));
  const remembered = new Map<string, number>();
  const isChanged = new Uint8Array(last - first);
  const describe = (row: number): string =>
    excerpt(Buffer.from(oneKeyBytes(selection, row)).toString("utf8"));
  const clash = (a: number, b: number, written: string): never => {
    throw new DataError(
      `keys ${describe(a)} and ${describe(b)} are both written as ${excerpt(written)}: ` +
        "export to a format that holds keys exactly (csv, jsonl, npy)",
    );
  };
  for (let row = first; row < last; row++) {
    if (isHole(table, row)) continue;
    const original = oneKeyBytes(selection, row);
    const written = word(selection, row);
    const changed = Buffer.compare(original, written) !== 0;
    if (changed && strict) {
      throw new DataError(
        `key ${describe(row)} cannot be written exactly, and --strict forbids ${excerpt(Buffer.from(written).toString())}`,
      );
    }
    if (!changed && !colon[table.fieldOf[row]!]) continue;
    isChanged[row - first] = 1;
    const text = Buffer.from(written).toString("utf8");
    const other = remembered.get(text);
    if (other !== undefined) clash(other, row, text);
    remembered.set(text, row);
  }
  if (remembered.size === 0) return;
  for (let row = first; row < last; row++) {
    if (isChanged[row - first] || isHole(table, row)) continue;
    const text = Buffer.from(oneKeyBytes(selection, row)).toString("utf8");
    const other = remembered.get(text);
    if (other !== undefined) clash(other, row, text);
  }
}
