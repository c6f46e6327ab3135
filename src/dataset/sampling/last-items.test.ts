import * as fc from "fast-check";
import { lastItems } from "./training-events.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";

/** A simple reference implementation: the last distinct items among a user's events in the order of time and row. */
function plain(events: readonly (readonly [number, number, number])[], user: number, most: number): number[] {
  const own = events
    .map(([owner, item, time], row) => ({ owner, item, time, row }))
    .filter(({ owner, item }) => owner === user && item !== NO_ITEM)
    .sort((a, b) => a.time - b.time || a.row - b.row)
    .map(({ item }) => item);
  const latest = own.filter((item, at) => own.lastIndexOf(item) === at);
  return latest.slice(-most).sort((a, b) => a - b);
}

function listsOf(events: readonly (readonly [number, number, number])[], users: number[], most: number) {
  const [owners, items] = [0, 1].map((at) => Uint32Array.from(events, (event) => event[at]!));
  const times = Float64Array.from(events, ([, , time]) => time);
  const lists = lastItems({ users: owners!, items: items!, times }, 5, Uint32Array.from(users), { most });
  return users.map((_, q) => [...lists.items.subarray(lists.indptr[q], lists.indptr[q + 1])]);
}

test("the last items are those of the latest events, of equal times of the later row, each once", () => {
  const events = [
    [0, 7, 5],
    [0, 3, 9],
    [1, 4, 1],
    [0, 7, 9],
    [0, 8, 2],
  ] as const;
  expect(listsOf(events, [0, 1, 2], 1)).toEqual([[7], [4], []]);
  expect(listsOf(events, [1, 0], 2)).toEqual([[4], [3, 7]]);
  expect(listsOf(events, [0], 9)).toEqual([[3, 7, 8]]);
});

test("any log's last items are those of its sorted events; events without a user or an item do not count", () => {
  const some = fc.oneof(fc.nat(4), fc.constant(NO_ITEM));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(some, some, fc.nat(3)), { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      (events, most) => {
        const users = [4, 0, 2, 3, 1];
        expect(listsOf(events, users, most)).toEqual(users.map((user) => plain(events, user, most)));
      },
    ),
  );
});

test("an item weighs half for each half-life from its last event to the user's latest", () => {
  const events = { users: [0, 0, 0, 1, 0], items: [6, 5, 4, 5, 6], times: [0, 10, 30, 0, 20] };
  const { items, weights } = lastItems(
    {
      users: Uint32Array.from(events.users),
      items: Uint32Array.from(events.items),
      times: Float64Array.from(events.times),
    },
    2,
    Uint32Array.of(1, 0),
    { most: Infinity, halfLife: 10 },
  );
  expect([...items]).toEqual([5, 4, 5, 6]);
  [1, 1, 1 / 4, 1 / 2].forEach((weight, at) => expect(weights![at]).toBeCloseTo(weight, 12));
});
