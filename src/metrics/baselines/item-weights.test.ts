// Compares baselines that have item-to-item weights with plain sums over all pairs.

import type { ItemLists } from "../../compute/kernels/top-items/binding.js";
import { mulberry32 } from "../../testing/random.js";
import {
  eventsOf,
  itemKnn,
  itemWeightsRanker,
  weightsRanker,
  type ItemColumns,
  type ItemEvents,
} from "./item-weights.js";
import { rp3beta } from "./rp3beta.js";
import { fitSlim, slim } from "./slim.js";

const NUM_ITEMS = 30;
const NUM_USERS = 200;
const pause = () => Promise.resolve();

/** Returns the histories of users with three tastes of ten items each; one in eight events belongs to another taste. */
function history(): ItemLists {
  const random = mulberry32(1);
  const lists = Array.from({ length: NUM_USERS }, (_, u) => {
    const items = new Set<number>();
    for (let n = 0; n < 8; n++) {
      const taste = random() < 0.125 ? Math.floor(3 * random()) : u % 3;
      items.add(10 * taste + Math.floor(10 * random() ** 2));
    }
    return [...items].sort((a, b) => a - b);
  });
  const indptr = Uint32Array.from([0, ...lists.map((_, u) => lists.slice(0, u + 1).flat().length)]);
  return { indptr, items: Uint32Array.from(lists.flat()) };
}

/** Returns the matrix A of users x items, with entries 0 and 1. */
function matrixOf({ indptr, items }: ItemLists): number[][] {
  return Array.from({ length: NUM_USERS }, (_, u) => {
    const own = items.subarray(indptr[u], indptr[u + 1]);
    return Array.from({ length: NUM_ITEMS }, (_, i) => (own.includes(i) ? 1 : 0));
  });
}

/** Returns the item-to-item weights as a dense matrix, with the first `most` weights of each column. */
function denseOf({ indptr, items, weights }: ItemColumns, most = Infinity): number[][] {
  const dense = Array.from({ length: NUM_ITEMS }, () => Array.from({ length: NUM_ITEMS }, () => 0));
  for (let j = 0; j < NUM_ITEMS; j++) {
    for (let at = indptr[j]!; at < Math.min(indptr[j + 1]!, indptr[j]! + most); at++)
      dense[items[at]!]![j] = weights[at]!;
  }
  return dense;
}

const lists = history();
const a = matrixOf(lists);
const events: ItemEvents = eventsOf(lists, NUM_ITEMS);
const countOf = (i: number) => a.reduce((sum, row) => sum + row[i]!, 0);
const lengthOf = (u: number) => a[u]!.reduce((sum, x) => sum + x, 0);
/**
 * Returns a matrix that contains the k largest entries of each column of another matrix, and 0 elsewhere. Among equal
 * entries, the lower row is selected.
 */
function pruned(of: (i: number, j: number) => number, k: number): number[][] {
  const dense = Array.from({ length: NUM_ITEMS }, () => Array.from({ length: NUM_ITEMS }, () => 0));
  for (let j = 0; j < NUM_ITEMS; j++) {
    const rows = Array.from({ length: NUM_ITEMS }, (_, i) => ({ i, w: i === j ? 0 : Math.fround(of(i, j)) }));
    rows.sort((x, y) => y.w - x.w || x.i - y.i);
    for (const { i, w } of rows.slice(0, k)) dense[i]![j] = w;
  }
  return dense;
}
const apart = (x: number[][], y: number[][]) =>
  Math.max(...x.flatMap((row, i) => row.map((w, j) => Math.abs(w - y[i]![j]!))));

test("item-knn's weights are the k largest shrunk cosines of each item", async () => {
  const setting = { k: 20, shrink: 5 };
  const columns = await itemKnn.columns(events, setting, pause);
  const both = (i: number, j: number) => a.reduce((sum, row) => sum + row[i]! * row[j]!, 0);
  const expected = pruned((i, j) => both(i, j) / (Math.sqrt(countOf(i) * countOf(j)) + 5), 20);
  expect(apart(denseOf(columns, 20), expected)).toBeLessThan(1e-7);
});

test("rp3beta's scores are the walks' sums over all users", async () => {
  const setting = { a: 0.75, b: 0.4, k: 50 };
  const columns = await rp3beta.columns(events, setting, pause);
  const scales = rp3beta.view(setting, events.counts).scales!;
  const walk = (i: number, j: number) =>
    a.reduce((sum, row, v) => sum + row[i]! * row[j]! * lengthOf(v) ** -0.75, 0) * countOf(i) ** -0.75;
  expect(apart(denseOf(columns), pruned(walk, NUM_ITEMS))).toBeLessThan(1e-7);
  expect(Math.max(...scales.map((s, j) => Math.abs(s - countOf(j) ** -0.4)))).toBeLessThan(1e-12);
});

test("slim's weights meet the conditions of its minimum to 0.02 users", async () => {
  const setting = { l1: 0.5, l2: 10 };
  const near = await slim.columns(events, setting, pause);
  const everyOther = pruned(() => 1, NUM_ITEMS);
  expect(near.indptr[NUM_ITEMS]).toBeLessThan(NUM_ITEMS * (NUM_ITEMS - 1));
  const w = denseOf(near);
  expect(everyOther).toHaveLength(NUM_ITEMS);
  for (let j = 0; j < NUM_ITEMS; j++) {
    const residual = a.map((row) => row[j]! - row.reduce((sum, x, i) => sum + x * w[i]![j]!, 0));
    for (let i = 0; i < NUM_ITEMS; i++) {
      if (i === j) continue;
      const slack = a.reduce((sum, row, u) => sum + row[i]! * residual[u]!, 0) - 10 * w[i]![j]! - 0.5;
      // optimality: the derivative is 0 for a positive weight, and does not favor an increase of a zero weight
      expect(w[i]![j]! > 0 ? Math.abs(slack) : Math.max(0, slack)).toBeLessThan(0.02 * countOf(i));
    }
  }
});

test("a column of slim does not depend on the columns before it", async () => {
  const setting = { l1: 0.5, l2: 10 };
  const near = await itemKnn.columns(events, { k: 20, shrink: 0 }, pause);
  const all = denseOf(await fitSlim(events, near, setting, pause));
  const last = NUM_ITEMS - 1;
  // keeps the candidates of the last item only; the columns of all other items become empty
  const indptr = near.indptr.map((_, j) =>
    j === NUM_ITEMS ? near.indptr[NUM_ITEMS]! - near.indptr[last]! : 0,
  );
  const alone = {
    indptr,
    items: near.items.slice(near.indptr[last]),
    weights: near.weights.slice(near.indptr[last]),
  };
  const one = denseOf(await fitSlim(events, alone, setting, pause));
  expect(one.map((row) => row[last])).toEqual(all.map((row) => row[last]));
});

test("a query's scores are its weights times its items' rows, times the targets' scales", () => {
  const columns = {
    indptr: Uint32Array.of(0, 1, 3, 3),
    items: Uint32Array.of(1, 0, 2),
    weights: Float32Array.of(0.5, 2, 1),
  };
  const queries = {
    indptr: Uint32Array.of(0, 2),
    items: Uint32Array.of(0, 2),
    weights: Float64Array.of(1, 3),
  };
  const listed = { indptr: Uint32Array.of(0, 3), items: Uint32Array.of(0, 1, 2) };
  const scores = (most?: number) =>
    weightsRanker({ columns, scales: Float64Array.of(1, 10, 1), ...(most && { most }) }, queries, 3).score(
      listed,
      { threads: 1 },
    );
  expect([...(scores() as Float64Array)]).toEqual([0, 50, 0]);
  expect([...(scores(1) as Float64Array)]).toEqual([0, 20, 0]);
});

test.each([itemKnn, rp3beta, slim])(
  "$name finds items of a user's taste, says what it chose, and is the same twice",
  async (model) => {
    const rank = async () => {
      const notes: string[] = [];
      const options = {
        seed: 1,
        easeL2: 1,
        filter: {},
        threads: 1,
        note: (text: string) => void notes.push(text),
      };
      const counts = Uint32Array.from(events.counts);
      const rankerFor = await itemWeightsRanker(model as typeof itemKnn, { history: lists, counts }, options);
      const ranker = await rankerFor({ users: new Uint32Array(NUM_USERS), queries: lists });
      const { items } = await ranker.top(lists, 3, { threads: 1 });
      return { notes, items: [...items] };
    };
    const { notes, items } = await rank();
    expect(notes).toEqual([
      expect.stringMatching(/^\S+: tries \d+ settings on items that 166 users of the training part hide$/),
      expect.stringMatching(
        /^\S+: .*, the best of \d+ settings by NDCG@20 \(0\.\d{4}\) on items that 166 users/,
      ),
    ]);
    const ofTaste = items.filter((item, at) => Math.floor(item / 10) === Math.floor(at / 3) % 3);
    expect(ofTaste.length / items.length).toBeGreaterThan(0.8);
    expect(await rank()).toEqual({ notes, items });
  },
);
