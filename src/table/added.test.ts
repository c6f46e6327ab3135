import { encodeKeys, keyAt } from "../log/keys.js";
import { addedTable, rowsWithAdded, withAdded } from "./added.js";
import { loadRows, sliceRows, tableRows, type TableRows } from "./rows.js";
import type { Run } from "./run-directory.js";
import type { EmbeddingTable } from "./table.js";

function tableOf(fieldOf: number[], keys: string[], counts: number[]): EmbeddingTable {
  return {
    dim: 2,
    numRows: keys.length,
    fields: ["user", "item", "brand"],
    fieldOf: Uint32Array.from(fieldOf),
    keys: encodeKeys(keys),
    counts: Uint32Array.from(counts),
    weights: Float32Array.from(keys, (_, row) => row),
    vectors: Float32Array.from({ length: 2 * keys.length }, (_, at) => at),
  };
}
const table = tableOf([0, 0, 1, 1, 1, 2], ["u1", "u2", "i1", "i2", "i3", "b1"], [5, 4, 9, 8, 7, 1]);
const added = addedTable(
  table,
  "item",
  [
    { key: "n1", count: 0, weight: 7, vector: [70, 71] },
    { key: "n2", count: 3, weight: 8, vector: [80, 81] },
  ],
  undefined,
);
const keysIn = ({ keys, numRows }: EmbeddingTable) =>
  Array.from({ length: numRows }, (_, row) => keyAt(keys, row));

test("added rows stand after their field's own", () => {
  const whole = withAdded(table, added);
  expect(keysIn(whole)).toEqual(["u1", "u2", "i1", "i2", "i3", "n1", "n2", "b1"]);
  expect([...whole.fieldOf]).toEqual([0, 0, 1, 1, 1, 1, 1, 2]);
  expect([...whole.counts]).toEqual([5, 4, 9, 8, 7, 0, 3, 1]);
  expect([...whole.weights!]).toEqual([0, 1, 2, 3, 4, 7, 8, 5]);
  expect([...whole.vectors.subarray(8, 14)]).toEqual([8, 9, 70, 71, 80, 81]);
});

test("rows that are read a batch at a time are the same, whole and in every range", async () => {
  // reads the table in batches of two rows, so that fields end within batches
  const small: TableRows = {
    ...tableRows(table),
    async *batches({ range = { first: 0, last: 6 } } = {}) {
      for (let start = range.first; start < range.last; start += 2)
        yield { start, table: sliceRows(table, { first: start, last: Math.min(start + 2, range.last) }) };
    },
  };
  const run = {
    tables: ["default", "added"],
    readTable: async () => await Promise.resolve(added),
    withRows: async (_: string | undefined, use: (rows: TableRows) => Promise<unknown>) => await use(small),
  } as unknown as Run;
  const whole = withAdded(table, added);
  await rowsWithAdded(run, undefined, async (rows) => {
    expect(await loadRows(rows)).toEqual(whole);
    for (let first = 0; first <= 8; first++)
      for (let last = first; last <= 8; last++) {
        const got: string[] = [];
        let at = first;
        for await (const { start, table: batch } of rows.batches({ range: { first, last } })) {
          expect(start).toBe(at);
          at += batch.numRows;
          got.push(...keysIn(batch));
        }
        expect(got).toEqual(keysIn(whole).slice(first, last));
      }
  });
  // the name `default` selects the trained table without the added rows
  await rowsWithAdded(run, "default", async (rows) => expect(await loadRows(rows)).toEqual(table));
});

test("a key that was added before is replaced, others stay", () => {
  const again = addedTable(table, "item", [{ key: "n1", count: 2, weight: 1, vector: [1, 2] }], added);
  expect(keysIn(again)).toEqual(["n2", "n1"]);
  expect([[...again.counts], [...again.weights!], [...again.vectors]]).toEqual([
    [3, 2],
    [8, 1],
    [80, 81, 1, 2],
  ]);
});
