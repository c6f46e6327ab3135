// The protocol of --cold 0,3: which events of new items (items without training events) are known, and which are held
// out.
//
//   log, or a split of the run ──► items without training events ──► their training users, by first event
//     ──► with n known events: the events of the first n users are known, those of the others are held out
//
//   ranked   all items, in one metric; new items alone, in another
//   masked   the training items of the user, and the new items of which the user is one of the first n users
//   evaluated   users with a held-out new item; a new item with at most n users is ranked, but held out for no user
//
// All events of a user with an item count as one, at the time of the first of them. Items are in the order of a hash of
// their keys, so that the order of equal scores carries no information.

import { MISSING, selectKeys, joinedKeys, type Keys } from "../../../log/keys.js";
import { keyColumn } from "../../../dataset/item-fields.js";
import { UsageError } from "../../../base/errors.js";
import { usersOf } from "../../../dataset/sampling/negatives.js";
import { listsOf } from "../../../dataset/sampling/ranking-events.js";
import { NO_ITEM, type ItemLists } from "../../../compute/kernels/top-items/binding.js";
import { hashOrder, placesOf, type TrainingEvents } from "../../../dataset/sampling/training-events.js";
import type { Part } from "../../../training/examples/examples.js";
import { rowsOfKeys } from "../../../training/split-metrics/ranked-items.js";
import { inOrderOfTime } from "../../../use/rank-items/new-users.js";

export interface ColdItems {
  items: Keys;
  /** keys of the training users; a user number is a position among these keys */
  users: Keys;
  /** for each new item, the numbers of its training users, in the order of their first event with the item */
  takers: number[][];
  /** keys of all items; for each training item, and for each new item, its position among these keys */
  all: Keys;
  trained: Uint32Array;
  fresh: Uint32Array;
  /** number of the log's distinct users without training events, and number of the log's rows with training items */
  unknownUsers: number;
  knownItemRows: number;
}

/** The evaluated users, and their held-out and masked items, if the first n users of each new item are known. */
export interface ColdProtocol {
  /** u32[numQueries]: user number of each query */
  users: Uint32Array;
  /** for each query, positions of items among all items, ascending */
  masks: ItemLists;
  heldOut: ItemLists;
  /** for each query, positions of new items among the new items, ascending */
  freshMasks: ItemLists;
  freshHeldOut: ItemLists;
  /** u32[numNew]: number of known users of each new item */
  counts: Uint32Array;
  /** number of held-out pairs of a user and a new item */
  pairs: number;
}

/** Finds the new items of a log. @throws {UsageError} training knows all items, or no user of the new ones */
export function coldItemsOf(training: TrainingEvents, { dataset, rows }: Part): ColdItems {
  const column = keyColumn(dataset, dataset.roles.item!);
  const known = rowsOfKeys(training.items, column.dictionary);
  const ordered = inOrderOfTime(dataset, rows);
  const users = usersOf(training.users, dataset, ordered);
  const userCodes = keyColumn(dataset, dataset.roles.user!).codes;
  const takersOf = new Map<number, Set<number>>();
  const unknown = new Set<number>();
  let knownItemRows = 0;
  ordered.forEach((row, e) => {
    const code = column.codes[row]!;
    if (code === MISSING) return;
    if (known[code] !== NO_ITEM) {
      knownItemRows++;
      return;
    }
    let takers = takersOf.get(code);
    if (!takers) takersOf.set(code, (takers = new Set()));
    if (users[e] === NO_ITEM) {
      if (userCodes[row] !== MISSING) unknown.add(userCodes[row]!);
    } else takers.add(users[e]!);
  });
  if (takersOf.size === 0)
    throw new UsageError(
      "--cold needs items not seen in training, but training has seen every item of the log: train with " +
        "--split items --test 0.1 and evaluate --part test, or use a log of other items",
    );
  if ([...takersOf.values()].every((takers) => takers.size === 0))
    throw new UsageError(
      `--cold needs users seen in training, but none of the users of the ${takersOf.size} new items is known`,
    );
  // sorts the new items by their codes in the log's dictionary, which is also the order of the selected keys
  const codes = [...takersOf.keys()].sort((a, b) => a - b);
  const items = selectKeys(column.dictionary, Uint32Array.from(codes));
  const joined = joinedKeys(training.items, items);
  const order = hashOrder(joined);
  const places = placesOf(order);
  return {
    items,
    users: training.users,
    takers: codes.map((code) => [...takersOf.get(code)!]),
    all: selectKeys(joined, order),
    trained: places.slice(0, training.items.size),
    fresh: places.slice(training.items.size),
    unknownUsers: unknown.size,
    knownItemRows,
  };
}

export function coldProtocol({ history }: TrainingEvents, cold: ColdItems, n: number): ColdProtocol {
  const [has, finds] = [new Map<number, number[]>(), new Map<number, number[]>()];
  const put = (of: Map<number, number[]>, user: number, item: number) => {
    const own = of.get(user);
    if (own) own.push(item);
    else of.set(user, [item]);
  };
  cold.takers.forEach((takers, item) =>
    takers.forEach((user, place) => put(place < n ? has : finds, user, item)),
  );
  const users = Uint32Array.from(finds.keys()).sort();
  const placed = (items: readonly number[]) => items.map((item) => cold.fresh[item]!);
  const ownOf = (user: number) =>
    Array.from(history.items.subarray(history.indptr[user], history.indptr[user + 1]));
  const lists = [...users].map((user) => ({ has: has.get(user) ?? [], finds: finds.get(user)!, user }));
  return {
    users,
    masks: listsOf(lists, (one) =>
      sortedItems([...ownOf(one.user).map((item) => cold.trained[item]!), ...placed(one.has)]),
    ),
    heldOut: listsOf(lists, (one) => sortedItems(placed(one.finds))),
    freshMasks: listsOf(lists, (one) => sortedItems(one.has)),
    freshHeldOut: listsOf(lists, (one) => sortedItems(one.finds)),
    counts: Uint32Array.from(cold.takers, ({ length }) => Math.min(n, length)),
    pairs: lists.reduce((sum, one) => sum + one.finds.length, 0),
  };
}

const sortedItems = (items: readonly number[]) => Uint32Array.from(items).sort();

export function coldNotes({ items, unknownUsers, knownItemRows }: ColdItems): string[] {
  return [
    `${items.size} items not seen in training`,
    ...(knownItemRows > 0 ? [`skipped ${knownItemRows} events with known items`] : []),
    ...(unknownUsers > 0 ? [`skipped ${unknownUsers} users without training events`] : []),
  ];
}
