import { NO_ITEM } from "../compute/kernels/top-items/binding.js";
import { draw } from "../base/numeric/random.js";
import { namedMean, rankedByUser, rankingMetrics } from "./ranking.js";
import { valueOf } from "./user-metric.js";

const lists = (...rows: number[][]) => ({
  indptr: Uint32Array.from([0, ...rows.map((_, r) => rows.slice(0, r + 1).flat().length)]),
  items: Uint32Array.from(rows.flat()),
});
/** Returns 1 / log2(rank + 1). */
const gain = (rank: number) => 1 / Math.log2(rank + 1);

/** Lists whose scores differ. */
const inOrder = (items: Uint32Array) => ({ items, scores: Float32Array.from(items, (_, r) => -r) });

/** Returns each metric's mean over the users, by the metric's name. */
function metricsOf(ranked: Uint32Array, top: number, ks: number[], heldOut: ReturnType<typeof lists>) {
  const all = rankingMetrics(inOrder(ranked), top, ks, heldOut);
  return Object.fromEntries(all.map((metric) => [metric.name, valueOf(metric)]));
}

describe("metrics of lists ranked by hand", () => {
  test("two of three held-out items at ranks 1 and 3", () => {
    const got = metricsOf(Uint32Array.of(7, 1, 9), 3, [3], lists([2, 7, 9]));
    expect(got["recallAt3"]).toBeCloseTo(2 / 3, 12);
    expect(got["ndcgAt3"]).toBeCloseTo((gain(1) + gain(3)) / (gain(1) + gain(2) + gain(3)), 12);
    expect(got["precisionAt3"]).toBeCloseTo(2 / 3, 12);
    expect(got["hitRateAt3"]).toBe(1);
    expect(got["mrrAt3"]).toBe(1);
    // The precision is 1 at rank 1 and 2/3 at rank 3; three items are held out.
    expect(got["mapAt3"]).toBeCloseTo((1 + 2 / 3) / 3, 12);
  });

  test("the ideal list is no longer than K, and recall divides by all that is held out", () => {
    const got = metricsOf(Uint32Array.of(4, 5), 2, [2], lists([3, 4, 5, 6]));
    expect([got["recallAt2"], got["precisionAt2"], got["mapAt2"]]).toEqual([0.5, 1, 1]);
    expect(got["ndcgAt2"]).toBeCloseTo(1, 12);
  });

  test("the first hit at rank 2 has a reciprocal rank of a half, and none within K has 0", () => {
    const heldOut = lists([5], [5]);
    const got = metricsOf(Uint32Array.of(1, 5, 2, 1, 2, 5), 3, [2, 3], heldOut);
    expect(got["mrrAt2"]).toBe(0.25);
    expect(got["mrrAt3"]).toBeCloseTo((1 / 2 + 1 / 3) / 2, 12);
    expect([got["hitRateAt2"], got["hitRateAt3"]]).toEqual([0.5, 1]);
  });

  test("several lengths of one search are what each gives alone", () => {
    const ranked = Uint32Array.of(3, 1, 4, 15, 9, 2, 6, 5);
    const heldOut = lists([1, 2, 9], [5, 6]);
    const all = metricsOf(ranked, 4, [1, 2, 4], heldOut);
    for (const k of [1, 2, 4]) {
      const alone = Uint32Array.from([...ranked.subarray(0, k), ...ranked.subarray(4, 4 + k)]);
      expect(all).toMatchObject(metricsOf(alone, k, [k], heldOut));
    }
  });

  test("means are over the users with held-out items; an unknown item is missed", () => {
    const ranked = Uint32Array.of(1, 2, 3, 4, 5, NO_ITEM);
    const got = metricsOf(ranked, 2, [2], lists([2], [], [NO_ITEM]));
    expect(got["recallAt2"]).toBe(0.5);
    expect(got["ndcgAt2"]).toBeCloseTo(gain(2) / 2, 12);
  });

  test("agree with their definitions read off sets, on seeded lists", () => {
    const [numUsers, numItems, top] = [40, 30, 12];
    const ranked = Uint32Array.from({ length: numUsers }, (_, u) => u).reduce<number[]>((all, u) => {
      const order = Array.from({ length: numItems }, (_, i) => i).sort((a, b) => draw(u, a) - draw(u, b));
      return [...all, ...order.slice(0, top)];
    }, []);
    const heldOut = lists(
      ...Array.from({ length: numUsers }, (_, u) =>
        Array.from({ length: numItems }, (_, i) => i).filter((i) => draw(99 + u, i) % 5 === 0),
      ),
    );
    const got = metricsOf(Uint32Array.from(ranked), top, [5, 12], heldOut);
    for (const k of [5, 12]) {
      const of = (value: (hits: number[], wanted: number) => number) => {
        let [sum, users] = [0, 0];
        for (let u = 0; u < numUsers; u++) {
          const wanted = heldOut.items.subarray(heldOut.indptr[u], heldOut.indptr[u + 1]);
          if (wanted.length === 0) continue;
          const hits = ranked
            .slice(u * top, u * top + k)
            .flatMap((i, r) => (wanted.includes(i) ? [r + 1] : []));
          sum += value(hits, wanted.length);
          users++;
        }
        return sum / users;
      };
      const total = (numbers: number[]) => numbers.reduce((all, x) => all + x, 0);
      const ideal = (n: number) => total(Array.from({ length: Math.min(k, n) }, (_, r) => gain(r + 1)));
      expect(got[`recallAt${k}`]).toBeCloseTo(
        of((hits, n) => hits.length / n),
        12,
      );
      expect(got[`precisionAt${k}`]).toBeCloseTo(
        of((hits) => hits.length / k),
        12,
      );
      expect(got[`hitRateAt${k}`]).toBeCloseTo(
        of((hits) => Math.sign(hits.length)),
        12,
      );
      expect(got[`mrrAt${k}`]).toBeCloseTo(
        of((hits) => (hits.length > 0 ? 1 / hits[0]! : 0)),
        12,
      );
      expect(got[`ndcgAt${k}`]).toBeCloseTo(
        of((hits, n) => total(hits.map(gain)) / ideal(n)),
        12,
      );
      expect(got[`mapAt${k}`]).toBeCloseTo(
        of((hits, n) => total(hits.map((r, h) => (h + 1) / r)) / Math.min(k, n)),
        12,
      );
    }
  });

  test("equal scores count against the model: a user whose items all score alike has no hits", () => {
    const recallOf = (scores: number[], wanted: number[], items = [4, 5, 6, 7]) => {
      const ranked = { items: Uint32Array.from(items), scores: Float32Array.from(scores) };
      const found = rankingMetrics(ranked, 4, [1, 2, 3], lists(wanted));
      return found.filter(({ name }) => name.startsWith("recall")).map(({ sums }) => sums[0]);
    };
    expect(recallOf([0, 0, 0, 0], [4])).toEqual([0, 0, 0]);
    expect(recallOf([3, 3, 2, 1], [4])).toEqual([0, 1, 1]);
    expect(recallOf([3, 2, 1, 1], [6])).toEqual([0, 0, 0]);
    expect(recallOf([3, 2, 1, 0], [6])).toEqual([0, 0, 1]);
    // a list that ends early has no more items of the last score
    expect(recallOf([1, 1, 1, -Infinity], [4], [4, 5, 6, NO_ITEM])).toEqual([0, 0, 1]);
  });

  test("without held-out items there are no users", () => {
    expect(
      rankingMetrics(inOrder(Uint32Array.of(1, 2)), 2, [2], lists([])).every(({ sums }) => sums.length === 0),
    ).toBe(true);
  });
});

test.each([1, 2, 3])("items of training are neither found nor expected, on %i threads", async (threads) => {
  // There are 130 identical users. The items have the scores 9, 8, ... 0 in their order. Items 0 and 1 are in training;
  // items 1 and 3 are held out.
  const numUsers = 130;
  const rows = (row: number[]) => lists(...Array.from({ length: numUsers }, () => row));
  const got = Object.fromEntries(
    (
      await rankedByUser(
        {
          dim: 1,
          queries: new Float32Array(numUsers).fill(1),
          items: Float32Array.from({ length: 10 }, (_, i) => 9 - i),
          masks: rows([0, 1]),
        },
        rows([1, 3]),
        { k: 2, threads },
      )
    ).map(namedMean),
  );
  // The lists contain items 2 and 3, and item 3 is the only unmasked held-out item.
  expect(got["recallAt2"]).toBe(1);
  expect(got["ndcgAt2"]).toBeCloseTo(gain(2), 12);
});
