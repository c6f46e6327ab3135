// Tests that hyparquet reads files written as Parquet; .ci/ reads them with pyarrow as well.

import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { ParquetRows } from "./encoding-parquet.js";

async function read(...chunks: Uint8Array[]): Promise<Record<string, unknown>[]> {
  const bytes = Buffer.concat(chunks);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  return await parquetReadObjects({ file, compressors });
}

test("keys and numbers come back, batch after batch", async () => {
  const rows = new ParquetRows([
    { name: "key", type: "key" },
    { name: "leaf", type: "integer" },
    { name: "x", type: "double" },
    { name: "v0", type: "float" },
  ]);
  const bytes = await read(
    rows.write([["a,\n", ""], Uint32Array.of(7, 0), Float64Array.of(0.1, NaN), f32(1, 2.5)]),
    rows.write([["é"], Uint32Array.of(31), Float64Array.of(-1e300), f32(-3)]),
    rows.end(),
  );
  expect(bytes).toEqual([
    { key: "a,\n", leaf: 7, x: 0.1, v0: 1 },
    { key: "", leaf: 0, x: NaN, v0: 2.5 },
    { key: "é", leaf: 31, x: -1e300, v0: -3 },
  ]);
});

test("a file without rows has its columns", async () => {
  const rows = new ParquetRows([{ name: "key", type: "key" }]);
  expect(await read(rows.write([[]]), rows.end())).toEqual([]);
});

function f32(...values: number[]): Float32Array {
  return Float32Array.from(values);
}
