// Makes training examples (history, context) -> item, and the history and context of each user at the user's newest
// event.
//
//   splits ──► items, negatives ──► training events by user and time ──► targets with their histories, shuffled
//                                                                    └──► each user's newest history and context

import { mapTo } from "../../numeric/indices.js";
import type { Dataset } from "../../dataset/dataset.js";
import { eventWeights, type EventWeightOptions } from "../../dataset/sequences/event-weights.js";
import { itemCatalogue, keyColumn } from "../../dataset/item-fields.js";
import { bindEncoder } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { rowsHeldBy } from "../../dataset/filters/where-rows.js";
import { DataError, UsageError } from "../../errors.js";
import type { FieldRows, Ranges, TowerUsers } from "../../kernels/two-tower/binding.js";
import { itemsOf, usersOf, type NegativeSource } from "../../sampling/negatives.js";
import { shuffle, streamOf } from "../../numeric/hash.js";
import { NO_ITEM } from "../../kernels/top-items/binding.js";
import type { RankingExamples } from "../../sampling/ranking-events.js";
import type { Examples, Part, LogParts } from "../../training/examples/examples.js";
import { itemColumnsOf } from "../../training/examples/items-of-run.js";
import { rankingExamples } from "../../training/examples/ranking-examples.js";
import type { Watch } from "../../training/session/watch.js";
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
import { hasHistoryRows } from "./network.js";
import type { TwoTowerOptions } from "./options.js";
import { fieldRows, itemHashes, rowsBeside, towerRows, type TowerRows } from "./rows.js";

/** Ranking examples, with the training examples also in the form that the kernel of the towers reads. */
export interface TowerExamples extends RankingExamples {
  towers: Towers;
}

export interface Towers {
  rows: TowerRows;
  /** u32 each: user and item of each example, numbered as in `source` */
  users: Uint32Array;
  items: Uint32Array;
  /** f32: weight of each example; absent when all are 1 */
  weights?: Float32Array;
  /** history and context of each example */
  before: TowerUsers;
  /** history and context of each user in `source`, at the user's newest event */
  newest: TowerUsers;
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
}

/** Number of milliseconds in a day. */
const DAY = 86_400_000;

/**
 * Makes the training and evaluation examples of a log.
 * @throws {UsageError} the log lacks columns that options require
 * @throws {DataError} no example is left
 */
export function towerExamples(
  space: FeatureSpace,
  parts: LogParts,
  options: TwoTowerOptions,
  { minUsers, weighting, itemFields, candidates, watch, note }: How,
): Examples {
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
  const { source, ...others } = found.ranking!.examples;
  const made = {
    source,
    ...others,
    towers: towersOf(space, train, source, options, { minUsers, weighting, itemFields, note }),
  };
  return { ...found, ranking: { ...found.ranking!, examples: made satisfies TowerExamples } };
}

function towersOf(
  space: FeatureSpace,
  { dataset, rows }: Part,
  source: NegativeSource,
  options: TwoTowerOptions,
  { minUsers, weighting, itemFields, note }: Omit<How, "watch" | "candidates">,
): Towers {
  const { history, seed, userBias, exampleAge, userFields, itemTower } = options;
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
  const { context, side } = numbers;
  const users = usersOf(source.users, dataset, rows);
  const items = itemsOf(source.items, dataset, rows);
  const order = orderedEvents(dataset, rows, { users, items, numUsers: source.users.size });
  const behaviors = history.of === "others" ? [] : behaviorsOf(dataset, rows, order, options);
  const { train: weights } = eventWeights(dataset, rows, weighting);

  const chosen = targetsOf(dataset, rows, order, behaviors, source, { options, weights, note });
  shuffle(chosen, streamOf(seed, 0x746f7765));
  const own = { users: chosen.map((n) => order.users[n]!), items: chosen.map((n) => order.items[n]!) };
  const histories: Ranges[] = [];
  const newest: Ranges[] = [];
  if (history.of === "others") {
    const tokens = inHashOrder(source.history, itemHashes(space, itemFeatures));
    const places = placesIn(source.history, tokens, own);
    const ranges = rangesAround(source.history, tokens, { users: own.users, places }, history.most);
    if (ranges.numCut > 0)
      note(
        `${ranges.numCut} examples use a sample of ${history.most} other items of their user (--history ` +
          "others:N)",
      );
    histories.push(ranges);
    newest.push(rangesOfAll(source.history, tokens, history.most));
  } else {
    let numCut = 0;
    for (const behavior of behaviors) {
      const ranges = rangesBefore(order, behavior, chosen, history.most);
      numCut += ranges.numCut;
      histories.push(ranges);
      newest.push(newestRanges(order, behavior, history.most));
    }
    if (numCut > 0) note(`${numCut} histories truncated to their last ${history.most} items (--history)`);
  }

  const placeOf = (n: number) => rows[order.places[n]!]!;
  const encode = (events: Uint32Array, ages: () => Float32Array): FieldRows => {
    const features = encoder.encode(events.map(placeOf), new Float32Array(events.length), context.fields);
    return fieldRows(space, context, features, rowsBeside(numbers, ages));
  };
  const lastEvents = order.ends.subarray(1).map((end) => end - 1);
  return {
    rows: numbers,
    ...own,
    ...(weights && { weights: mapTo(Float32Array, chosen, (n) => weights[order.places[n]!]!) }),
    before: { histories, context: encode(chosen, () => agesOf(order, chosen)) },
    newest: {
      histories: newest,
      context: encode(lastEvents, () => new Float32Array(lastEvents.length)),
    },
    ...(columns && {
      side: fieldRows(
        space,
        side,
        itemCatalogue(dataset, rows, encoder, columns.itemFields, side.fields, minUsers).templates,
      ),
    }),
  };
}

/**
 * Selects the events of each kind of behavior of which histories consist; one kind with all events by default.
 *
 * @throws {UsageError} a kind has no events
 */
export function behaviorsOf(
  dataset: Dataset,
  rows: Uint32Array,
  order: OrderedEvents,
  { historyOf: of }: Pick<TwoTowerOptions, "historyOf">,
  expected = true,
): Behavior[] {
  if (of.length === 0) return [behaviorOf(order)];
  return of.map((source) =>
    behaviorOf(
      order,
      rowsHeldBy(dataset, rows, { source, flag: "--history-of", what: expected ? "events" : undefined }),
    ),
  );
}

/** Returns the age of each event: 0 for the newest event of the log, 1 for the oldest. */
function agesOf({ times }: OrderedEvents, events: Uint32Array): Float32Array {
  if (!times) throw new UsageError("--example-age needs a time column: name it with --time");
  let [first, last] = [Infinity, -Infinity];
  for (const time of times) [first, last] = [Math.min(first, time), Math.max(last, time)];
  const span = Math.max(last - first, DAY);
  return mapTo(Float32Array, events, (n) => (last - times[n]!) / span);
}

/**
 * Selects the events to predict, as positions among the ordered events, and reports the number of omitted events.
 * @throws {DataError} no event is left
 */
function targetsOf(
  dataset: Dataset,
  rows: Uint32Array,
  order: OrderedEvents,
  behaviors: readonly Behavior[],
  { items, history }: NegativeSource,
  {
    options,
    weights,
    note,
  }: { options: TwoTowerOptions; weights: Float32Array | undefined; note: (text: string) => void },
): Uint32Array {
  const { targets, keepRepeats, maxExamplesPerUser: most = Infinity, history: kind, userFields } = options;
  const isTarget =
    targets === undefined
      ? undefined
      : rowsHeldBy(dataset, rows, { source: targets, flag: "--targets", what: "events" });
  const kept: number[] = [];
  const left = { repeats: 0, empty: 0, busy: 0 };
  let numAlone = 0;
  for (let u = 0; u + 1 < order.ends.length; u++) {
    const [first, end] = [order.ends[u]!, order.ends[u + 1]!];
    if (end - first === 1) numAlone++;
    const isFull = history.indptr[u + 1]! - history.indptr[u]! >= items.size;
    const isAlone =
      kind.of === "others"
        ? () => history.indptr[u + 1]! - history.indptr[u]! <= 1
        : (n: number) => behaviors.every(({ before }) => before[order.firsts![n]!] === before[first]);
    const seen = new Set<number>();
    const own: number[] = [];
    for (let n = first; n < end; n++) {
      const place = order.places[n]!;
      const item = order.items[n]!;
      if ((isTarget && !isTarget[place]) || weights?.[place] === 0) continue;
      // rankingExamples has already reported events with unknown items, and those of users who have every item
      if (item === NO_ITEM || isFull) continue;
      if (!keepRepeats && seen.has(item)) left.repeats++;
      else if (userFields.length === 0 && isAlone(n)) left.empty++;
      else own.push(n);
      seen.add(item);
    }
    const from = Math.max(0, own.length - most);
    left.busy += from;
    for (let i = from; i < own.length; i++) kept.push(own[i]!);
  }
  const given = (count: number, why: string) => {
    if (count > 0) note(`${count} events are not used for training: ${why}`);
  };
  given(left.repeats, "their user took the item before (--keep-repeats)");
  given(left.empty, "they have no earlier events to use as history");
  given(left.busy, `their user has more than ${most} (--max-examples-per-user)`);
  if (numAlone > 0) note(`${numAlone} users have a single event and therefore no history`);
  if (kept.length === 0)
    throw new DataError(
      "no event has a history: a user needs two events with known items at different times; check --history " +
        "others, --time and --min-count",
      { file: dataset.inputs.map(({ path }) => path).join(", ") },
    );
  return Uint32Array.from(kept);
}

/** Returns the position of each example's item in `tokens`, the users' lists of items. */
function placesIn(
  { indptr }: NegativeSource["history"],
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
