// Makes training examples (history, context) -> item, and the history and context of each user at the user's newest
// event.
//
//   splits ──► items, negatives ──► users in partitions ──► the examples of each partition, in a store

import type { Dataset } from "../../dataset/dataset.js";
import { eventWeights, type EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import { itemCatalogue, keyColumn } from "../../dataset/item-fields.js";
import { bindEncoder } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { rowsHeldBy } from "../../dataset/filters/where-rows.js";
import { DataError, UsageError } from "../../errors.js";
import { noteDisk, type StoreInput } from "../../factors/stored-training.js";
import { BlockStore } from "../../io/block-store.js";
import type { FieldRows } from "../../kernels/two-tower/inputs.js";
import { itemsOf, usersOf, type NegativeSource } from "../../sampling/negatives.js";
import { NO_ITEM, type ItemLists } from "../../kernels/top-items/binding.js";
import { noEvents, type RankingExamples } from "../../sampling/ranking-events.js";
import { timesOfRows } from "../../sampling/training-events.js";
import { itemColumnsOf, type Examples, type Part, type LogParts } from "../../training/examples/examples.js";
import { rankingExamples } from "../../training/examples/ranking-examples.js";
import type { Watch } from "../../training/session/watch.js";
import { storeBudget } from "./memory.js";
import { hasHistoryRows } from "./network.js";
import type { TwoTowerOptions } from "./options.js";
import { partitionEvents, type LeftOut, type TowerLog } from "./partition-events.js";
import { divideUsers, StoredPartitions, type DividedUsers } from "./partitions.js";
import { fieldRows, itemHashes, towerRows, type TowerRows } from "./rows.js";
import { byGroup } from "../../numeric/groups.js";

/** Ranking examples, with the training examples also in the form that the kernel of the towers reads. */
export interface TowerExamples extends RankingExamples {
  towers: Towers;
}

export interface Towers {
  rows: TowerRows;
  users: DividedUsers;
  /** examples, and the history and context of each user at the user's newest event */
  partitions: StoredPartitions;
  /** input of the item tower for each item */
  side?: FieldRows;
}

interface How {
  minUsers: number;
  weighting: EventWeightOptions;
  itemFields?: string[] | undefined;
  candidates?: Dataset | undefined;
  watch: Watch;
  note: (text: string) => void;
  /** path next to which examples are stored, and maximum bytes of them in memory */
  store: Pick<StoreInput, "beside" | "maxMemory">;
}

/** Number of milliseconds in a day. */
const DAY = 86_400_000;

/**
 * Makes the training and evaluation examples of a log.
 * @throws {UsageError} the log lacks columns that options require
 * @throws {DataError} no example is left
 */
export async function towerExamples(
  space: FeatureSpace,
  parts: LogParts,
  options: TwoTowerOptions,
  { minUsers, weighting, itemFields, candidates, watch, note, store }: How,
): Promise<Examples> {
  const { seed, threads, k, metric, history } = options;
  const { train } = parts;
  const asker = "train-two-tower";
  if (history.of === "before" && train.dataset.roles.time === undefined)
    throw new UsageError(
      "histories need a time column: name it with --time, or use all other events of a user with --history " +
        "others",
    );
  const lists = { k, metric };
  const how = { asker, seed, threads, minUsers, itemFields: [], weighting, lists, candidates };
  const found = rankingExamples(space, parts, { task: "ranking", ...how }, watch);
  const { examples } = found.ranking!;
  // towers learn from histories; without the events of rankings, these need no memory
  examples.train = noEvents();
  const towers = await towersOf(space, train, examples.source, options, {
    ...{ minUsers, weighting, itemFields, note, store },
  });
  const made: TowerExamples = { ...examples, towers };
  return { ...found, ranking: { ...found.ranking!, examples: made } };
}

async function towersOf(
  space: FeatureSpace,
  { dataset, rows }: Part,
  source: NegativeSource,
  options: TwoTowerOptions,
  { minUsers, weighting, itemFields, note, store: { beside, maxMemory } }: Omit<How, "watch" | "candidates">,
): Promise<Towers> {
  const { history, userBias, exampleAge, userFields, itemTower, targets, dim } = options;
  const fieldAt = (name: string) => space.fields.findIndex((field) => field.name === name);
  const encoder = bindEncoder(space, dataset);
  const item = keyColumn(dataset, dataset.roles.item!);
  const columns =
    itemTower.length > 0 ? itemColumnsOf(space, { dataset, rows }, item, itemFields) : undefined;
  const sideFields = columns?.itemFields.names.filter((name) => name !== item.name) ?? [];
  if (columns && sideFields.length === 0)
    throw new UsageError(
      "--item-tower needs side columns of the item: name them with --item-fields, or omit --item-tower",
    );
  const odd = userFields.find((name) => sideFields.includes(name));
  if (odd !== undefined)
    throw new UsageError(
      `'${odd}' is a side column of the item and cannot be in --user-fields: remove it there, or set the ` +
        "item's columns with --item-fields",
    );
  const itemFeatures = source.templates.ids;
  const numbers = towerRows(space, itemFeatures, {
    context: userFields.map(fieldAt).sort((a, b) => a - b),
    side: sideFields.map(fieldAt).sort((a, b) => a - b),
    separate: hasHistoryRows(options),
    ...{ bias: userBias, age: exampleAge },
  });
  const users = divideUsers(space, dataset.roles.user, source, rows.length, dim);
  const { count } = users.partitions;
  const usersOfRows = usersOf(source.users, dataset, rows);
  const partitionOfRow = (place: number) =>
    usersOfRows[place] === NO_ITEM ? NO_ITEM : users.partitionOf[usersOfRows[place]!]!;
  const places = byGroup(partitionOfRow, rows.length, count);
  const log: TowerLog = {
    ...{ dataset, rows, space, encoder, numbers },
    placesOfUsers: usersOfRows.map((user) => (user === NO_ITEM ? NO_ITEM : users.placeOf[user]!)),
    items: itemsOf(source.items, dataset, rows),
    weights: eventWeights(dataset, rows, weighting).train,
    isTarget:
      targets === undefined
        ? undefined
        : rowsHeldBy(dataset, rows, { source: targets, flag: "--targets", what: "events" }),
    behaviors: history.of === "others" ? [] : behaviorRows(dataset, rows, options),
    hashes: history.of === "others" ? itemHashes(space, itemFeatures) : undefined,
    span: exampleAge ? spanOf(timesOfRows(dataset, rows), usersOfRows) : undefined,
    numItems: source.items.size,
  };

  const size = {
    ...{ numEvents: rows.length, numUsers: users.partitions.users.count },
    ...{ features: space.numFeatures, numRows: numbers.numRows },
  };
  const budget = storeBudget(size, options, maxMemory);
  const partitions = new StoredPartitions(new BlockStore(beside, budget));
  const left: LeftOut = { repeats: 0, empty: 0, busy: 0, alone: 0, cut: 0 };
  for (let p = 0; p < count; p++) {
    const own = places.order.subarray(places.starts[p], places.starts[p + 1]);
    const lists = listsAt(source.history, users.order.subarray(users.ends[p], users.ends[p + 1]));
    await partitions.write(partitionEvents(log, p, own, lists, options, left));
  }
  noteLeftOut(left, options, note);
  if (partitions.numEvents.every((number) => number === 0))
    throw new DataError(
      "no event has a history: a user needs two events with known items at different times; check --history " +
        "others, --time and --min-count",
      { file: dataset.inputs.map(({ path }) => path).join(", ") },
    );
  noteDisk(partitions.store, count, { maxMemory, note });
  return {
    ...{ rows: numbers, users, partitions },
    ...(columns && {
      side: fieldRows(
        space,
        numbers.side,
        itemCatalogue(dataset, rows, encoder, columns.itemFields, numbers.side.fields, minUsers).templates,
      ),
    }),
  };
}

/** Reports the events that are left out, and histories that are cut. */
function noteLeftOut(
  { repeats, empty, busy, alone, cut }: LeftOut,
  { maxExamplesPerUser: most, history }: TwoTowerOptions,
  note: (text: string) => void,
): void {
  const given = (count: number, why: string) => {
    if (count > 0) note(`${count} events are not used for training: ${why}`);
  };
  given(repeats, "their user took the item before (--keep-repeats)");
  given(empty, "they have no earlier events to use as history");
  given(busy, `their user has more than ${most} (--max-examples-per-user)`);
  if (alone > 0) note(`${alone} users have a single event and therefore no history`);
  if (cut === 0) return;
  note(
    history.of === "others"
      ? `${cut} examples use a sample of ${history.most} other items of their user (--history others:N)`
      : `${cut} histories truncated to their last ${history.most} items (--history)`,
  );
}

/** Returns the lists at the given indices. */
function listsAt({ indptr, items }: ItemLists, lists: Uint32Array): ItemLists {
  const ends = new Uint32Array(lists.length + 1);
  lists.forEach((list, i) => (ends[i + 1] = ends[i]! + indptr[list + 1]! - indptr[list]!));
  const own = new Uint32Array(ends[lists.length]!);
  lists.forEach((list, i) => own.set(items.subarray(indptr[list], indptr[list + 1]), ends[i]));
  return { indptr: ends, items: own };
}

/** Returns the newest time of the events of known users, and the length of time from the oldest to it. */
function spanOf(times: Float64Array | undefined, users: Uint32Array): TowerLog["span"] {
  if (!times) return undefined;
  let [first, last] = [Infinity, -Infinity];
  times.forEach((time, place) => {
    if (users[place] !== NO_ITEM) [first, last] = [Math.min(first, time), Math.max(last, time)];
  });
  return { last, length: Math.max(last - first, DAY) };
}

/**
 * Returns u8[rows.length] for each kind of behavior of which histories consist: 1 for rows of the kind; undefined for
 * the kind that has all rows, which is the default.
 *
 * @throws {UsageError} a kind has no rows, unless `expected` is false
 */
export function behaviorRows(
  dataset: Dataset,
  rows: Uint32Array,
  { historyOf: of }: Pick<TwoTowerOptions, "historyOf">,
  expected = true,
): (Uint8Array | undefined)[] {
  if (of.length === 0) return [undefined];
  const what = expected ? "events" : undefined;
  return of.map((source) => rowsHeldBy(dataset, rows, { source, flag: "--history-of", what }));
}
