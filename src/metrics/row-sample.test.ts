import { encodeKeys, keyAt } from "../log/keys.js";
import type { EmbeddingTable } from "../table/table.js";
import { sampleRows } from "./shared-rows.js";

function tableOf(keys: string[]): EmbeddingTable {
  return {
    dim: 1,
    numRows: keys.length,
    fields: ["item"],
    fieldOf: new Uint32Array(keys.length),
    keys: encodeKeys(keys),
    counts: new Uint32Array(keys.length).fill(1),
    vectors: new Float32Array(keys.length),
  };
}
const sampled = (keys: string[], most: number) =>
  Array.from(sampleRows(tableOf(keys), { first: 0, last: keys.length }, most), (row) => keys[row]!);
const keys = Array.from({ length: 500 }, (_, i) => `key-${i}`);

test("the same keys are drawn whatever their order, in the order of the rows", () => {
  const [one, other] = [sampled(keys, 50), sampled(keys.toReversed(), 50)];
  expect(one).toHaveLength(50);
  expect(other.toReversed()).toEqual(one);
});

test("a key that comes or goes changes the sample by one at most", () => {
  const [before, after] = [new Set(sampled(keys, 50)), sampled([...keys, "new"], 50)];
  expect(after.filter((key) => !before.has(key)).length).toBeLessThanOrEqual(1);
});

test("a table that is small enough is taken whole, but for holes of a kept row order", () => {
  const table = tableOf(["a", "", "b"]);
  table.counts[1] = 0;
  const rows = sampleRows(table, { first: 0, last: 3 }, 10);
  expect(Array.from(rows, (row) => keyAt(table.keys, row))).toEqual(["a", "b"]);
});
