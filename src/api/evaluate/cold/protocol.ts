// --cold 0,3: items that training has not seen are evaluated, with so many of their events known.
//
//   log, or the run's own part ──► items without training events ──► each one's users, of those whom training knows, by first event
//     ──► with n known: the first n users have the item, the others are to find it
//
//   ranked   the items of training and the new ones together; and the new ones alone
//   masked   what a user has from training, and the new items whose first n users hold him
//   evaluated   users with a new item to find; a new item of n users or fewer is ranked and found by nobody
//
// All events of a user and an item stand together, at the first one. Items stand in the order of a hash of their keys, so that equal scores
// tell nothing.

import { MISSING, selectKeys, joinedKeys, type Keys } from "../../../log/keys.js";
import { keyColumn } from "../../../dataset/item-fields.js";
import { UsageError } from "../../../errors.js";
import { usersOf } from "../../../sampling/negatives.js";
import { listsOf } from "../../../sampling/ranking-events.js";
import { NO_ITEM, type ItemLists } from "../../../kernels/top-items/binding.js";
import { hashOrder, placesOf, type TrainingEvents } from "../../../sampling/training-events.js";
import type { Part } from "../../../training/examples/examples.js";
import { rowsOfKeys } from "../../../training/judging/ranked-items.js";
import { inOrderOfTime } from "../../../ranking/new-users.js";

/** Items that training has not seen, with who took them. */
export interface ColdItems {
  /** the new items */
  items: Keys;
  /** users of training, by whose numbers takers are distinguished */
  users: Keys;
  /** by new item: users as training numbers them, by their first event with it */
  takers: number[][];
  /** all items: keys, and the places of training's items and of new ones among them */
  all: Keys;
  trained: Uint32Array;
  fresh: Uint32Array;
  /** distinct users of the log whom training does not know, and rows of items that it knows */
  unknownUsers: number;
  knownItemRows: number;
}

/** Who is evaluated with n users of each new item known. */
export interface ColdProtocol {
  /** u32[numQueries]: as training numbers users */
  users: Uint32Array;
  /** a list a query, ascending, by places among all items */
  masks: ItemLists;
  heldOut: ItemLists;
  /** the same of new items alone, by their numbers */
  freshMasks: ItemLists;
  freshHeldOut: ItemLists;
  /** u32[numNew]: users of each that are known */
  counts: Uint32Array;
  /** pairs of a user and a new item to find */
  pairs: number;
}

/** @throws {UsageError} training knows every item of the log, or none of its users */
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
  // as the log has them, so that selected keys do, too
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

/** With the first n users of each new item known. */
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
      inOrder([...ownOf(one.user).map((item) => cold.trained[item]!), ...placed(one.has)]),
    ),
    heldOut: listsOf(lists, (one) => inOrder(placed(one.finds))),
    freshMasks: listsOf(lists, (one) => inOrder(one.has)),
    freshHeldOut: listsOf(lists, (one) => inOrder(one.finds)),
    counts: Uint32Array.from(cold.takers, ({ length }) => Math.min(n, length)),
    pairs: lists.reduce((sum, one) => sum + one.finds.length, 0),
  };
}

const inOrder = (items: readonly number[]) => Uint32Array.from(items).sort();

/** What is left out, and what order events stand in, a sentence each. */
export function coldNotes({ items, unknownUsers, knownItemRows }: ColdItems): string[] {
  return [
    `${items.size} items not seen in training`,
    ...(knownItemRows > 0 ? [`skipped ${knownItemRows} events with known items`] : []),
    ...(unknownUsers > 0 ? [`skipped ${unknownUsers} users without training events`] : []),
  ];
}
