import { encodeKeys } from "../../log/keys.js";
import { loadRows, tableRows } from "../../table/rows.js";
import type { EmbeddingTable } from "../../table/table.js";
import { draw } from "../../base/numeric/random.js";
import { axesOf, prefixRows, projected } from "./prefixes.js";

const [DIM, ROWS] = [6, 40];
const uniform = (i: number) => draw(5, i) / 2 ** 31 - 1;

/** Rows of two fields in a plane of the six dimensions, with a little noise outside of it. */
const table: EmbeddingTable = {
  dim: DIM,
  numRows: ROWS,
  fields: ["user", "item"],
  fieldOf: Uint32Array.from({ length: ROWS }, (_, row) => (row < ROWS / 4 ? 0 : 1)),
  keys: encodeKeys(Array.from({ length: ROWS }, (_, row) => `k${row}`)),
  counts: new Uint32Array(ROWS).fill(1),
  vectors: Float32Array.from({ length: ROWS * DIM }, (_, i) => {
    const [row, d] = [Math.floor(i / DIM), i % DIM];
    const inPlane = uniform(2 * row) * uniform(500 + d) + uniform(2 * row + 1) * uniform(600 + d);
    return inPlane + 1e-3 * uniform(1000 + i);
  }),
};

const products = ({ vectors, dim }: EmbeddingTable): number[] =>
  Array.from({ length: ROWS * ROWS }, (_, i) => {
    const [a, b] = [Math.floor(i / ROWS), i % ROWS];
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += vectors[a * dim + d]! * vectors[b * dim + d]!;
    return sum;
  });
const apart = (a: number[], b: number[]) => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

test("all dimensions keep every dot product, and two those of a table in a plane", async () => {
  const rows = tableRows(table);
  const axes = await axesOf(rows);
  const prefix = async (length: number) => products(await loadRows(prefixRows(rows, length, axes)));
  expect(apart(await prefix(DIM), products(table))).toBeLessThan(1e-5);
  expect(apart(await prefix(2), products(table))).toBeLessThan(1e-2);
  expect(apart(await prefix(1), products(table))).toBeGreaterThan(0.1);
  expect(apart(await prefix(3), products(projected(table, 3, axes)))).toBeLessThan(1e-5);
});
