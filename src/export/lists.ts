// Ranked lists of items for many keys, written as one row per item of a list.
//
//   user,rank,item,score            rank from 1; for lists of items item,rank,neighbor,score
//   user,category,rank,item,score   where an owner has a list of each category
//
// The file formats are those of row-table.ts. A key with an empty list has no row.

import type { Keys } from "../log/keys.js";
import { NO_ITEM } from "../compute/kernels/top-items/binding.js";
import { type RowFormat } from "./row-formats.js";
import { rowChunks, type RowBatch, type RowColumn } from "./row-table.js";

/** Lists of items for some keys: the users or items that own the lists. */
export interface ListBatch {
  keys: Keys;
  categories?: Keys;
  /**
   * u32[numLists] each: owner of each list, as an index into `keys`, and its category, as an index into `categories`;
   * when absent, list i belongs to the key (or category) i
   */
  ownerOf?: Uint32Array;
  categoryOf?: Uint32Array;
  /** maximum number of items in a list */
  top: number;
  /** u32[numLists * top]: items of each list as indices, best first; NO_ITEM fills the end of a shorter list */
  items: Uint32Array;
  scores: Float32Array;
}

/** The names of the key columns; `category` is included if an owner has a list for each category. */
export interface ListColumns {
  owner: string;
  category?: string | undefined;
  item: string;
}

/** Lists that can be iterated over once. */
export interface Lists {
  columns: ListColumns;
  items: Keys;
  batches: AsyncIterable<ListBatch>;
}

export function listChunks(format: RowFormat, lists: Lists): AsyncGenerator<Uint8Array> {
  const { owner, category, item } = lists.columns;
  const columns: RowColumn[] = [
    ...[owner, ...(category === undefined ? [] : [category])].map((name) => ({ name, type: "key" as const })),
    { name: "rank", type: "count" },
    { name: item, type: "key" },
    { name: "score", type: "f32" },
  ];
  return rowChunks(format, columns, listRows(lists));
}

export function numListsIn({ keys, ownerOf }: ListBatch): number {
  return ownerOf?.length ?? keys.size;
}

export function lengthOfList({ items, top }: ListBatch, list: number): number {
  let length = 0;
  while (length < top && items[list * top + length] !== NO_ITEM) length++;
  return length;
}

/** Yields the owner, the category if there is one, the rank, the item and the score of each entry of each list. */
export async function* listRows({
  items,
  batches,
}: Pick<Lists, "items" | "batches">): AsyncGenerator<RowBatch> {
  for await (const batch of batches) {
    const { keys, categories, ownerOf, categoryOf = ownerOf, top } = batch;
    const lengths = Uint32Array.from({ length: numListsIn(batch) }, (_, list) => lengthOfList(batch, list));
    const numRows = lengths.reduce((sum, length) => sum + length, 0);
    const kinds = categories && new Uint32Array(numRows);
    const [owners, ranks, places] = [
      new Uint32Array(numRows),
      new Uint32Array(numRows),
      new Uint32Array(numRows),
    ];
    const scores = new Float32Array(numRows);
    let row = 0;
    for (let list = 0; list < lengths.length; list++) {
      const [from, length] = [list * top, lengths[list]!];
      kinds?.fill(categoryOf?.[list] ?? list, row, row + length);
      owners.fill(ownerOf?.[list] ?? list, row, row + length);
      for (let r = 0; r < length; r++, row++) {
        ranks[row] = r + 1;
        places[row] = batch.items[from + r]!;
        scores[row] = batch.scores[from + r]!;
      }
    }
    const cells = [
      { keys, places: owners },
      ...(kinds ? [{ keys: categories, places: kinds }] : []),
      ranks,
      { keys: items, places },
      scores,
    ];
    yield { numRows, cells };
  }
}
