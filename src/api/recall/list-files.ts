// Files of lists, as embed recall writes them: opened as logs, and compared with each other.
//
// csv, jsonl and Parquet are distinguished by the first bytes: under the name that a version has for its lists the format may have
// changed.

import { isDeepStrictEqual } from "node:util";
import type { ListColumns } from "../../export/lists.js";
import { artifactChunks } from "../../io/read-artifact.js";
import type { InputFormat } from "../../log/form.js";
import { MISSING } from "../../log/keys.js";
import { defaultReadOptions, type Log } from "../../log/log.js";
import { openLog } from "../../log/open.js";
import { hashText } from "../../numeric/hash.js";

/** About how many lists are compared: of more, a sample by the owners' hashes. */
const MOST_LISTS = 100_000;

/** A file of lists. */
export interface ListFile {
  file: string;
  /** lists for items; else for users */
  isForItems: boolean;
}

/** The columns of keys. @param category of lists of each category */
export function listColumns(isForItems: boolean, category?: string): ListColumns {
  const names = isForItems ? { owner: "item", item: "neighbor" } : { owner: "user", item: "item" };
  return { ...names, category };
}

/** The columns of keys of a file; undefined where it holds no such lists. */
export function columnsOfLists({ columns }: Log, isForItems: boolean): ListColumns | undefined {
  const { owner, item } = listColumns(isForItems);
  const [category] = columns.filter((name) => ![owner, "rank", item, "score"].includes(name));
  const known = listColumns(isForItems, category);
  const expected = [owner, ...(category === undefined ? [] : [category]), "rank", item, "score"];
  return isDeepStrictEqual([...columns], expected) ? known : undefined;
}

/** Opens a file of lists as a log: read it, or close it. @throws {DataError} it cannot be read as one */
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
 * The share of a list's first k items that the other file's list of the same owner (and category) has among its first k, mean over the
 * lists that both have; of lists of different lengths the longer one's counts.
 *
 * Owners whose list is empty in one file are in none of both. Holds about 100,000 lists of k.
 *
 * @param numLists in the first file
 * @returns in [0, 1]; undefined where no owner is in both; `others` where the second file's lists are of other owners and items
 * @throws {DataError} a file is none of lists
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

/** The first k items by owner, of the sample; undefined where the columns are others. */
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
