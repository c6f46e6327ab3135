// Makes the training examples of the users of one partition: history and context -> item, and each user's history and
// context at the newest event.
//
//   rows of the users ──► events by user and time ──► targets with their histories, shuffled
//                                                └──► each user's newest history and context

import { UsageError } from "../../errors.js";
import { codesAt, mapTo } from "../../numeric/indices.js";
import { shuffle, streamOf } from "../../numeric/hash.js";
import type { Encoder } from "../../dataset/rows.js";
import type { Dataset } from "../../dataset/dataset.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { FieldRows, Ranges } from "../../kernels/two-tower/inputs.js";
import { NO_ITEM, type ItemLists } from "../../kernels/top-items/binding.js";
import {
  behaviorOf,
  inHashOrder,
  newestRanges,
  orderedEvents,
  rangesAround,
  rangesBefore,
  rangesOfAll,
  type Behavior,
  type OrderedEvents,
} from "./histories.js";
import type { TwoTowerOptions } from "./options.js";
import type { TowerPartition } from "./partitions.js";
import { fieldRows, rowsBeside, type TowerRows } from "./rows.js";

/** The training split, from which the examples of all partitions are made. */
export interface TowerLog {
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

/** Numbers of events that are left out, and of users and histories that are cut. */
export interface LeftOut {
  repeats: number;
  empty: number;
  busy: number;
  /** users with a single event */
  alone: number;
  /** histories that are longer than --history */
  cut: number;
}

/**
 * Makes the examples of a partition, and counts what is left out.
 *
 * @param own u32: places of the partition's rows among those of the log
 * @param history items of each of the partition's users
 */
export function partitionEvents(
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
  const order = orderedEvents(dataset, rows, known);
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
    taken: history,
    histories: histories.map(rangesAlone),
    context: encode(chosen, () => agesOf(order, chosen, log.span)),
    newest: {
      histories: newest.map(rangesAlone),
      context: encode(lastEvents, () => new Float32Array(lastEvents.length)),
    },
  };
}

const rangesAlone = ({ tokens, begins, ends }: Ranges): Ranges => ({ tokens, begins, ends });

/** Returns the age of each event: 0 for the newest event of the log, 1 for the oldest. */
function agesOf({ times }: OrderedEvents, events: Uint32Array, span: TowerLog["span"]): Float32Array {
  if (!times || !span) throw new UsageError("--example-age needs a time column: name it with --time");
  return mapTo(Float32Array, events, (n) => (span.last - times[n]!) / span.length);
}

/** Selects the events to predict, as positions among the ordered events, and counts the others. */
function chooseTargets(
  { isTarget, items, weights, numItems }: TowerLog,
  own: Uint32Array,
  order: OrderedEvents,
  behaviors: readonly Behavior[],
  history: ItemLists,
  { keepRepeats, maxExamplesPerUser: most = Infinity, history: kind, userFields }: TwoTowerOptions,
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
    const start = numKept;
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
    const busy = Math.max(0, numKept - start - most);
    if (busy === 0) continue;
    left.busy += busy;
    kept.copyWithin(start, start + busy, numKept);
    numKept -= busy;
  }
  return kept.slice(0, numKept);
}

/** Returns the position of each example's item in `tokens`, the users' lists of items. */
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
