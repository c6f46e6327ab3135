// Lists of items, straight into a server or as a file that its own program loads.
//
//   redis      NAME:VERSION:OWNER   a Redis list of the items, best first: `LRANGE NAME:VERSION:OWNER 0 9` are the ten best
//   postgres   NAME ("user" text, rank integer, item text, score real, PRIMARY KEY ("user", rank)); of lists for items
//              (item, rank, neighbor, score)
//
// With a list of each category: NAME:VERSION:OWNER:CATEGORY, and a column of the category behind the owner, which is part of the key.
//
// Redis gets no scores: a list of up to some hundred items lies in one piece of memory in the order of the ranks, ties among them, where a
// sorted set of more than 128 keeps a hash and a skip list, and would sort equal scores by their members. Who needs scores reads
// them from PostgreSQL or a file. Why a version is a prefix: docs/decisions/0010-exports-into-servers.md.

import { DataError, excerpt } from "../../errors.js";
import { keyAt } from "../../log/keys.js";
import { postgresText } from "../key-rules.js";
import { lengthOfList, listRows, type ListBatch, type Lists } from "../lists.js";
import { rowLines } from "../row-table.js";
import { replaceInPostgres } from "./postgres-server.js";
import { copyText } from "./postgres-table.js";
import { commandChunks, type Command } from "./redis-connection.js";
import { replaceInRedis } from "./redis-server.js";
import type { ListServer } from "../row-formats.js";
import { checkUtf8 } from "../selection.js";
import type { Sent, Target } from "./server.js";

/** Items in one command: a list of more takes several. */
const ITEMS_A_COMMAND = 1000;

/**
 * Writes lists as what a name of the server holds from now on, whole or not at all. They are not made where the server says that it
 * has them already, by `target.fingerprint`: of all that decides them.
 *
 * @throws {DataError} none has an item, which no server's readers should get; PostgreSQL: a key that holds NUL
 * @throws {ArtifactError} a key is no UTF-8, or a score not finite
 * @throws {EmbedError} as replaceInRedis and replaceInPostgres
 */
export async function sendLists(server: ListServer, lists: Lists, target: Target): Promise<Sent> {
  const checked = { ...lists, batches: someOf(lists) };
  if (server === "redis") {
    const commands = (prefix: string) => listCommands(checked, prefix);
    return await replaceInRedis({ kind: "lists", commands }, target);
  }
  const { owner, category, item } = lists.columns;
  const keys = [owner, ...(category === undefined ? [] : [category])];
  const columns = [
    ...keys.map((name) => ({ name, type: "text" })),
    { name: "rank", type: "integer" },
    { name: item, type: "text" },
    { name: "score", type: "real" },
  ];
  const content = {
    columns: () => Promise.resolve(columns),
    key: [...keys, "rank"],
    chunks: () => postgresListChunks(checked),
  };
  return await replaceInPostgres(content, target);
}

/** Commands for `redis-cli --pipe`: each list replaces the one that is there. @param prefix keys are PREFIX:OWNER */
export function redisListChunks(lists: Lists, prefix: string): AsyncGenerator<Uint8Array> {
  return commandChunks(listCommands(lists, `${prefix}:`, true));
}

/** Text of COPY. @throws {DataError} a key holds NUL */
export function postgresListChunks(lists: Lists): AsyncGenerator<Uint8Array> {
  const text = (key: Uint8Array): Uint8Array => {
    const why = postgresText.refused!(key);
    if (why !== undefined)
      throw new DataError(
        `key ${excerpt(Buffer.from(key).toString("utf8"))} ${why}: use redis, or a csv, jsonl, parquet or ` +
          "arrow file",
      );
    return copyText(key);
  };
  const rows = listRows({ items: lists.items, batches: textOf(lists) });
  const before = ["", "\t", "\t", "\t", ...(lists.columns.category === undefined ? [] : ["\t"])];
  return rowLines(rows, { before, end: "\n", text });
}

/** @param replaces true: what a key held before is deleted first */
async function* listCommands(
  { items, batches }: Lists,
  prefix: string,
  replaces = false,
): AsyncGenerator<Iterable<Command>> {
  const made: string[] = [];
  const itemText = (item: number): string => (made[item] ??= keyAt(items, item));
  for await (const batch of textOf({ items, batches })) yield commandsOf(batch);
  function* commandsOf(batch: ListBatch): Generator<Command> {
    for (let list = 0; list < batch.keys.size; list++) {
      const length = lengthOfList(batch, list);
      if (length === 0) continue;
      const key = prefix + keyAt(batch.keys, list) + categoryOf(batch, list);
      const found = Array.from(batch.items.subarray(list * batch.top, list * batch.top + length), itemText);
      if (replaces) yield ["DEL", key];
      for (let at = 0; at < length; at += ITEMS_A_COMMAND)
        yield ["RPUSH", key, ...found.slice(at, at + ITEMS_A_COMMAND)];
    }
  }
}

/** What follows the owner in the key of a list. @throws {DataError} two lists might have the same key */
function categoryOf({ categories }: ListBatch, list: number): string {
  if (!categories) return "";
  const category = keyAt(categories, list);
  if (category.includes(":"))
    throw new DataError(
      `category ${excerpt(category)} has a colon, which separates owner and category in a Redis key: use ` +
        "postgres, or a csv, jsonl, parquet or arrow file",
    );
  return `:${category}`;
}

/** The batches. @throws {ArtifactError} a key is no UTF-8: it would become another, or none that a server takes */
async function* textOf({ items, batches }: Pick<Lists, "items" | "batches">): AsyncGenerator<ListBatch> {
  checkUtf8(items);
  for await (const batch of batches) {
    checkUtf8(batch.keys);
    if (batch.categories) checkUtf8(batch.categories);
    yield batch;
  }
}

/** The batches. @throws {DataError} at their end, where no list has an item */
async function* someOf({ batches }: Lists): AsyncGenerator<ListBatch> {
  let isEmpty = true;
  for await (const batch of batches) {
    for (let list = 0; isEmpty && list < batch.keys.size; list++) isEmpty = lengthOfList(batch, list) === 0;
    yield batch;
  }
  if (isEmpty) throw new DataError("all lists are empty: the server was not changed");
}
