// Files of lists that `embed recall` wrote: opens them as logs, and compares two of them.
//
// The format (csv, jsonl or Parquet) is recognized by the first bytes, because lists in a store have the same file name
// in every format.

import { isDeepStrictEqual } from "node:util";
import type { ListColumns } from "../../export/lists.js";
import { artifactChunks } from "../../base/io/read-artifact.js";
import type { InputFormat } from "../../log/form.js";
import { MISSING } from "../../log/keys.js";
import { defaultReadOptions, type Log } from "../../log/log.js";
import { openLog } from "../../log/open.js";
import { hashText } from "../../base/numeric/hash.js";

/** Approximate maximum number of lists to compare; of more, a sample by a hash of the key of the user or item. */
const MOST_LISTS = 100_000;

export interface ListFile {
  file: string;
  /** true for lists of items (--for item), false for lists of users */
  isForItems: boolean;
}

/** Returns the names of the key columns. @param category name of the category column; only for lists of --lists-per */
export function listColumns(isForItems: boolean, category?: string): ListColumns {
  const names = isForItems ? { owner: "item", item: "neighbor" } : { owner: "user", item: "item" };
  return { ...names, category };
}

/** Returns the key columns of a file; undefined if its columns are not those of lists of the given kind. */
export function columnsOfLists({ columns }: Log, isForItems: boolean): ListColumns | undefined {
  const { owner, item } = listColumns(isForItems);
  const [category] = columns.filter((name) => ![owner, "rank", item, "score"].includes(name));
  const known = listColumns(isForItems, category);
  const expected = [owner, ...(category === undefined ? [] : [category]), "rank", item, "score"];
  return isDeepStrictEqual([...columns], expected) ? known : undefined;
}

/** Opens a file of lists as a log, which the caller must read or close. @throws {DataError} the file cannot be read */
export async function openLists(file: string): Promise<Log> {
  return await openLog([file], { ...defaultReadOptions, format: await formatOf(file), delimiter: "," });
}

async function formatOf(file: string): Promise<InputFormat> {
  for await (const chunk of artifactChunks(file)) {
    const head = Buffer.from(chunk.subarray(0, 4)).toString("latin1");
    if (head === "PAR1") return "parquet";
    if (head.startsWith("{")) return "jsonl";
    break;
  }
  return "csv";
}

/**
 * Returns the mean share of common items among the first k items of two lists in two files, of the same user or item
 * (and category). If the lists have different lengths, the share is of the longer list.
 *
 * A user or item without a list in one of the files is left out. Memory holds about 100,000 lists of length k.
 *
 * @param numLists number of lists in the first file
 * @returns in [0, 1]; undefined if nobody has lists in both files; `others` if the second file has other columns
 * @throws {DataError} a file cannot be read as lists
 */
export async function overlapOfLists(
  file: string,
  before: string,
  how: { k: number; isForItems: boolean; numLists: number; signal: AbortSignal },
): Promise<number | "others" | undefined> {
  const last = await firstItems(before, how);
  if (last === undefined) return "others";
  const now = (await firstItems(file, how))!;
  let [sum, owners] = [0, 0];
  for (const [owner, items] of now) {
    const others = last.get(owner);
    if (!others) continue;
    let common = 0;
    for (const item of items) if (others.has(item)) common++;
    sum += common / Math.max(items.size, others.size);
    owners++;
  }
  return owners === 0 ? undefined : sum / owners;
}

/** Returns the first k items of the list of each sampled user or item; undefined if the file has other columns. */
async function firstItems(
  file: string,
  { k, isForItems, numLists, signal }: Parameters<typeof overlapOfLists>[2],
): Promise<Map<string, Set<string>> | undefined> {
  const every = Math.max(1, Math.ceil(numLists / MOST_LISTS));
  const log = await openLists(file);
  const names = columnsOfLists(log, isForItems);
  if (!names) {
    await log.close();
    return undefined;
  }
  const { owner, category, item } = names;
  const lists = new Map<string, Set<string>>();
  const requests = [
    { name: owner, as: "key" },
    { name: item, as: "key" },
    { name: "rank", as: "number" },
    ...(category === undefined ? [] : [{ name: category, as: "key" } as const]),
  ] as const;
  await log.read(requests, ({ numRows, columns: [owners, items, ranks, categories] }, keyOf) => {
    signal.throwIfAborted();
    const text = (column: number, code: number) => (code === MISSING ? "" : keyOf(column, code));
    let [code, kind, list] = [-1, -1, undefined as Set<string> | undefined];
    for (let row = 0; row < numRows; row++) {
      const own = categories?.[row] ?? MISSING;
      if (owners![row] !== code || own !== kind) {
        [code, kind] = [owners![row]!, own];
        const key = JSON.stringify([text(0, code), text(3, kind)]);
        const isSampled = hashText(text(0, code)).lo % every === 0;
        list = isSampled ? lists.get(key) : undefined;
        if (!list && isSampled) lists.set(key, (list = new Set()));
      }
      if (list && ranks![row]! <= k) list.add(items![row] === MISSING ? "" : keyOf(1, items![row]!));
    }
  });
  return lists;
}
