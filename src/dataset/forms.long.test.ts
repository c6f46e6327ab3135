// Expects that the same events give the same dataset in every file format.

import * as fc from "fast-check";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultReadOptions, type ReadOptions } from "../log/log.js";
import { openLog } from "../log/open.js";
import { temporaryFolder } from "../testing/embed.js";
import { delimitedOf, jsonLinesOf, parquetOf } from "../testing/forms.js";
import { buildDataset } from "./build.js";
import type { Dataset } from "./dataset.js";

const folder = temporaryFolder();

async function datasetOf(
  name: string,
  content: string | Uint8Array,
  reading: Partial<ReadOptions> = {},
): Promise<Dataset> {
  const path = join(folder, name);
  writeFileSync(path, content);
  const log = await openLog([path], { ...defaultReadOptions, threads: 1, ...reading });
  const options = {
    numeric: [],
    multi: {},
    ignore: [],
    infer: true,
    unlabelled: false,
    filters: [],
    onBadRow: "error",
  } as const;
  const { dataset } = await buildDataset(log, [], {
    ...options,
    numeric: [],
    multi: {},
    ignore: [],
    filters: [],
  });
  return { ...dataset, inputs: [] };
}

describe("CSV, TSV, JSON lines and Parquet of the same events", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "é", "🫖", '"', "\n", "\r\n", ",", "\t", "0", " ", "\\", "\0"),
    maxLength: 5,
  });
  const key = fc.oneof(
    fc.constant(""),
    fc.constantFrom("u1", "007", "7", "__proto__", "true", "null", "1e3"),
    text,
  );
  // rows without a label are invalid, so labels are always present; other cells may be missing
  const row = fc.tuple(
    fc.constantFrom("0", "1"),
    key,
    key,
    fc.oneof(
      fc.constant(""),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => String(x + 0.5)),
    ),
  );
  const columns = ["click", "user_id", "item_id", "price"];

  test("are the same dataset", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 60 }),
        fc.constantFrom(7, 1000),
        async (rows, groupSize) => {
          const expected = await datasetOf("log.csv", delimitedOf(columns, rows, ","));
          expect(expected.numRows).toBe(rows.length);
          expect(await datasetOf("log.tsv", delimitedOf(columns, rows, "\t"))).toEqual(expected);
          expect(await datasetOf("log.jsonl", jsonLinesOf(columns, rows))).toEqual(expected);
          expect(await datasetOf("log.parquet", parquetOf(columns, rows, groupSize))).toEqual(expected);
        },
      ),
      { seed: 20263, numRuns: 150 },
    );
  });

  test("have lists as several-valued columns, as CSV has with --multi", async () => {
    const lines = '{"click":1,"tags":["a","b"]}\n{"click":0,"tags":[]}\n{"click":0,"tags":["b"]}\n';
    const { columns, roles } = await datasetOf("lists.jsonl", lines);
    expect(roles).toMatchObject({ label: "click", multi: { tags: "|" } });
    expect(columns[1]).toMatchObject({
      kind: "multi",
      values: Uint32Array.of(0, 1, 1),
      indptr: Uint32Array.of(0, 2, 3),
    });
  });
});
