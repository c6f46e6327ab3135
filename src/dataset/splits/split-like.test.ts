import { draw } from "../../base/numeric/random.js";
import { datasetOf } from "../../testing/dataset-of.js";
import type { Dataset } from "../dataset.js";
import { splitRows, type DatasetSplitOptions } from "./split.js";
import type { Likeness } from "./split-like.js";

/** The log has 400 users with 10 to 29 of 300 items each; items with low numbers are chosen more often. */
const pairs = Array.from({ length: 400 }, (_, u) => {
  const items = new Set<number>();
  for (let n = 0; items.size < 10 + (u % 20); n++) items.add(Math.floor(300 * (draw(u, n) / 2 ** 32) ** 2));
  return [...items].map((i) => [`u${u}`, `i${i}`] as const);
}).flat();
const roles = { user: "user", item: "item" };
const datasetFrom = (rows: readonly (readonly [string, string])[]): Dataset =>
  datasetOf({ user: rows.map(([user]) => user), item: rows.map(([, item]) => item) }, roles);
const dataset = datasetFrom(pairs);

const degrees = new Map<string, number>();
for (const [, item] of pairs) degrees.set(item, (degrees.get(item) ?? 0) + 1);
/** Returns the mean over the given rows of the number of other users who have the row's item. */
const meanOthers = (rows: Iterable<number>): number => {
  const found = [...rows].map((row) => degrees.get(pairs[row]![1])! - 1);
  return found.reduce((sum, x) => sum + x, 0) / found.length;
};

const options = (
  like: Likeness | undefined,
  changes: Partial<DatasetSplitOptions> = {},
): DatasetSplitOptions => ({
  ...{ by: "random", valid: 0.2, test: 0, seed: 1 },
  like,
  ...changes,
});
const byTarget = (target: number, changes: Partial<DatasetSplitOptions> = {}) =>
  splitRows(dataset, options({ target }, changes));

test.each([0.7, 1, 1.3, 1.7])(
  "the held-out items are %d times as popular as a random cut's, within 2 %%",
  (times) => {
    const random = meanOthers(splitRows(dataset, options(undefined)).valid);
    const target = times * random;
    const { valid, like } = byTarget(target);
    expect(Math.abs(meanOthers(valid) / target - 1)).toBeLessThan(0.02);
    expect(like!.reached).toBeCloseTo(meanOthers(valid), 9);
    expect(like!.target).toBe(target);
    if (times !== 1) expect(Math.abs(random / target - 1)).toBeGreaterThan(0.2);
    expect(Math.sign(like!.power - 0.3)).toBe(times > 1.2 ? 1 : -1);
  },
);

test("the target is the mean over the events of another log, in which items unknown here have no users", () => {
  const { codes, dictionary } = dataset.columns[1] as Extract<Dataset["columns"][number], { kind: "key" }>;
  const events = new Uint32Array(dictionary.size);
  // In the other log, an item with about 60 users has three events, an item with about 80 users has one, and an unknown
  // item has one.
  const rowOf = (least: number) =>
    pairs.findIndex(([, item]) => degrees.get(item)! >= least && degrees.get(item)! < least + 10);
  const [often, once] = [rowOf(60), rowOf(80)];
  events[codes[often]!] = 3;
  events[codes[once]!] = 1;
  const wanted = (3 * degrees.get(pairs[often]![1])! + degrees.get(pairs[once]![1])!) / 5;
  expect(splitRows(dataset, options({ events, unknown: 1 })).like!.target).toBeCloseTo(wanted, 12);
});

test("every user gives the share of items, up to one, and keeps one; parts are whole and apart", () => {
  const { train, valid, test: rest } = byTarget(90, { test: 0.1 });
  expect([...train, ...valid, ...rest].sort((a, b) => a - b)).toEqual([...pairs.keys()]);
  const count = (rows: Uint32Array, user: string) =>
    [...rows].filter((row) => pairs[row]![0] === user).length;
  for (let u = 0; u < 400; u++) {
    const [kept, held] = [count(train, `u${u}`), count(valid, `u${u}`)];
    expect(Math.abs(held - 0.2 * (kept + held))).toBeLessThan(1);
    expect(kept).toBeGreaterThan(0);
  }
});

test("a pair's events are held out together", () => {
  const twice = datasetFrom([...pairs, ...pairs]);
  const { valid } = splitRows(twice, options({ target: 100 }));
  const [first, second] = [0, 1].map((half) =>
    [...valid].filter((row) => Math.floor(row / pairs.length) === half).map((row) => row % pairs.length),
  );
  expect(second).toEqual(first);
  expect(first!.length).toBeGreaterThan(500);
});

test("the same rows come from the same seed, in whatever order, and others from another", () => {
  const keysOf = (of: readonly (readonly [string, string])[], seed = 1) => {
    const { valid } = splitRows(datasetFrom(of), options({ target: 100 }, { seed }));
    return [...valid].map((row) => of[row]!.join()).sort();
  };
  expect(keysOf(pairs.toReversed())).toEqual(keysOf(pairs));
  expect(keysOf(pairs, 2)).not.toEqual(keysOf(pairs));
});

test("what cannot be reached is refused with what can", () => {
  expect(() => byTarget(10_000)).toThrow(/have 10000\.0 users .* reaches only /);
  expect(() => byTarget(0.5)).toThrow(/reaches only/);
  const known = new Uint32Array(300);
  expect(() => splitRows(dataset, options({ events: known, unknown: 7 }))).toThrow(
    "none of 7 events of --valid-like has an item of this log",
  );
  const single = datasetOf({ user: ["a", "b"], item: ["x", "y"] }, roles);
  expect(() => splitRows(single, options({ target: 1 }))).toThrow(
    "holds out no items: no user has one to hold out and one to train on; use a larger share",
  );
});

test("columns of users and items are needed", () => {
  expect(() => splitRows(datasetOf({ item: ["x", "y"] }, { item: "item" }), options({ target: 1 }))).toThrow(
    /--user/,
  );
  expect(() => splitRows(datasetOf({ user: ["x", "y"] }, { user: "user" }), options({ target: 1 }))).toThrow(
    /--item/,
  );
});

test("rows without a user or an item are trained on", () => {
  const holes = datasetFrom([...pairs, ["", "i1"], ["u1", ""]]);
  const { train } = splitRows(holes, options({ target: 100 }));
  expect([...train].filter((row) => row >= pairs.length)).toEqual([pairs.length, pairs.length + 1]);
});
