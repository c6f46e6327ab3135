import { draw } from "../../base/numeric/random.js";
import { historyOf } from "../../dataset/sampling/negatives.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { datasetOf } from "../../testing/dataset-of.js";
import {
  behaviorOf,
  inHashOrder,
  newestRanges,
  orderedEvents,
  rangesAround,
  rangesBefore,
  rangesOfAll,
} from "./histories.js";

const numUsers = 9;
/**
 * Events of nine users and twelve items. There are few distinct times, so that some events have equal times; some items
 * are unknown.
 */
const events = Array.from({ length: 200 }, (_, e) => ({
  user: draw(1, e) % numUsers,
  item: draw(2, e) % 13 === 0 ? NO_ITEM : draw(3, e) % 12,
  time: draw(4, e) % 15,
}));
const rows = Uint32Array.from(events.keys());
const dataset = datasetOf({ time: events.map(({ time }) => time) }, { time: "time" });
const [users, items] = [
  Uint32Array.from(events, ({ user }) => user),
  Uint32Array.from(events, ({ item }) => item),
];
const order = orderedEvents(dataset, rows, { users, items, numUsers });
const isOdd = Uint8Array.from(events, (_, e) => e % 2);
const within = ({ tokens, begins, ends }: ReturnType<typeof newestRanges>, n: number) => [
  ...tokens.subarray(begins[n], ends[n]),
];
/** Returns the items of those events of a user for which `isIn` is true, by time and then by position in the log. */
const itemsOf = (user: number, isIn: (e: number) => boolean) =>
  [...events.keys()]
    .filter((e) => events[e]!.user === user && events[e]!.item !== NO_ITEM && isIn(e))
    .sort((a, b) => events[a]!.time - events[b]!.time || a - b)
    .map((e) => events[e]!.item);

test.each([
  ["all events", undefined],
  ["some events", isOdd],
])("a history is what a user took strictly before the event, its newest last: %s", (_, isOf) => {
  const behavior = behaviorOf(order, isOf);
  const asked = Uint32Array.from(order.places.keys());
  const ranges = rangesBefore(order, behavior, asked, 4);
  let numCut = 0;
  asked.forEach((n) => {
    const e = order.places[n]!;
    const { user, time } = events[e]!;
    const all = itemsOf(user, (other) => events[other]!.time < time && (!isOf || isOf[other] === 1));
    if (all.length > 4) numCut++;
    expect(within(ranges, n)).toEqual(all.slice(-4));
  });
  expect(ranges.numCut).toBe(numCut);
  expect(numCut).toBeGreaterThan(20);
});

test("a user's newest history is of all events", () => {
  const ranges = newestRanges(order, behaviorOf(order), 5);
  for (let user = 0; user < numUsers; user++)
    expect(within(ranges, user)).toEqual(itemsOf(user, () => true).slice(-5));
});

test("others are a sample of the user's items that holds the event's own, or all", () => {
  const history = historyOf(users, items, numUsers);
  const hashes = Uint32Array.from({ length: 12 }, (_, i) => draw(9, i));
  const tokens = inHashOrder(history, hashes);
  const known = [...events.keys()].filter((e) => events[e]!.item !== NO_ITEM);
  const own = {
    users: Uint32Array.from(known, (e) => users[e]!),
    places: Uint32Array.from(known, (e) => {
      const [first, end] = [history.indptr[users[e]!]!, history.indptr[users[e]! + 1]!];
      return first + tokens.subarray(first, end).indexOf(items[e]!);
    }),
  };
  for (const most of [3, 30]) {
    const ranges = rangesAround(history, tokens, own, most);
    let numCut = 0;
    known.forEach((e, n) => {
      const [first, end] = [history.indptr[users[e]!]!, history.indptr[users[e]! + 1]!];
      const all = new Set(tokens.subarray(first, end));
      const found = within(ranges, n);
      if (all.size > most + 1) numCut++;
      expect(found).toHaveLength(Math.min(all.size, most + 1));
      expect(found).toContain(items[e]);
      expect(found.every((item) => all.has(item))).toBe(true);
      expect(new Set(found).size).toBe(found.length);
    });
    expect(ranges.numCut).toBe(numCut);
    expect(numCut > 0).toBe(most === 3);
  }
  const all = rangesOfAll(history, tokens, 4);
  for (let user = 0; user < numUsers; user++) {
    const hashOf = (item: number) => hashes[item]!;
    const distinct = [...new Set(itemsOf(user, () => true))].sort((a, b) => hashOf(a) - hashOf(b));
    expect(within(all, user)).toEqual(distinct.slice(0, 4));
  }
});
