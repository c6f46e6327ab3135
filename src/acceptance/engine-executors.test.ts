// `recall --engine-output` on a real Spark Connect server: the executors make the same lists as a local run, row for
// row, even if one executor dies. Without Java or the wheel the tests print a message and pass.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { sparkTests, startSpark } from "../testing/spark.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
/**
 * Paths that determine how the executors' `node` behaves: if `die` exists, it kills the first task in the middle of its
 * rows; if `missing` exists, there is no `node`.
 */
const [die, missing] = [at("die"), at("missing")];

const { withSpark } = sparkTests(async () => {
  mkdirSync(at("bin"));
  const shim = `#!/bin/sh
[ -e '${missing}' ] && exit 127
rmdir '${die}' 2>/dev/null || exec '${process.execPath}' "$@"
'${process.execPath}' "$@" | head -c 200
kill -9 $$
`;
  writeFileSync(at("bin/node"), shim);
  chmodSync(at("bin/node"), 0o755);
  const server = await startSpark([], { PATH: `${at("bin")}:${process.env["PATH"]!}` });
  if (server)
    await embedOk(["train-als", fixture("purchases.csv"), "-o", at("als"), "--epochs", "2", "--quiet"]);
  return server;
});

type Row = Record<string, unknown>;

/** Reads the rows of all files of an output, in the order of their names. */
async function rowsBelow(path: string): Promise<Row[]> {
  const names = readdirSync(path).filter((name) => name.endsWith(".parquet"));
  const all: Row[] = [];
  for (const name of names.sort()) all.push(...(await rowsOfFile(join(path, name))));
  return all;
}

async function rowsOfFile(path: string): Promise<Row[]> {
  return await parquetReadObjects({ file: bytesOf(path), compressors });
}

function bytesOf(path: string): ArrayBuffer {
  return Uint8Array.from(readFileSync(path)).buffer;
}

interface Summary {
  out: string;
  seconds: number;
  options: object;
}

let outputs = 0;

/**
 * Computes recommendation lists locally and on the executors; expects the same rows in the same order, and the same
 * summary.
 */
async function expectSameLists(engine: readonly string[], args: readonly string[]): Promise<string> {
  const [here, there] = [at(`here-${outputs}.parquet`), at(`there-${outputs++}`)];
  const local = await embedOk(["recall", ...args, "--format", "parquet", "-o", here, "--json", "--quiet"]);
  const own = ["--engine-output", there, "--engine-parts", "3", "--json", "--quiet"];
  const remote = await embedOk(["recall", ...args, ...engine, ...own]);
  const rows = await rowsOfFile(here);
  expect(rows.length).toBeGreaterThan(10);
  expect(await rowsBelow(there)).toEqual(rows);
  const facts = (stdout: string): object => {
    const { out: _, seconds: __, options: ___, ...rest } = JSON.parse(stdout) as Summary;
    return rest;
  };
  expect(facts(remote.stdout)).toEqual(facts(local.stdout));
  return there;
}

withSpark("lists of users are those made here, with the columns and types of lists", async (engine) => {
  const there = await expectSameLists(engine, [at("als"), "--k", "7"]);
  const names = readdirSync(there).filter((name) => name.endsWith(".parquet"));
  expect(names).toHaveLength(3);
  const { children } = parquetSchema(parquetMetadata(bytesOf(join(there, names[0]!))));
  expect(children.map(({ element }) => [element.name, element.type, element.converted_type])).toEqual([
    ["user", "BYTE_ARRAY", "UTF8"],
    ["rank", "INT32", undefined],
    ["item", "BYTE_ARRAY", "UTF8"],
    ["score", "FLOAT", undefined],
  ]);
});

withSpark(
  "limits and lists for categories are those made here, and keys with tabs and line ends",
  async (engine) => {
    const keys = ["a\tb", "c\\", 'd"\n', "e\r", "\\N", "", "ü中😀", "\\t", "nine", "ten"].map(
      (key, i) => `${key}${i}`,
    );
    const quoted = (key: string): string => `"${key.replaceAll('"', '""')}"`;
    const events = Array.from(
      { length: 400 },
      (_, i) => `${quoted(keys[i % 9]!)},${quoted(keys[(i * 7 + (i >> 4)) % 10]!)}\n`,
    );
    writeFileSync(at("odd.csv"), `user,item\n${events.join("")}`);
    writeFileSync(
      at("items.csv"),
      `item,kind\n${keys.map((key, i) => `${quoted(key)},kind ${i % 2}\n`).join("")}`,
    );
    await embedOk(["train-als", at("odd.csv"), "-o", at("odd"), "--dim", "4", "--epochs", "2", "--quiet"]);
    const args = [at("odd"), "--k", "4", "--repeats", "allow", "--items", at("items.csv")];
    await expectSameLists(engine, [...args, "--lists-per", "kind"]);
  },
);

withSpark("a model that is no table ranks there as here", async (engine) => {
  const log = fixture("clicks.csv");
  await embedOk(["train-fm", log, "-o", at("fm"), "--epochs", "1", "--quiet"]);
  await expectSameLists(engine, [at("fm"), "--k", "5"]);
});

withSpark("a task that is killed in the middle is run again, and the lists are the same", async (engine) => {
  mkdirSync(die);
  await expectSameLists(engine, [at("als"), "--for", "item", "--k", "5"]);
  expect(existsSync(die)).toBe(false);
});

withSpark(
  "an output that exists, one that cannot be written, and executors without Node are errors",
  async (engine) => {
    const recall = async (output: string) => {
      const { code, stderr } = await embed([
        "recall",
        at("als"),
        "--k",
        "3",
        ...engine,
        "--engine-output",
        output,
        "--quiet",
      ]);
      return [code, stderr.trim()];
    };
    mkdirSync(at("taken"));
    writeFileSync(at("taken/file"), "old");
    expect(await recall(at("taken"))).toEqual([73, expect.stringMatching(/output '.*taken' already exists/)]);
    expect(await recall(at("taken/file/below"))).toEqual([73, expect.stringContaining("cannot write there")]);
    writeFileSync(missing, "");
    expect(await recall(at("late"))).toEqual([64, expect.stringContaining("needs Node 20 or later")]);
    rmSync(missing);
    // files that a failed write left behind do not count as an existing output, so that the command succeeds
    expect(await recall(at("late"))).toEqual([0, ""]);
    expect(await rowsBelow(at("late"))).not.toHaveLength(0);
  },
);

test("what executors cannot do is refused before anything is read", async () => {
  const refused = async (...args: string[]) => {
    const { code, stderr } = await embed(["recall", "no-run", "--engine-output", "out", ...args]);
    return [code, stderr.trim()];
  };
  const spark = ["--engine", "sc://localhost:1"];
  expect(await refused()).toEqual([64, expect.stringContaining("needs --engine")]);
  expect(await refused("--engine", "duckdb:")).toEqual([
    64,
    expect.stringContaining("needs a Spark Connect server"),
  ]);
  expect(await refused(...spark, "--index", "i")).toEqual([64, expect.stringContaining("--index")]);
  expect(await refused(...spark, "--format", "redis", "--into", "x")).toEqual([
    64,
    expect.stringContaining("--format"),
  ]);
  expect(await refused(...spark, "-o", "x")).toEqual([64, expect.stringContaining("-o")]);
  expect(await refused(...spark, "--score", "item-cf")).toEqual([
    64,
    expect.stringContaining("--score item-cf"),
  ]);
  expect(await refused(...spark, "--fold-in", "x.csv")).toEqual([64, expect.stringContaining("--fold-in")]);
});
