// Ranked lists of items for many keys, written as one row per item of a list.
//
//   user,rank,item,score        rank from 1; for lists of items item,rank,neighbor,score
//
// The file formats are those of row-table.ts. A key with an empty list has no row.

import type { Keys } from "../log/keys.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { type RowFormat } from "./row-formats.js";
import { rowChunks, type RowBatch, type RowColumn } from "./row-table.js";

export type ListFormat = RowFormat;

/** The lists of some keys. */
export interface ListBatch {
  /** the keys that the lists belong to */
  keys: Keys;
  /** most items of a list */
  top: number;
  /** u32[keys.size * top]: indices into the lists' items, best first; NO_ITEM after the end of a list */
  items: Uint32Array;
  /** f32, one per entry of items */
  scores: Float32Array;
}

/** Lists that can be read once. */
export interface Lists {
  /** names of the key columns */
  columns: { owner: string; item: string };
  /** the items that occur in the lists */
  items: Keys;
  batches: AsyncIterable<ListBatch>;
}

/** Returns the bytes of one file. */
export function listChunks(format: ListFormat, lists: Lists): AsyncGenerator<Uint8Array> {
  const columns: RowColumn[] = [
    { name: lists.columns.owner, type: "key" },
    { name: "rank", type: "count" },
    { name: lists.columns.item, type: "key" },
    { name: "score", type: "f32" },
  ];
  return rowChunks(format, columns, listRows(lists));
}

/** Returns the number of items in a list of the batch. */
export function lengthOfList({ items, top }: ListBatch, list: number): number {
  let length = 0;
  while (length < top && items[list * top + length] !== NO_ITEM) length++;
  return length;
}

/** Yields owner, rank, item and score of each entry of each list. */
export async function* listRows({
  items,
  batches,
}: Pick<Lists, "items" | "batches">): AsyncGenerator<RowBatch> {
  for await (const batch of batches) {
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
    const cells = [
      { keys, places: owners },
      places.map((at) => (at % top) + 1),
      { keys: items, places: places.map((at) => batch.items[at]!) },
      Float32Array.from(places, (at) => batch.scores[at]!),
    ];
    yield { numRows, cells };
  }
}
