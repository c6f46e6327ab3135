// Lists of items for many keys, on their way to a file: a row for each place of a list.
//
//   user,rank,item,score        rank from 1; of lists for items item,rank,neighbor,score
//
// In the formats of row-table.ts; text is written here, where an owner's key is made once for all places of its list.
// A key without anything in its list has no row.

import type { Keys } from "../log/keys.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { ByteWriter } from "./files/byte-writer.js";
import { quoted } from "./files/delimited.js";
import { jsonString } from "./files/jsonl.js";
import type { RowFormat } from "./row-formats.js";
import { keysAt, rowChunks, type RowBatch, type RowColumn } from "./row-table.js";

export type ListFormat = RowFormat;

/** Lists of some keys. */
export interface ListBatch {
  /** whose they are */
  keys: Keys;
  /** items a list at most */
  top: number;
  /** u32[keys.size * top]: best first, as the lists' items are numbered; NO_ITEM from where a list ends */
  items: Uint32Array;
  /** f32, beside items */
  scores: Float32Array;
}

/** Lists, once. */
export interface Lists {
  /** what the columns of keys are called */
  columns: { owner: string; item: string };
  /** the items that stand in them */
  items: Keys;
  batches: AsyncIterable<ListBatch>;
}

/** The bytes of one file. */
export function listChunks(format: ListFormat, lists: Lists): AsyncGenerator<Uint8Array> {
  if (format === "csv") return csvChunks(lists);
  if (format === "jsonl") return jsonlChunks(lists);
  return rowChunks(format, columnsOf(lists), rowsOf(lists));
}

/** How many items stand in a list of the batch. */
export function lengthOfList({ items, top }: ListBatch, list: number): number {
  let length = 0;
  while (length < top && items[list * top + length] !== NO_ITEM) length++;
  return length;
}

/** The bytes of a key. */
export function bytesOfKey({ bytes, offsets }: Keys, key: number): Uint8Array {
  return bytes.subarray(offsets[key], offsets[key + 1]);
}

const COMMA = 44;

/** What is made of keys, when it is first asked for. */
export function textsOf<T>(keys: Keys, make: (key: Uint8Array) => T): (key: number) => T {
  const made: (T | undefined)[] = [];
  return (key) => (made[key] ??= make(bytesOfKey(keys, key)));
}

function csvChunks({ columns: { owner, item }, items, batches }: Lists): AsyncGenerator<Uint8Array> {
  const cell = (bytes: Uint8Array) => quoted(bytes, COMMA);
  const cells = textsOf(items, cell);
  const head = [owner, "rank", item, "score"].map((name) => cell(Buffer.from(name)));
  const out = new ByteWriter();
  head.forEach((name, i) => {
    if (i > 0) out.byte(COMMA);
    out.bytes(name);
  });
  out.byte(10);
  return listLines(batches, out, cell, (key, rank, own, score) => {
    out.bytes(key);
    out.byte(COMMA);
    out.integer(rank);
    out.byte(COMMA);
    out.bytes(cells(own));
    out.byte(COMMA);
    out.float32(score);
    out.byte(10);
  });
}

function jsonlChunks({ columns: { owner, item }, items, batches }: Lists): AsyncGenerator<Uint8Array> {
  const texts = textsOf(items, jsonString);
  const [head, rankName, itemName, scoreName] = [
    `{${JSON.stringify(owner)}:`,
    ',"rank":',
    `,${JSON.stringify(item)}:`,
    ',"score":',
  ].map((text) => Buffer.from(text));
  const out = new ByteWriter();
  return listLines(batches, out, jsonString, (key, rank, own, score) => {
    out.bytes(head!);
    out.bytes(key);
    out.bytes(rankName!);
    out.integer(rank);
    out.bytes(itemName!);
    out.bytes(texts(own));
    out.bytes(scoreName!);
    out.float32(score);
    out.text("}\n");
  });
}

/**
 * Yields the chunks of a text with a line for each place of a list.
 *
 * @param keyOf the owner's key as it is written @param write puts down a line
 */
export async function* listLines(
  batches: AsyncIterable<ListBatch>,
  out: ByteWriter,
  keyOf: (key: Uint8Array) => Uint8Array,
  write: (key: Uint8Array, rank: number, item: number, score: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const batch of batches) {
    const { keys, top, items, scores } = batch;
    for (let list = 0; list < keys.size; list++) {
      const length = lengthOfList(batch, list);
      if (length === 0) continue;
      const key = keyOf(bytesOfKey(keys, list));
      for (let at = list * top; at < list * top + length; at++)
        write(key, at - list * top + 1, items[at]!, scores[at]!);
      if (out.isFull) yield out.take();
    }
  }
  yield out.take();
}

/** As columns of rows. */
async function* rowsOf({ items, batches }: Lists): AsyncGenerator<RowBatch> {
  for await (const batch of batches) yield rowBatchOf(batch, items);
}

function columnsOf({ columns }: Lists): RowColumn[] {
  return [
    { name: columns.owner, type: "key" },
    { name: "rank", type: "count" },
    { name: columns.item, type: "key" },
    { name: "score", type: "f32" },
  ];
}

function rowBatchOf(batch: ListBatch, items: Keys): RowBatch {
  const { keys, top } = batch;
  const lengths = Uint32Array.from({ length: keys.size }, (_, list) => lengthOfList(batch, list));
  const numRows = lengths.reduce((sum, length) => sum + length, 0);
  const [owners, places] = [new Uint32Array(numRows), new Uint32Array(numRows)];
  let row = 0;
  lengths.forEach((length, list) => {
    for (let r = 0; r < length; r++, row++) {
      owners[row] = list;
      places[row] = list * top + r;
    }
  });
  return {
    numRows,
    cells: [
      keysAt(keys, owners),
      places.map((at) => (at % top) + 1),
      keysAt(
        items,
        places.map((at) => batch.items[at]!),
      ),
      Float32Array.from(places, (at) => batch.scores[at]!),
    ],
  };
}
