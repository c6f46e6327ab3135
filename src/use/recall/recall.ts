// `embed recall`: makes a list of items for every user, or for every item, of a run.
//
//   run ──► ranking source (source.ts) ──► blocks of users (blocks.ts) ──► best items (make-lists.ts) ──► a file
//   the run's log, --mask ──► items of each user (seen-items.ts) ──► left out     --items, --users ──► allowed-items.ts

import type { Keys } from "../../log/keys.js";
import { join } from "node:path";
import { keyColumn } from "../../dataset/item-fields.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import { readAdded } from "../../table/added.js";
import { keysOfRows, rowsOf } from "../../table/table.js";
import { UsageError } from "../../base/errors.js";
import { postgresListChunks, redisListChunks, sendLists } from "../../export/servers/list-servers.js";
import { listChunks, type ListBatch, type Lists } from "../../export/lists.js";
import { serverUrl, type Sent } from "../../export/servers/server.js";
import { checkOutput, writeFileOr } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { fingerprintOf } from "../../base/io/read-artifact.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";
import { usersOf, itemsOf, historyOf } from "../../dataset/sampling/negatives.js";
import { modelOf } from "../../trainers/index.js";
import { wholeOf } from "../../training/reading/split-parts.js";
import { collectWarnings, type Watch } from "../../training/session/watch.js";
import { fieldsOf } from "../rank-items/run-ranker.js";
import { exportFingerprint } from "../export/fingerprint.js";
import { FACTS_FILE } from "../index/directory.js";
import { withOpenRows, type OpenRows } from "../tables.js";
import { listsOfUsers } from "../../dataset/sampling/ranking-events.js";
import { blockSize, type Block, type Share } from "../rank-items/lists/blocks.js";
import { requestedLists, type ListsRequest, type RequestedLists, type UserItems } from "./requested-lists.js";
import { inNumbersOf } from "./seen-items.js";
import {
  cellsBesideLog,
  openKeysAsTrained,
  type HowKeysRead,
} from "../../training/reading/open-as-trained.js";
import { listsOfBlocks } from "./make-lists.js";
import { readingOptions, type RecallOptions } from "./options.js";

import { listColumns } from "./list-files.js";
import { partSearch, partsOfSets } from "../rank-items/lists/search.js";
import { codesOfParts, longestOf, type PartLists } from "../rank-items/lists/part-lists.js";
import { reachOf, type Quotas } from "../rank-items/lists/quotas.js";
import { readListedFiles, setsOf, type ItemCells, type Sets } from "./allowed-items.js";
import { sourceOf, type ListSource } from "./source.js";
import { listCounter, type ListCounter, type RecallCounts, type RecallSummary } from "./summary.js";

/**
 * Makes the lists. Writes them to a file, completely or not at all, or passes them to `write` in chunks.
 *
 * @throws {UsageError} the run cannot rank as requested, options exclude each other, or there is no user or item to
 *   make lists for
 */
export async function recall(
  path: string,
  given: RecallOptions,
  write: (chunk: Uint8Array) => Promise<void>,
  watching: Watch,
): Promise<RecallSummary> {
  const start = performance.now();
  const options = requestedLists(given);
  const { out, force = false } = options;
  if (out !== undefined && out !== "-") await checkOutput(out, force, "file");
  const { watch, warnings, warn } = collectWarnings(watching);
  const stated = statedOptions(given, options);
  return await withOpenRows(path, options.table, async (opened) => {
    const { lists, facts } = await preparedLists({ opened, options, watch, warn, kept: {} });
    const sent = await deliver(lists, opened, { options, stated, write, watch });
    if (sent !== undefined) watch.observe({ stage: "note", text: sent.note });
    const { notes, ...measured } = facts();
    for (const text of notes) warn(text);
    return {
      command: "recall",
      version,
      out: options.urlEnv === undefined ? (out ?? "-") : `$${options.urlEnv}`,
      seconds: (performance.now() - start) / 1000,
      unchanged: sent?.isUnchanged,
      ...measured,
      options: { run: path, ...stated },
      warnings,
    };
  });
}

async function deliver(
  lists: Lists,
  { run }: OpenRows,
  {
    options,
    stated,
    write,
    watch: { signal },
  }: {
    options: RequestedLists;
    stated: Record<string, unknown>;
    write: (chunk: Uint8Array) => Promise<void>;
    watch: Watch;
  },
): Promise<Sent | undefined> {
  const { format, urlEnv, into, force = false, out } = options;
  if (urlEnv !== undefined && (format === "redis" || format === "postgres")) {
    const fingerprint = await exportFingerprint(run, { ...stated, ...(await readAlso(run, options)) }, FILES);
    const server = { variable: urlEnv, url: serverUrl(format, urlEnv), into: into! };
    return await sendLists(format, lists, { ...server, format, fingerprint, force, signal });
  }
  const chunks =
    format === "redis"
      ? redisListChunks(lists, into!)
      : format === "postgres"
        ? postgresListChunks(lists)
        : listChunks(format, lists);
  await writeFileOr(write, out, chunks, { force, signal });
  return undefined;
}

/** Names of the options whose values are paths; a fingerprint includes the contents of these files. */
const FILES = ["mask", "items", "users", "candidates", "foldIn"];

async function readAlso({ manifest }: OpenRows["run"], { index }: RequestedLists): Promise<object> {
  const log = manifest.inputs.map(({ sha256 }) => sha256);
  return { log, ...(index !== undefined && { index: await fingerprintOf(join(index, FACTS_FILE)) }) };
}

/** Returns the options that the summary reports: all but those for reading logs and for the output file. */
export function statedOptions(
  { for: _, score: __, out: ___, force: ____, ...given }: RecallOptions,
  { k, format, for: whom, score: scoring, repeats }: RequestedLists,
): Record<string, unknown> {
  const own = Object.entries(given).filter(([name]) => !Object.hasOwn(readingOptions, name));
  return { ...Object.fromEntries(own), k, format, whom, scoring, repeats };
}

/**
 * Prepares all recommendation lists, or the part of them that one of several processes makes (`share`). Also returns
 * their counter, and a function that returns the final counts.
 */
export async function preparedLists(
  given: Omit<ListsRequest, "preprocess"> & { warn: (text: string) => void; share?: Share },
): Promise<{ lists: Lists; counted: ListCounter; facts: () => RecallCounts & { notes: string[] } }> {
  const { opened, options, watch, warn, kept, share } = given;
  const { run } = opened;
  const { for: whom } = options;
  const named = fieldsOf(run);
  const preprocess = await (await modelOf(run))?.preprocess?.(run);
  const cells = cellsBesideLog(run, options.reading);
  const how = { cells, ...(preprocess?.hashKeys && { hashKeys: preprocess.hashKeys }) };
  const listed = (kept.listed ??= await readListedFiles(named, how, options, watch));
  const added = options.newShare === undefined ? undefined : await addedItems(run, named.item);
  const source = await sourceOf({ ...given, preprocess });
  const sets = await setsOf(source.items, listed, named, how, options, watch);
  for (const text of [...source.warnings, ...sets.warnings]) warn(text);
  const pairs = options.candidates === undefined ? undefined : await candidatesOf(given, source, how);
  for (const text of pairs?.warnings ?? []) warn(text);
  const chosen = pairs?.users ?? sets.chosen;
  const numItems = pairs?.numItems ?? sets.sets.reduce((sum, { length }) => sum + length, 0);
  const { quota, listsPer, newShare } = options;
  const quotas = quota && sets.cells && quotasOf(source, sets.sets, sets.cells.codes, quota.most);
  const isNew = added && newItems(source.items, added);
  const parts =
    listsPer === undefined && !isNew
      ? undefined
      : partsOf(source, sets.sets, { cells: sets.cells, isNew, newShare: newShare ?? 0 });
  const mostOfSets = sets.sets.reduce((most, items, s) => {
    const ofSet = parts?.ofSet[s];
    const longest = ofSet ? longestOf(ofSet) : quotas ? reachOf(quotas.ofSet[s]!, quotas.most) : items.length;
    return Math.max(most, longest);
  }, 0);
  // limits k to the maximum length of a list, because memory is proportional to k
  const k = Math.max(1, Math.min(options.k, pairs?.longest ?? mostOfSets));
  const numLists = parts?.numLists ?? 1;
  if (listsPer !== undefined)
    watch.observe({ stage: "note", text: await listsText(source, sets, { listsPer, numLists, k, whom }) });
  const counted = listCounter(source, numItems, { asked: options.k, longest: k, numLists, isNew });
  const making = {
    sets,
    numItems: source.items.size,
    dim: source.dim,
    k,
    quotas,
    parts,
    masksOf: masksOf(source),
    candidatesOf: pairs?.listsOf,
    isEmpty: (block: Block, query: number) => !source.hasWeights && isZero(block, query, source.dim),
    tell: counted.tell,
  };
  return {
    lists: {
      columns: listColumns(whom === "item", listsPer),
      items: source.items,
      batches: batches(),
    },
    counted,
    facts: () => counted.facts(options, sets.numChosen),
  };

  // starts the search when the first list is requested, because a server may already have the lists
  async function* batches(): AsyncGenerator<ListBatch> {
    const search = await source.search(pairs || parts ? [] : sets.sets);
    try {
      const isText = options.format === "csv" || options.format === "jsonl";
      const blocks = source.blocks({ chosen, share, size: blockSize(k * numLists, isText) });
      for await (const batch of listsOfBlocks(blocks, { ...making, search })) {
        counted.count(batch);
        const text = `making lists: ${counted.numAsked().toLocaleString("en")} ${whom}s so far`;
        watch.observe({ stage: "doing", text });
        yield batch;
      }
      if (counted.numAsked() === 0 && !share) throw noOwnersError(options, pairs !== undefined);
    } finally {
      await search.end();
      await quotas?.search.end();
      await parts?.search.end();
    }
  }
}

async function listsText(
  { numOwners }: ListSource,
  { numChosen }: Sets,
  { listsPer, numLists, k, whom }: { listsPer: string; numLists: number; k: number; whom: string },
): Promise<string> {
  const owners = Math.min(numChosen ?? Infinity, await numOwners());
  const [lists, rows] = [owners * numLists, owners * numLists * k].map((count) => count.toLocaleString("en"));
  return (
    `--lists-per ${listsPer}: ${numLists.toLocaleString("en")} lists of up to ${k} items for each of at most ` +
    `${owners.toLocaleString("en")} ${whom}s, up to ${lists} lists and ${rows} rows`
  );
}

function quotasOf(
  source: ListSource,
  sets: readonly Uint32Array[],
  cells: Uint32Array,
  most: number,
): Quotas {
  const ofSet = partsOfSets(sets, cells);
  return { most, cells, ofSet, search: partSearch(source.search, ofSet) };
}

/** Divides the items into parts by category, by being new, or by both; a list takes items from each part. */
function partsOf(
  source: ListSource,
  sets: readonly Uint32Array[],
  {
    cells,
    isNew,
    newShare,
  }: { cells: ItemCells | undefined; isNew: Uint8Array | undefined; newShare: number },
): PartLists {
  const numItems = source.items.size;
  const ofSet = partsOfSets(sets, codesOfParts(numItems, cells?.codes, isNew));
  return {
    ofSet,
    search: partSearch(source.search, ofSet),
    categories: cells?.names,
    numLists: cells?.names.size ?? 1,
    newShare,
    numItems,
  };
}

/** Returns the keys of the items that were added to the run after its training. @throws {UsageError} there are none */
async function addedItems(run: OpenRows["run"], item: string): Promise<Keys> {
  const added = await readAdded(run);
  const rows = added?.fields.includes(item) ? rowsOf(added, item) : { first: 0, last: 0 };
  if (rows.first === rows.last)
    throw new UsageError(
      `--new-share needs items that were added to the run after its training, and '${run.path}' has none: add them ` +
        "with embed transform RUN --content FILE --append",
    );
  return keysOfRows(added!, rows);
}

/** Returns u8[items.size]: 1 for each item that was added to the run. */
function newItems(items: Keys, added: Keys): Uint8Array {
  const index = new KeyIndex(added);
  return Uint8Array.from({ length: items.size }, (_, item) => (index.find(items, item) < 0 ? 0 : 1));
}

export function noOwnersError({ users, for: whom, foldIn }: RequestedLists, hasPairs: boolean): UsageError {
  if (hasPairs) return new UsageError("no lists written: --candidates has no user known to the run");
  if (users !== undefined)
    return new UsageError(
      `no lists written: --users '${users}' has no user known to the run; --fold-in LOG writes lists of new ` +
        "users from their events",
    );
  if (foldIn) return new UsageError("no lists written: no user in the --fold-in log has usable events");
  return new UsageError(`the run has no ${whom}s to write lists for`);
}

/** Returns a function that looks up, by the keys of users, the items that the users' recommendation lists leave out. */
function masksOf({ had, items }: ListSource): (keys: Keys) => ItemLists {
  if (!had) return (keys) => ({ indptr: new Uint32Array(keys.size + 1), items: new Uint32Array() });
  const lists = had.items === items ? had.history : inNumbersOf(items, had);
  const users = new KeyIndex(had.users);
  const all = withEmptyList(lists);
  return (keys) => listsOfUsers(all, listNumbers(users, keys, had));
}

/** Returns the position of each user's list of seen items; users without events get the last list, an empty one. */
function listNumbers(users: KeyIndex, keys: Keys, { users: all }: UserItems): Uint32Array {
  return Uint32Array.from({ length: keys.size }, (_, i) => {
    const found = users.find(keys, i);
    return found < 0 ? all.size : found;
  });
}

function withEmptyList({ indptr, items }: ItemLists): ItemLists {
  const ends = new Uint32Array(indptr.length + 1);
  ends.set(indptr);
  ends[indptr.length] = items.length;
  return { indptr: ends, items };
}

function isZero({ queries: { vectors } }: Block, query: number, dim: number): boolean {
  if (!vectors) return false;
  for (let at = query * dim; at < (query + 1) * dim; at++) if (vectors[at] !== 0) return false;
  return true;
}

/** Reads the pairs of --candidates. Returns an index of the users' keys, and the items of each user. */
async function candidatesOf(
  { opened: { run }, options, watch }: Omit<ListsRequest, "preprocess">,
  { items }: ListSource,
  how: HowKeysRead,
) {
  const { candidates: path } = options;
  const dataset = await openKeysAsTrained([path!], fieldsOf(run), how, options, watch);
  const { rows } = wholeOf(dataset);
  const { dictionary: users } = keyColumn(dataset, dataset.roles.user!);
  const listed = itemsOf(items, dataset, rows);
  const lists = historyOf(usersOf(users, dataset, rows), listed, users.size);
  const unknown = listed.reduce((count, item) => count + (item === NO_ITEM ? 1 : 0), 0);
  const index = new KeyIndex(users);
  return {
    users: index,
    numItems: new Set(lists.items).size,
    longest: lists.indptr.reduce((most, end, at) => Math.max(most, end - (lists.indptr[at - 1] ?? 0)), 0),
    listsOf: (keys: Keys) =>
      // every user is found, because the queries are the users in the file of --candidates
      listsOfUsers(
        lists,
        Uint32Array.from({ length: keys.size }, (_, i) => index.find(keys, i)),
      ),
    warnings:
      unknown > 0 ? [`ignored ${unknown} of ${listed.length} candidates that are unknown to the run`] : [],
  };
}
