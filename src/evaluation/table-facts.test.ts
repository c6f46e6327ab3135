// Tests shares of zero and equal vectors, norms, and counts of NaN and infinity, on small tables.

import { encodeKeys } from "../log/keys.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { driftOf, fieldFacts, numNotFinite } from "./table-facts.js";

function tableOf(vectors: number[][], keys = vectors.map((_, i) => `k${i}`)): EmbeddingTable {
  return {
    dim: vectors[0]!.length,
    numRows: vectors.length,
    fields: ["item"],
    fieldOf: new Uint32Array(vectors.length),
    keys: encodeKeys(keys),
    counts: Uint32Array.from(keys, (key) => (key === "" ? 0 : 1)),
    vectors: Float32Array.from(vectors.flat()),
  };
}

test("zero rows, rows that repeat another, and lengths are shares and quantiles of the field's rows", () => {
  const table = tableOf([
    [3, 4],
    [0, 0],
    [3, 4],
    [0, 0],
    [6, 8],
  ]);
  expect(fieldFacts(table, "item")).toEqual({
    rows: 5,
    zero: 0.4,
    duplicate: 0.2,
    norm: { mean: 4, median: 5, p99: 5 },
  });
});

test("a hole is no row", () => {
  const table = tableOf(
    [
      [3, 4],
      [0, 0],
      [6, 8],
    ],
    ["a", "", "b"],
  );
  expect(fieldFacts(table, "item")).toMatchObject({ rows: 2, zero: 0 });
});

test("NaN and infinite numbers are counted in vectors and weights", () => {
  const table = {
    ...tableOf([
      [NaN, 1],
      [Infinity, -Infinity],
    ]),
    weights: Float32Array.of(1, NaN),
  };
  expect(numNotFinite(table)).toBe(4);
});

test("a table turned by an orthogonal matrix has all neighbors in common and no displacement", async () => {
  const vectors = [
    [1, 0.1],
    [0.9, 0.3],
    [-1, 2],
    [0.2, -1],
  ];
  const rotated = tableOf(vectors.map(([x, y]) => [y!, x!]));
  const drift = await driftOf(rotated, tableOf(vectors), "item", 2, { threads: 1 });
  expect(drift).toMatchObject({ keys: 4, overlap: 1 });
  expect(drift.displacement).toBeLessThan(1e-6);
});
