// What ranks, and what it asks by: a run's vectors, its model, or a baseline that learns from the training's events.
//
//   vectors    an inner product and a weight an item: what tables, and most models, rank by; users are read in blocks
//   model      everything else that ranks: composed items, networks
//   baseline   popularity, item-cf, ease and graph filters

import { KeyIndex } from "../../dataset/key-index.js";
import type { Preprocess } from "../../dataset/preprocess.js";
import { selectKeys } from "../../dataset/vocabulary.js";
import { readAdded } from "../../embedding/added.js";
import { loadRows, rangeOf, tableRows, type TableRows } from "../../embedding/rows.js";
import { isHole, pickRows, rowsOf, type EmbeddingTable } from "../../embedding/table.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { baselineRanker, checkBaseline } from "../../evaluation/baselines/baselines.js";
import type { QueryItems } from "../../evaluation/baselines/input.js";
import { joinedKeys, type Dictionary } from "../../log/dictionary.js";
import { unitRows } from "../../retrieval/nearest.js";
import { lastItems } from "../../sampling/last-items.js";
import { NO_ITEM } from "../../sampling/negatives.js";
import { listsOfUsers } from "../../sampling/ranking-events.js";
import { eventsOfRows, type TrainingEvents } from "../../sampling/training-events.js";
import { capable, knownModelOf, modelOf } from "../../trainers/index.js";
import { foldedRows as rowsOfEvents } from "../../training/folded-keys.js";
import { readItems } from "../../training/item-file.js";
import { wholeOf } from "../../training/parts.js";
import { foldedQueries, rowsOfKeys } from "../../training/ranked-items.js";
import type { Watch } from "../../training/watch.js";
import { composed, compositionOf, type Compose, type ItemComposition } from "../compose.js";
import { DEFAULT_EF, openIndexOf } from "../hnsw/search.js";
import { insteadOfRanking } from "../evaluate/instead.js";
import { checkTimes, timedFlag } from "../evaluate/query.js";
import { checkTableRanks, contextsOf, fieldsOf, sums } from "../evaluate/table-ranker.js";
import type { OpenRows } from "../tables.js";
import { blocksOfFolded, blocksOfRows, blocksOfUsers, type Block, type Chosen } from "./blocks.js";
import {
  eventsOfLog,
  eventsOfMask,
  eventsToFoldIn,
  inNumbersOf,
  withMasked,
  type Had,
  type ReadAgain,
  type Wanted,
} from "./had.js";
import { readPairs } from "./limits.js";
import type { Asked, RecallOptions } from "./options.js";
import { searchByIndex, searchByRanker, searchVectors, type Search, type SearchOptions } from "./search.js";

/** What a run cannot do that has no folding in. */
const NO_FOLD_IN = "cannot give vectors to users whom it does not know (--fold-in)";

/** Of ease: the middle of what its author tries. */
const EASE_L2 = 500;

/** What lists are made from. */
export interface Source {
  /** the items that it knows, as lists number them */
  items: Dictionary;
  /** u32, beside them: their events */
  counts: Uint32Array;
  /** what users have; absent where nothing is left out, or nothing is known */
  had?: Had;
  /** users of --fold-in */
  numFolded?: number;
  /** numbers a query, 0 of what is not asked by vectors */
  dim: number;
  /** whether a vector of zeros ranks the items all the same, by their weights */
  hasWeights: boolean;
  blocks: (chosen: Chosen) => AsyncIterable<Block> | Iterable<Block>;
  search: (sets: readonly Uint32Array[]) => Promise<Search>;
  warnings: string[];
}

/** What a source is made of. */
export interface Given {
  opened: OpenRows;
  options: RecallOptions;
  asked: Asked;
  watch: Watch;
}

/** @throws {UsageError} the run cannot rank as asked, or what users have is not to be had */
export async function sourceOf(given: Given): Promise<Source> {
  const { opened, options, asked } = given;
  const { run } = opened;
  if (options.whom === "item") return await itemsAmongThemselves(given);
  const preprocess = await (await modelOf(run))?.preprocess?.(run);
  const told: Told = { ...given, preprocess, search: searchOptions(given) };
  if (asked.baseline !== undefined) return await byBaseline(told);
  // what cannot rank is refused before a log is read
  const how = await howToRank(told);
  return how.scoring === "model" ? await byModel(told) : await byVectors(told, how);
}

/** @param preprocess undefined of a run that does not say how a log is read */
interface Told extends Given {
  preprocess: Preprocess | undefined;
  search: SearchOptions;
}

function searchOptions({ options, watch }: Given): SearchOptions {
  return { threads: options.reading.threads, signal: watch.signal };
}

/** A ranking by vectors, or by the model where it is more than its rows. */
interface How {
  scoring: "model" | "dot" | "cosine" | "context";
  /** the items' weights count */
  withWeights: boolean;
  /** items are the sum over their columns */
  composition?: ItemComposition;
}

/** @throws {UsageError} the run ranks no items in that way */
async function howToRank({ opened: { run, rows }, options, asked, preprocess }: Told): Promise<How> {
  const { scoring } = asked;
  const byTable = async (how: Exclude<How["scoring"], "model">): Promise<How> => {
    await checkTableRanks(run, { scoring: how, table: options.table, query: asked.query });
    return { scoring: how, withWeights: false };
  };
  if (scoring === "dot" || scoring === "cosine" || scoring === "context") return await byTable(scoring);
  const model = await knownModelOf(run);
  if (!model.rank && options.foldIn && model.foldedRank) return await byTable(model.foldedRank);
  await capable(run, "rank", "cannot rank items", await insteadOfRanking(run));
  if (options.table !== undefined)
    throw new UsageError("--table names what vectors are compared: it goes with --score dot or cosine");
  if (options.foldIn) await capable(run, "foldIn", NO_FOLD_IN);
  const { user, item } = fieldsOf(run);
  const isRows =
    model.mips === "rows" &&
    [user, item].every((field) => rows.fields.includes(field) && !isHashed(preprocess!, field));
  const composition = isRows ? await compositionOf(run, rows.fields, undefined) : undefined;
  if (!isRows && options.index !== undefined)
    throw new UsageError(
      `--index finds what inner products of rows rank highest, and run '${run.path}' ranks by more than these: leave it out`,
    );
  // a row of the user's and one of the item's are all that it ranks by; of items that are sums an index holds the sums
  if (isRows && (!composition || options.index !== undefined))
    return { scoring: "dot", withWeights: true, ...(composition && { composition }) };
  return { scoring: "model", withWeights: true };
}

/** Events that users are asked by or that are left out, each where it is needed. */
interface Known {
  /** of the log, which lists may be asked by */
  learned?: TrainingEvents;
  /** of new users */
  folded?: TrainingEvents;
  /** what is left out of lists */
  had?: Had;
  warnings: string[];
}

/** @param needsLog why the events of the log are needed whatever is left out; undefined where they are not */
async function knownOf(told: Told, needsLog: string | undefined): Promise<Known> {
  const { opened, options, asked, preprocess, watch } = told;
  const { run } = opened;
  const masks = (options.repeats ?? "mask") === "mask";
  if (!preprocess) {
    if (options.foldIn) await capable(run, "foldIn", NO_FOLD_IN);
    if (needsLog !== undefined)
      throw new UsageError(
        `${needsLog}, and run '${run.path}' does not say how a log is read, since its table was imported`,
      );
    if (!masks) return { warnings: [] };
    if (!options.mask)
      throw new UsageError(
        `run '${run.path}' does not say what its users have, since its table was imported: name a log of it with --mask LOG, or let lists hold it with --repeats allow`,
      );
    const dataset = await readPairs(options.mask, fieldsOf(run), {}, options, watch);
    return { had: eventsOfRows(dataset, wholeOf(dataset).rows), warnings: [] };
  }
  if (preprocess.roles.user === undefined && (masks || needsLog !== undefined || options.foldIn))
    throw new UsageError(
      `run '${run.path}' does not know which column is the user: train it with --user, or make lists for its items, --for item`,
    );
  const again = { run, preprocess, options, watch };
  const flag = timedFlag(asked.query);
  const wanted = needsLog ?? "what users have is left out of their lists";
  const log =
    needsLog !== undefined || flag !== undefined || (masks && !options.foldIn)
      ? await eventsOfLogOrMask(again, { wanted, isAsked: needsLog !== undefined, timed: flag !== undefined })
      : undefined;
  if (log) checkTimes(asked.query, log.events);
  const folded = options.foldIn && (await eventsToFoldIn(again));
  const own = folded ?? log?.events;
  const had = masks ? await withMasked(own, again) : undefined;
  return {
    ...(log && { learned: log.events }),
    ...(folded && { folded }),
    ...(had && { had }),
    warnings: log?.warnings ?? [],
  };
}

/** The log's events; where it is gone those of --mask, which says what users have as well. */
async function eventsOfLogOrMask(
  again: ReadAgain,
  wanted: Wanted,
): Promise<{ events: TrainingEvents; warnings: string[] }> {
  try {
    return await eventsOfLog(again, wanted);
  } catch (error) {
    if (!(error instanceof UsageError) || !again.options.mask) throw error;
    const text =
      "the log of the training is not to be had: whom lists are for and what users have is read from --mask alone";
    return { events: await eventsOfMask(again, wanted.timed), warnings: [text] };
  }
}

/** What some users of events are asked by: what they have, or took last. */
function queriesOf({ asked: { query } }: Given, learned: TrainingEvents): (users: Uint32Array) => QueryItems {
  const { events, history } = learned;
  return (users) =>
    query && timedFlag(query) !== undefined && events?.times
      ? lastItems({ ...events, times: events.times }, learned.users.size, users, query)
      : listsOfUsers(history, users);
}

async function byVectors(told: Told, { scoring, withWeights, composition }: How): Promise<Source> {
  const { opened, options, asked, search } = told;
  const { run, rows } = opened;
  const { user, item } = fieldsOf(run);
  const isCosine = scoring === "cosine";
  const byUserRows = asked.query ? asked.query.of === "user" : rows.fields.includes(user);
  const byHistory = !options.foldIn && !byUserRows;
  const known = await knownOf(
    told,
    byHistory
      ? "users are asked by the items that they have, since the table has no rows of users"
      : undefined,
  );
  const itemRows = composition ? tableRows((await composed(await loadRows(rows), composition)).table) : rows;
  const { table, kept } = await tableOfField(itemRows, item);
  const { dim } = table;
  const centres = isCosine ? unitRows(table.vectors, dim) : table.vectors;
  const ranked =
    scoring === "context" ? await contextRows(run, item, table.keys, dim) : { vectors: centres, lacks: [] };
  const weights = withWeights ? table.weights : undefined;
  // without a vector as context an item is never found
  const found = ranked.lacks.length > 0 ? new Float32Array(table.numRows) : weights?.slice();
  for (const lacking of ranked.lacks) found![lacking] = -Infinity;
  const items = { dim, vectors: ranked.vectors, ...(found && { weights: found }) };
  const source = {
    items: table.keys,
    counts: table.counts,
    ...(known.had && { had: known.had }),
    dim,
    hasWeights: weights?.some((x) => x !== 0) ?? false,
    search: async (sets: readonly Uint32Array[]) =>
      options.index === undefined
        ? await searchVectors(items, sets, search)
        : await indexed(told, { item, scoring, compose: composition ? "item" : "none" }, kept, withWeights),
  };
  if (options.foldIn) {
    const folded = await foldedRows(told, dim);
    return {
      ...source,
      numFolded: known.folded!.users.size,
      blocks: () => blocksOfFolded(folded.rows, dim, isCosine, () => 0),
      warnings: [...known.warnings, ...folded.warnings],
    };
  }
  if (!byHistory)
    return {
      ...source,
      blocks: (chosen) => blocksOfRows({ rows, field: user, chosen, isCosine, withVectors: true }),
      warnings: known.warnings,
    };
  const learned = known.learned!;
  const own = vectorsAt(centres, dim, rowsOfKeys(table.keys, learned.items));
  const listsOf = queriesOf(told, learned);
  const vectorsOf = (users: Uint32Array): Float32Array => {
    const added = sums(own, listsOf(users), dim);
    return isCosine ? unitRows(added, dim) : added;
  };
  return {
    ...source,
    blocks: (chosen) => blocksOfUsers(learned.users, chosen, (users) => ({ vectors: vectorsOf(users) })),
    warnings: known.warnings,
  };
}

async function byModel(told: Told): Promise<Source> {
  const { opened, options, search, preprocess } = told;
  const { run, rows } = opened;
  const { user } = fieldsOf(run);
  const hasUsers = rows.fields.includes(user) && !isHashed(preprocess!, user);
  const byEvents = !options.foldIn && !hasUsers;
  const known = await knownOf(
    told,
    byEvents ? "whom lists are for is told by the log, since the table has no rows of users" : undefined,
  );
  const rank = await capable(run, "rank", "cannot rank items", await insteadOfRanking(run));
  const catalogue = await readItems(run, preprocess!);
  if (!catalogue)
    throw new UsageError(
      `run '${run.path}' keeps no items to rank: train it with --item, or rank by its table (--score dot)`,
    );
  const { items, counts } = await withAddedItems(run, catalogue);
  const users = known.folded?.users ?? (byEvents ? known.learned!.users : await keysOfField(rows, user));
  const folded = options.foldIn && (await foldedRows(told, undefined));
  const dim = folded ? folded.dim : 0;
  const ranker = async (own: Dictionary) => {
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
    ...(known.had && { had: known.had }),
    ...(known.folded && { numFolded: known.folded.users.size }),
    dim,
    hasWeights: true,
    blocks: (chosen) =>
      folded
        ? blocksOfFolded(folded.rows, dim, false, (key) => Math.max(0, index!.find(key, 0)))
        : byEvents
          ? blocksOfUsers(users, chosen, (own) => ({ users: own }))
          : blocksOfRows({ rows, field: user, chosen, isCosine: false, withVectors: false }),
    search: async (sets) => {
      const all = await ranker(items);
      const isAll = sets.length === 1 && sets[0]!.length === items.size;
      const own = isAll ? [all] : await inTurn(sets, async (set) => await ranker(selectKeys(items, set)));
      return searchByRanker({ sets: own, all }, sets, items.size, search);
    },
    warnings: [...known.warnings, ...(folded?.warnings ?? [])],
  };
}

async function byBaseline(told: Told): Promise<Source> {
  const { asked, search } = told;
  const name = asked.baseline!;
  const known = await knownOf(told, `--score ${name} learns from the training's events`);
  const learned = known.learned!;
  const { items, counts, history } = learned;
  const { threads } = search;
  const warnings = [...known.warnings, ...checkBaseline(name, { history, counts }, { filter: {}, threads })];
  const folded = known.folded && withoutKnown(known.folded, learned.users);
  const foldedLists = folded && inNumbersOf(items, folded);
  const listsOf = queriesOf(told, learned);
  return {
    items,
    counts,
    ...(known.had && { had: known.had }),
    ...(known.folded && { numFolded: known.folded.users.size }),
    dim: 0,
    hasWeights: true,
    blocks: (chosen) =>
      blocksOfUsers(folded?.users ?? learned.users, chosen, (users) => ({
        users,
        asked: foldedLists ? listsOfUsers(foldedLists, users) : listsOf(users),
      })),
    search: async (sets) => {
      const how = { seed: 1, easeL2: EASE_L2, filter: {}, ...search };
      const rankerFor = await baselineRanker(name, { counts, history }, how);
      const all = (queries: Block["queries"]) =>
        rankerFor({ users: queries.users!, queries: queries.asked! });
      return searchByRanker({ all }, sets, items.size, search);
    },
    warnings,
  };
}

/** The items that a model keeps, and those that were added to its table. */
async function withAddedItems(
  run: Run,
  { items, counts }: { items: Dictionary; counts: Uint32Array },
): Promise<{ items: Dictionary; counts: Uint32Array }> {
  const added = await readAdded(run);
  if (!added) return { items, counts };
  return {
    items: joinedKeys(items, added.keys),
    counts: Uint32Array.from([counts, added.counts].flatMap((own) => [...own])),
  };
}

/** The items of a table, each nearest to every other one. */
async function itemsAmongThemselves(given: Given): Promise<Source> {
  const { opened, options, asked } = given;
  const { run } = opened;
  const { item } = fieldsOf(run);
  const scoring = asked.scoring as "dot" | "cosine" | "context";
  await checkTableRanks(run, { scoring, table: options.table, query: undefined });
  const composition =
    scoring === "context" ? undefined : await compositionOf(run, opened.rows.fields, options.compose);
  const made = composition && (await composed(await loadRows(opened.rows), composition));
  if (made?.note !== undefined) given.watch.observe({ stage: "note", text: made.note });
  const { table, kept } = await tableOfField(made ? tableRows(made.table) : opened.rows, item);
  const { dim } = table;
  const isCosine = scoring === "cosine";
  const centres = isCosine ? unitRows(table.vectors, dim) : table.vectors;
  const ranked =
    scoring === "context" ? await contextRows(run, item, table.keys, dim) : { vectors: centres, lacks: [] };
  const weights = new Float32Array(table.numRows);
  for (const lacking of ranked.lacks) weights[lacking] = -Infinity;
  // a row of zeros has no direction and is near nothing
  if (isCosine)
    for (let row = 0; row < table.numRows; row++)
      if (centres.subarray(row * dim, (row + 1) * dim).every((x) => x === 0)) weights[row] = -Infinity;
  const everyItem = Uint32Array.from({ length: table.numRows }, (_, row) => row);
  return {
    items: table.keys,
    counts: table.counts,
    // an item is no neighbour of its own
    had: {
      users: table.keys,
      items: table.keys,
      history: { indptr: Uint32Array.from({ length: table.numRows + 1 }, (_, row) => row), items: everyItem },
    },
    dim,
    hasWeights: false,
    blocks: (chosen) =>
      blocksOfUsers(table.keys, chosen, (rows) => ({ vectors: vectorsAt(centres, dim, rows) })),
    search: async (sets) =>
      options.index === undefined
        ? await searchVectors({ dim, vectors: ranked.vectors, weights }, sets, searchOptions(given))
        : await indexed(given, { item, scoring, compose: composition ? "item" : "none" }, kept, false),
    warnings: [],
  };
}

/** A field's rows in memory, but for holes. @returns with u32: which of the field's rows they are */
async function tableOfField(
  rows: TableRows,
  field: string,
): Promise<{ table: EmbeddingTable; kept: Uint32Array }> {
  const range = await rangeOf(rows, field);
  const own = await loadRows({
    ...rows,
    numRows: range.last - range.first,
    batches: async function* (pass) {
      for await (const { start, table } of rows.batches({ ...pass, range }))
        yield { start: start - range.first, table };
    },
  });
  const kept = Uint32Array.from({ length: own.numRows }, (_, row) => row).filter((row) => !isHole(own, row));
  return { table: kept.length === own.numRows ? own : pickRows(own, kept), kept };
}

/** The keys of a field's rows, holes among them, so that numbers stand for rows. */
async function keysOfField(rows: TableRows, field: string): Promise<Dictionary> {
  const range = await rangeOf(rows, field);
  const parts: Uint8Array[] = [];
  const offsets = new Uint32Array(range.last - range.first + 1);
  let end = 0;
  for await (const { start, table } of rows.batches({ range, vectors: false })) {
    const { keys } = table;
    for (let i = 1; i <= keys.size; i++) offsets[start - range.first + i] = end + keys.offsets[i]!;
    parts.push(keys.bytes.slice(0, keys.offsets[keys.size]));
    end += keys.offsets[keys.size]!;
  }
  return { size: range.last - range.first, bytes: Buffer.concat(parts), offsets };
}

/** Searches the index of --index. @throws {UsageError} it is of another field, metric or table than the lists are made by */
async function indexed(
  given: Given,
  wanted: { item: string; scoring: How["scoring"]; compose: Compose },
  rows: Uint32Array,
  weighted: boolean,
): Promise<Search> {
  const { opened, options, watch } = given;
  const path = options.index!;
  const index = await openIndexOf(opened.run.path, path);
  const metric = wanted.scoring === "cosine" ? "cosine" : "dot";
  const { field, space, compose } = index.source;
  if (field !== wanted.item)
    throw new UsageError(
      `index '${path}' is of '${field}': build one of the items, embed index RUN --field item`,
    );
  if (space.metric !== metric)
    throw new UsageError(
      `index '${path}' is by ${space.metric}, and these lists are by ${metric}: build one with embed index --metric ${metric}`,
    );
  if (compose !== wanted.compose)
    throw new UsageError(
      compose === "item"
        ? `index '${path}' holds items as sums over their columns, and these lists compare their rows: build one with embed index --compose none`
        : `index '${path}' holds the items' rows, and these lists compare sums over their columns: build one with embed index --compose item`,
    );
  const { ef = DEFAULT_EF } = options;
  watch.observe({ stage: "note", text: `by the index '${path}': approximate, ${ef} candidates a search` });
  return searchByIndex({ index, rows, ef, weighted }, searchOptions(given));
}

/** The items' rows in the table of contexts. @returns with the items that have none there */
async function contextRows(run: Run, item: string, keys: Dictionary, dim: number) {
  const table = await run.readTable(await contextsOf(run));
  const { first, last } = rowsOf(table, item);
  const own = pickRows(
    table,
    Uint32Array.from({ length: last - first }, (_, i) => first + i),
  );
  const places = rowsOfKeys(own.keys, keys);
  const lacks = [...places.keys()].filter((key) => places[key] === NO_ITEM);
  return { vectors: vectorsAt(own.vectors, dim, places), lacks };
}

/** f32[rows.length * dim]: some rows; zeros for NO_ITEM. */
function vectorsAt(vectors: Float32Array, dim: number, rows: Uint32Array): Float32Array {
  const picked = new Float32Array(rows.length * dim);
  rows.forEach((row, i) => {
    if (row !== NO_ITEM) picked.set(vectors.subarray(row * dim, (row + 1) * dim), i * dim);
  });
  return picked;
}

/** What the run makes of new users' events. @param dim of the items that are ranked; undefined: any */
async function foldedRows({ opened: { run }, options, watch }: Told, dim: number | undefined) {
  const foldIn = await capable(run, "foldIn", NO_FOLD_IN);
  const { foldIn: on, reading, hashKeys, maxBad, badRows } = options;
  const bad = { ...(maxBad !== undefined && { maxBad }), ...(badRows && { badRows }) };
  const shape = { format: "jsonl", features: false, withScores: false, force: false } as const;
  const of = { on: [], foldIn: on!, field: "user" as const, reading, hashKeys, ...bad };
  const { encoding, rows, warnings } = await rowsOfEvents(run, foldIn, { ...of, ...shape }, watch);
  const width = encoding.columns.length;
  if (dim !== undefined) foldedQueries(run, { dim: width, vectors: new Float32Array() }, dim);
  return { rows, dim: width, warnings };
}

/** The events of users who are not known. */
function withoutKnown({ users, items, history }: Had, known: Dictionary): Had {
  const numbers = rowsOfKeys(known, users);
  const kept = Uint32Array.from(numbers.keys()).filter((user) => numbers[user] === NO_ITEM);
  return { users: selectKeys(users, kept), items, history: listsOfUsers(history, kept) };
}

function isHashed(preprocess: Preprocess, name: string): boolean {
  return preprocess.fields.some(
    (field) => field.kind === "key" && field.name === name && field.hash !== undefined,
  );
}

/** One after another. */
async function inTurn<T, R>(all: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const one of all) results.push(await work(one));
  return results;
}
