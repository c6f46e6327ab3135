// Expects that rows read from disk in batches equal the rows of the table in memory, for any range.

import { encodeKeys } from "../log/keys.js";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { draw } from "../base/numeric/random.js";
import { writeChunks } from "../base/io/write.js";
import { arrowChunks, arrowRows } from "./arrow.js";
import {
  keyedRows,
  laterRows,
  loadRows,
  pickedTable,
  rangeOf,
  ROWS_A_BATCH,
  rowsWithin,
  sliceRows,
  tableRows,
  vectorsIn,
  vectorsOfRows,
  wholeFields,
  type TableRows,
} from "./rows.js";
import { pickRows, vectorsAt, type EmbeddingTable, type RowRange } from "./table.js";

// the first field ends within a batch, the third at the end of one, and the second has no rows
const fields = ["user", "none", "item", "price"];
const ends = [ROWS_A_BATCH - 3, ROWS_A_BATCH - 3, 2 * ROWS_A_BATCH, 2 * ROWS_A_BATCH + 1];
const numRows = ends.at(-1)!;
const table: EmbeddingTable = {
  dim: 3,
  numRows,
  fields,
  fieldOf: Uint32Array.from({ length: numRows }, (_, row) => ends.findIndex((end) => row < end)),
  keys: encodeKeys(Array.from({ length: numRows }, (_, row) => (row + 1 === numRows ? "" : `é${row}`))),
  counts: Uint32Array.from({ length: numRows }, (_, row) => draw(1, row) >>> 20),
  weights: Float32Array.from({ length: numRows }, (_, row) => draw(2, row) / 2 ** 32),
  vectors: Float32Array.from({ length: 3 * numRows }, (_, i) => draw(3, i) / 2 ** 32),
};

const folder = mkdtempSync(join(tmpdir(), "rows-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Returns the shape of a table and a digest of its arrays, because comparing millions of numbers one by one takes long.
 */
function digest({
  dim,
  numRows: rows,
  fields: names,
  fieldOf,
  keys,
  counts,
  weights,
  vectors,
}: EmbeddingTable): unknown {
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of [
    fieldOf,
    keys.bytes,
    keys.offsets,
    counts,
    weights!,
    vectors,
  ])
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return { dim, rows, names, bytes: hash.digest("hex") };
}

async function withFile(use: (rows: TableRows) => Promise<void>, written = tableRows(table)): Promise<void> {
  const path = join(folder, "t.arrow");
  await writeChunks(path, arrowChunks(written));
  const file = await open(path);
  try {
    await use(await arrowRows(file, path));
  } finally {
    await file.close();
  }
}

/** Returns the range of rows of each batch. */
async function batchesOf(rows: TableRows): Promise<[first: number, last: number][]> {
  const found: [number, number][] = [];
  for await (const { start, table: batch } of rows.batches()) found.push([start, start + batch.numRows]);
  return found;
}

test("a run's file has one batch, and where a batch may not hold all, one a field if it can", async () => {
  const [users, items, all] = [ends[0]!, ends[2]!, ends[3]!];
  expect(await batchesOf(wholeFields(table))).toEqual([[0, all]]);
  // the maximum number of bytes is large enough for each of the two large fields alone, and for the last two fields
  // together
  expect(await batchesOf(wholeFields(table, 12 * (all - users)))).toEqual([
    [0, users],
    [users, all],
  ]);
  expect(await batchesOf(wholeFields(table, 12 * (users - 1)))).toEqual([
    [0, Math.ceil(users / 2)],
    [Math.ceil(users / 2), users],
    [users, users + Math.ceil((items - users) / 2)],
    [users + Math.ceil((items - users) / 2), all],
  ]);
  // the maximum also applies to the bytes of the keys, which exceed those of the one-dimensional vectors here
  const keyBytes = table.keys.offsets[items]! - table.keys.offsets[users]!;
  const narrow = { ...table, dim: 1, vectors: table.vectors.subarray(0, all) };
  expect(await batchesOf(wholeFields(narrow, keyBytes))).toEqual([
    [0, users],
    [users, all],
  ]);
});

test.each([
  ["batches of 65,536 rows", () => tableRows(table)],
  ["one batch", () => wholeFields(table)],
])(
  "every range of a file of %s is the same rows as of the table, in batches that follow each other",
  async (_, written) => {
    await withFile(async (rows) => {
      expect(digest(await loadRows(rows))).toEqual(digest(table));
      for (const [first, last] of [
        [0, 1],
        [ROWS_A_BATCH - 2, ROWS_A_BATCH + 2],
        [ROWS_A_BATCH, 2 * ROWS_A_BATCH],
        [5, 5],
        [numRows - 1, numRows],
      ] as const) {
        let next = first;
        for await (const batch of rows.batches({ range: { first, last } })) {
          expect(batch.start).toBe(next);
          next += batch.table.numRows;
          expect(batch.table.numRows).toBeLessThanOrEqual(ROWS_A_BATCH);
          expect(digest(batch.table)).toEqual(digest(sliceRows(table, { first: batch.start, last: next })));
        }
        expect(next).toBe(last);
      }
    }, written());
  },
);

test("a field's rows are found across batches, and a pass without vectors has none", async () => {
  await withFile(async (rows) => {
    const ranges = await Promise.all(fields.map(async (field) => await rangeOf(rows, field)));
    expect(ranges.filter((_, f) => f !== 1)).toEqual([
      { first: 0, last: ends[0] },
      { first: ends[0], last: ends[2] },
      { first: ends[2], last: ends[3] },
    ]);
    expect(ranges[1]!.last - ranges[1]!.first).toBe(0);
    for await (const batch of rows.batches({ vectors: false })) {
      expect(batch.table.vectors.length).toBe(0);
      expect(batch.table.counts).toEqual(
        table.counts.subarray(batch.start, batch.start + batch.table.numRows),
      );
    }
  });
});

test("vectors that are read while a table is written give the bytes of the table in memory, in one batch or several", async () => {
  const { vectors, ...keyed } = table;
  const written = async (rows: TableRows): Promise<string> =>
    (await writeChunks(join(folder, "later.arrow"), arrowChunks(rows))).sha256;
  const later = async ({ first, last }: RowRange) =>
    await Promise.resolve(vectors.slice(3 * first, 3 * last));
  for (const most of [undefined, 12 * (ends[0]! - 1)])
    expect(await written(laterRows(keyed, later, most))).toBe(await written(wholeFields(table, most)));
});

test("vectors of rows in any order, repeated, far apart and beyond the last row", async () => {
  const picked = Uint32Array.of(numRows - 1, 7, 0xffffffff, 7, ROWS_A_BATCH, 0, numRows, ROWS_A_BATCH - 1);
  const expected = vectorsAt(table, picked);
  await withFile(async (rows) => {
    expect(await vectorsOfRows(rows, picked)).toEqual(expected);
    expect(await vectorsOfRows(rows, new Uint32Array())).toEqual(new Float32Array());
    const stored = await keyedRows(rows);
    const rowsOfPick = Uint32Array.of(3, ROWS_A_BATCH, numRows - 1);
    expect(digest(await pickedTable(stored, rowsOfPick))).toEqual(digest(pickRows(table, rowsOfPick)));
    const range = { first: ROWS_A_BATCH - 5, last: ROWS_A_BATCH + 5 };
    expect(await vectorsIn(rows, range)).toEqual(table.vectors.slice(3 * range.first, 3 * range.last));
    expect(await loadRows(rowsWithin(rowsWithin(rows, range), { first: 2, last: 7 }))).toMatchObject({
      numRows: 5,
      counts: table.counts.slice(range.first + 2, range.first + 7),
    });
  });
});
