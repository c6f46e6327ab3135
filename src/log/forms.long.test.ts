// Tests log formats other than delimited text: which input they accept and reject, and how they convert typed cells.

import { keyAt } from "./keys.js";
import * as fc from "fast-check";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { parseJsonRow } from "./text/json-row.js";
import { defaultReadOptions, type ReadOptions } from "./log.js";
import { openLog } from "./open.js";
import { temporaryFolder } from "../testing/embed.js";

const folder = temporaryFolder();

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Reads all cells of a log as text, and returns them with the warnings. */
async function readAll(paths: string | string[], options: Partial<ReadOptions> = {}, chunkBytes = 1 << 20) {
  const log = await openLog(
    [paths].flat(),
    { ...defaultReadOptions, threads: 1, ...options },
    { chunkBytes, localBytes: 1 << 30 },
  );
  const codes: number[][] = log.columns.map(() => []);
  const lines: number[] = [];
  const read = await log.read(
    log.columns.map((name) => ({ name, as: "key" as const })),
    (batch) => {
      batch.columns.forEach((column, c) => codes[c]!.push(...column));
      for (let row = 0; row < batch.numRows; row++) lines.push(batch.placeOf(row).line);
    },
  );
  const rows = lines.map((_, r) =>
    codes.map((column, c) => (column[r] === 0xffffffff ? "" : keyAt(read.dictionaries[c]!, column[r]!))),
  );
  return { columns: log.columns, multi: log.multi, sample: log.sample, rows, lines, codes, ...read };
}

/** Opens a log and returns the properties of its columns. */
async function opened(name: string, text: string, options: Partial<ReadOptions> = {}) {
  const log = await openLog([file(name, text)], { ...defaultReadOptions, threads: 1, ...options });
  await log.close();
  return log;
}

const refuses = (paths: string | string[], options: Partial<ReadOptions> = {}) =>
  expect(readAll(paths, options)).rejects;

/** Returns the path and the value of each member of nested objects that is not an object itself. */
function leavesOf(members: object, path = ""): [string, unknown][] {
  return Object.entries(members).flatMap(([name, value]): [string, unknown][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? leavesOf(value as object, `${path}${name}.`)
      : [[path + name, value]],
  );
}

describe("JSON lines", () => {
  test("have the keys of the first rows as columns in order of appearance, absent keys and null as missing", async () => {
    const path = file("a.jsonl", '{"b":"x","0":1}\n\n{"a":null,"b":"y"}\r\n{"0":2,"a":"z"}');
    const { columns, rows, lines } = await readAll(path);
    expect(columns).toEqual(["b", "0", "a"]);
    expect(rows).toEqual([
      ["x", "1", ""],
      ["y", "", ""],
      ["", "2", "z"],
    ]);
    expect(lines).toEqual([1, 3, 4]);
  });

  test("give typed cells the text that they stand for, and integers beyond 2^53 every digit", async () => {
    const cells = [
      "9007199254740993",
      "-0",
      "1.50",
      "1e3",
      "1E-7",
      "0.1",
      "true",
      "false",
      '"\\u00e9\\n"',
      '"007"',
    ];
    const path = file("types.ndjson", cells.map((cell) => `{"x":${cell}}`).join("\n"));
    const { rows } = await readAll(path);
    expect(rows.flat()).toEqual([
      "9007199254740993",
      "0",
      "1.5",
      "1000",
      "1e-7",
      "0.1",
      "true",
      "false",
      "é\n",
      "007",
    ]);
  });

  test("accept and refuse what JSON.parse does, and mean the same", () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3, stringUnit: "binary" }),
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 })),
    );
    const line = fc
      .tuple(value, fc.nat(), fc.constantFrom("", "", "", "]", "}", '"', ",", "\\", "0", ".", " "))
      .map(([v, at, noise]) => {
        const text = JSON.stringify(v);
        const cut = at % (text.length + 1);
        return noise === "" ? text : text.slice(0, cut) + noise + text.slice(cut);
      });
    fc.assert(
      fc.property(line, (line) => {
        let expected: unknown;
        try {
          expected = JSON.parse(line);
        } catch {
          expected = undefined;
        }
        const isObject = typeof expected === "object" && expected !== null && !Array.isArray(expected);
        let got: Map<string, unknown> | undefined;
        let reason = "";
        try {
          got = new Map(parseJsonRow(line));
        } catch (error) {
          reason = (error as { reason: string }).reason;
        }
        // skips valid JSON that is not a row: it has a repeated key, too large a number, or half a character
        if (["repeated key", "number too large", "half a character"].includes(reason)) return;
        expect(got !== undefined).toBe(isObject);
        if (!got || !isObject) return;
        const leaves = leavesOf(expected as object);
        const wrong = leaves.filter(([name, cell]) => {
          const text = got.get(name);
          if (typeof cell === "number") return !Object.is(Number(text), cell === 0 ? 0 : cell);
          return typeof cell === "string" ? text !== cell : cell === null && text !== "";
        });
        expect([got.size, ...wrong]).toEqual([leaves.length]);
      }),
      { seed: 20261, numRuns: 3000 },
    );
  });

  test("read strings and nests of a megabyte without a stack overflow", async () => {
    const long = "x\\n".repeat(350_000);
    const { rows } = await readAll(file("long.jsonl", `{"a":"${long}"}\n`));
    expect(rows[0]![0]!.length).toBe(700_000);
    await refuses(file("deep.jsonl", `{"a":${"[".repeat(1_000_000)}\n`)).toThrow(
      "expected at most 500 levels of nesting",
    );
  });

  test("join lists by |, or by the column's --multi, and refuse values that hold it", async () => {
    const path = file("lists.jsonl", '{"g":["a","b"]}\n{"g":[]}\n{"g":"c"}\n{"g":[1,null,true]}\n');
    expect((await readAll(path)).rows.flat()).toEqual(["a|b", "", "c", "1|true"]);
    expect((await readAll(path)).multi).toEqual({ g: "|" });
    expect((await readAll(path, { multi: { g: ";" } })).rows.flat()).toEqual(["a;b", "", "c", "1;true"]);
    await refuses(file("torn.jsonl", '{"g":["a"]}\n{"g":["a|b"]}\n')).toThrow(
      `torn.jsonl:2: column 'g': the value "a|b" contains the separator "|": use another separator with --multi 'g:;'`,
    );
  });

  test.each([
    ['{"a":1}\n[1]\n', ":2: expected one object per line"],
    [
      '{"a":1}\n{"a":[{"b":1}]}\n',
      ":2: column 'a': expected text, a number, true, false, null, an object or a list",
    ],
    ['{"a.b":1,"a":{"b":2}}\n', ':1: the keys of this object define "a.b" twice'],
    ['[{"a":1}]\n', ":1: expected one object per line, got a list (convert it with jq -c '.[]'"],
    ['{"a":[[1]]}\n', ":1: column 'a': expected text"],
    ['{"a":1,"a":2}\n', ':1: the key "a" occurs twice in this object'],
    ['{"a":1e999}\n', ':1: "1e999" is beyond a 64-bit float'],
    ['{"a":"\\ud800"}\n', ":1: a string has an unpaired surrogate"],
    ['{"a":1\n', ":1: expected '}', got the line's end at character 7"],
    ["user,item\n1,2\n", ":1: expected an object"],
    ["{}\n", ":1: the first rows have no columns"],
    ["\n\n", ":1: the file has no rows: expected one JSON object per line"],
  ])("refuse %j with its line", async (text, message) => {
    await refuses(file("bad.jsonl", text)).toThrow(message);
  });

  test("leave out a key that none of the first 1,000 rows has, and say so", async () => {
    const text = `${'{"user_id":1}\n'.repeat(1000)}{"user_id":1,"userid":2,"x":null}\n{"user_id":2,"userid":3}\n`;
    const { columns, rows, warnings } = await readAll(file("late.jsonl", text));
    expect([columns, rows.length]).toEqual([["user_id"], 1002]);
    expect(warnings).toEqual([
      `ignored the key "userid", which is not in the first rows (2 rows have it); did you mean 'user_id'?`,
    ]);
    expect((await readAll(file("late.jsonl", text), { ignore: ["userid"] })).warnings).toEqual([]);
  });

  test("have members of objects as columns by their paths, and leave out all of an ignored one", async () => {
    const text =
      '{"actor":{"id":"u1","geo":{"country":"FR"}},"n":1,"ctx":null}\n{"actor":null,"n":2,"ctx":{"tags":["a","b"]}}\n';
    const { columns, rows } = await readAll(file("nest.jsonl", text));
    expect(columns).toEqual(["actor.id", "actor.geo.country", "n", "ctx.tags"]);
    expect(rows).toEqual([
      ["u1", "FR", "1", ""],
      ["", "", "2", "a|b"],
    ]);
    const less = await readAll(file("nest.jsonl", text), { ignore: ["actor", "ctx.tags"] });
    expect(less.columns).toEqual(["actor", "n", "ctx.tags"]);
    expect(less.rows.map((row) => row[0])).toEqual(["", ""]);
  });

  test("leave out and count malformed rows under --on-bad-row skip", async () => {
    const path = file("skip.jsonl", '{"a":1}\nnope\n{"a":[{}]}\n{"a":2}\n');
    const { rows, lines, skipped } = await readAll(path, { onBadRow: "skip" });
    expect([rows.flat(), lines]).toEqual([
      ["1", "2"],
      [1, 4],
    ]);
    expect(skipped).toEqual({ "malformed JSON": 1, "nested value": 1 });
  });

  test("are read in any encoding, with a byte-order mark, compressed, from pieces of any size", async () => {
    const text = '{"a":"é"}\n{"a":"日本"}\n{"a":"é"}\n';
    const expected = ["é", "日本", "é"];
    expect((await readAll(file("bom.jsonl", `\ufeff${text}`))).rows.flat()).toEqual(expected);
    expect((await readAll(file("z.jsonl.gz", gzipSync(text)))).rows.flat()).toEqual(expected);
    const wide = Buffer.from(text, "utf16le");
    expect((await readAll(file("w.jsonl", wide), { encoding: "utf-16le" })).rows.flat()).toEqual(expected);
    for (const size of [1, 2, 3, 7, 20])
      expect((await readAll(file("p.jsonl", text), {}, size)).rows.flat()).toEqual(expected);
    await refuses(file("latin.jsonl", Buffer.from('{"a":"ok"}\n{"a":"\xe9"}\n', "latin1"))).toThrow(
      "latin.jsonl:2: invalid UTF-8",
    );
  });
});

describe("Parquet", () => {
  const column = (name: string, data: unknown[], type?: string) =>
    ({ name, data, ...(type && { type }) }) as never;

  test("gives typed cells the text that they stand for", async () => {
    const buffer = parquetWriteBuffer({
      columnData: [
        column("s", ["a", "007", null], "STRING"),
        column("i", [1n, 9007199254740993n, -5n], "INT64"),
        column("n", [1, 2, null], "INT32"),
        column("d", [0.1, 1000, 1e-7], "DOUBLE"),
        column("f", [Math.fround(0.1), NaN, 2.5], "FLOAT"),
        column("b", [true, false, null], "BOOLEAN"),
        column("t", [new Date("2010-12-01T08:26:00Z"), null, new Date(0)], "TIMESTAMP"),
      ],
    });
    const { columns, rows, lines } = await readAll(file("types.parquet", new Uint8Array(buffer)));
    expect(columns).toEqual(["s", "i", "n", "d", "f", "b", "t"]);
    expect(rows).toEqual([
      ["a", "1", "1", "0.1", "0.1", "true", "2010-12-01T08:26:00.000Z"],
      ["007", "9007199254740993", "2", "1000", "", "false", ""],
      ["", "-5", "", "1e-7", "2.5", "", "1970-01-01T00:00:00.000Z"],
    ]);
    expect(lines).toEqual([1, 2, 3]);
  });

  test("gives decimals their digits", async () => {
    const schema = [
      { name: "root", num_children: 1 },
      {
        name: "p",
        type: "INT32",
        converted_type: "DECIMAL",
        scale: 1,
        precision: 9,
        repetition_type: "REQUIRED",
      },
    ];
    const columnData = [{ name: "p", data: [0.7, 0.3, 12.9, -0.1] }];
    const buffer = parquetWriteBuffer({ schema, columnData } as never);
    const { rows } = await readAll(file("decimal.parquet", new Uint8Array(buffer)));
    expect(rows.flat()).toEqual(["0.7", "0.3", "12.9", "-0.1"]);
  });

  test("is read row group by row group, with the row as the line", async () => {
    const n = 5000;
    const data = Array.from({ length: n }, (_, i) => `k${i % 1234}`);
    const buffer = parquetWriteBuffer({ columnData: [column("a", data, "STRING")], rowGroupSize: 700 });
    const { rows, lines } = await readAll(file("groups.parquet", new Uint8Array(buffer)));
    expect(rows.flat()).toEqual(data);
    expect(lines).toEqual(data.map((_, i) => i + 1));
  });

  test("damaged, empty, from standard input or nested, is refused by name", async () => {
    const bytes = new Uint8Array(parquetWriteBuffer({ columnData: [column("a", ["x", "y"], "STRING")] }));
    await refuses(file("cut.parquet", bytes.subarray(0, bytes.length - 5))).toThrow(
      "cut.parquet: the file is damaged",
    );
    await refuses(file("none.parquet", new Uint8Array(0))).toThrow("none.parquet: the file is damaged");
    await refuses("-", { format: "parquet" }).toThrow(
      "Parquet cannot be read from standard input: name a file",
    );
    const nested = parquetWriteBuffer({
      columnData: [column("a", [{ b: 1 }], "JSON"), column("b", ["c"], "STRING")],
    });
    expect((await readAll(file("json.parquet", new Uint8Array(nested)))).rows).toEqual([['{"b":1}', "c"]]);
  });
});

describe("libffm and libsvm", () => {
  test("make a column of each field, in the order of its number, several-valued where a row has several", async () => {
    const path = file("a.ffm", "1 0:3:1 10:7:1 2:5:1\n0 0:4:1 2:5:1.0 2:6:1 10:9:0 # end\n");
    const { columns, rows, multi } = await readAll(path);
    expect(columns).toEqual(["label", "0", "2", "10"]);
    expect(rows).toEqual([
      ["1", "3", "5", "7"],
      ["0", "4", "5 6", ""],
    ]);
    expect(multi).toEqual({ "2": " " });
  });

  test("make one several-valued column of libsvm's features", async () => {
    const { columns, rows, multi } = await readAll(file("a.libsvm", "+1 1:1 7:1\n-1 3:1\n-1\n"));
    expect([columns, multi]).toEqual([["label", "feature"], { feature: " " }]);
    expect(rows).toEqual([
      ["+1", "1 7"],
      ["-1", "3"],
      ["-1", ""],
    ]);
  });

  test.each([
    ["a.ffm", "1 0:3:1\n1 0:3:0.5 0:3:1\n", ':2: feature "3" has two values in this row, 0.5 and 1'],
    ["a.ffm", "1 0:3:1\n1 3:1\n", ":2: malformed feature"],
    ["a.svm", "1 3:1\n0:3:1\n", ":2: expected a label"],
    ["a.svm", "1 qid:7 3:1\n", ":1: query ids are not supported"],
    ["a.svm", "1 3:x\n", ":1: expected a number in the range of a 32-bit float"],
  ])("refuse in %s %j", async (name, text, message) => {
    await refuses(file(name, text)).toThrow(message.replace("malformed feature", "expected lines of"));
  });

  test("have features that carry their values, also where all are 1", async () => {
    const { multiWeights } = await opened("ones.libsvm", "1 1:1 7:1\n0 3:1\n");
    expect(multiWeights).toEqual(["feature"]);
    const ffm = await opened("ones.ffm", "1 0:3:1 2:5:1 2:6:1\n0 0:4:1 2:5:1\n");
    expect(ffm.multiWeights).toEqual(["2"]);
  });

  test.each([
    ["sparse.txt", "1 3:1 7:0.5\n0 3:1\n", "--input-format libsvm"],
    ["sparse.csv", "-1\t3:1\t7:1\n+1\t4:1\t9:1\n", "--input-format libsvm"],
    ["sparse.log", "1 0:3:1 1:7:1\n0 0:3:1 1:9:1\n", "--input-format libffm"],
  ])("are refused as CSV in %s, with the flag that reads them", async (name, text, flag) => {
    await refuses(file(name, text)).toThrow(`but has a CSV extension: set ${flag}`);
  });

  test("are not seen in a CSV whose cells are times or ratios, nor where the form is named", async () => {
    await opened("times.csv", "user,at\n1,10:30\n2,11:45\n");
    await opened("told.txt", "1 3:1\n0 4:1\n", { format: "csv" });
  });

  test("refuse a field that appears late", async () => {
    await refuses(file("late.ffm", `${"1 0:1:1\n".repeat(1000)}1 0:1:1 4:1:1\n`)).toThrow(
      `late.ffm:1001: column '4': field "4" is not in the first rows`,
    );
  });
});

describe("several files", () => {
  test("are named by a pattern and read in sorted order; one that matches nothing is no input", async () => {
    mkdirSync(join(folder, "logs/deep/er"), { recursive: true });
    mkdirSync(join(folder, "logs/d.csv"));
    for (const name of ["b.csv", "a.csv", "c.tsv", ".x.csv", "a[1].csv", "deep/er/z.csv"])
      file(`logs/${name}`, `k\n${name}\n`);
    const keys = async (pattern: string) => (await readAll(join(folder, pattern))).rows.flat();
    expect(await keys("logs/*.csv")).toEqual(["a.csv", "a[1].csv", "b.csv"]);
    expect(await keys("logs/?.csv")).toEqual(["a.csv", "b.csv"]);
    expect(await keys("logs/[!a].*")).toEqual(["b.csv", "c.tsv"]);
    expect(await keys("logs/a[1].csv")).toEqual(["a[1].csv"]);
    expect(await keys("logs/**/*.csv")).toEqual(["a.csv", "a[1].csv", "b.csv", "deep/er/z.csv"]);
    expect(await keys("lo*/**")).toHaveLength(5);
    await refuses(join(folder, "logs/*.jsonl")).toThrow("logs/*.jsonl' matches no files");
  });

  test("of several forms are refused", async () => {
    const paths = [file("m.csv", "a\n1\n"), file("m.jsonl", '{"a":1}\n')];
    await refuses(paths).toThrow("m.csv' is csv, but");
  });

  test("of JSON lines count lines anew, and a later one lacks what it likes", async () => {
    const paths = [file("1.jsonl", '{"a":1,"b":2}\n'), file("2.jsonl", '{"b":3}\nx\n')];
    await refuses(paths).toThrow("2.jsonl:2: expected an object");
    const { rows } = await readAll(paths, { onBadRow: "skip" });
    expect(rows).toEqual([
      ["1", "2"],
      ["", "3"],
    ]);
  });
});

describe("without repeats", () => {
  const cell = fc.constantFrom("", "a", "b", "1", "1.0", "x");
  const rowsOf = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 200 });

  test("a log has the first of equal rows, in order, whatever the size of its pieces", async () => {
    await fc.assert(
      fc.asyncProperty(rowsOf, fc.constantFrom(8, 40, 1 << 20), async (rows, chunkBytes) => {
        const path = file("r.csv", `p,q,r\n${rows.map((row) => row.join(",")).join("\n")}\n`);
        const got = await readAll(path, { dedupe: true }, chunkBytes);
        const unique = [...new Map(rows.map((row) => [row.join(","), row])).values()];
        expect(got.rows).toEqual(unique);
        expect([got.numRows, got.duplicates?.dropped]).toEqual([unique.length, rows.length - unique.length]);
        const firstLine = (row: string[]) => 2 + rows.findIndex((other) => other.join(",") === row.join(","));
        expect(got.lines).toEqual(unique.map(firstLine));
      }),
      { seed: 20262, numRuns: 60 },
    );
  });

  test("tells 300,000 rows apart, and numbers by their text", async () => {
    const lines = Array.from({ length: 300_000 }, (_, i) => `${i % 1000},${i % 300}`);
    const path = file("many.csv", `a,b\n${lines.join("\n")}\n`);
    const log = await openLog([path], { ...defaultReadOptions, dedupe: true });
    let numRows = 0;
    const read = await log.read([{ name: "b", as: "number" }], (batch) => {
      numRows += batch.numRows;
      expect(batch.columns).toHaveLength(1);
    });
    expect([numRows, read.numRows, read.duplicates?.dropped]).toEqual([3000, 3000, 297_000]);
    expect(read.dictionaries).toHaveLength(1);
    const texts = await readAll(file("texts.csv", "a,b\n1,x\n1.0,x\n1,x\n"), { dedupe: true });
    expect(texts.duplicates?.dropped).toBe(1);
  });
});
