import { NO_ITEM } from "../kernels/top-items.js";
import { evaluateRanking, rankingMetrics } from "./ranking.js";

const lists = (...rows: number[][]) => ({
  indptr: Uint32Array.from([0, ...rows.map((_, r) => rows.slice(0, r + 1).flat().length)]),
  items: Uint32Array.from(rows.flat()),
});
/** 1 / log2(rank + 1) */
const gain = (rank: number) => 1 / Math.log2(rank + 1);

describe("metrics of lists ranked by hand", () => {
  test("two of three held-out items at ranks 1 and 3", () => {
    const { recallAt3, ndcgAt3 } = rankingMetrics(Uint32Array.of(7, 1, 9), 3, lists([2, 7, 9]));
    expect(recallAt3).toBeCloseTo(2 / 3, 12);
    expect(ndcgAt3).toBeCloseTo((gain(1) + gain(3)) / (gain(1) + gain(2) + gain(3)), 12);
  });

  test("the ideal list is no longer than K, and recall divides by all that is held out", () => {
    const { recallAt2, ndcgAt2 } = rankingMetrics(Uint32Array.of(4, 5), 2, lists([3, 4, 5, 6]));
    expect(recallAt2).toBe(0.5);
    expect(ndcgAt2).toBeCloseTo(1, 12);
  });

  test("means are over the users with held-out items; an unknown item is missed", () => {
    const ranked = Uint32Array.of(1, 2, 3, 4, 5, NO_ITEM);
    const got = rankingMetrics(ranked, 2, lists([2], [], [NO_ITEM]));
    expect(got["recallAt2"]).toBe(0.5);
    expect(got["ndcgAt2"]).toBeCloseTo(gain(2) / 2, 12);
  });

  test("without held-out items there are no metrics", () => {
    expect(rankingMetrics(Uint32Array.of(1, 2), 2, lists([]))).toEqual({});
  });
});

test.each([1, 2, 3])("items of training are neither found nor expected, on %i threads", async (threads) => {
  // 130 users alike: items score 9, 8, ... 0 in their order; 0 and 1 are of training, 1 and 3 are held out
  const numUsers = 130;
  const rows = (row: number[]) => lists(...Array.from({ length: numUsers }, () => row));
  const got = await evaluateRanking(
    {
      dim: 1,
      queries: new Float32Array(numUsers).fill(1),
      items: Float32Array.from({ length: 10 }, (_, i) => 9 - i),
      masks: rows([0, 1]),
    },
    rows([1, 3]),
    { k: 2, threads },
  );
  // found are 2 and 3; what could be found is 3 alone
  expect(got["recallAt2"]).toBe(1);
  expect(got["ndcgAt2"]).toBeCloseTo(gain(2), 12);
});
