// Tests that apache-arrow reads exported Arrow files; .ci/ reads them with pyarrow as well.

import { encodeKeys } from "../../log/keys.js";
import { tableFromIPC } from "apache-arrow";
import { tableRows } from "../../table/rows.js";
import type { EmbeddingTable } from "../../table/table.js";
import { arrow } from "./arrow.js";
import { encoded, type Dtype } from "../dtype.js";
import { selectRows } from "../selection.js";

const table: EmbeddingTable = {
  dim: 3,
  numRows: 3,
  fields: ["user", "item"],
  fieldOf: Uint32Array.of(0, 1, 1),
  keys: encodeKeys(["é", "a,\n", ""]),
  counts: Uint32Array.of(0xffffffff, 2, 0),
  weights: Float32Array.of(0.5, -1, 0),
  vectors: Float32Array.of(1, -2.7, 0.001, 3, 4, 5, 0, 0, 0),
};

/** Returns the columns by name, as arrays; the numbers of vectors are returned as bits. */
async function read(dtype: Dtype, withWeight: boolean): Promise<Record<string, readonly unknown[]>> {
  const chunks: Uint8Array[] = [];
  const selection = await selectRows(tableRows(table), { withWeight, strict: false, dtype });
  for await (const chunk of arrow.chunks(selection)) chunks.push(Uint8Array.from(chunk));
  const file = tableFromIPC(Buffer.concat(chunks));
  const columns = file.schema.fields.map(({ name }) => {
    const column = file.getChild(name)!;
    const values = column.data[0]!.children[0]?.values as Iterable<unknown> | undefined;
    // Arrow pads the buffers of numbers, so they are cut to the number of rows
    return [name, [...(values ?? (column as Iterable<unknown>))].slice(0, values ? 9 : 3)] as const;
  });
  return Object.fromEntries(columns);
}

test.each(["f32", "f16", "i8"] as const)(
  "%s: the columns are those asked for, weights and scales too",
  async (dtype) => {
    const { values, scales } = encoded(table.vectors, 3, dtype);
    const expected = {
      field: ["user", "item", "item"],
      key: ["é", "a,\n", ""],
      count: [...table.counts],
      ...(scales && { scale: [...scales] }),
      vector: [...values],
    };
    expect(await read(dtype, false)).toEqual(expected);
    expect(await read(dtype, true)).toEqual({ ...expected, weight: [...table.weights!] });
  },
);
