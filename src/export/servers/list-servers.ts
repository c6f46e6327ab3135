// Sends lists of items to a server, or writes them as a file that the server's client program loads.
//
//   redis      NAME:VERSION:OWNER   a Redis list of the items, best first: `LRANGE NAME:VERSION:OWNER 0 9` returns the
//              ten best
//   postgres   NAME ("user" text, rank integer, item text, score real, PRIMARY KEY ("user", rank)); for lists of items
//              (item, rank, neighbor, score)
//
// If an owner has a list for each category, the Redis key is NAME:VERSION:OWNER:CATEGORY, and the PostgreSQL table has
// a column `category` after the owner, which is part of the primary key.
//
// Redis gets no scores: a list of up to some hundred items is stored in one block of memory in the order of the ranks,
// including ties, while a sorted set of more than 128 items needs a hash and a skip list, and sorts equal scores by
// their members. Users who need scores read them from PostgreSQL or a file. The reason for versions as prefixes:
// docs/decisions/0010-exports-into-servers.md.

import { DataError, excerpt } from "../../base/errors.js";
import { keyAt } from "../../log/keys.js";
import { postgresText } from "../key-rules.js";
import { lengthOfList, listRows, numListsIn, type ListBatch, type Lists } from "../lists.js";
import { rowLines } from "../row-table.js";
import { replaceInPostgres } from "./postgres-server.js";
import { copyText } from "./postgres-table.js";
import { commandChunks, type RedisCommand } from "./redis-connection.js";
import { replaceInRedis } from "./redis-server.js";
import type { ListServer } from "../row-formats.js";
import { checkUtf8 } from "../selection.js";
import type { Sent, ServerTarget } from "./server.js";

/** Maximum number of items in one command; longer lists need several commands. */
const ITEMS_A_COMMAND = 1000;

/**
 * Replaces the lists under a name on the server, completely or not at all. The lists are not computed if the server
 * already stores lists with the same `target.fingerprint`, a hash of everything that determines them.
 *
 * @throws {DataError} all lists are empty, which is certainly an error; PostgreSQL: a key contains NUL
 * @throws {ArtifactError} a key is not UTF-8, or a score is not finite
 * @throws {EmbedError} as replaceInRedis and replaceInPostgres
 */
export async function sendLists(server: ListServer, lists: Lists, target: ServerTarget): Promise<Sent> {
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

/** Each list replaces an existing one. @param prefix prefix of the keys PREFIX:OWNER */
export function redisListChunks(lists: Lists, prefix: string): AsyncGenerator<Uint8Array> {
  return commandChunks(listCommands(lists, `${prefix}:`, true));
}

/** Returns input for PostgreSQL's COPY. @throws {DataError} a key contains NUL */
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
  const rows = listRows({ items: lists.items, batches: checkedUtf8(lists) });
  const before = ["", "\t", "\t", "\t", ...(lists.columns.category === undefined ? [] : ["\t"])];
  return rowLines(rows, { before, end: "\n", text });
}

/** Yields the commands that write lists. @param replaces true: the previous value of a key is deleted first */
async function* listCommands(
  { items, batches }: Lists,
  prefix: string,
  replaces = false,
): AsyncGenerator<Iterable<RedisCommand>> {
  const made: string[] = [];
  const itemText = (item: number): string => (made[item] ??= keyAt(items, item));
  for await (const batch of checkedUtf8({ items, batches })) yield commandsOf(batch);
  function* commandsOf(batch: ListBatch): Generator<RedisCommand> {
    for (let list = 0; list < numListsIn(batch); list++) {
      const length = lengthOfList(batch, list);
      if (length === 0) continue;
      const key = prefix + keyAt(batch.keys, batch.ownerOf?.[list] ?? list) + categorySuffix(batch, list);
      const found = Array.from(batch.items.subarray(list * batch.top, list * batch.top + length), itemText);
      if (replaces) yield ["DEL", key];
      for (let at = 0; at < length; at += ITEMS_A_COMMAND)
        yield ["RPUSH", key, ...found.slice(at, at + ITEMS_A_COMMAND)];
    }
  }
}

/** @throws {DataError} two lists might have the same key */
function categorySuffix({ categories, categoryOf }: ListBatch, list: number): string {
  if (!categories) return "";
  const category = keyAt(categories, categoryOf?.[list] ?? list);
  if (category.includes(":"))
    throw new DataError(
      `category ${excerpt(category)} has a colon, which separates owner and category in a Redis key: use ` +
        "postgres, or a csv, jsonl, parquet or arrow file",
    );
  return `:${category}`;
}

/** Yields the batches unchanged. @throws {ArtifactError} a key is not UTF-8, so no server could store it exactly */
async function* checkedUtf8({ items, batches }: Pick<Lists, "items" | "batches">): AsyncGenerator<ListBatch> {
  checkUtf8(items);
  for await (const batch of batches) {
    checkUtf8(batch.keys);
    if (batch.categories) checkUtf8(batch.categories);
    yield batch;
  }
}

/** Yields the batches unchanged. @throws {DataError} all lists are empty, which is known after the last batch */
async function* someOf({ batches }: Lists): AsyncGenerator<ListBatch> {
  let isEmpty = true;
  for await (const batch of batches) {
    for (let list = 0; isEmpty && list < numListsIn(batch); list++) isEmpty = lengthOfList(batch, list) === 0;
    yield batch;
  }
  if (isEmpty) throw new DataError("all lists are empty: the server was not changed");
}
