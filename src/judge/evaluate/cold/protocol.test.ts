import { encodeKeys, keyAt } from "../../../log/keys.js";
import type { Dataset, KeyColumn } from "../../../dataset/dataset.js";
import { eventsOfRows } from "../../../dataset/sampling/training-events.js";
import { coldItemsOf, coldProtocol } from "./protocol.js";

type Event = [user: string, item: string, time: number];

function datasetOf(events: readonly Event[]): Dataset {
  const column = (name: string, keys: readonly string[]): KeyColumn => {
    const distinct = [...new Set(keys)];
    return {
      kind: "key",
      name,
      codes: Uint32Array.from(keys, (key) => distinct.indexOf(key)),
      dictionary: encodeKeys(distinct),
    };
  };
  return {
    numRows: events.length,
    columns: [
      column(
        "u",
        events.map(([user]) => user),
      ),
      column(
        "i",
        events.map(([, item]) => item),
      ),
      { kind: "number", name: "t", values: Float64Array.from(events, ([, , time]) => time) },
    ],
    roles: { user: "u", item: "i", time: "t", fields: ["u", "i"], numeric: [], multi: {} },
    inputs: [],
  };
}
const rowsOf = (events: readonly Event[]) => Uint32Array.from(events.keys());

const before: Event[] = [
  ["ann", "old-1", 1],
  ["bob", "old-1", 2],
  ["bob", "old-2", 3],
  ["cal", "old-2", 4],
];
// the rows are not in the order of time; user dee has no training event, and user ann has two events with item new-1
const after: Event[] = [
  ["cal", "new-1", 30],
  ["ann", "new-1", 10],
  ["dee", "new-1", 5],
  ["ann", "new-1", 40],
  ["bob", "new-1", 20],
  ["bob", "new-2", 50],
  ["ann", "old-2", 60],
];

const training = eventsOfRows(datasetOf(before), rowsOf(before));
const part = { dataset: datasetOf(after), rows: rowsOf(after) };
const cold = coldItemsOf(training, part);
const nameOf = (user: number) => keyAt(training.users, user);

test("new items are those without training events, with their known users by first event", () => {
  const takers = Object.fromEntries(
    cold.takers.map((users, item) => [keyAt(cold.items, item), users.map(nameOf)]),
  );
  expect(takers).toEqual({ "new-1": ["ann", "bob", "cal"], "new-2": ["bob"] });
  expect([cold.unknownUsers, cold.knownItemRows]).toEqual([1, 1]);
});

test.each([
  [
    0,
    { ann: ["new-1"], bob: ["new-1", "new-2"], cal: ["new-1"] },
    { ann: ["old-1"], bob: ["old-1", "old-2"], cal: ["old-2"] },
    [0, 0],
  ],
  [1, { bob: ["new-1"], cal: ["new-1"] }, { bob: ["new-2", "old-1", "old-2"], cal: ["old-2"] }, [1, 1]],
  [2, { cal: ["new-1"] }, { cal: ["old-2"] }, [2, 1]],
])("with %i known the first users have an item, and the others find it", (n, finds, has, counts) => {
  const { users, masks, heldOut, freshHeldOut, freshMasks, counts: known } = coldProtocol(training, cold, n);
  const lists = ({ indptr, items }: typeof masks, keys: typeof cold.all) =>
    Object.fromEntries(
      Array.from(users, (user, q) => [
        nameOf(user),
        Array.from(items.subarray(indptr[q], indptr[q + 1]), (item) => keyAt(keys, item)).sort(),
      ]),
    );
  expect(lists(heldOut, cold.all)).toEqual(finds);
  expect(lists(freshHeldOut, cold.items)).toEqual(finds);
  expect(lists(masks, cold.all)).toEqual(has);
  expect(Object.values(lists(freshMasks, cold.items)).flat()).toEqual(
    Object.values(has)
      .flat()
      .filter((key) => key.startsWith("new")),
  );
  expect(Object.fromEntries([...known].map((count, item) => [keyAt(cold.items, item), count]))).toEqual({
    "new-1": counts[0],
    "new-2": counts[1],
  });
});

test("a log without new items, or of unknown users alone, is refused with what to do", () => {
  expect(() => coldItemsOf(training, { dataset: datasetOf(before), rows: rowsOf(before) })).toThrow(
    /--split items/,
  );
  const strangers: Event[] = [["eve", "new-9", 1]];
  expect(() => coldItemsOf(training, { dataset: datasetOf(strangers), rows: rowsOf(strangers) })).toThrow(
    /--cold needs users seen in training, but none of the users of the/,
  );
});
