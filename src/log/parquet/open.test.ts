// Tests that Parquet logs have the same content as with hyparquet's own reader, for any number of threads and any range
// size.

import { parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { parquetWriteBuffer } from "hyparquet-writer";
import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fixture } from "../../testing/places.js";
import { logFiles, rowsOf } from "../../testing/log-rows.js";
import { integerBelow, mulberry32, pick } from "../../testing/random.js";
import { floatText, numberText } from "./text.js";

const { folder, file } = logFiles();

type Cell = string | number | bigint | boolean | Date | Cell[] | null | undefined;

function textOf(value: Cell): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (Array.isArray(value))
    return textOf(
      value
        .map(textOf)
        .filter((text) => text !== null)
        .join("|"),
    );
  if (value instanceof Date) return value.toISOString();
  return typeof value === "number" ? textOf(numberText(value)) : String(value);
}

/** Writes a file with columns of all types, in row groups and pages of several sizes. */
function randomFile(seed: number): Uint8Array {
  const random = mulberry32(seed);
  const numRows = 1 + integerBelow(200, random);
  const column = (name: string, type: string, value: () => unknown, nullable = random() < 0.6) => ({
    name,
    type,
    nullable,
    data: Array.from({ length: numRows }, () => (nullable && random() < 0.3 ? null : value())),
  });
  const few = 1 + integerBelow(50, random);
  const columnData = [
    column("text", "STRING", () => pick(["", "é🫖", `k${integerBelow(few, random)}`, "007"], random)),
    column("many", "STRING", () => `user-${integerBelow(1e6, random)}`),
    column("int", "INT32", () => integerBelow(200, random) - 100),
    column(
      "long",
      "INT64",
      () => BigInt(integerBelow(2 ** 53, random)) * BigInt(integerBelow(600, random) - 300),
    ),
    column("double", "DOUBLE", () => pick([0.1, -0, 1e21, 5, -2.5, NaN, Infinity, random()], random)),
    column("boolean", "BOOLEAN", () => random() < 0.5),
    column("time", "TIMESTAMP", () => new Date(integerBelow(2 ** 41, random))),
  ];
  const [codec, rowGroupSize, pageSize] = [
    pick(["UNCOMPRESSED", "SNAPPY"], random),
    1 + integerBelow(300, random),
    pick([64, 500, 1 << 20], random),
  ];
  return new Uint8Array(parquetWriteBuffer({ columnData, codec, rowGroupSize, pageSize } as never));
}

async function expectedRows(bytes: Uint8Array): Promise<(string | null)[][]> {
  const buffer = Uint8Array.from(bytes).buffer;
  const rows = await parquetReadObjects({ file: buffer, compressors });
  return rows.map((row) => Object.values(row).map((value) => textOf(value as Cell)));
}

describe("Parquet", () => {
  test("has the cells that hyparquet reads, in ranges of any size", async () => {
    for (let seed = 0; seed < 25; seed++) {
      const bytes = randomFile(seed);
      const path = file(`random-${seed}.parquet`, bytes);
      const ranges = { rangeRows: 1 + (seed % 9) * 11, localBytes: Infinity };
      const { rows } = await rowsOf(
        path,
        { threads: 1 },
        { sizes: { chunkBytes: 1, localBytes: 1, ranges } },
      );
      expect(rows).toEqual(await expectedRows(bytes));
    }
  });

  test("has numbers where they are asked for, and reports cells that are none", async () => {
    const bytes = randomFile(3);
    const path = file("numbers.parquet", bytes);
    const expected = await expectedRows(bytes);
    const names = ["int", "long", "double", "text"];
    const { rows, badCells, columns } = await rowsOf(
      path,
      { threads: 1 },
      {
        numbers: names,
        sizes: { chunkBytes: 1, localBytes: 1, ranges: { rangeRows: 13, localBytes: Infinity } },
      },
    );
    const numbers = (row: (string | number | null)[]) => names.map((name) => row[columns.indexOf(name)]);
    const isNumber = (text: string | null) => /^[-+.e0-9]+$/.test(text ?? "x");
    expect(rows.map(numbers)).toEqual(
      expected.map((row) => numbers(row).map((text) => (isNumber(text as string) ? Number(text) : NaN))),
    );
    const bad = expected.flatMap((row, r) =>
      columns.flatMap((name, request) => {
        const text = row[request];
        return names.includes(name) && text !== null && !isNumber(text!) ? [[r + 1, request, text]] : [];
      }),
    );
    expect(badCells.map(({ line, request, text }) => [line, request, text])).toEqual(bad);
    expect(bad.length).toBeGreaterThan(10);
  });

  test("gives the same codes, keys and numbers at one, two and three threads", async () => {
    const paths = [5, 6, 7].map((seed) => file(`threads-${seed}.parquet`, randomFile(seed)));
    const read = async (threads: number) => {
      const ranges = { rangeRows: 9, localBytes: threads === 1 ? Infinity : 0 };
      const sizes = { chunkBytes: 1, localBytes: 1, ranges };
      const { rows, dictionaries, inputs } = await rowsOf(paths, { threads }, { numbers: ["int"], sizes });
      return { rows, dictionaries, inputs };
    };
    const one = await read(1);
    expect(await read(2)).toEqual(one);
    expect(await read(3)).toEqual(one);
  });

  test("reads texts for missing cells as missing at any number of threads, and counts them", async () => {
    const random = mulberry32(8);
    const n = 400;
    const data = Array.from({ length: n }, () => {
      if (random() < 0.2) return null;
      return pick(["NULL", "none", `k${integerBelow(30, random)}`, `k${integerBelow(1e6, random)}`], random);
    });
    const columns = [true, false].map((isPlain) => {
      return {
        name: isPlain ? "plain" : "coded",
        data,
        type: "STRING",
        ...(isPlain && { encoding: "PLAIN" }),
      };
    });
    const written = parquetWriteBuffer({ columnData: columns, rowGroupSize: 150, pageSize: 200 } as never);
    const path = file("nulls.parquet", new Uint8Array(written));
    const expected = data.map((text) => (text === "NULL" || text === "none" ? null : text));
    const cells = data.filter((text) => text === "NULL" || text === "none").length;
    const texts = [...new Set(data.filter((text) => text === "NULL" || text === "none"))];
    for (const threads of [1, 2, 3]) {
      const ranges = { rangeRows: 23, localBytes: threads === 1 ? Infinity : 0 };
      const sizes = { chunkBytes: 1, localBytes: 1, ranges };
      const { rows, nulls, dictionaries } = await rowsOf(
        path,
        { threads, nulls: ["none", "NULL"] },
        { sizes },
      );
      expect(rows).toEqual(expected.map((text) => [text, text]));
      expect(nulls).toEqual([
        { cells, texts },
        { cells, texts },
      ]);
      const distinct = new Set(expected.filter((text) => text !== null));
      expect(dictionaries.map(({ size }) => size)).toEqual([distinct.size, distinct.size]);
    }
  });

  // the files were written by pyarrow 26: fixtures/parquet/make.py defines the same rows
  test.each(["pages-1", "pages-2"])(
    "has the cells of pyarrow's %s, by differences and in lists",
    async (name) => {
      const path = join(fixture("parquet"), `${name}.parquet`);
      const ranges = { rangeRows: 17, localBytes: Infinity };
      const { rows } = await rowsOf(
        path,
        { threads: 1 },
        { sizes: { chunkBytes: 1, localBytes: 1, ranges } },
      );
      expect(rows).toHaveLength(100);
      for (const [i, row] of rows.entries()) {
        expect(row).toEqual([
          i % 7 === 3 ? null : `key-${i % 30}`,
          `user-${i * i}`,
          String(i - 50),
          String(BigInt(i) * 1000000007n * 1000003n),
          floatText(Math.fround(i / 8)),
          String(i / 7),
          new Date(1577836800000 + i * 60001).toISOString(),
          i % 5 === 0 ? null : Array.from({ length: i % 4 }, (_, j) => `t${i + j}`).join("|") || null,
          ["alpha", "beta"][i % 2],
        ]);
      }
    },
  );

  test("leaves out rows without text under --on-bad-row skip, with the keys that only they have", async () => {
    const n = 60;
    const columnData = [
      { name: "user", data: Array.from({ length: n }, (_, i) => `u${i}`), type: "STRING" },
      {
        name: "day",
        type: "INT64",
        data: Array.from({ length: n }, (_, i) => (i % 10 === 4 ? 9n * 10n ** 18n : BigInt(i))),
      },
    ];
    const schema = [
      { name: "root", num_children: 2 },
      { name: "user", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
      { name: "day", type: "INT64", converted_type: "TIMESTAMP_MILLIS", repetition_type: "REQUIRED" },
    ];
    const data = columnData.map(({ name, data: values }) => ({ name, data: values }));
    const path = file(
      "faults.parquet",
      new Uint8Array(parquetWriteBuffer({ schema, columnData: data } as never)),
    );
    for (const threads of [1, 2]) {
      const ranges = { rangeRows: 8, localBytes: threads === 1 ? Infinity : 0 };
      const sizes = { chunkBytes: 1, localBytes: 1, ranges };
      const { rows, skipped, dictionaries } = await rowsOf(path, { threads, onBadRow: "skip" }, { sizes });
      expect(skipped).toEqual({ "no time": 6 });
      expect(rows.map(([user]) => user)).toEqual(
        Array.from({ length: n }, (_, i) => i)
          .filter((i) => i % 10 !== 4)
          .map((i) => `u${i}`),
      );
      expect(dictionaries[0]!.size).toBe(54);
      await expect(rowsOf(path, { threads }, { sizes })).rejects.toThrow(
        "faults.parquet:5: column 'day': the time is out of range (as in 12.5 % of the first 8 rows)",
      );
    }
  });

  test("of a directory has a column for each folder, and reads the columns that are asked for alone", async () => {
    for (const day of ["1", "2"]) {
      const parent = join(folder, "hive", `day=${day}`);
      mkdirSync(parent, { recursive: true });
      const columnData = [{ name: "user", data: [`u${day}`, "u"], type: "STRING" }];
      writeFileSync(join(parent, "x.parquet"), new Uint8Array(parquetWriteBuffer({ columnData } as never)));
    }
    const { rows } = await rowsOf(join(folder, "hive"), {}, { numbers: ["day"] });
    expect(rows).toEqual([
      ["u1", 1],
      ["u", 1],
      ["u2", 2],
      ["u", 2],
    ]);
  });

  test("with any byte changed is read or refused with its name, on threads too", async () => {
    const bytes = randomFile(11);
    const random = mulberry32(99);
    let refused = 0;
    for (let trial = 0; trial < 60; trial++) {
      const damaged = bytes.slice();
      damaged[4 + integerBelow(bytes.length - 8, random)] = integerBelow(256, random);
      const path = file("damaged.parquet", damaged);
      const threads = trial % 30 === 0 ? 2 : 1;
      const ranges = { rangeRows: 40, localBytes: threads === 1 ? Infinity : 0 };
      try {
        await rowsOf(path, { threads }, { sizes: { chunkBytes: 1, localBytes: 1, ranges } });
      } catch (error) {
        refused++;
        expect(error).toMatchObject({ name: "DataError", message: expect.stringContaining(path) });
      }
    }
    expect(refused).toBeGreaterThan(10);
  });
});

test("the fixtures are small", () => {
  for (const name of ["pages-1", "pages-2"])
    expect(readFileSync(join(fixture("parquet"), `${name}.parquet`)).length).toBeLessThan(20_000);
});
