// Tests that --dedupe-by gives the same rows as a slow reference, in every format, with any piece size and number of
// threads.

import * as fc from "fast-check";
import { gzipSync } from "node:zlib";
import { UsageError } from "../base/errors.js";
import { delimitedOf, jsonLinesOf, parquetOf } from "../testing/forms.js";
import { logFiles, rowsOf } from "../testing/log-rows.js";
import { defaultReadOptions } from "./log.js";
import { openLog } from "./open.js";

const { file } = logFiles();
const columns = ["id", "user", "n"];

/**
 * Returns the rows without those whose key another row has: the first or the last row of each key is kept, and rows
 * that lack a cell of the key are all kept.
 */
function reference(rows: readonly string[][], by: readonly string[], keep: "first" | "last"): string[][] {
  const keyOf = (row: string[]) => by.map((name) => row[columns.indexOf(name)]!);
  return rows.filter((row, r) => {
    const key = keyOf(row);
    if (key.includes("")) return true;
    const others = keep === "first" ? rows.slice(0, r) : rows.slice(r + 1);
    return !others.some((other) => keyOf(other).join("|") === key.join("|"));
  });
}

const id = fc.constantFrom("", "a", "b", "1", "1.0", "longer than sixteen bytes");
const row = fc.tuple(id, fc.constantFrom("", "u", "v"), fc.constantFrom("0", "1", "2"));
// the rows of a log in two files; a row without empty cells is added to the first file
const logs = fc.tuple(fc.array(row, { maxLength: 60 }), fc.array(row, { minLength: 1, maxLength: 60 }));

const formats = {
  csv: (rows: string[][]) => delimitedOf(columns, rows, ","),
  "csv.gz": (rows: string[][]) => gzipSync(delimitedOf(columns, rows, ",")),
  jsonl: (rows: string[][]) => jsonLinesOf(columns, rows),
  parquet: (rows: string[][]) => parquetOf(columns, rows, 7),
};

/** Every combination of key, row that is kept and size of the pieces, each with a seed of its own. */
const combinations = [["id"], ["user", "id"]]
  .flatMap((by) =>
    (["first", "last"] as const).flatMap((keep) => [9, 50, 1 << 20].map((size) => [by, keep, size] as const)),
  )
  .map((combination, i) => [...combination, 20263 + i] as const);

describe.each(Object.entries(formats))("a log of %s", (extension, written) => {
  test.each(combinations)(
    "has one row per key across files, in order, whatever the threads: %j, %s, in pieces of %i",
    async (dedupeBy, dedupeKeep, chunkBytes, seed) => {
      await fc.assert(
        fc.asyncProperty(logs, async ([first, second]) => {
          const parts = [[["z", "u", "0"], ...first], second];
          const paths = parts.map((rows, i) => file(`${i}.${extension}`, written(rows)));
          const sizes = { chunkBytes, localBytes: 2 * chunkBytes, ranges: { rangeRows: 3, localBytes: 0 } };
          const rows = parts.flat();
          const expected = reference(rows, dedupeBy, dedupeKeep);
          for (const threads of [1, 3]) {
            const got = await rowsOf(paths, { dedupeBy, dedupeKeep, threads }, { sizes, numbers: ["n"] });
            const texts = got.rows.map((cells) => cells.map((cell) => String(cell ?? "")));
            expect(texts).toEqual(expected);
            const withoutKey = rows.filter((cells) =>
              dedupeBy.some((name) => cells[columns.indexOf(name)] === ""),
            ).length;
            const dropped = rows.length - expected.length;
            expect(got.droppedDuplicates).toEqual({
              by: dedupeBy,
              keep: dedupeKeep,
              rows: dropped,
              withoutKey,
            });
          }
        }),
        { seed, numRuns: 1 },
      );
    },
  );
});

test("300,000 rows with 100,000 combinations are told apart, and columns that are not read stay unread", async () => {
  const lines = Array.from({ length: 300_000 }, (_, i) => `${i % 1000},${Math.floor(i / 1000) % 100},${i}`);
  const path = file("many.csv", `a,b,c\n${lines.join("\n")}\n`);
  for (const dedupeKeep of ["first", "last"] as const) {
    const log = await openLog([path], { ...defaultReadOptions, dedupeBy: ["a", "b"], dedupeKeep });
    const kept: number[] = [];
    const read = await log.read([{ name: "c", as: "number" }], ({ columns: [numbers] }) => {
      kept.push(...(numbers as Float64Array));
    });
    const from = dedupeKeep === "first" ? 0 : 200_000;
    expect([kept.length, kept.findIndex((n, i) => n !== from + i)]).toEqual([100_000, -1]);
    expect([read.numRows, read.dictionaries.length]).toEqual([100_000, 1]);
  }
});

describe("is doubtful", () => {
  const read = async (text: string) => (await rowsOf(file("x.csv", text), { dedupeBy: ["id"] })).warnings;

  test("if it drops no row, or most of them", async () => {
    expect(await read("id,user\n1,u\n2,u\n")).toEqual([
      "--dedupe-by id dropped no row: no two of 2 rows have the same key",
    ]);
    expect(await read(`id,user\n${"1,u\n".repeat(40)}`)).toEqual([
      "--dedupe-by id dropped 39 rows of 40, more than half: does the key identify one event?",
    ]);
    expect(await read("id,user\n1,u\n1,u\n2,u\n")).toEqual([]);
  });

  test("if rows have no key, or a key that stands for none", async () => {
    expect(await read("id,user\nnull,u\n,u\n1,u\n,v\nnull,v\nNone,v\n")).toEqual([
      "--dedupe-by id kept 2 rows without a key: an empty cell is never a duplicate",
      "'id' is 'null' in 2 rows and 'None' in 1 row, read as a key like any other: --null 'null,None' reads such cells as missing",
    ]);
  });
});

test("a column that does not exist is refused, and one that --ignore names is read", async () => {
  const path = file("y.csv", "event_id,user\n1,u\n1,u\n");
  await expect(rowsOf(path, { dedupeBy: ["eventid"] })).rejects.toThrow(
    new UsageError(
      "--dedupe-by: no column 'eventid', did you mean 'event_id'? The columns are: event_id, user",
    ),
  );
  const parquet = file(
    "y.parquet",
    parquetOf(
      ["event_id", "user"],
      [
        ["1", "u"],
        ["1", "v"],
      ],
    ),
  );
  const { numRows } = await rowsOf(parquet, { dedupeBy: ["event_id"], ignore: ["event_id"] });
  expect(numRows).toBe(1);
});
