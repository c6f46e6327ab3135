import { normalDraw } from "../../base/numeric/normal.js";
import { streamOf } from "../../base/numeric/hash.js";
import { draw, permutation } from "../../base/numeric/random.js";
import { kMeans, nearestCentroids } from "../../table/retrieval/k-means.js";
import { idsOfKeys, withReservedIds } from "./codebook-files.js";
import { fitCodebooks, levelCodes, perplexities } from "./residual-codes.js";

const [DIM, GROUPS, SUBGROUPS, MEMBERS] = [16, 8, 4, 30];
const numRows = GROUPS * SUBGROUPS * MEMBERS;
const normal = (...names: number[]) => normalDraw(streamOf(...names));
const groupOf = (row: number) => Math.floor(row / (SUBGROUPS * MEMBERS));
const subgroupOf = (row: number) => Math.floor(row / MEMBERS);

/** Groups far apart, the same subgroups near each group's center, and a little noise. */
const planted = Float32Array.from({ length: numRows * DIM }, (_, i) => {
  const [row, d] = [Math.floor(i / DIM), i % DIM];
  return (
    10 * normal(1, groupOf(row), d) + 2 * normal(2, subgroupOf(row) % SUBGROUPS, d) + 0.1 * normal(3, row, d)
  );
});
const options = { seed: 7, threads: 1 };
const shape = { levels: 2, numCodes: GROUPS, whiten: false };

/** Share of rows whose group is the most frequent one among the rows with the same codes. */
function purity(codes: readonly string[], of: (row: number) => number): number {
  const counts = new Map<string, Map<number, number>>();
  codes.forEach((code, row) => {
    const groups = counts.get(code) ?? new Map<number, number>();
    groups.set(of(row), (groups.get(of(row)) ?? 0) + 1);
    counts.set(code, groups);
  });
  return [...counts.values()].reduce((sum, groups) => sum + Math.max(...groups.values()), 0) / codes.length;
}

async function coded(vectors: Float32Array, threads = 1) {
  const books = await fitCodebooks(vectors, DIM, shape, { ...options, threads });
  const { codes, explained } = await levelCodes(vectors, books, { threads });
  const prefixes = (length: number) =>
    Array.from({ length: numRows }, (_, row) => codes.subarray(2 * row, 2 * row + length).join());
  return { books, codes, explained, prefixes };
}

test("level 1 finds planted groups and level 2 their subgroups; shuffled vectors have neither", async () => {
  const { prefixes, explained } = await coded(planted);
  expect(purity(prefixes(1), groupOf)).toBeGreaterThanOrEqual(0.9);
  expect(purity(prefixes(2), subgroupOf)).toBeGreaterThanOrEqual(0.9);
  expect(explained[1]!).toBeGreaterThan(0.98);
  const order = permutation(numRows, 5);
  const shuffled = planted.map((_, i) => planted[order[Math.floor(i / DIM)]! * DIM + (i % DIM)]!);
  const control = await coded(shuffled);
  expect(purity(control.prefixes(1), groupOf)).toBeLessThan(0.5);
  expect(purity(control.prefixes(2), subgroupOf)).toBeLessThan(0.5);
});

test("the nearest centroids are those of comparing every pair in f64, and threads do not change a bit", async () => {
  const [one, two] = [await coded(planted), await coded(planted, 2)];
  expect(two.books.books).toEqual(one.books.books);
  expect(two.codes).toEqual(one.codes);
  const book = one.books.books.subarray(0, GROUPS * DIM);
  const distance = (row: number, c: number) => {
    let sum = 0;
    for (let d = 0; d < DIM; d++) sum += (planted[row * DIM + d]! - book[c * DIM + d]!) ** 2;
    return sum;
  };
  const expected = Array.from({ length: numRows }, (_, row) =>
    Array.from({ length: GROUPS }, (__, c) => c).reduce((a, b) =>
      distance(row, b) < distance(row, a) ? b : a,
    ),
  );
  expect([...(await nearestCentroids(planted, DIM, book, { threads: 1 }))]).toEqual(expected);
});

test("each centroid is the mean of its rows when k-means ends", async () => {
  const book = await kMeans(planted, DIM, GROUPS, options);
  const codes = await nearestCentroids(planted, DIM, book, { threads: 1 });
  const means = book.map((_, i) => {
    const rows = [...codes.keys()].filter((row) => codes[row] === Math.floor(i / DIM));
    return rows.reduce((sum, row) => sum + planted[row * DIM + (i % DIM)]!, 0) / rows.length;
  });
  expect(Math.max(...book.map((x, i) => Math.abs(x - means[i]!)))).toBeLessThan(1e-4);
});

test("as many codes as distinct vectors use every code once, and a whitened table has equal variances", async () => {
  const vectors = Float32Array.from(
    { length: 32 * 4 },
    (_, i) => draw(3, i) / 2 ** 32 + (i % 4 === 0 ? 9 : 0),
  );
  const books = await fitCodebooks(vectors, 4, { levels: 1, numCodes: 32, whiten: true }, options);
  const { codes } = await levelCodes(vectors, books, { threads: 1 });
  expect(perplexities(codes, 1, 32)[0]).toBeCloseTo(32, 9);
  expect(books.whitening).toHaveLength(5 * 4);
});

test("earlier keys keep their ids, and new keys never get the id of a key that is gone", () => {
  const week1 = idsOfKeys(["a", "b", "c"], Uint32Array.of(1, 1, 2), 1);
  expect([...week1.codes]).toEqual([1, 0, 1, 1, 2, 0]);
  const week2 = withReservedIds(idsOfKeys(["a", "d"], Uint32Array.of(2, 1), 1, week1), week1);
  expect(week2.keys).toEqual(["a", "d", "", ""]);
  expect([...week2.codes]).toEqual([1, 0, 1, 2, 1, 1, 2, 0]);
  expect([...idsOfKeys(["b"], Uint32Array.of(1), 1, week2).codes]).toEqual([1, 3]);
});
