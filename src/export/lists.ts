// Lists of items for many keys, on their way to a file: a row for each place of a list.
//
//   user,rank,item,score            rank from 1; of lists for items item,rank,neighbor,score
//   user,category,rank,item,score   where an owner has a list of each category
//
// In the formats of row-table.ts. A key without anything in its list has no row.

import type { Keys } from "../log/keys.js";
import { NO_ITEM } from "../kernels/top-items/binding.js";
import { type RowFormat } from "./row-formats.js";
import { rowChunks, type RowBatch, type RowColumn } from "./row-table.js";

export type ListFormat = RowFormat;

/** Lists of some keys. */
export interface ListBatch {
  /** the owner of each list */
  keys: Keys;
  /** the category of each list, where an owner has several */
  categories?: Keys;
  /** items a list at most */
  top: number;
  /** u32[keys.size * top]: best first, as the lists' items are numbered; NO_ITEM from where a list ends */
  items: Uint32Array;
  /** f32, beside items */
  scores: Float32Array;
}

/** The names of the columns of keys; `category` where an owner has a list of each category. */
export interface ListColumns {
  owner: string;
  category?: string | undefined;
  item: string;
}

/** Lists, once. */
export interface Lists {
  /** what the columns of keys are called */
  columns: ListColumns;
  /** the items that stand in them */
  items: Keys;
  batches: AsyncIterable<ListBatch>;
}

/** The bytes of one file. */
export function listChunks(format: ListFormat, lists: Lists): AsyncGenerator<Uint8Array> {
  const { owner, category, item } = lists.columns;
  const columns: RowColumn[] = [
    ...[owner, ...(category === undefined ? [] : [category])].map((name) => ({ name, type: "key" as const })),
    { name: "rank", type: "count" },
    { name: item, type: "key" },
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

/** Owner, category where lists have one, rank, item and score of each place of each list. */
export async function* listRows({
  items,
  batches,
}: Pick<Lists, "items" | "batches">): AsyncGenerator<RowBatch> {
  for await (const batch of batches) {
    const { keys, categories, top } = batch;
    const lengths = Uint32Array.from({ length: keys.size }, (_, list) => lengthOfList(batch, list));
    const numRows = lengths.reduce((sum, length) => sum + length, 0);
    const [owners, ranks, places] = [
      new Uint32Array(numRows),
      new Uint32Array(numRows),
      new Uint32Array(numRows),
    ];
    const scores = new Float32Array(numRows);
    let row = 0;
    for (let list = 0; list < keys.size; list++) {
      const [from, length] = [list * top, lengths[list]!];
      for (let r = 0; r < length; r++, row++) {
        owners[row] = list;
        ranks[row] = r + 1;
        places[row] = batch.items[from + r]!;
        scores[row] = batch.scores[from + r]!;
      }
    }
    const cells = [
      { keys, places: owners },
      ...(categories ? [{ keys: categories, places: owners }] : []),
      ranks,
      { keys: items, places },
      scores,
    ];
    yield { numRows, cells };
  }
}
