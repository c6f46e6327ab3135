// What ranks, and what it asks by: a run's vectors, its model, or a baseline that learns from the training's events.
//
//   vectors    an inner product and a weight an item: what tables, and most models, rank by; users are read in blocks
//   model      everything else that ranks: composed items, networks
//   baseline   popularity, item-cf, ease and graph filters

import { ascending } from "../../numeric/indices.js";
import { selectKeys, joinedKeys, type Keys } from "../../log/keys.js";
import { KeyIndex } from "../../dataset/vocabulary/key-index.js";
import type { Preprocess } from "../../dataset/vocabulary/preprocess.js";
import { readAdded } from "../../embedding/added.js";
import { vectorsAt } from "../../embedding/table.js";
import type { Run } from "../../embedding/run-directory.js";
import { UsageError } from "../../errors.js";
import { baselineRanker, checkBaseline } from "../../evaluation/baselines/baselines.js";
import type { QueryItems } from "../../evaluation/baselines/input.js";
import { unitRows } from "../../retrieval/nearest.js";
import { lastItems, eventsOfRows, type TrainingEvents } from "../../sampling/training-events.js";
import { joined } from "../../sampling/negatives.js";
import { NO_ITEM } from "../../kernels/top-items/binding.js";
import { listsOfUsers } from "../../sampling/ranking-events.js";
import { capable, knownModelOf } from "../../trainers/index.js";
import { cellsBesideLog, openKeysAsTrained } from "../../training/reading/open-as-trained.js";
import { foldedRows as rowsOfEvents, foldingOf } from "../../training/capabilities/folded-keys.js";
import { readItems } from "../../training/examples/item-file.js";
import { definedOf } from "../../training/options/defined.js";
import { wholeOf } from "../../training/reading/split-parts.js";
import { foldedQueries, rowsOfKeys } from "../../training/judging/ranked-items.js";
import type { Watch } from "../../training/session/watch.js";
import { compositionOf } from "../compose.js";
import { insteadOfRanking } from "../evaluate/alternatives.js";
import { checkTimes, timedFlag } from "../evaluate/query.js";
import { checkTableRanks, fieldsOf, sums } from "../evaluate/table-ranker.js";
import type { OpenRows } from "../tables.js";
import { blocksOfFolded, blocksOfRows, blocksOfUsers, type Block, type WhichBlocks } from "./blocks.js";
import {
  eventsOfLog,
  eventsOfMask,
  eventsToFoldIn,
  inNumbersOf,
  withMasked,
  type Had,
  type ReadAgain,
  type Wanted,
} from "./seen-items.js";
import { itemVectors, keysOfField, type HowCompared } from "./item-vectors.js";
import type { Asked, RecallOptions } from "./options.js";
import { searchByRanker, type Search, type SearchOptions } from "./search.js";

/** What a run cannot do that has no folding in. */
const NO_FOLD_IN = "cannot compute vectors of unknown users (--fold-in)";

/** What lists are made from. */
export interface Source {
  /** the items that it knows, as lists number them */
  items: Keys;
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
  blocks: (which: WhichBlocks) => AsyncIterable<Block> | Iterable<Block>;
  search: (sets: readonly Uint32Array[]) => Promise<Search>;
  warnings: string[];
}

/** What a source is made of. */
export interface Given {
  opened: OpenRows;
  options: RecallOptions;
  asked: Asked;
  watch: Watch;
  /** undefined of a run that does not say how a log is read */
  preprocess: Preprocess | undefined;
}

/** @throws {UsageError} the run cannot rank as asked, or what users have is not to be had */
export async function sourceOf(given: Given): Promise<Source> {
  const { options, asked } = given;
  if (options.whom === "item") return await itemsAmongThemselves(given);
  if (asked.baseline !== undefined) return await byBaseline(given);
  // what cannot rank is refused before a log is read
  const how = await howToRank(given);
  return how === "model" ? await byModel(given) : await byVectors(given, how);
}

function searchOptions({ options, watch }: Given): SearchOptions {
  return { threads: options.reading.threads, signal: watch.signal };
}

/** By vectors, or by the model where it is more than rows of its table. @throws {UsageError} the run ranks no items in that way */
async function howToRank({
  opened: { run, rows },
  options,
  asked,
  preprocess,
}: Given): Promise<HowCompared | "model"> {
  const { scoring } = asked;
  const byTable = async (how: HowCompared["scoring"]): Promise<HowCompared> => {
    await checkTableRanks(run, { scoring: how, table: options.table, query: asked.query });
    return { scoring: how, withWeights: false };
  };
  if (scoring === "dot" || scoring === "cosine" || scoring === "context") return await byTable(scoring);
  const model = await knownModelOf(run);
  if (!model.rank && options.foldIn && model.foldedRank) return await byTable(model.foldedRank);
  await capable(run, "rank", "cannot rank items", await insteadOfRanking(run));
  if (options.table !== undefined) throw new UsageError("--table needs --score dot or cosine");
  if (options.foldIn) await capable(run, "foldIn", NO_FOLD_IN);
  const { user, item } = fieldsOf(run);
  const isRows =
    model.mips === "rows" &&
    [user, item].every((field) => rows.fields.includes(field) && !isHashed(preprocess!, field));
  const composition = isRows ? await compositionOf(run, rows.fields, undefined) : undefined;
  if (!isRows && options.index !== undefined)
    throw new UsageError(
      `--index cannot be used with run '${run.path}', whose scores are not inner products of rows`,
    );
  // a row of the user's and one of the item's are all that it ranks by; of items that are sums an index holds the sums
  if (isRows && (!composition || options.index !== undefined))
    return { scoring: "dot", withWeights: true, composition };
  return "model";
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
async function knownOf(given: Given, needsLog: string | undefined): Promise<Known> {
  const { opened, options, asked, preprocess, watch } = given;
  const { run } = opened;
  const masks = (options.repeats ?? "mask") === "mask";
  if (!preprocess) {
    if (options.foldIn) await capable(run, "foldIn", NO_FOLD_IN);
    if (needsLog !== undefined)
      throw new UsageError(
        `${needsLog}, but run '${run.path}' was imported and does not record how to read a log`,
      );
    if (!masks) return { warnings: [] };
    if (!options.mask)
      throw new UsageError(
        `run '${run.path}' was imported and does not record which items its users have: pass a log with ` +
          "--mask LOG, or keep those items with --repeats allow",
      );
    const dataset = await openKeysAsTrained(
      options.mask,
      fieldsOf(run),
      { cells: cellsBesideLog(run) },
      options,
      watch,
    );
    return { had: eventsOfRows(dataset, wholeOf(dataset).rows), warnings: [] };
  }
  if (preprocess.roles.user === undefined && (masks || needsLog !== undefined || options.foldIn))
    throw new UsageError(
      `run '${run.path}' has no user column: train it with --user, or write lists for its items with --for item`,
    );
  const again = { run, preprocess, options, watch };
  const flag = timedFlag(asked.query);
  const wanted = needsLog ?? "items that users already have are masked";
  const log =
    needsLog !== undefined || flag !== undefined || (masks && !options.foldIn)
      ? await eventsOfLogOrMask(again, { wanted, isAsked: needsLog !== undefined, timed: flag !== undefined })
      : undefined;
  if (log) checkTimes(asked.query, log.events);
  const folded = options.foldIn && (await eventsToFoldIn(again));
  const own = folded ?? log?.events;
  const had = masks ? await withMasked(own, again) : undefined;
  return {
    learned: log?.events,
    folded,
    had,
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
    const text = "the training log is not available: users and their items are read only from --mask";
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

async function byVectors(given: Given, how: HowCompared): Promise<Source> {
  const { opened, options, asked } = given;
  const { run, rows } = opened;
  const { user } = fieldsOf(run);
  const isCosine = how.scoring === "cosine";
  const byUserRows = asked.query ? asked.query.of === "user" : rows.fields.includes(user);
  const byHistory = !options.foldIn && !byUserRows;
  const known = await knownOf(
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
      blocks: ({ size }) => blocksOfFolded(folded.rows, dim, isCosine, size, () => 0),
      warnings: [...known.warnings, ...folded.warnings],
    };
  }
  if (!byHistory)
    return {
      ...source,
      blocks: (which) => blocksOfRows({ rows, field: user, ...which, isCosine, withVectors: true }),
      warnings: known.warnings,
    };
  const learned = known.learned!;
  const own = vectorsAt({ vectors: centres, dim }, rowsOfKeys(items, learned.items));
  const listsOf = queriesOf(given, learned);
  const vectorsOf = (users: Uint32Array): Float32Array => {
    const added = sums(own, listsOf(users), dim);
    return isCosine ? unitRows(added, dim) : added;
  };
  return {
    ...source,
    blocks: (which) => blocksOfUsers(learned.users, which, (users) => ({ vectors: vectorsOf(users) })),
    warnings: known.warnings,
  };
}

async function byModel(given: Given): Promise<Source> {
  const { opened, options, preprocess } = given;
  const { run, rows } = opened;
  const { user } = fieldsOf(run);
  const hasUsers = rows.fields.includes(user) && !isHashed(preprocess!, user);
  const byEvents = !options.foldIn && !hasUsers;
  const known = await knownOf(
    given,
    byEvents ? "users are taken from the log, because the table has no user rows" : undefined,
  );
  const rank = await capable(run, "rank", "cannot rank items", await insteadOfRanking(run));
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

async function byBaseline(given: Given): Promise<Source> {
  const { asked } = given;
  const search = searchOptions(given);
  const name = asked.baseline!;
  const known = await knownOf(given, `--score ${name} needs the training events`);
  const learned = known.learned!;
  const { items, counts, history } = learned;
  const { threads } = search;
  const warnings = [...known.warnings, ...(await checkBaseline(name, { history, counts }, { threads }))];
  const folded = known.folded && withoutKnown(known.folded, learned.users);
  const foldedLists = folded && inNumbersOf(items, folded);
  const listsOf = queriesOf(given, learned);
  return {
    items,
    counts,
    had: known.had,
    numFolded: known.folded?.users.size,
    dim: 0,
    hasWeights: true,
    blocks: (which) =>
      blocksOfUsers(folded?.users ?? learned.users, which, (users) => ({
        users,
        asked: foldedLists ? listsOfUsers(foldedLists, users) : listsOf(users),
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

/** The items that a model keeps, and those that were added to its table. */
async function withAddedItems(
  run: Run,
  { items, counts }: { items: Keys; counts: Uint32Array },
): Promise<{ items: Keys; counts: Uint32Array }> {
  const added = await readAdded(run);
  if (!added) return { items, counts };
  return { items: joinedKeys(items, added.keys), counts: joined(counts, added.counts) };
}

/** The items of a table, each nearest to every other one. */
async function itemsAmongThemselves(given: Given): Promise<Source> {
  const { opened, options, asked } = given;
  const { run, rows } = opened;
  const scoring = asked.scoring as HowCompared["scoring"];
  await checkTableRanks(run, { scoring, table: options.table, query: undefined });
  const composition =
    scoring === "context" ? undefined : await compositionOf(run, rows.fields, options.compose);
  const how = { scoring, composition, withWeights: false };
  const { items, counts, dim, centres, searchIn, note } = await itemVectors(given, how);
  if (note !== undefined) given.watch.observe({ stage: "note", text: note });
  const everyItem = ascending(items.size);
  return {
    ...{ items, counts, dim },
    // an item is no neighbour of its own
    had: {
      users: items,
      items,
      history: { indptr: ascending(items.size + 1), items: everyItem },
    },
    hasWeights: false,
    blocks: (which) =>
      blocksOfUsers(items, which, (rows) => ({ vectors: vectorsAt({ vectors: centres, dim }, rows) })),
    search: searchIn,
    warnings: [],
  };
}

/** What the run makes of new users' events. @param dim of the items that are ranked; undefined: any */
async function foldedRows({ opened: { run }, options, watch }: Given, dim: number | undefined) {
  const foldIn = await capable(run, "foldIn", NO_FOLD_IN);
  const { foldIn: on, reading, hashKeys, maxBad, badRows } = options;
  const log = { on: on!, reading, hashKeys, ...definedOf({ maxBad, badRows }) };
  const { encoding, rows, warnings } = await rowsOfEvents(run, foldIn, foldingOf(log, "user"), watch);
  const width = encoding.columns.length;
  if (dim !== undefined) foldedQueries(run, { dim: width, vectors: new Float32Array() }, dim);
  return { rows, dim: width, warnings };
}

/** The events of users who are not known. */
function withoutKnown({ users, items, history }: Had, known: Keys): Had {
  const numbers = rowsOfKeys(known, users);
  const kept = Uint32Array.from(numbers.keys()).filter((user) => numbers[user] === NO_ITEM);
  return { users: selectKeys(users, kept), items, history: listsOfUsers(history, kept) };
}

function isHashed(preprocess: Preprocess, name: string): boolean {
  return preprocess.fields.some(
    (field) => field.kind === "key" && field.name === name && field.hash !== undefined,
  );
}
