// Texts that represent a missing cell, in every format, for keys and numbers, and for any chunk size.

import { COMMON_NULLS, nullWarnings } from "./nulls.js";
import { logFiles, rowsOf } from "../testing/log-rows.js";

const { file } = logFiles();
const nulls = COMMON_NULLS;

test("are missing keys and numbers, quoted or not, and are counted with their texts", async () => {
  const text = 'k,n\nNULL,1\na,NaN\n\\N, NULL \n"N/A","NaN"\nnull,2\nNULLs,3\nNaN,\n';
  for (const chunkBytes of [4, 1 << 20]) {
    const {
      rows,
      nulls: found,
      dictionaries,
      log,
      badCells,
    } = await rowsOf(
      file("nulls.csv", text),
      { nulls },
      { numbers: ["n"], sizes: { chunkBytes, localBytes: 1 << 30 } },
    );
    expect(rows).toEqual([
      [null, 1],
      ["a", NaN],
      [null, NaN],
      [null, NaN],
      ["null", 2],
      ["NULLs", 3],
      [null, NaN],
    ]);
    expect(found).toEqual([
      { cells: 4, texts: ["NULL", "\\N", "N/A", "NaN"] },
      { cells: 3, texts: ["NaN", "NULL"] },
    ]);
    expect([dictionaries[0]!.size, badCells]).toEqual([3, []]);
    expect(log.sample[0]).toEqual(["", "1"]);
  }
});

test("are text without the option, and the texts of the option alone are missing", async () => {
  const path = file("plain.csv", "k\nNULL\nnone\n");
  expect((await rowsOf(path)).rows).toEqual([["NULL"], ["none"]]);
  expect((await rowsOf(path, { nulls: ["none"] })).rows).toEqual([["NULL"], [null]]);
});

test("give the codes of empty cells, at any number of threads", async () => {
  const line = (i: number, missing: string) => `u${i % 97},${i % 5 === 0 ? missing : `i${i % 53}`}\n`;
  const log = (missing: string) =>
    `u,i\n${Array.from({ length: 5000 }, (_, i) => line(i, missing)).join("")}`;
  const codes = async (missing: string, threads: number) => {
    const options = { nulls, threads };
    const { rows, dictionaries } = await rowsOf(file("many.csv", log(missing)), options, {
      sizes: { chunkBytes: 1000, localBytes: 5000 },
    });
    return { rows, dictionaries };
  };
  const expected = await codes("", 1);
  for (const threads of [1, 3]) expect(await codes("\\N", threads)).toEqual(expected);
});

test("of JSON lines are strings, as in CSV", async () => {
  const { rows } = await rowsOf(file("nulls.jsonl", '{"a":"NULL","b":"x"}\n{"a":null,"b":"NaN"}\n'), {
    nulls,
  });
  expect(rows).toEqual([
    [null, "x"],
    [null, null],
  ]);
});

test("are told in one sentence", () => {
  const found = new Map([
    ["a", { cells: 1, texts: ["NULL"] }],
    ["b", { cells: 0, texts: [] }],
    ["c", { cells: 1200, texts: ["\\N", "NaN"] }],
  ]);
  expect(nullWarnings(found)).toEqual([
    "read as missing: 1 cell of 'a' (NULL), 1,200 cells of 'c' (\\N, NaN); --null '' keeps these strings",
  ]);
  expect(nullWarnings(new Map())).toEqual([]);
});
