import { keyAt } from "./keys.js";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { defaultReadOptions, type ReadOptions, type ReadSizes } from "./log.js";
import { openLog } from "./open.js";
import { logFiles, rowsOf } from "../testing/log-rows.js";

const { folder, file } = logFiles();

const tiny: ReadSizes = { chunkBytes: 16, localBytes: 1 << 30 };

describe("openLog accepts", () => {
  const expected = [
    ["1", "x"],
    ["2", null],
  ];
  test.each<[string, string, string | Uint8Array, Partial<ReadOptions>]>([
    ["commas", "a.csv", "a,b\n1,x\n2,\n", {}],
    ["no newline at the end", "b.csv", "a,b\n1,x\n2,", {}],
    ["\\r\\n", "c.csv", "a,b\r\n1,x\r\n2,\r\n", {}],
    ["a \\r\\n header before \\n rows", "d.csv", "a,b\r\n1,x\n2,\n", {}],
    ["a \\n header before \\r\\n rows", "e.csv", "a,b\n1,x\r\n2,\r\n", {}],
    ["tabs in .tsv", "a.tsv", "a\tb\n1\tx\n2\t\n", {}],
    ["tabs in .csv", "f.csv", "a\tb\n1\tx\n2\t\n", {}],
    ["semicolons", "g.csv", "a;b\n1;x\n2;\n", {}],
    ["bars", "h.txt", "a|b\n1|x\n2|\n", {}],
    ["a given delimiter", "i.csv", "a:b\n1:x\n2:\n", { delimiter: ":" }],
    ["a byte-order mark", "j.csv", "\ufeffa,b\n1,x\n2,\n", {}],
    ["quoted cells", "k.csv", '"a","b"\n"1","x"\n"2",""\n', {}],
    ["quoted cells with \\r\\n", "l.csv", '"a","b"\r\n"1","x"\r\n"2",""\r\n', {}],
    ["white space after a closing quote", "m.csv", 'a,b\n"1" ,"x" \n2,""\t\n', {}],
    ["blank lines", "n.csv", "\n\r\na,b\n\n1,x\n\r\n\n2,\n\n", {}],
    ["comments", "o.csv", '#"\na,b\n#1,"x\n1,x\n# ,\n2,\n#', { comment: "#" }],
    ["gzip", "p.csv.gz", gzipSync("a,b\n1,x\n2,\n"), {}],
    ["two members of gzip", "q.gz", Buffer.concat([gzipSync("a,b\n1,x"), gzipSync("\n2,\n")]), {}],
    ["utf-16le", "r.csv", Buffer.from("\ufeffa,b\n1,x\n2,\n", "utf16le"), { encoding: "utf-16le" }],
    ["utf-16be", "s.csv", Buffer.from("\ufeffa,b\n1,x\n2,\n", "utf16le").swap16(), { encoding: "utf-16be" }],
  ])("%s", async (_, name, content, options) => {
    for (const sizes of [undefined, tiny]) {
      const { columns, rows } = await rowsOf(file(name, content), options, sizes ? { sizes } : {});
      expect(columns).toEqual(["a", "b"]);
      expect(rows).toEqual(expected);
    }
  });

  test("a log without a header, whose columns are c0, c1, ...", async () => {
    const { columns, rows } = await rowsOf(file("nohead.csv", "1,x\n2,y\n"), { header: false });
    expect(columns).toEqual(["c0", "c1"]);
    expect(rows).toEqual([
      ["1", "x"],
      ["2", "y"],
    ]);
  });

  test('a log of one column, whose empty line is blank and whose "" is an empty cell', async () => {
    const { rows } = await rowsOf(file("one.csv", 'a\nx\n\n""\ny'));
    expect(rows).toEqual([["x"], [null], ["y"]]);
  });

  test("gb18030", async () => {
    const bytes = Buffer.concat([
      Buffer.from("a,b\n"),
      Buffer.from([0xc4, 0xe3, 0x2c, 0x94, 0x39, 0xda, 0x33, 0x0a]),
    ]);
    for (const sizes of [tiny, { ...tiny, chunkBytes: 1 }]) {
      const { rows } = await rowsOf(file("gb.csv", bytes), { encoding: "gb18030" }, { sizes });
      expect(rows).toEqual([["你", "💩"]]);
    }
  });

  test("quoted newlines, escaped quotes, delimiters and \\r in quotes, and quotes that are data", async () => {
    const path = file("quotes.csv", 'a,b\r\n"x\r\ny","say ""hi"", he\r"\r\n5" pipe,"\n"\n');
    for (const chunkBytes of [1, 3, 7, 1 << 20]) {
      const { rows } = await rowsOf(path, {}, { sizes: { ...tiny, chunkBytes } });
      expect(rows).toEqual([
        ["x\r\ny", 'say "hi", he\r'],
        ['5" pipe', "\n"],
      ]);
    }
  });

  test("the delimiter of the header, whatever the rows hold", async () => {
    const { rows, delimiter } = await rowsOf(file("bars.csv", "user,genres\n1,A|B|C\n"));
    expect(delimiter).toBe(",");
    expect(rows).toEqual([["1", "A|B|C"]]);
  });

  test("odd keys: __proto__, emoji, NUL, a byte-order mark, 200 characters, leading zeros", async () => {
    const keys = [
      "__proto__",
      "constructor",
      "👩‍👩‍👧",
      "a\0b",
      "\ufeffx",
      "é".repeat(200),
      "0002844",
      "2844",
      " x",
    ];
    const path = file("odd.csv", `k,q\n${keys.map((key) => `${key},"${key}"`).join("\n")}`);
    for (const chunkBytes of [1, 5, 64, 1 << 20]) {
      const { rows } = await rowsOf(path, {}, { sizes: { ...tiny, chunkBytes } });
      expect(rows).toEqual(keys.map((key) => [key, key]));
    }
  });

  test("several files as one log, with codes by first appearance in all", async () => {
    const paths = [file("w1.csv", "a,b\n1,x\n2,y"), file("w2.csv", "a,b\r\n3,y\n1,z\n")];
    const { rows, dictionaries, inputs } = await rowsOf(paths);
    expect(rows).toEqual([
      ["1", "x"],
      ["2", "y"],
      ["3", "y"],
      ["1", "z"],
    ]);
    expect(Array.from({ length: 3 }, (_, code) => keyAt(dictionaries[1]!, code))).toEqual(["x", "y", "z"]);
    expect(inputs.map(({ path, bytes }) => [path, bytes])).toEqual([
      [paths[0], 11],
      [paths[1], 13],
    ]);
  });

  test("standard input", () => {
    const script = `
      import { openLog } from ${JSON.stringify(new URL("./open.js", import.meta.url).href)};
      import { defaultReadOptions } from ${JSON.stringify(new URL("./log.js", import.meta.url).href)};
      const log = await openLog(["-"], defaultReadOptions);
      const { numRows, inputs } = await log.read([{ name: "b", as: "number" }], () => {});
      console.log(JSON.stringify({ numRows, inputs, sample: log.sample.length }));`;
    const input = `a,b\n${"x,1\n".repeat(100000)}`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
      input,
      encoding: "utf8",
    });
    const sha256 = createHash("sha256").update(input).digest("hex");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      numRows: 100000,
      inputs: [{ path: "-", bytes: input.length, sha256 }],
      sample: 1000,
    });
  });
});

describe("Log", () => {
  test("shows at most 1,000 rows as a sample and says whether they are all", async () => {
    for (const [n, isAll] of [
      [999, true],
      [1000, true],
      [1001, false],
    ] as const) {
      const log = await openLog([file(`sample${n}.csv`, `a\n${"x\n".repeat(n)}`)], defaultReadOptions, tiny);
      expect([log.sample.length, log.sampleIsAll]).toEqual([Math.min(n, 1000), isAll]);
      expect((await log.read([], () => undefined)).numRows).toBe(n);
    }
  });

  test("fingerprints the bytes on disk, compressed", async () => {
    const bytes = gzipSync("a\nx\n");
    const { inputs } = await rowsOf(file("print.csv.gz", bytes));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    expect(inputs).toEqual([{ path: join(folder, "print.csv.gz"), bytes: bytes.length, sha256 }]);
  });

  test("gives a column as keys and as numbers at once", async () => {
    const log = await openLog([file("twice.csv", "a\n7\n07\n7\n")], defaultReadOptions);
    const columns: unknown[] = [];
    await log.read(
      [
        { name: "a", as: "key" },
        { name: "a", as: "number" },
        { name: "a", as: "key" },
      ],
      (batch) => void columns.push(...batch.columns.map((column) => Array.from(column)), batch.sizes),
    );
    expect(columns).toEqual([
      [0, 1, 0],
      [7, 7, 7],
      [0, 1, 0],
      [2, 0, 2],
    ]);
  });

  test("reports cells that are no finite number with line and text, and takes empty ones as missing", async () => {
    const texts = [
      "1",
      "",
      " ",
      " -2.5e3 ",
      "0x10",
      "Infinity",
      "NaN",
      "1e999",
      "1_0",
      "twelve",
      "+.5",
      "5.",
    ];
    const path = file(
      "numbers.csv",
      `k,a\n\n${texts.map((text) => `k,${text}`).join("\n")}\n"k","x\ny"\nk,z`,
    );
    for (const sizes of [undefined, tiny]) {
      const { rows, badCells } = await rowsOf(path, {}, { numbers: ["a"], sizes });
      expect(rows.map((row) => row[1])).toEqual([
        1,
        NaN,
        NaN,
        -2500,
        NaN,
        NaN,
        NaN,
        NaN,
        NaN,
        NaN,
        0.5,
        5,
        NaN,
        NaN,
      ]);
      expect(badCells.map(({ line, text, file }) => [line, text, file])).toEqual(
        [
          [7, "0x10"],
          [8, "Infinity"],
          [9, "NaN"],
          [10, "1e999"],
          [11, "1_0"],
          [12, "twelve"],
          [15, "x\ny"],
          [17, "z"],
        ].map((cell) => [...cell, path]),
      );
    }
  });

  test("leaves bad rows out and counts them when told so, with none of their keys", async () => {
    const text = 'a,b\n1,x\nbad\n2,y\nbad,bad,bad\n"bad"bad",bad\n3,z\n';
    for (const sizes of [undefined, tiny]) {
      const { rows, skipped, dictionaries } = await rowsOf(
        file("skip.csv", text),
        { onBadRow: "skip" },
        sizes ? { sizes } : {},
      );
      expect(rows).toEqual([
        ["1", "x"],
        ["2", "y"],
        ["3", "z"],
      ]);
      expect(skipped).toEqual({ "wrong number of cells": 2, "malformed quote": 1 });
      expect(dictionaries.map(({ size }) => size)).toEqual([3, 3]);
    }
  });

  test("reads nothing into a key that is asked for no column", async () => {
    const log = await openLog([file("names.csv", "user_id,b\n1,2\n")], defaultReadOptions);
    await expect(log.read([{ name: "userid", as: "key" }], () => undefined)).rejects.toThrow(
      "no column 'userid', did you mean 'user_id'?",
    );
  });

  test("tells how far it is", async () => {
    const path = file("progress.csv", `a\n${"x\n".repeat(100)}`);
    const log = await openLog([path], defaultReadOptions, tiny);
    const seen: number[] = [];
    await log.read(
      [],
      () => undefined,
      ({ rows, totalBytes }) => seen.push(rows, totalBytes!),
    );
    expect(seen.slice(-2)).toEqual([100, 202]);
  });
});
