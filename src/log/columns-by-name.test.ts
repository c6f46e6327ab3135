// Tests logs whose files have different columns or repeated headers, and the warnings about directories.

import { keyAt } from "./keys.js";
import { gzipSync } from "node:zlib";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { NoInputError, UsageError } from "../base/errors.js";
import { defaultReadOptions, type ReadOptions } from "./log.js";
import { heldSource, openSource } from "../base/io/source.js";
import { partialColumnWarnings } from "./file-columns.js";
import { openLog } from "./open.js";
import { temporaryFolder } from "../testing/embed.js";

const folder = temporaryFolder();

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** Returns the cells of some columns as text, and the line of each row, read with the given chunk size. */
async function readAll(
  paths: string | string[],
  names?: string[],
  options: Partial<ReadOptions> = {},
  chunkBytes = 1 << 20,
) {
  const sizes = { chunkBytes, localBytes: 1 << 30 };
  const log = await openLog([paths].flat(), { ...defaultReadOptions, threads: 1, ...options }, sizes);
  const columns = names ?? log.columns;
  const rows: (string | number)[][] = [];
  const lines: number[] = [];
  const read = await log.read(
    columns.map((name) => ({ name, as: "key" as const })),
    (batch) => {
      for (let row = 0; row < batch.numRows; row++) {
        lines.push(batch.placeOf(row).line);
        rows.push(batch.columns.map((codes) => codes[row]!));
      }
    },
  );
  const text = (code: string | number, c: number) =>
    code === 0xffffffff ? "" : keyAt(read.dictionaries[c]!, Number(code));
  return { log, columns: log.columns, rows: rows.map((row) => row.map(text)), lines, read };
}

describe("columns of several files", () => {
  const first = () => file("first.csv", "user,item,n\nu1,i1,1\n");

  test("are matched by name in any order, and missing where a file lacks them", async () => {
    const other = file("other.csv", 'n,extra,user,item\n2,x,u2,"i,2"\n');
    const less = file("less.csv", "item,user\ni3,u3\n");
    const expected = [
      ["u1", "i1", "1", ""],
      ["u2", "i,2", "2", "x"],
      ["u3", "i3", "", ""],
    ];
    for (const size of [4, 1 << 20]) {
      const { columns, rows, log } = await readAll([first(), other, less], undefined, {}, size);
      expect([columns, rows, log.sample]).toEqual([["user", "item", "n", "extra"], expected, expected]);
      const used = new Set(["user", "n", "extra"]);
      expect(partialColumnWarnings(log.files, used, () => 1)).toEqual([
        `column 'n' is gone from '${less}' on: missing in 1 row`,
        `column 'extra' is missing in 2 of 3 files, such as '${first()}': missing in 2 rows`,
      ]);
      expect(partialColumnWarnings(log.files, new Set(["user"]), () => 1)).toEqual([]);
    }
  });

  test("that begin where others end may be renamed: both are named, whichever is read", async () => {
    const renamed = file("renamed.csv", "User,item,n\nu2,i2,2\n");
    const { log } = await readAll([first(), renamed]);
    for (const name of ["user", "User"])
      expect(
        partialColumnWarnings(log.files, new Set([name]), (path) => (path === renamed ? 20 : 3)),
      ).toEqual([
        `column 'user' is gone from '${renamed}' on (missing in 20 rows), where there is column 'User' (missing in 3 rows): if a column was renamed, give it one name in all files`,
      ]);
  });

  test("beyond the first rows have the type of the rows that have them", async () => {
    const long = file("long.csv", `a\n${"1\n".repeat(1500)}`);
    const more = file("more.csv", "price,a\n0.5,2\n1.5,3\n");
    const { log, rows } = await readAll([long, more]);
    expect(log.sample.slice(1000)).toEqual([
      ["2", "0.5"],
      ["3", "1.5"],
    ]);
    expect([rows[0], rows[1501]]).toEqual([
      ["1", ""],
      ["3", "1.5"],
    ]);
  });

  test("that only standard input lacks must be there, because it is opened once", async () => {
    const piped = heldSource("-", Buffer.from("item,user\ni3,u3\n"));
    const sources = {
      open: async (path: string) => (path === "-" ? piped : await openSource(path, 1 << 20)),
    };
    await expect(readAll([first(), "-"], undefined, { sources })).rejects.toThrow(
      "-: column 'n': the file lacks this column",
    );
  });

  test("of files without headers must be as many", async () => {
    const other = file("wide.csv", "1,2,3,4\n");
    await expect(readAll([first(), other], ["c0"], { header: false })).rejects.toThrow(
      `${other}:1: expected 3 cells in the first row, as in '${first()}', got 4`,
    );
  });

  test("of Parquet are matched by name, too", async () => {
    const parquet = (name: string, columns: Record<string, unknown[]>) =>
      file(
        name,
        new Uint8Array(
          parquetWriteBuffer({
            columnData: Object.entries(columns).map(([n, data]) => ({ name: n, data })) as never,
          }),
        ),
      );
    const paths = [
      parquet("a.parquet", { user: ["u1"], n: [1], tag: ["x"] }),
      parquet("b.parquet", { extra: [{ a: 1 }], tag: ["z"], user: ["u2"] }),
    ];
    const { columns, rows } = await readAll(paths, undefined, { ignore: ["extra"] });
    expect(columns).toEqual(["user", "n", "tag", "extra"]);
    expect(rows).toEqual([
      ["u1", "1", "x", ""],
      ["u2", "", "z", ""],
    ]);
    const all = await readAll(paths);
    expect(all.rows[1]).toEqual(["u2", "", "z", '{"a":1}']);
  });

  test("of JSON lines are those of the first rows of each file", async () => {
    const paths = [
      file("a.jsonl", '{"user":"u1"}\n'.repeat(1200)),
      file("b.jsonl", '{"user":"u2","n":1.5}\n{"m":1}\n'),
    ];
    const { columns, rows, log } = await readAll(paths);
    expect([columns, rows.slice(1200)]).toEqual([
      ["user", "n", "m"],
      [
        ["u2", "1.5", ""],
        ["", "", "1"],
      ],
    ]);
    expect(log.warnings).toEqual(
      ["n", "m"].map(
        (name) =>
          `column '${name}' exists from '${paths[1]}' on: the first rows of the files before it lack it`,
      ),
    );
  });

  test("of one name are an error, unless they are left out", async () => {
    const path = file("twice.csv", "a,x,b,x\n1,2,3,4\n");
    await expect(readAll(path)).rejects.toThrow(
      "columns 2 and 4 have the same name: rename one of them, or exclude both",
    );
    const { columns, rows } = await readAll(path, ["a", "b"], { ignore: ["x"] });
    expect([columns, rows]).toEqual([["a", "x", "b"], [["1", "3"]]]);
  });
});

test("a header that comes again is no row, in any spelling, and lines count it", async () => {
  const text = 'a,b\n1,x\na,b\r\n2,"y\na,b\n"\n\ufeffa,b\n"a","b"\n3,z\nb,b\na,b,c\n';
  for (const size of [3, 7, 1 << 20]) {
    const { rows, lines, read, log } = await readAll(
      file("again.csv", text),
      undefined,
      { onBadRow: "skip" },
      size,
    );
    expect(rows).toEqual([
      ["1", "x"],
      ["2", "y\na,b\n"],
      ["3", "z"],
      ["b", "b"],
    ]);
    expect(lines).toEqual([2, 4, 9, 10]);
    expect([read.repeatedHeaders, read.skipped]).toEqual([3, { "wrong number of cells": 1 }]);
    expect(log.sample).toEqual(rows);
  }
  const words = await readAll(file("word.csv", "word\nword\nother\n"));
  expect(words.rows).toEqual([["word"], ["other"]]);
});

test.each(["\ufeffn,user,item", 'n,"user",item'])(
  "the header in another order (%s) is an error with its line, even if bad rows are skipped",
  async (header) => {
    for (const [chunkBytes, numRows] of [
      [60, 1200],
      [1 << 20, 1200],
      [1 << 20, 3],
    ] as const) {
      const rows = "u1,i1,1\n".repeat(numRows);
      const path = file("reordered.csv", `user,item,n\n${rows}\n${header}\r\n2,u2,i2\n`);
      await expect(readAll(path, ["item", "n"], { onBadRow: "skip" }, chunkBytes)).rejects.toThrow(
        `${path}:${numRows + 3}: the line has the header's names in another order (n, user, item instead of user, item, n)`,
      );
    }
  },
);

test("keys that are names of columns are data", async () => {
  const { rows } = await readAll(file("words.csv", "user,item,n\nuser,item,1\nn,xxxx,item\n"));
  expect(rows).toEqual([
    ["user", "item", "1"],
    ["n", "xxxx", "item"],
  ]);
});

describe("a directory", () => {
  test("is the logs below it, with a column for each folder that states one", async () => {
    file("hive/dt=2026-01-01/city=S%C3%A3o%20Paulo/000000.csv", "a\n1\n");
    file("hive/dt=2026-01-02/city=__HIVE_DEFAULT_PARTITION__/000000.csv.gz", gzipSync("a\n2\n"));
    file("hive/dt=2026-01-02/city=B/_SUCCESS", "");
    file("hive/.hidden/x.csv", "b\n1\n");
    file("hive/dt=2026-01-02/city=C/empty.csv", "");
    file("hive/notes.md", "about");
    // a link that forms a loop of folders, which is harmless because links to folders are not followed
    symlinkSync("..", join(folder, "hive/dt=2026-01-01/loop"));
    const { columns, rows, log } = await readAll(join(folder, "hive/"));
    expect(columns).toEqual(["a", "dt", "city"]);
    expect(rows).toEqual([
      ["1", "2026-01-01", "São Paulo"],
      ["2", "2026-01-02", ""],
    ]);
    expect(log.sample).toEqual(rows);
    expect(log.warnings.map((text) => text.replace(folder, ""))).toEqual([
      "directory '/hive/': skipped files of 0 bytes: dt=2026-01-02/city=C/empty.csv",
      "directory '/hive/': skipped files without a log extension: notes.md",
      "directory '/hive/': skipped folders without files: dt=2026-01-02/city=B",
    ]);
    // a file that the user names directly has no columns from its path
    expect((await readAll(join(folder, "hive/dt=2026-01-01/*/*.csv"))).columns).toEqual(["a"]);
    expect((await readAll(join(folder, "hive/dt=2026-01-01"))).columns).toEqual(["a", "dt", "city"]);
  });

  test("states its columns for JSON lines, too", async () => {
    file("json/day=1/a.jsonl", '{"u":"x"}\n');
    file("json/day=2/a.jsonl", '{"u":"y"}\n');
    const { columns, rows } = await readAll(join(folder, "json"));
    expect([columns, rows]).toEqual([
      ["u", "day"],
      [
        ["x", "1"],
        ["y", "2"],
      ],
    ]);
  });

  test.each<[string, Record<string, string>, new (...args: never[]) => Error, string]>([
    [
      "files at several depths",
      { "x/a.csv": "a\n1\n", "x/d=1/a.csv": "a\n1\n" },
      Error,
      ": all files of a log must have the same partition folders",
    ],
    [
      "a column in the file and in the path",
      { "y/a=1/f.csv": "a\n1\n" },
      Error,
      "' is both in the file and in its path: rename one of them",
    ],
    [
      "a column twice in the path",
      { "z/a=1/a=2/f.csv": "b\n1\n" },
      Error,
      "two folders of the path set the column",
    ],
    ["no logs", { "w/a.md": "a" }, NoInputError, "no logs in directory"],
    ["empty partitions alone", { "v/d=1/f.csv": "" }, NoInputError, "no logs in directory"],
    ["a run", { "r/manifest.json": "{}" }, UsageError, "is a run directory"],
    ["runs below", { "s/run/metrics.jsonl": "{}" }, UsageError, "' contains a run or a dataset ('"],
    [
      "two forms",
      { "t/a.csv": "a\n1\n", "t/b.jsonl": '{"a":1}\n' },
      UsageError,
      "all files of a log must have the same format: '",
    ],
  ])("of %s is refused", async (_, files, kind, message) => {
    for (const [name, content] of Object.entries(files)) file(`odd/${name}`, content);
    const error: unknown = await readAll(join(folder, "odd", Object.keys(files)[0]!.split("/")[0]!)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toContain(message);
  });
});
