// `--engine-output` of recall, predict and transform on a real Spark Connect server: the executors make the same rows as
// a local run, even if one executor dies. Without Java or the wheel the tests print a message and pass.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetMetadata, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { sparkTests, startSpark } from "../testing/spark.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
/**
 * Paths that determine how the executors' `node` behaves: if `die` exists, it kills the first task in the middle of its
 * rows; if `missing` exists, there is no `node`; if `hold` exists, the first task waits, and renames it to `held`.
 */
const [die, missing, hold, held] = [at("die"), at("missing"), at("hold"), at("held")];

const { withSpark, running } = sparkTests(async () => {
  mkdirSync(at("bin"));
  const shim = `#!/bin/sh
[ -e '${missing}' ] && exit 127
mv '${hold}' '${held}' 2>/dev/null && sleep 5
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

/** Writes a query of the rows of clicks.csv with typed cells. @param hour expression of the hour */
function clicksQuery(name: string, hour = "CAST(_c4 AS DOUBLE)"): string[] {
  const cells = `_c1 AS user_id, _c2 AS item_id, _c3 AS device, ${hour} AS hour, CAST(_c5 AS BIGINT) AS timestamp`;
  const from = `csv.\`file://${fixture("clicks.csv")}\` WHERE _c0 <> 'click'`;
  writeFileSync(at(name), `SELECT ${cells} FROM ${from} -- the rows of the log\n`);
  return ["--engine-sql", at(name)];
}

const sorted = (rows: Row[]): string[] =>
  rows.map((row) => JSON.stringify(row, (_, x: unknown) => (typeof x === "bigint" ? Number(x) : x))).sort();

/** Processes a local file and a log on the server; expects the same rows and the same counts. */
async function expectSameRows(
  args: readonly string[],
  file: string,
  remote: readonly string[],
): Promise<string[]> {
  const [here, there] = [at(`here-${outputs}.parquet`), at(`there-${outputs++}`)];
  const [command, run, ...options] = args as [string, string];
  const shown = ["--json", "--quiet"];
  const local = await embedOk([
    ...[command, run, file, ...options, "--format", "parquet", "-o", here, ...shown],
  ]);
  const made = await embedOk([command, run, ...remote, ...options, "--engine-output", there, ...shown]);
  const rows = await rowsOfFile(here);
  expect(rows.length).toBeGreaterThan(10);
  const written = await rowsBelow(there);
  expect(Object.keys(written[0]!)).toEqual(Object.keys(rows[0]!));
  expect(sorted(written)).toEqual(sorted(rows));
  const counts = (stdout: string): object => {
    const { rows: count, predictions, leftOut, unknown, warnings } = JSON.parse(stdout) as Row;
    return { count, predictions, leftOut, unknown, warnings };
  };
  expect(counts(made.stdout)).toEqual(counts(local.stdout));
  return (JSON.parse(made.stdout) as { warnings: string[] }).warnings;
}

withSpark(
  "counts of several parts, and columns whose first rows are left out, are those made here",
  async (engine) => {
    const column = "it's $['?']";
    const events = Array.from({ length: 600 }, (_, i) => ({
      user_id: i % 7 === 0 ? undefined : `u${i % (i < 500 ? 23 : 29)}`,
      item_id: `i${(i * i) % 11}`,
      [column]: `value ${i >> 4}`,
      kind: i < 150 ? "test" : "click",
      label: (i * 3) % 2,
    }));
    const names = Object.keys(events[0]!);
    const line = (cells: (string | number | undefined)[]): string =>
      `${cells.map((cell) => `"${cell ?? ""}"`).join(",")}\n`;
    const known = events.slice(0, 300).map((event) => line(Object.values(event)));
    writeFileSync(at("kinds.csv"), line(names) + known.join(""));
    const { parquetWriteBuffer } = await import("hyparquet-writer");
    const columnData = names.map((name) => {
      const data = events.map((event) => event[name as "kind"]);
      return { name, data, type: name === "label" ? ("DOUBLE" as const) : ("STRING" as const) };
    });
    const parquet = at("kinds.parquet");
    writeFileSync(parquet, new Uint8Array(parquetWriteBuffer({ columnData })));
    const trained = argv`${at("kinds.csv")} --where kind="click" --ignore kind --test 0 --valid 0`;
    await embedOk(["train-fm", ...trained, "--epochs", "1", "-o", at("kinds"), "--quiet"]);
    await embedOk(["train-gbdt", ...trained, "--num-trees", "3", "-o", at("kinds-trees"), "--quiet"]);

    writeFileSync(at("kinds.sql"), `SELECT /*+ REPARTITION(3) */ * FROM parquet.\`file://${parquet}\``);
    const query = ["--engine-sql", at("kinds.sql"), ...engine, "--engine-parts", "3"];
    for (const run of ["kinds", "kinds-trees"]) {
      const warnings = await expectSameRows(["predict", at(run), "--keep", "item_id"], parquet, query);
      expect(warnings).toEqual([
        expect.stringMatching(/^150 of 600 rows have no prediction/),
        expect.stringMatching(/^\d+ of 3\d+ cells of 'user_id'/),
        expect.stringMatching(/^\d+ of 450 cells of 'it's/),
        expect.stringMatching(/^'user_id' is missing in \d+ of 450 rows/),
      ]);
    }
    const leaves = ["transform", at("kinds-trees"), "--key", "item_id"];
    const warnings = await expectSameRows(leaves, parquet, [`file://${parquet}`, ...engine]);
    expect(warnings).toContainEqual(expect.stringMatching(/^\d+ of 450 cells of 'it's/));
  },
);

withSpark("predictions of the rows of a query are those made here", async (engine) => {
  const args = ["--epochs", "1", "--numeric", "hour", "--quiet"];
  await embedOk(["train-fm", fixture("clicks.csv"), "-o", at("hours"), ...args]);
  const keep = ["--keep", "user_id,item_id,timestamp"];
  const remote = [...clicksQuery("clicks.sql"), ...engine, "--engine-parts", "2"];
  mkdirSync(die);
  await expectSameRows(["predict", at("hours"), ...keep], fixture("clicks.csv"), remote);
  expect(existsSync(die)).toBe(false);

  // a row that cannot be used fails the job, with its cell in the message
  const hour =
    "CASE WHEN _c5 = (SELECT max(_c5) FROM csv.`file://CLICKS` WHERE _c0 <> 'click') THEN 'noon' ELSE _c4 END";
  const bad = clicksQuery("bad.sql", hour.replace("CLICKS", fixture("clicks.csv")));
  const output = ["--engine-output", at("bad"), "--quiet"];
  const { code, stderr } = await embed(["predict", at("hours"), ...bad, ...engine, ...keep, ...output]);
  // the message contains neither a row number, which would count the rows of one executor only, nor the server's stack
  expect([code, stderr]).toEqual([65, expect.stringMatching(/sql:.*bad\.sql: column 'hour'.*noon.*\n$/)]);
  expect(existsSync(at("bad/_SUCCESS"))).toBe(false);
});

withSpark("leaves of trees and vectors of items are those made here", async (engine) => {
  await embedOk(["train-gbdt", fixture("clicks.csv"), "-o", at("trees"), "--num-trees", "5", "--quiet"]);
  const leaves = ["transform", at("trees"), "--key", "item_id"];
  await expectSameRows(leaves, fixture("clicks.csv"), [...clicksQuery("clicks.sql"), ...engine]);
  const trained = ["--label", "rating", "--epochs", "1", "--quiet"];
  await embedOk(["train-fm", fixture("ratings.csv"), "-o", at("ratings"), ...trained]);
  const parquet = at("ratings.parquet");
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const lines = readFileSync(fixture("ratings.csv"), "utf8").trim().split("\n").slice(1);
  const cells = lines.map((line) => line.split(","));
  const columnData = [
    { name: "user_id", type: "STRING" as const, data: cells.map(([user]) => user!) },
    { name: "item_id", type: "STRING" as const, data: cells.map(([, item]) => item!) },
    { name: "timestamp", type: "DOUBLE" as const, data: cells.map((row) => Number(row[3])) },
  ];
  writeFileSync(parquet, new Uint8Array(parquetWriteBuffer({ columnData })));
  const vectors = ["transform", at("ratings"), "--key", "item_id"];
  await expectSameRows(vectors, parquet, [`file://${parquet}`, ...engine]);
});

withSpark(
  "an output that exists, one that cannot be written, and executors without Node are errors",
  async (engine) => {
    const recall = async (output: string) => {
      const { code, stderr } = await embed(argv`recall ${at("als")} --k 3 ${engine}
          --engine-output ${output} --quiet`);
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
  const refusedBy = async (command: string, ...args: string[]) => {
    const { code, stderr } = await embed([command, "no-run", "--engine-output", "out", ...args]);
    return [code, stderr.trim()];
  };
  const refused = async (...args: string[]) => await refusedBy("recall", ...args);
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
  for (const command of ["predict", "transform"]) {
    const own = [command, "table:log", ...spark];
    const key = command === "predict" ? "--keep" : "--key";
    expect(await refusedBy(command, "table:log")).toEqual([64, expect.stringContaining("needs --engine")]);
    expect(await refusedBy(...(own as [string]))).toEqual([64, expect.stringContaining(`needs ${key}`)]);
    const hashed = await refusedBy(...(own as [string]), key, "a", "--hash-keys", "secret");
    expect(hashed).toEqual([64, expect.stringContaining("--hash-keys")]);
    const skipping = await refusedBy(...(own as [string]), key, "a", "--on-bad-row", "skip");
    expect(skipping).toEqual([64, expect.stringMatching(/--on-bad-row skip cannot be .*--engine-sql FILE/)]);
    for (const [flag, value] of Object.entries({
      "--input-format": "csv",
      "--delimiter": ";",
      "--comment": "#",
    })) {
      const reading = await refusedBy(...(own as [string]), key, "a", flag, value);
      expect(reading).toEqual([64, expect.stringContaining(`${flag} is only supported for`)]);
    }
    const text = await refusedBy(command, "s3a://log.csv", ...spark, key, "a");
    expect(text).toEqual([64, expect.stringContaining("reads Parquet files")]);
  }
  const duplicates = await refusedBy("transform", "table:log", ...spark, "--key", "a", "--dedupe");
  expect(duplicates).toEqual([64, expect.stringMatching(/--dedupe cannot be .*SELECT DISTINCT/)]);
});

// the last test of the server, because it kills it
withSpark("a server that ends in the middle is an error, and the output is not complete", async (engine) => {
  const there = at("lists-without-a-server");
  mkdirSync(hold);
  const own = ["--engine-output", there, "--engine-timeout", "10", "--quiet"];
  const answer = embed(["recall", at("als"), "--k", "3", ...engine, ...own]);
  const hasEnded = answer.then(() => true);
  const pause = () => new Promise<false>((resolve) => setTimeout(resolve, 50, false));
  // a command that ends before its task waits fails the expectations below, not the time limit of the test
  while (!existsSync(held)) if (await Promise.race([hasEnded, pause()])) break;
  await running.server!.kill();
  const { code, stderr } = await answer;
  expect([code, stderr]).toEqual([
    74,
    expect.stringMatching(/cannot be reached.*check that the Connect server/),
  ]);
  expect(existsSync(join(there, "_SUCCESS"))).toBe(false);
});

test("runs whose rows need side tables, or are counted over the whole log, are refused", async () => {
  const refused = async (command: string, run: string, key: string) => {
    const server = ["--engine", "sc://localhost:1", "--engine-output", "out"];
    const { code, stderr } = await embed([command, at(run), "table:log", key, "item_id", ...server]);
    return [code, stderr.trim()];
  };
  const items = `${fixture("items.csv")}:item_id`;
  const log = [fixture("ratings.csv"), "--label", "rating", "--side", items];
  await embedOk(["train-gbdt", ...log, "--num-trees", "2", "-o", at("sides"), "--quiet"]);
  expect(await refused("predict", "sides", "--keep")).toEqual([64, expect.stringContaining("with --side")]);
  expect(await refused("transform", "sides", "--key")).toEqual([64, expect.stringContaining("with --side")]);
  const sessions = Array.from({ length: 90 }, (_, i) => `s${i >> 2},i${(i * 7) % 10},${i},c${(i * 7) % 2}\n`);
  writeFileSync(at("sessions.csv"), `session,item,time,category\n${sessions.join("")}`);
  const eges = ["--method", "eges", "--item-fields", "category", "--epochs", "1", "--quiet"];
  await embedOk(["train-graph", at("sessions.csv"), ...eges, "-o", at("eges")]);
  expect(await refused("transform", "eges", "--key")).toEqual([
    64,
    expect.stringContaining("executors cannot transform"),
  ]);
});
