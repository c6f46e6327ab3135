// Sources of recommendation lists, which rank items for queries: a run's vectors, its model, or a baseline that learns
// from the training events.
//
//   vectors    dot products plus item weights: for imported tables and for most models; rows of users are read in
//              blocks
//   model      for other models: composed items, networks
//   baseline   popularity, item-cf, ease and graph filters

import { ascending } from "../../base/numeric/indices.js";
import { selectKeys, joinedKeys, type Keys } from "../../log/keys.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { readAdded } from "../../table/added.js";
import { vectorsAt } from "../../table/table.js";
import type { Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { baselineRanker, checkBaseline } from "../../metrics/baselines/baselines.js";
import { unitRows } from "../../table/retrieval/nearest.js";
import { joined } from "../../dataset/sampling/negatives.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { userFoldIn } from "../rank-items/new-users.js";
import { queryItems } from "../rank-items/query.js";
import { ranksOf, checkTableRanks, fieldsOf, sums } from "../rank-items/run-ranker.js";
import { listsOfUsers } from "../../dataset/sampling/ranking-events.js";
import { knownModelOf } from "../../trainers/index.js";
import { foldedRows as rowsOfEvents, foldingOf } from "../../training/capabilities/folded-keys.js";
import { readItems } from "../../training/examples/item-file.js";
import { foldedQueries, rowsOfKeys } from "../../training/split-metrics/ranked-items.js";
import { compositionOf } from "../compose.js";
import {
  blocksOfFolded,
  blocksOfRows,
  blocksOfUsers,
  type Block,
  type WhichBlocks,
} from "../rank-items/lists/blocks.js";
import { itemVectors, keysOfField, type HowCompared } from "./item-vectors.js";
import { searchByRanker, type ListSearch, type SearchOptions } from "../rank-items/lists/search.js";
import type { ListsRequest, UserItems } from "./requested-lists.js";
import { inNumbersOf, readSeenItems } from "./seen-items.js";

export interface ListSource {
  /** keys of the items that can be ranked; an item number is a position among these keys */
  items: Keys;
  /** u32[number of items]: number of training events of each item */
  counts: Uint32Array;
  /** items of each user that the user's recommendation list leaves out; absent if none are masked or known */
  had?: UserItems;
  numFolded?: number;
  /** dimension of query vectors; 0 if queries are not vectors */
  dim: number;
  /** whether a zero query vector gives a useful ranking, because items have weights */
  hasWeights: boolean;
  /** Returns an upper bound of the number of users or items that get lists. */
  numOwners: () => number | Promise<number>;
  blocks: (which: WhichBlocks) => AsyncIterable<Block> | Iterable<Block>;
  search: (sets: readonly Uint32Array[]) => Promise<ListSearch>;
  warnings: string[];
}

export async function sourceOf(given: ListsRequest): Promise<ListSource> {
  const { options } = given;
  if (options.for === "item") return await itemsAmongThemselves(given);
  if (options.baseline !== undefined) return await byBaseline(given);
  // before the log is read, rejects a model that cannot rank items
  const how = await howToRank(given);
  return how === "model" ? await byModel(given) : await byVectors(given, how);
}

function searchOptions({ options, watch }: ListsRequest): SearchOptions {
  return { threads: options.reading.threads, signal: watch.signal };
}

/** Decides whether the run's vectors or its model rank. @throws {UsageError} the run cannot rank items as requested */
async function howToRank({
  opened: { run, rows },
  options,
  preprocess,
}: ListsRequest): Promise<HowCompared | "model"> {
  const { score } = options;
  const byTable = async (how: HowCompared["score"]): Promise<HowCompared> => {
    await checkTableRanks(run, { score: how, table: options.table, query: options.query });
    return { score: how, withWeights: false };
  };
  if (score === "dot" || score === "cosine" || score === "context") return await byTable(score);
  const model = await knownModelOf(run);
  if (!model.rank && options.foldIn && model.foldedRank) return await byTable(model.foldedRank);
  await ranksOf(run);
  if (options.table !== undefined) throw new UsageError("--table needs --score dot or cosine");
  if (options.foldIn) await userFoldIn(run, "--fold-in");
  const { user, item } = fieldsOf(run);
  const isRows =
    model.mips === "rows" &&
    [user, item].every((field) => rows.fields.includes(field) && !isHashed(preprocess!, field));
  const composition = isRows ? await compositionOf(run, rows.fields, undefined) : undefined;
  if (!isRows && options.index !== undefined)
    throw new UsageError(
      `--index cannot be used with run '${run.path}', whose scores are not inner products of rows`,
    );
  // if scores are dot products of user and item rows, the table has all that is needed; but composed item vectors,
  // which are sums of several rows, are stored only in an index
  if (isRows && (!composition || options.index !== undefined))
    return { score: "dot", withWeights: true, composition };
  return "model";
}

async function byVectors(given: ListsRequest, how: HowCompared): Promise<ListSource> {
  const { opened, options } = given;
  const { run, rows } = opened;
  const { user } = fieldsOf(run);
  const isCosine = how.score === "cosine";
  const byUserRows = options.query ? options.query.of === "user" : rows.fields.includes(user);
  const byHistory = !options.foldIn && !byUserRows;
  const known = await readSeenItems(
    given,
    byHistory ? "users are represented by their items, because the table has no user rows" : undefined,
  );
  const { items, counts, dim, centres, hasWeights, searchIn } = await itemVectors(given, how);
  const source = {
    ...{ items, counts, dim, hasWeights },
    had: known.had,
    search: searchIn,
  };
  if (options.foldIn) {
    const folded = await foldedRows(given, dim);
    return {
      ...source,
      numFolded: known.folded!.users.size,
      numOwners: () => known.folded!.users.size,
      blocks: ({ size }) => blocksOfFolded(folded.rows, dim, isCosine, size, () => 0),
      warnings: [...known.warnings, ...folded.warnings],
    };
  }
  if (!byHistory)
    return {
      ...source,
      numOwners: async () => (await keysOfField(rows, user)).size,
      blocks: (which) => blocksOfRows({ rows, field: user, ...which, isCosine, withVectors: true }),
      warnings: known.warnings,
    };
  const learned = known.learned!;
  const own = vectorsAt({ vectors: centres, dim }, rowsOfKeys(items, learned.items));
  const vectorsOf = (users: Uint32Array): Float32Array => {
    const added = sums(own, queryItems(learned, users, options.query), dim);
    return isCosine ? unitRows(added, dim) : added;
  };
  return {
    ...source,
    numOwners: () => learned.users.size,
    blocks: (which) => blocksOfUsers(learned.users, which, (users) => ({ vectors: vectorsOf(users) })),
    warnings: known.warnings,
  };
}

async function byModel(given: ListsRequest): Promise<ListSource> {
  const { opened, options, preprocess } = given;
  const { run, rows } = opened;
  const { user } = fieldsOf(run);
  const hasUsers = rows.fields.includes(user) && !isHashed(preprocess!, user);
  const byEvents = !options.foldIn && !hasUsers;
  const known = await readSeenItems(
    given,
    byEvents ? "users are taken from the log, because the table has no user rows" : undefined,
  );
  const rank = await ranksOf(run);
  const catalogue = await readItems(run, preprocess!);
  if (!catalogue)
    throw new UsageError(
      `run '${run.path}' has no items to rank: train it with --item, or rank by its table (--score dot)`,
    );
  const { items, counts } = await withAddedItems(run, catalogue);
  const users = known.folded?.users ?? (byEvents ? known.learned!.users : await keysOfField(rows, user));
  const folded = options.foldIn && (await foldedRows(given, undefined));
  const dim = folded ? folded.dim : 0;
  const ranker = async (own: Keys) => {
    const rankerFor = await rank(run, { users, items: own });
    return (asked: Block["queries"]) => {
      const vectors = asked.vectors && { dim, vectors: asked.vectors };
      return rankerFor({ users: asked.users!, folded: vectors });
    };
  };
  const index = folded && new KeyIndex(users);
  return {
    items,
    counts,
    had: known.had,
    numFolded: known.folded?.users.size,
    dim,
    hasWeights: true,
    numOwners: () => users.size,
    blocks: (which) =>
      folded
        ? blocksOfFolded(folded.rows, dim, false, which.size, (key) => Math.max(0, index!.find(key, 0)))
        : byEvents
          ? blocksOfUsers(users, which, (own) => ({ users: own }))
          : blocksOfRows({ rows, field: user, ...which, isCosine: false, withVectors: false }),
    search: async (sets) => {
      const all = await ranker(items);
      const isAll = sets.length === 1 && sets[0]!.length === items.size;
      const own = isAll ? [all] : [];
      if (!isAll) for (const set of sets) own.push(await ranker(selectKeys(items, set)));
      return searchByRanker({ sets: own, all }, sets, items.size, searchOptions(given));
    },
    warnings: [...known.warnings, ...(folded?.warnings ?? [])],
  };
}

async function byBaseline(given: ListsRequest): Promise<ListSource> {
  const { options } = given;
  const search = searchOptions(given);
  const name = options.baseline!;
  const known = await readSeenItems(given, `--score ${name} needs the training events`);
  const learned = known.learned!;
  const { items, counts, history } = learned;
  const { threads } = search;
  const warnings = [...known.warnings, ...(await checkBaseline(name, { history, counts }, { threads }))];
  const folded = known.folded && withoutKnown(known.folded, learned.users);
  const foldedLists = folded && inNumbersOf(items, folded);
  return {
    items,
    counts,
    had: known.had,
    numFolded: known.folded?.users.size,
    dim: 0,
    hasWeights: true,
    numOwners: () => (folded?.users ?? learned.users).size,
    blocks: (which) =>
      blocksOfUsers(folded?.users ?? learned.users, which, (users) => ({
        users,
        asked: foldedLists ? listsOfUsers(foldedLists, users) : queryItems(learned, users, options.query),
      })),
    search: async (sets) => {
      const how = { seed: 1, ...search };
      const rankerFor = await baselineRanker(name, { counts, history }, how);
      const all = (queries: Block["queries"]) =>
        rankerFor({ users: queries.users!, queries: queries.asked! });
      return searchByRanker({ all }, sets, items.size, search);
    },
    warnings,
  };
}

async function withAddedItems(
  run: Run,
  { items, counts }: { items: Keys; counts: Uint32Array },
): Promise<{ items: Keys; counts: Uint32Array }> {
  const added = await readAdded(run);
  if (!added) return { items, counts };
  return { items: joinedKeys(items, added.keys), counts: joined(counts, added.counts) };
}

/** Returns the source of recommendation lists for items: each item is a query that ranks the other items. */
async function itemsAmongThemselves(given: ListsRequest): Promise<ListSource> {
  const { opened, options } = given;
  const { run, rows } = opened;
  const score = options.score as HowCompared["score"];
  await checkTableRanks(run, { score, table: options.table, query: undefined });
  const composition =
    score === "context" ? undefined : await compositionOf(run, rows.fields, options.compose);
  const how = { score, composition, withWeights: false };
  const { items, counts, dim, centres, searchIn, note } = await itemVectors(given, how);
  if (note !== undefined) given.watch.observe({ stage: "note", text: note });
  const everyItem = ascending(items.size);
  return {
    ...{ items, counts, dim },
    // masks each item in its own list
    had: {
      users: items,
      items,
      history: { indptr: ascending(items.size + 1), items: everyItem },
    },
    hasWeights: false,
    numOwners: () => items.size,
    blocks: (which) =>
      blocksOfUsers(items, which, (rows) => ({ vectors: vectorsAt({ vectors: centres, dim }, rows) })),
    search: searchIn,
    warnings: [],
  };
}

/** Computes vectors for the users of --fold-in. @param dim the dimension that they must have, if any */
async function foldedRows({ opened: { run }, options, watch }: ListsRequest, dim: number | undefined) {
  const foldIn = await userFoldIn(run, "--fold-in");
  const { foldIn: on, reading, hashKeys, maxBad, badRows } = options;
  const log = { on: on!, reading, hashKeys, maxBad, badRows };
  const { encoding, rows, warnings } = await rowsOfEvents(run, foldIn, foldingOf(log, "user"), watch);
  const width = encoding.columns.length;
  if (dim !== undefined) foldedQueries(run, { dim: width, vectors: new Float32Array() }, dim);
  return { rows, dim: width, warnings };
}

function withoutKnown({ users, items, history }: UserItems, known: Keys): UserItems {
  const numbers = rowsOfKeys(known, users);
  const kept = Uint32Array.from(numbers.keys()).filter((user) => numbers[user] === NO_ITEM);
  return { users: selectKeys(users, kept), items, history: listsOfUsers(history, kept) };
}

function isHashed(preprocess: Preprocess, name: string): boolean {
  return preprocess.fields.some(
    (field) => field.kind === "key" && field.name === name && field.hash !== undefined,
  );
}
