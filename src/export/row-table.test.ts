import { encodeKeys } from "../log/keys.js";
import { tableFromIPC } from "apache-arrow";
import * as fc from "fast-check";
import { parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { integerBelow, mulberry32 } from "../testing/random.js";
import type { RowFormat } from "./row-formats.js";
import { ofOneSize, rowChunks, type RowBatch, type RowColumn } from "./row-table.js";

const columns: RowColumn[] = [
  { name: "key", type: "key" },
  { name: "count", type: "count" },
  { name: "half", type: "f32" },
  { name: "score", type: "f64" },
];

interface Row {
  key: string;
  count: number;
  half: number;
  score: number;
}

const row = fc.record({
  key: fc.constantFrom("", "a", "b,c", 'd"', "é\n"),
  count: fc.nat(2 ** 31),
  half: fc.constantFrom(0, -1.5, 0.25),
  score: fc.constantFrom(0.1, 1 / 3, -1e-300, 12345678901),
});

function batchOf(rows: readonly Row[]): RowBatch {
  return {
    numRows: rows.length,
    cells: [
      encodeKeys(rows.map(({ key }) => key)),
      Uint32Array.from(rows, ({ count }) => count),
      Float32Array.from(rows, ({ half }) => half),
      Float64Array.from(rows, ({ score }) => score),
    ],
  };
}

async function* each(batches: readonly RowBatch[]): AsyncGenerator<RowBatch> {
  for (const batch of batches) yield await Promise.resolve(batch);
}

async function bytesOf(format: RowFormat, batches: AsyncIterable<RowBatch>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of rowChunks(format, columns, batches)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks);
}

test("however rows come, a file has batches of one size, and every format gives the rows back", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(row, { maxLength: 9 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 7 }),
      async (parts, size) => {
        const rows = parts.flat();
        const sized = () => ofOneSize(each(parts.map(batchOf)), size);
        const sizes: number[] = [];
        for await (const { numRows } of sized()) sizes.push(numRows);
        const full = Math.floor(rows.length / size);
        const rest = rows.length % size;
        expect(sizes).toEqual([...Array.from({ length: full }, () => size), ...(rest > 0 ? [rest] : [])]);

        const lines = (await bytesOf("jsonl", sized())).toString().split("\n").slice(0, -1);
        expect(lines.map((line) => JSON.parse(line) as Row)).toEqual(rows);
        const arrow = tableFromIPC(await bytesOf("arrow", sized()));
        expect(arrow.toArray().map((got) => ({ ...(got as Row) }))).toEqual(rows);
        const bytes = await bytesOf("parquet", sized());
        const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
        expect(await parquetReadObjects({ file, compressors })).toEqual(rows);
        const { row_groups: groups } = await parquetMetadataAsync(file);
        expect(groups.map((group) => Number(group.num_rows))).toEqual(sizes);
        // the output of text formats does not depend on how rows are split into batches
        const csv = await bytesOf("csv", each([batchOf(rows)]));
        expect((await bytesOf("csv", sized())).equals(csv)).toBe(true);
      },
    ),
    { numRuns: 60, seed: 5 },
  );
});

test("many rows at once are the same text as few at a time", async () => {
  const names: RowColumn[] = [
    { name: "owner", type: "key" },
    { name: "rank", type: "count" },
    { name: "item", type: "key" },
    { name: "score", type: "f32" },
  ];
  const random = mulberry32(5);
  const numRows = 20_000;
  const bits = new Uint32Array(1);
  const anyFloat = (): number => {
    bits[0] = Math.floor(random() * 2 ** 32);
    const value = new Float32Array(bits.buffer)[0]!;
    return Number.isFinite(value) ? value : 0;
  };
  const kinds = [
    () => random() * 2 - 1,
    () => integerBelow(2_000_000, random) / 1000,
    () => 2 ** (integerBelow(60, random) - 30),
    () => -integerBelow(1_000_000_000, random),
    () => (random() - 0.5) * 10 ** (integerBelow(16, random) - 6),
    () => (random() < 0.5 ? -0 : 0),
    anyFloat,
  ];
  const scores = Float32Array.from({ length: numRows }, (_, row) => kinds[row % kinds.length]!());
  const long = "x".repeat(300_000);
  const owners = encodeKeys(
    Array.from({ length: numRows }, (_, row) => (row === 77 ? `${long}"` : `u${row}`)),
  );
  const items = encodeKeys(["a", "b,c", "twelve bytes", "é", long]);
  const places = Uint32Array.from({ length: numRows }, (_, row) =>
    row % 9000 === 4 ? 4 : row % 11 === 3 ? 0xffffffff : integerBelow(4, random),
  );
  const ranks = Uint32Array.from({ length: numRows }, (_, row) => (row % 5 === 0 ? 2 ** 32 - 1 - row : row));
  const all: RowBatch = { numRows, cells: [owners, ranks, { keys: items, places }, scores] };
  for (const format of ["csv", "jsonl"] as const) {
    const textOf = async (batches: AsyncIterable<RowBatch>): Promise<string> => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of rowChunks(format, names, batches)) chunks.push(Uint8Array.from(chunk));
      return Buffer.concat(chunks).toString("utf8");
    };
    const few = await textOf(ofOneSize(each([all]), 1000));
    expect((await textOf(each([all]))) === few).toBe(true);
    expect(few.split("\n")).toHaveLength(numRows + (format === "csv" ? 2 : 1));
  }
});
