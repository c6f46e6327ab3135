// Tests that hyparquet, which follows the specification, reads tables written as Parquet; .ci/ reads them with pyarrow,
// pandas and DuckDB as well.

import { encodeKeys } from "../../log/keys.js";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { tableRows } from "../../table/rows.js";
import type { EmbeddingTable } from "../../table/table.js";
import { draw } from "../../base/numeric/random.js";
import { decoded, encoded, type Dtype } from "../dtype.js";
import { parquet } from "./parquet.js";
import { selectRows } from "../selection.js";

const FIELDS = ["user of the first shop", "item é", "none", "context"];

/**
 * A table whose last but one field has no rows, with numbers in [-1, 1), and keys that are empty, short, or contain
 * quotes, line ends and non-ASCII characters.
 */
function tableOf(numRows: number, dim: number): EmbeddingTable {
  const keys = Array.from({ length: numRows }, (_, row) =>
    row === 2 ? "" : row % 3 === 0 ? `日本 🦊 "${row}"\n` : `k${row}`,
  );
  return {
    dim,
    numRows,
    fields: FIELDS,
    fieldOf: Uint32Array.from(keys, (_, row) => (row < numRows / 2 ? 0 : row < numRows - 1 ? 1 : 3)),
    keys: encodeKeys(keys),
    counts: Uint32Array.from(keys, (_, row) => (row === 0 ? 0xffffffff : numRows - row)),
    weights: Float32Array.from(keys, (_, row) => row / 7),
    vectors: Float32Array.from({ length: numRows * dim }, (_, i) => draw(1, i) / 2 ** 31 - 1),
  };
}

async function fileOf(table: EmbeddingTable, how: { wide?: boolean; dtype?: Dtype }): Promise<ArrayBuffer> {
  const selection = await selectRows(tableRows(table), { withWeight: true, strict: false, ...how });
  const chunks = [];
  for await (const chunk of parquet.chunks(selection)) chunks.push(Uint8Array.from(chunk));
  return Uint8Array.from(Buffer.concat(chunks)).buffer;
}

interface Read {
  texts: unknown[];
  /** numbers of all vectors, f32[rows * dim] */
  numbers: Float32Array;
}

/** Returns the expected contents: keys as text, and the numbers that `decoded` returns for the vectors. */
function expectedOf(table: EmbeddingTable, dtype: Dtype): Read {
  const { dim, keys, fieldOf, counts, weights, vectors } = table;
  const numbers = decoded(encoded(vectors, dim, dtype), dim, dtype);
  const texts = Array.from({ length: table.numRows }, (_, row) => [
    FIELDS[fieldOf[row]!],
    Buffer.from(keys.bytes.subarray(keys.offsets[row], keys.offsets[row + 1])).toString("utf8"),
    counts[row],
    weights![row],
  ]);
  return { texts, numbers };
}

async function rowsOf(file: ArrayBuffer, dim: number): Promise<Read> {
  const rows = await parquetReadObjects({ file, compressors });
  const numbers = rows.flatMap(({ scale = 1, vector, ...columns }) => {
    const values = (vector ?? Array.from({ length: dim }, (_, d) => columns[`v${d}`] as number)) as number[];
    return values.map((x) => x * (scale as number));
  });
  const texts = rows.map(({ field, key, count, weight }) => [field, key, count, weight]);
  return { texts, numbers: Float32Array.from(numbers) };
}

describe.each(["f32", "f16", "i8"] as const)("%s", (dtype) => {
  test.each([1, 3, 8, 64, 300])("lists and columns of %i numbers give the table back", async (dim) => {
    // lists of 300 numbers fill several pages, and the number of rows in a group is not a multiple of eight
    const table = tableOf(dim === 300 ? 2003 : 301, dim);
    const expected = expectedOf(table, dtype);
    for (const wide of dim === 300 ? [false] : [false, true]) {
      const got = await rowsOf(await fileOf(table, { wide, dtype }), dim);
      expect(got.texts).toEqual(expected.texts);
      expect(Buffer.compare(Buffer.from(got.numbers.buffer), Buffer.from(expected.numbers.buffer))).toBe(0);
    }
  });

  test("a table without rows has its columns", async () => {
    const file = await fileOf(tableOf(0, 3), { dtype });
    expect(parquetMetadata(file).num_rows).toBe(0n);
    expect(await rowsOf(file, 3)).toEqual({ texts: [], numbers: new Float32Array() });
  });
});

test("row groups of 65,536 rows state least and greatest field and count, and i8 takes a byte a number", async () => {
  const table = tableOf(65_536 + 24, 4);
  const [f32, i8] = [await fileOf(table, {}), await fileOf(table, { dtype: "i8" })];
  const groups = parquetMetadata(f32).row_groups.map(({ num_rows: numRows, columns }) => [
    numRows,
    ...[0, 1, 2].map((c) => {
      const { min_value: least, max_value: most } = columns[c]!.meta_data!.statistics ?? {};
      return [least, most];
    }),
  ]);
  expect(groups).toEqual([
    [65_536n, ["item é", "user of the first shop"], [undefined, undefined], [25, 0xffffffff]],
    [24n, ["context", "item é"], [undefined, undefined], [1, 24]],
  ]);
  const bytes = (file: ArrayBuffer): number =>
    Number(parquetMetadata(file).row_groups[0]!.columns.at(-1)!.meta_data!.total_compressed_size);
  // in addition to the numbers, the file contains a bit for each repetition or definition level, and page headers
  expect(bytes(f32) / (65_536 * 4 * 4)).toBeLessThan(1.04);
  expect(bytes(i8) / (65_536 * 4)).toBeLessThan(1.14);
  const again = await fileOf(table, {});
  expect(Buffer.from(again).equals(Buffer.from(f32))).toBe(true);
});
