// Lists of items for many keys, on their way to a file: a row for each place of a list.
//
//   user,rank,item,score        rank from 1; of lists for items item,rank,neighbor,score
//
// In the formats of row-table.ts. A key without anything in its list has no row.

import type { Keys } from "../log/keys.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { type RowFormat } from "./row-formats.js";
import { rowChunks, type RowBatch, type RowColumn } from "./row-table.js";

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
  const columns: RowColumn[] = [
    { name: lists.columns.owner, type: "key" },
    { name: "rank", type: "count" },
    { name: lists.columns.item, type: "key" },
    { name: "score", type: "f32" },
  ];
  return rowChunks(format, columns, listRows(lists));
}

/** How many items stand in a list of the batch. */
export function lengthOfList({ items, top }: ListBatch, list: number): number {
  let length = 0;
  while (length < top && items[list * top + length] !== NO_ITEM) length++;
  return length;
}

/** Owner, rank, item and score of each place of each list. */
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
