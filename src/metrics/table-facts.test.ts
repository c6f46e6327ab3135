// Tests shares of zero and equal vectors, norms, and counts of NaN and infinity, on small tables.

import { encodeKeys } from "../log/keys.js";
import type { EmbeddingTable } from "../table/table.js";
import { tableRows } from "../table/rows.js";
import { driftOf, tableFacts } from "./table-facts.js";

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

const factsOf = async (table: EmbeddingTable) => await tableFacts(tableRows(table));
const stored = (table: EmbeddingTable) => ({ table, rows: tableRows(table) });

test("zero rows, rows that repeat another, and lengths are shares and quantiles of the field's rows", async () => {
  const table = tableOf([
    [3, 4],
    [0, 0],
    [3, 4],
    [0, 0],
    [6, 8],
  ]);
  expect((await factsOf(table)).fields.get("item")).toEqual({
    rows: 5,
    zero: 0.4,
    duplicate: 0.2,
    norm: { mean: 4, median: 5, p99: 5 },
  });
});

test("a hole is no row", async () => {
  const table = tableOf(
    [
      [3, 4],
      [0, 0],
      [6, 8],
    ],
    ["a", "", "b"],
  );
  expect((await factsOf(table)).fields.get("item")).toMatchObject({ rows: 2, zero: 0 });
});

test("NaN and infinite numbers are counted in vectors and weights", async () => {
  const table = {
    ...tableOf([
      [NaN, 1],
      [Infinity, -Infinity],
    ]),
    weights: Float32Array.of(1, NaN),
  };
  expect((await factsOf(table)).notFinite).toBe(4);
});

test("a table turned by an orthogonal matrix has all neighbors in common and no displacement", async () => {
  const vectors = [
    [1, 0.1],
    [0.9, 0.3],
    [-1, 2],
    [0.2, -1],
  ];
  const rotated = tableOf(vectors.map(([x, y]) => [y!, x!]));
  const drift = await driftOf(stored(rotated), stored(tableOf(vectors)), "item", { k: 2, threads: 1 });
  expect(drift).toMatchObject({ keys: 4, overlap: 1 });
  expect(drift.displacement).toBeLessThan(1e-6);
});

test("facts of a table in many batches and of several fields are those of each field alone", async () => {
  const fields = { user: 150_000, item: 3, number: 1 };
  const parts = Object.values(fields).map((size, f) =>
    Array.from({ length: size }, (_, i) => (i === 5 ? [0, 0] : [(i % 70_000) + 1, f])),
  );
  const all = tableOf(parts.flat());
  const fieldOf = Uint32Array.from(parts.flatMap((part, f) => part.map(() => f)));
  const { fields: found } = await factsOf({ ...all, fields: Object.keys(fields), fieldOf });
  for (const [f, name] of Object.keys(fields).entries())
    expect(found.get(name)).toEqual((await factsOf(tableOf(parts[f]!))).fields.get("item"));
  expect(found.get("user")).toMatchObject({ rows: 150_000, zero: 1 / 150_000, duplicate: 79_999 / 150_000 });
});
