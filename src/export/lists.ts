// Lists of items for many keys, on their way to a file: a row for each place of a list.
//
//   user,rank,item,score        rank from 1; of lists for items item,rank,neighbor,score
//
//   csv      a header, cells quoted as RFC 4180 says where they must be
//   jsonl    {"user":...,"rank":1,"item":...,"score":...}
//   parquet  the same columns: texts, UINT_32, FLOAT; a batch is a row group
//   arrow    an Arrow IPC file of them: utf8, u32, f32; a batch is a record batch
//
// A key without anything in its list has no row.

import { arrowFileChunks } from "../embedding/arrow-file.js";
import type { Keys } from "../embedding/table.js";
import { ByteWriter } from "./byte-writer.js";
import { quoted } from "./delimited.js";
import { jsonString } from "./jsonl.js";
import { ParquetTable } from "./parquet-table.js";

/** What ends a list that is shorter than the others. */
export const NO_ITEM = 0xffffffff;

export const listFormats = ["csv", "jsonl", "parquet", "arrow"] as const;
export type ListFormat = (typeof listFormats)[number];

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
  return { csv: csvChunks, jsonl: jsonlChunks, parquet: parquetChunks, arrow: arrowChunks }[format](lists);
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

/** A batch as columns. */
interface Columns {
  numRows: number;
  owners: Keys;
  ranks: Uint32Array;
  items: Keys;
  scores: Float32Array;
}

function columnsOf(batch: ListBatch, items: Keys): Columns {
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
    owners: keysAt(keys, owners),
    ranks: places.map((at) => (at % top) + 1),
    items: keysAt(
      items,
      places.map((at) => batch.items[at]!),
    ),
    scores: Float32Array.from(places, (at) => batch.scores[at]!),
  };
}

/** Keys at the given places, which may repeat. */
function keysAt({ bytes, offsets }: Keys, places: Uint32Array): Keys {
  const ends = new Uint32Array(places.length + 1);
  places.forEach((key, i) => (ends[i + 1] = ends[i]! + offsets[key + 1]! - offsets[key]!));
  const all = new Uint8Array(ends[places.length]!);
  places.forEach((key, i) => {
    // keys are short: a loop is faster than a view of each
    for (let from = offsets[key]!, at = ends[i]!; from < offsets[key + 1]!; from++, at++)
      all[at] = bytes[from]!;
  });
  return { size: places.length, bytes: all, offsets: ends };
}

async function* parquetChunks({ columns, items, batches }: Lists): AsyncGenerator<Uint8Array> {
  const file = new ParquetTable([
    { name: columns.owner, type: "key" },
    { name: "rank", type: "count" },
    { name: columns.item, type: "key" },
    { name: "score", type: "f32" },
  ]);
  for await (const batch of batches) {
    const { numRows, owners, ranks, items: keys, scores } = columnsOf(batch, items);
    yield* file.rowGroup(numRows, [owners, ranks, keys, scores]);
  }
  yield file.end();
}

async function* arrowChunks({ columns, items, batches }: Lists): AsyncGenerator<Uint8Array> {
  // loaded when used, as for tables
  const { arrow } = await import("../io/apache-arrow.js");
  const { Field, Float32, makeData, RecordBatch, Schema, Struct, Uint32, Utf8 } = arrow;
  const schema = new Schema([
    new Field(columns.owner, new Utf8(), false),
    new Field("rank", new Uint32(), false),
    new Field(columns.item, new Utf8(), false),
    new Field("score", new Float32(), false),
  ]);
  const recordOf = ({ numRows: length, owners, ranks, items: keys, scores }: Columns) => {
    const texts = ({ bytes: data, offsets }: Keys) =>
      makeData({ type: new Utf8(), length, nullCount: 0, valueOffsets: new Int32Array(offsets), data });
    const children = [
      texts(owners),
      makeData({ type: new Uint32(), length, nullCount: 0, data: ranks }),
      texts(keys),
      makeData({ type: new Float32(), length, nullCount: 0, data: scores }),
    ];
    const type = new Struct(schema.fields);
    return new RecordBatch(schema, makeData({ type, length, nullCount: 0, children }));
  };
  yield* arrowFileChunks(arrow, schema, records());
  async function* records() {
    for await (const batch of batches) yield recordOf(columnsOf(batch, items));
  }
}
