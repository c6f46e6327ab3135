// Makes training examples (history, context) -> item, and the history and context of each user at the user's newest
// event.
//
//   splits ──► items, negatives ──► users in partitions ──► the examples of each partition, in a store

import { orderedEvents, type OrderedEvents } from "../../dataset/sequences/ordered-events.js";
import type { Dataset } from "../../dataset/dataset.js";
import { eventWeights, type EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import { itemCatalogue, keyColumn } from "../../dataset/item-fields.js";
import { bindEncoder, type Encoder } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { rowsHeldBy } from "../../dataset/filters/where-rows.js";
import { DataError, UsageError } from "../../base/errors.js";
import { noteDisk, type StoreInput } from "../shared/factor-model/stored-training.js";
import { BlockStore } from "../../base/io/block-store.js";
import type { FieldRows, Ranges } from "../../compute/kernels/two-tower/inputs.js";
import { itemsOf, usersOf, type NegativeSource } from "../../dataset/sampling/negatives.js";
import { NO_ITEM, type ItemLists } from "../../compute/kernels/top-items/binding.js";
import { noEvents, type RankingExamples } from "../../dataset/sampling/ranking-events.js";
import { timesOfRows } from "../../dataset/sampling/training-events.js";
import { itemColumnsOf, type Examples, type Part, type LogParts } from "../../training/examples/examples.js";
import { rankingExamples } from "../../training/examples/ranking-examples.js";
import type { Watch } from "../../training/session/watch.js";
import {
  storeBudget,
  divideUsers,
  StoredPartitions,
  type DividedUsers,
  type TowerPartition,
} from "./partitions.js";
import type { TwoTowerOptions } from "./options.js";
import { fieldRows, itemHashes, towerRows, type TowerRows, rowsBeside } from "./rows.js";
import { byGroup } from "../../base/numeric/groups.js";
import { codesAt, mapTo } from "../../base/numeric/indices.js";
import { shuffle, streamOf } from "../../base/numeric/hash.js";
import {
  behaviorOf,
  inHashOrder,
  newestRanges,
  rangesAround,
  rangesBefore,
  rangesOfAll,
  type Behavior,
} from "./histories.js";

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

const DAY = 86_400_000;

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
    separate: options.historyVectors === "own",
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
  const left: LeftOut = { repeats: 0, empty: 0, alone: 0, cut: 0 };
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

function noteLeftOut(
  { repeats, empty, alone, cut }: LeftOut,
  { history }: TwoTowerOptions,
  note: (text: string) => void,
): void {
  const given = (count: number, why: string) => {
    if (count > 0) note(`${count} events are not used for training: ${why}`);
  };
  given(repeats, "their user took the item before (--keep-repeats)");
  given(empty, "they have no earlier events to use as history");
  if (alone > 0) note(`${alone} users have a single event and therefore no history`);
  if (cut === 0) return;
  note(
    history.of === "others"
      ? `${cut} examples use a sample of ${history.most} other items of their user (--history others:N)`
      : `${cut} histories truncated to their last ${history.most} items (--history)`,
  );
}

function listsAt({ indptr, items }: ItemLists, lists: Uint32Array): ItemLists {
  const ends = new Uint32Array(lists.length + 1);
  lists.forEach((list, i) => (ends[i + 1] = ends[i]! + indptr[list + 1]! - indptr[list]!));
  const own = new Uint32Array(ends[lists.length]!);
  lists.forEach((list, i) => own.set(items.subarray(indptr[list], indptr[list + 1]), ends[i]));
  return { indptr: ends, items: own };
}

function spanOf(times: Float64Array | undefined, users: Uint32Array): TowerLog["span"] {
  if (!times) return undefined;
  let [first, last] = [Infinity, -Infinity];
  times.forEach((time, place) => {
    if (users[place] !== NO_ITEM) [first, last] = [Math.min(first, time), Math.max(last, time)];
  });
  return { last, length: Math.max(last - first, DAY) };
}

/** u8[rows.length] for each kind of behavior: 1 for its rows; undefined for the default kind, which has all rows. */
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

// The examples of one partition:
//
//   rows of the users ──► events by user and time ──► targets with their histories, shuffled
//                                                └──► each user's newest history and context

/** The training split, from which the examples of all partitions are made. */
interface TowerLog {
  dataset: Dataset;
  /** u32: rows of the dataset */
  rows: Uint32Array;
  /** u32[rows.length] each: place of each row's user in its partition; item, NO_ITEM if it is unknown */
  placesOfUsers: Uint32Array;
  items: Uint32Array;
  /** f32[rows.length]: weights; absent when all are 1 */
  weights: Float32Array | undefined;
  /** u8[rows.length] each: 1 if the row is a target; if it is of a kind of behavior. Absent: all rows */
  isTarget: Uint8Array | undefined;
  behaviors: readonly (Uint8Array | undefined)[];
  /** hash of each item, for histories without an order */
  hashes: Uint32Array | undefined;
  /** times of the log in milliseconds, from which the age of an event follows; absent without --example-age */
  span: { last: number; length: number } | undefined;
  numItems: number;
  space: FeatureSpace;
  encoder: Encoder;
  numbers: TowerRows;
}

interface LeftOut {
  repeats: number;
  empty: number;
  alone: number;
  cut: number;
}

/**
 * @param own u32: places of the partition's rows among those of the log
 * @param history items of each of the partition's users
 */
function partitionEvents(
  log: TowerLog,
  partition: number,
  own: Uint32Array,
  history: ItemLists,
  options: TwoTowerOptions,
  left: LeftOut,
): TowerPartition {
  const { dataset, space, encoder, numbers, hashes } = log;
  const { history: kind, seed } = options;
  const rows = codesAt(log.rows, own);
  const numUsers = history.indptr.length - 1;
  const known = { users: codesAt(log.placesOfUsers, own), items: codesAt(log.items, own), numUsers };
  const order = orderedEvents(rows, timesOfRows(dataset, rows), known);
  const behaviors = hashes
    ? []
    : log.behaviors.map((isOf) => behaviorOf(order, isOf && mapTo(Uint8Array, own, (place) => isOf[place]!)));

  const chosen = chooseTargets(log, own, order, behaviors, history, options, left);
  shuffle(chosen, partition === 0 ? streamOf(seed, 0x746f7765) : streamOf(seed, 0x746f7765, partition));
  const examples = { users: codesAt(order.users, chosen), items: codesAt(order.items, chosen) };
  const histories: Ranges[] = [];
  const newest: Ranges[] = [];
  if (hashes) {
    const tokens = inHashOrder(history, hashes);
    const places = placesIn(history, tokens, examples);
    const ranges = rangesAround(history, tokens, { users: examples.users, places }, kind.most);
    left.cut += ranges.numCut;
    histories.push(ranges);
    newest.push(rangesOfAll(history, tokens, kind.most));
  }
  for (const behavior of behaviors) {
    const ranges = rangesBefore(order, behavior, chosen, kind.most);
    left.cut += ranges.numCut;
    histories.push(ranges);
    newest.push(newestRanges(order, behavior, kind.most));
  }

  const { context } = numbers;
  const encode = (events: Uint32Array, ages: () => Float32Array): FieldRows => {
    const rowOf = events.map((n) => rows[order.places[n]!]!);
    const features = encoder.encode(rowOf, new Float32Array(events.length), context.fields);
    return fieldRows(space, context, features, rowsBeside(numbers, ages));
  };
  const lastEvents = order.ends.subarray(1).map((end) => end - 1);
  const { weights } = log;
  return {
    ...examples,
    ...(weights && { weights: mapTo(Float32Array, chosen, (n) => weights[own[order.places[n]!]!]!) }),
    // items that may be predicted again are negatives too
    taken: options.keepRepeats
      ? { indptr: new Uint32Array(history.indptr.length), items: new Uint32Array() }
      : history,
    histories: histories.map(rangesAlone),
    context: encode(chosen, () => agesOf(order, chosen, log.span)),
    newest: {
      histories: newest.map(rangesAlone),
      context: encode(lastEvents, () => new Float32Array(lastEvents.length)),
    },
  };
}

const rangesAlone = ({ tokens, begins, ends }: Ranges): Ranges => ({ tokens, begins, ends });

/** 0 for the newest event of the log, 1 for the oldest. */
function agesOf({ times }: OrderedEvents, events: Uint32Array, span: TowerLog["span"]): Float32Array {
  if (!times || !span) throw new UsageError("--example-age needs a time column: name it with --time");
  return mapTo(Float32Array, events, (n) => (span.last - times[n]!) / span.length);
}

/** Selects events as positions among the ordered events. */
function chooseTargets(
  { isTarget, items, weights, numItems }: TowerLog,
  own: Uint32Array,
  order: OrderedEvents,
  behaviors: readonly Behavior[],
  history: ItemLists,
  { keepRepeats, history: kind, userFields }: TwoTowerOptions,
  left: LeftOut,
): Uint32Array {
  const kept = new Uint32Array(order.places.length);
  let numKept = 0;
  for (let u = 0; u + 1 < order.ends.length; u++) {
    const [first, end] = [order.ends[u]!, order.ends[u + 1]!];
    if (end - first === 1) left.alone++;
    const numTaken = history.indptr[u + 1]! - history.indptr[u]!;
    const isAlone =
      kind.of === "others"
        ? () => numTaken <= 1
        : (n: number) => behaviors.every(({ before }) => before[order.firsts![n]!] === before[first]);
    const seen = new Set<number>();
    for (let n = first; n < end; n++) {
      const place = own[order.places[n]!]!;
      const item = items[place]!;
      if ((isTarget && !isTarget[place]) || weights?.[place] === 0) continue;
      // rankingExamples has already reported events with unknown items, and those of users who have every item
      if (item === NO_ITEM || numTaken >= numItems) continue;
      if (!keepRepeats && seen.has(item)) left.repeats++;
      else if (userFields.length === 0 && isAlone(n)) left.empty++;
      else kept[numKept++] = n;
      seen.add(item);
    }
  }
  return kept.slice(0, numKept);
}

/** Positions in `tokens`, the users' lists of items. */
function placesIn(
  { indptr }: ItemLists,
  tokens: Uint32Array,
  { users, items }: { users: Uint32Array; items: Uint32Array },
): Uint32Array {
  const at = new Map<number, number>();
  const places = new Uint32Array(users.length);
  const byUser = Array.from(users.keys()).sort((a, b) => users[a]! - users[b]!);
  let user = NO_ITEM;
  for (const e of byUser) {
    if (users[e] !== user) {
      user = users[e]!;
      at.clear();
      for (let i = indptr[user]!; i < indptr[user + 1]!; i++) at.set(tokens[i]!, i);
    }
    places[e] = at.get(items[e]!)!;
  }
  return places;
}
