import { NO_ITEM } from "../compute/kernels/top-items/binding.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { scoreRanker } from "./rankers.js";
import { rankingMetrics } from "./ranking.js";
import { blocksOfEquals, expectedMetrics } from "./tied-ranking.js";

const listsOf = (...lists: number[][]) => ({
  indptr: Uint32Array.of(0, ...lists.map((_, q) => lists.slice(0, q + 1).flat().length)),
  items: Uint32Array.from(lists.flat()),
});

test("equals are items of the same vector and weight", () => {
  const items = Float32Array.of(1, 2, 1, 2, 1, 3, 1, 2);
  expect([...blocksOfEquals(items, Float32Array.of(0, 0, 0, 1), 2)]).toEqual([0, 0, 1, 2]);
});

test("recall and NDCG are their means over all orders of equals", async () => {
  const [numItems, top, ks] = [12, 5, [1, 3, 5]];
  const scores = [3, 3, 3, 2, 2, 2, 2, 1, 1, 0, 0, 0];
  const blockOf = Uint32Array.from(scores);
  const masks = listsOf([1], [], [3, 9]);
  const heldOut = listsOf([0, 4, 8], [5], [4, 6, 10]);
  const rankedIn = async (order: readonly number[]) => {
    const fill = (_: number, filled: Float64Array) =>
      scores.forEach((score, i) => (filled[i] = score + 1e-3 * order[i]!));
    return await scoreRanker(numItems, fill).top(masks, top, { threads: 1 });
  };
  const expected = expectedMetrics(
    (await rankedIn(scores.map(() => 0))).items,
    top,
    ks,
    { masks, heldOut },
    blockOf,
  );

  const random = mulberry32(1);
  const DRAWS = 20_000;
  const sums = new Map<string, number[]>();
  for (let draw = 0; draw < DRAWS; draw++) {
    const order = scores.map(() => integerBelow(1000, random) / 1000);
    for (const { name, sums: values } of rankingMetrics(await rankedIn(order), top, ks, heldOut)) {
      const own = sums.get(name) ?? [0, 0, 0];
      values.forEach((value, q) => (own[q]! += value / DRAWS));
      sums.set(name, own);
    }
  }
  const errors = expected.flatMap(({ name, sums: values }) =>
    [...values].map((value, q) => Math.abs(value - sums.get(name)![q]!)),
  );
  // The means over DRAWS random orders of the ties have standard errors below 0.0035.
  expect(Math.max(...errors)).toBeLessThan(0.012);
  expect(expected.map(({ name }) => name)).toEqual(ks.flatMap((k) => [`recallAt${k}`, `ndcgAt${k}`]));
});

test("without equals they are the plain ones, and a list may end early", () => {
  const ranked = Uint32Array.of(2, 0, NO_ITEM);
  const heldOut = listsOf([0, 1]);
  const plain = rankingMetrics(
    { items: ranked, scores: Float32Array.of(2, 1, 0) },
    3,
    [2, 3],
    heldOut,
  ).filter(({ name }) => /^(recall|ndcg)/.test(name));
  const lists = { masks: listsOf([]), heldOut };
  expect(expectedMetrics(ranked, 3, [2, 3], lists, Uint32Array.of(0, 1, 2))).toEqual(plain);
});
