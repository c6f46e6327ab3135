// Recall of indexes on synthetic tables: clusters, vectors of different lengths, and masked rows.

import { encodeKeys } from "../../../log/keys.js";
import { exp } from "../../../base/numeric/exp.js";
import { normalDraw } from "../../../base/numeric/normal.js";
import { draw } from "../../../base/numeric/random.js";
import { topItems } from "../top-items.js";
import { buildHnsw, buildMixed } from "./build.js";
import { levelsOf, type HnswGraph } from "./graph.js";
import { searchGraph } from "./search.js";

const [N, DIM, QUERIES, CLUSTERS] = [6000, 24, 200, 40];
const how = { m: 12, efConstruction: 100, threads: 2 };
const normal = (key: number, i: number): number => normalDraw(draw(key, i));

/**
 * Returns vectors that scatter around the centers of clusters.
 *
 * @param spread standard deviation of the logarithm of a vector's length
 */
function clustered(count: number, key: number, spread: number): Float32Array {
  const vectors = new Float32Array(count * DIM);
  for (let row = 0; row < count; row++) {
    const cluster = draw(key, row) % CLUSTERS;
    const length = exp(spread * normal(key + 1, row));
    for (let d = 0; d < DIM; d++)
      vectors[row * DIM + d] =
        length * (normal(99, cluster * DIM + d) + 0.7 * normal(key + 2, row * DIM + d));
  }
  return vectors;
}

const rows = Uint32Array.from({ length: N }, (_, row) => row);
const keys = encodeKeys(Array.from(rows, String));
const inputOf = (vectors: Float32Array) => ({
  ...{ dim: DIM, vectors, labels: rows },
  ...levelsOf(keys, rows, how.m, 1),
});
const none = { indptr: new Uint32Array(QUERIES + 1), items: new Uint32Array() };

async function recall(graph: HnswGraph, vectors: Float32Array, top: number, ef: number): Promise<number> {
  const queries = clustered(QUERIES, 50, 0);
  const exact = await topItems({ dim: DIM, queries, items: vectors, masks: none }, top, 2);
  const { items } = await searchGraph(graph, queries, { top, ef, threads: 2 });
  let hits = 0;
  for (let q = 0; q < QUERIES; q++) {
    const list = new Set(items.subarray(q * top, (q + 1) * top));
    for (const item of exact.items.subarray(q * top, (q + 1) * top)) if (list.has(item)) hits++;
  }
  return hits / exact.items.length;
}

test("of clusters 95 % of the ten nearest are found at ef 64, by batches as by one node after the other", async () => {
  const vectors = clustered(N, 1, 0);
  const graph = await buildHnsw({ ...inputOf(vectors), nearness: "dot" }, how);
  expect(await recall(graph, vectors, 10, 64)).toBeGreaterThan(0.95);
});

test("of vectors whose lengths vary a hundredfold 95 % of the ten greatest products are found at ef 64, and of the hundred at 256", async () => {
  const vectors = clustered(N, 1, 1);
  const mixed = await buildMixed(inputOf(vectors), how);
  expect(await recall(mixed, vectors, 10, 64)).toBeGreaterThan(0.95);
  expect(await recall(mixed, vectors, 100, 256)).toBeGreaterThan(0.95);
  // in a graph with links by inner product only, no path leads to the last items of a list
  const plain = await buildHnsw({ ...inputOf(vectors), nearness: "dot" }, how);
  expect(await recall(plain, vectors, 100, 256)).toBeLessThan(0.9);
}, 120_000);

test("lists are full whatever masks leave, best first", async () => {
  const vectors = clustered(N, 1, 0);
  const graph = await buildHnsw({ ...inputOf(vectors), nearness: "dot" }, how);
  // the masks leave query q a half, a 20th, a 200th or a 1000th of the rows
  const shares = [2, 20, 200, 1000];
  const masked = shares.map((share) => rows.filter((row) => draw(7, row) % share !== 0));
  const indptr = Uint32Array.from([
    0,
    ...masked.map((_, q) => masked.slice(0, q + 1).reduce((n, m) => n + m.length, 0)),
  ]);
  const masks = { indptr, items: Uint32Array.from(masked.flatMap((list) => [...list])) };
  const queries = clustered(shares.length, 50, 0);
  const exact = await topItems({ dim: DIM, queries, items: vectors, masks }, 20, 1);
  const found = await searchGraph(graph, queries, { top: 20, ef: 32, masks, threads: 1 });
  shares.forEach((share, q) => {
    const list = found.items.subarray(q * 20, (q + 1) * 20);
    const expected = exact.items.subarray(q * 20, (q + 1) * 20);
    const left = N - masked[q]!.length;
    expect([...list].filter((row) => row !== 0xffffffff)).toHaveLength(Math.min(20, left));
    expect([...list].every((row) => row === 0xffffffff || draw(7, row) % share === 0)).toBe(true);
    // if the mask leaves few rows, the search compares all of them and is exact
    if (share >= 200) expect(list).toEqual(expected);
  });
});

test("a key's level does not depend on the other keys, and one in M rises", () => {
  const { levels, order } = levelsOf(keys, rows, 12, 1);
  const odd = rows.filter((row) => row % 2 === 1);
  expect(levelsOf(keys, odd, 12, 1).levels).toEqual(Uint8Array.from(odd, (row) => levels[row]!));
  const risen = levels.filter((level) => level > 0).length;
  expect(Math.abs(risen / N - 1 / 12)).toBeLessThan(0.012);
  const inOrder = Array.from(order, (node) => levels[node]!);
  expect(inOrder).toEqual(inOrder.toSorted((a, b) => b - a));
  expect(levelsOf(keys, rows, 12, 2).levels).not.toEqual(levels);
});
