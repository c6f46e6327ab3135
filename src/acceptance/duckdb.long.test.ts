// `--engine duckdb:`: rows of a database or of a query give the same bytes as a Parquet file of the same rows, or are
// rejected with advice. Without the package duckdb, the tests print a message and pass.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, shell, temporaryFolder, type Running } from "../testing/embed.js";
import { fixture, projectFolder } from "../testing/places.js";
import { readJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const shop = at("shop.duckdb");
const inMemory = ["--engine", "duckdb:"];

type DuckDb = typeof import("@duckdb/node-api");
let duckdb: DuckDb | undefined;

/** Declares a test that is skipped if the package duckdb is not installed. */
function withDuckDb(name: string, work: () => Promise<void>): void {
  test(
    name,
    async () => {
      if (duckdb) await work();
    },
    120_000,
  );
}

/** Runs statements on a database file, or in memory. */
async function execute(sql: string, path = ":memory:"): Promise<void> {
  const instance = await duckdb!.DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

beforeAll(async () => {
  duckdb = await import("@duckdb/node-api").catch(() => undefined);
  if (duckdb) await execute(SHOP, shop);
  else console.warn("skipped: @duckdb/node-api is not installed");
});

/** SQL that creates events with planted labels, and the items that the events are joined with. */
const SHOP = `
  CREATE TABLE items AS SELECT 'i' || i AS item, CASE WHEN i % 3 = 0 THEN 'tea' ELSE 'camera' END AS category FROM range(40) t(i);
  CREATE TABLE events AS SELECT 'u' || i % 97 AS user, 'i' || (i * 7) % 40 AS item,
    TIMESTAMP '2026-01-01' + to_seconds(i) AS time, i % 3 = 0 AS clicked FROM range(3000) t(i);
`;

let files = 0;

/** Writes SQL to a new file, and returns its path. */
function sqlFile(sql: string): string {
  const path = at(`query-${files++}.sql`);
  writeFileSync(path, sql);
  return path;
}

/**
 * Encodes a log, and returns the checksums of its rows and values; after a failure, the exit code and the last line.
 */
async function encoded(args: readonly string[], running: Running = {}) {
  const out = at(`dataset-${files++}`);
  const { code, stderr } = await embed(["encode", ...args, "-o", out, "--quiet"], running);
  if (code !== 0) {
    expect(existsSync(out)).toBe(false);
    return { code, message: stderr.trim().split("\n").at(-1)!.replaceAll(`${folder}/`, "") };
  }
  const [rows, values] = ["rows.arrow", "values.arrow"].map((name) =>
    createHash("sha256")
      .update(readFileSync(join(out, name)))
      .digest("hex"),
  );
  const { inputs } = readJson<{
    inputs: { path: string; sha256: string; of?: string }[];
  }>(join(out, "dataset.json"));
  return { code, rows, values, inputs };
}

/** Encodes a query's rows through DuckDB, and from a Parquet file of them. */
async function bothWays(sql: string, order: string, flags: readonly string[] = []) {
  const parquet = at(`rows-${files++}.parquet`);
  await execute(`COPY (SELECT * FROM (${sql}) ORDER BY ${order}) TO '${parquet}' (FORMAT parquet)`);
  const query = ["--engine-sql", sqlFile(sql), "--engine-order", order];
  const here = await encoded([parquet, ...flags]);
  const there = await encoded([...inMemory, ...query, ...flags]);
  return { here, there };
}

/**
 * SQL expressions of a row number i from 0 to 199, by column name; a Parquet file stores cells of these types exactly.
 */
const typed: Record<string, string> = {
  t_tiny: "(i % 250 - 125)::TINYINT",
  t_small: "(i * 300 - 30000)::SMALLINT",
  t_int: "(i * 10000019 - 1000000000)::INTEGER",
  t_big: "i::BIGINT * 46116860184273879 - 4611686018427387904",
  t_utiny: "(i % 256)::UTINYINT",
  t_usmall: "(i * 300)::USMALLINT",
  t_uint: "(i * 21000000)::UINTEGER",
  t_ubig: "(i::UBIGINT * 92233720368547758)",
  t_huge: "(i * 1000003)::HUGEINT - 7",
  t_uhuge: "(i * 1000003)::UHUGEINT",
  t_sum: "(SELECT sum(x) FROM range(i % 9) r(x))",
  t_dec4: "(i / 100.0)::DECIMAL(4, 2)",
  t_dec9: "(i * 7.07 - 500)::DECIMAL(9, 2)",
  t_dec18: "(i * 123456.7891 - 9000)::DECIMAL(18, 4)",
  t_dec38: "(i * 1.5 - 100)::DECIMAL(38, 3)",
  t_float: "(i / 10.0)::FLOAT",
  t_double: "CASE WHEN i % 11 = 0 THEN 'NaN'::DOUBLE ELSE i / 7.0 - 3 END",
  t_zero: "CASE WHEN i % 2 = 0 THEN '-0.0'::DOUBLE ELSE 0 END",
  t_bool: "i % 3 = 0",
  t_short: "'k' || i % 17",
  t_twelve: "lpad((i % 31)::VARCHAR, 12, 'x')",
  t_long: "'https://shop.example/items/' || repeat('ü', (i % 5)::INT) || i % 23",
  t_mixed: "CASE WHEN i % 2 = 0 THEN 'a' || i % 5 ELSE 'a much longer text than twelve ' || i % 7 END",
  t_empty: "CASE WHEN i % 4 = 0 THEN '' ELSE 'x' END",
  t_enum:
    "(['web', 'app', 'a long value of an enum'][1 + i % 3])::ENUM ('app', 'web', 'a long value of an enum')",
  t_date: "DATE '1960-02-07' + (i * 37)::INT",
  t_time: "TIME '00:00:00' + to_seconds(i * 61)",
  t_ts: "TIMESTAMP '1969-12-31 23:59:59.123456' + to_microseconds(i * 777777)",
  t_ts_s: "(TIMESTAMP '2026-01-01' + to_seconds(i))::TIMESTAMP_S",
  t_ts_ms: "(TIMESTAMP '2026-01-01' + to_milliseconds(i * 37))::TIMESTAMP_MS",
  t_ts_ns: "(TIMESTAMP '2026-01-01 00:00:00.000001' + to_microseconds(i * 37))::TIMESTAMP_NS",
  t_ts_tz: "(TIMESTAMP '2026-01-01' + to_hours(i))::TIMESTAMPTZ",
  t_uuid: "md5(i::VARCHAR)::UUID",
  t_json: "('{\"a\":' || i % 4 || '}')::JSON",
  l_text: "CASE WHEN i % 6 = 1 THEN [] ELSE ['t' || i % 3, NULL, 'a longer value of a list ' || i % 4] END",
  l_int: "[i % 5, NULL, i % 7 + 100]",
  l_double: "[i / 4.0]",
};

/** A column of arrays, some of which are missing; written as a cast, because DuckDB has no CASE of arrays. */
const ARRAYS = "(CASE WHEN i % 4 <> 2 THEN [i % 3, i % 4] END)::INTEGER[2] AS l_array";

/** Query with a column of each type, and a copy of it in which every fourth value is missing. */
const TYPED = `SELECT i, ${Object.entries(typed)
  .flatMap(([name, sql]) => [`${sql} AS ${name}`, `CASE WHEN i % 4 <> 2 THEN ${sql} END AS n_${name}`])
  .join(",\n  ")}, ${ARRAYS} FROM range(200) r(i)`;
const names = [...Object.keys(typed).flatMap((name) => [name, `n_${name}`]), "l_array"];

withDuckDb(
  "every type is the same bytes as in a Parquet file of the rows, as keys and as inferred",
  async () => {
    const keys = ["--fields", names.join(",")];
    for (const flags of [keys, []]) {
      const { here, there } = await bothWays(TYPED, "i", flags);
      expect(there.message).toBeUndefined();
      expect([there.rows, there.values]).toEqual([here.rows, here.values]);
    }
  },
);

withDuckDb(
  "numbers and times are the same bytes as from a Parquet file, with and without missing ones",
  async () => {
    const numeric = names.filter((name) =>
      /t_(tiny|small|int|big|u|huge|sum|dec|float|double|zero)/.test(name),
    );
    const numbers = numeric.filter((name) => !name.endsWith("uuid"));
    const { here, there } = await bothWays(TYPED, "i", ["--numeric", numbers.join(",")]);
    expect(there.message).toBeUndefined();
    expect([there.rows, there.values]).toEqual([here.rows, here.values]);
    for (const time of ["t_ts", "t_ts_s", "t_ts_ms", "t_ts_ns", "t_ts_tz", "t_date"]) {
      const flags = ["--time", time, "--fields", "t_short"];
      const timed = await bothWays(TYPED, "i", flags);
      expect([time, timed.there.rows]).toEqual([time, timed.here.rows]);
    }
  },
);

withDuckDb(
  "batches of any content join: long, repeated, missing and empty texts over many chunks, at any number of threads",
  async () => {
    const sql =
      "SELECT 'user number ' || (hash(i) % 5000) AS user, CASE WHEN i % 10 <> 3 THEN 'i' || hash(i * 3) % 900 END AS item, " +
      "CASE WHEN i % 70000 < 66000 THEN NULL ELSE repeat('long ', (i % 30)::INT) END AS late, i // 2 AS time, " +
      "[hash(i % 9973) % 50, NULL, i % 3] AS tags, i % 2 AS label FROM range(150000) t(i)";
    const { here, there } = await bothWays(sql, "time,label");
    expect(there.message).toBeUndefined();
    expect([there.rows, there.values]).toEqual([here.rows, here.values]);
    const query = [...inMemory, "--engine-sql", sqlFile(sql), "--engine-order", "time,label"];
    const one = await encoded([...query, "--threads", "1"]);
    expect(one).toEqual({ ...there, inputs: [{ ...there.inputs![0], path: one.inputs![0]!.path }] });
  },
);

withDuckDb(
  "rows of weight 0 are as if the query did not have them; a weight below 0 is refused",
  async () => {
    const weighed = (weight: string, where: string) =>
      `SELECT 'u' || i % 7 AS user, 'i' || i % 11 AS item, i AS n, ${weight} AS w FROM range(90) t(i) WHERE ${where}`;
    const encode = async (sql: string) => {
      const query = ["--engine-sql", sqlFile(sql), "--engine-order", "n"];
      return await encoded([...inMemory, ...query, "--weight", "w", "--ignore", "n"]);
    };
    const zeros = await encode(weighed("i % 3", "true"));
    const none = await encode(weighed("i % 3", "i % 3 > 0"));
    expect(zeros.code).toBe(0);
    expect([zeros.rows, zeros.values]).toEqual([none.rows, none.values]);
    for (const [weight, got] of [
      ["i - 40.5", '"-40.5"'],
      ["1.0 / (i - 40)::DOUBLE", '"Infinity"'],
    ] as const)
      expect(await encode(weighed(weight, "true"))).toMatchObject({
        code: 65,
        message: expect.stringContaining(`expected a finite weight of at least 0, got ${got}`) as string,
      });
  },
);

withDuckDb("a table of a file, a join, and Parquet files by pattern are logs", async () => {
  const log = at("events.parquet");
  await execute(
    `ATTACH '${shop}' AS shop (READ_ONLY);
     COPY (SELECT * FROM shop.events ORDER BY time) TO '${log}';
     COPY (SELECT * FROM shop.events JOIN shop.items USING (item) ORDER BY time) TO '${at("joined.parquet")}'`,
  );
  const file = ["--engine", `duckdb:${shop}`];
  const here = await encoded([log]);
  const table = await encoded(["table:events", ...file, "--engine-order", "time"]);
  expect([table.rows, table.values]).toEqual([here.rows, here.values]);
  expect(table.inputs).toMatchObject([{ path: "table:events", of: "rows" }]);
  const join = sqlFile("-- events; with their items\nSELECT * FROM events JOIN items USING (item);\n");
  const joined = await encoded([...file, "--engine-sql", join, "--engine-order", "time"]);
  const joinedHere = await encoded([at("joined.parquet")]);
  expect([joined.rows, joined.values]).toEqual([joinedHere.rows, joinedHere.values]);
  mkdirSync(at("days"));
  await execute(`COPY (SELECT * FROM '${log}' WHERE time < TIMESTAMP '2026-01-01 00:20:00') TO '${at("days/2.parquet")}';
    COPY (SELECT * FROM '${log}' WHERE time >= TIMESTAMP '2026-01-01 00:20:00') TO '${at("days/1.parquet")}'`);
  const pattern = sqlFile(`SELECT * FROM read_parquet('${at("days")}/*.parquet')`);
  const days = await encoded([...inMemory, "--engine-sql", pattern, "--engine-order", "time"]);
  expect([days.rows, days.values]).toEqual([here.rows, here.values]);
  const prelude = sqlFile(
    `ATTACH '${shop}' AS shop (READ_ONLY); CREATE TEMP VIEW late AS SELECT * FROM shop.events; SELECT * FROM late`,
  );
  const attached = await encoded([...inMemory, "--engine-sql", prelude, "--engine-order", "time"]);
  expect([attached.rows, attached.values]).toEqual([here.rows, here.values]);
});

withDuckDb(
  "rows that tie and differ are refused, also over the end of a batch; equal ones are not",
  async () => {
    const message = async (sql: string, order: string) =>
      (await encoded([...inMemory, "--engine-sql", sqlFile(sql), "--engine-order", order])).message;
    const rows = (x: string) => `SELECT i // 2 AS user, ${x} AS item, 1 AS label FROM range(140001) t(i)`;
    expect(await message(rows("7"), "user")).toBeUndefined();
    // batches have 65,536 rows: the last row of a batch and the first row of the next one have different users here,
    // but the same user once the first row is skipped
    expect(await message(`SELECT * FROM (${rows("7")}) OFFSET 1`, "user")).toBeUndefined();
    const last = "CASE WHEN i = 65537 THEN 8 ELSE 7 END";
    expect(await message(`SELECT * FROM (${rows(last)}) OFFSET 1`, "user")).toMatch(
      /column 'item': rows 65536 and 65537 have the same user and differ/,
    );
    expect(await message("SELECT unnest(['a', 'a']) AS user, unnest([1, NULL]) AS item", "user")).toMatch(
      /rows 1 and 2/,
    );
    expect(
      await message("SELECT unnest([0.0, '-0.0'::DOUBLE]) AS user, unnest([1, 2]) AS item", "user"),
    ).toMatch(/rows 1 and 2/);
  },
);

withDuckDb("what is wrong with SQL ends with DuckDB's message, line and column", async () => {
  const failing = async (sql: string, order = "user") => {
    writeFileSync(at("log.sql"), sql);
    const { code, message } = await encoded([
      ...["--engine", `duckdb:${shop}`],
      ...["--engine-sql", at("log.sql"), "--engine-order", order],
    ]);
    return `${code} ${message}`;
  };
  expect(await failing("SELECT user, item\nFORM events WHERE x")).toMatch(
    /^65 .*log\.sql:2:6: Parser Error: syntax error/,
  );
  expect(await failing("SET threads = 1;\n\nSELECT 'ü', usr AS user FROM events")).toMatch(
    /^65 .*log\.sql:3:13: Binder Error: Referenced column "usr" not found/,
  );
  expect(await failing("SELECT user,\n  CASE WHEN user = 'u3' THEN user::INT END AS x FROM events")).toMatch(
    /^65 .*log\.sql:2:34: Conversion Error: Could not convert string 'u3'/,
  );
  expect(await failing("SELECT * FROM nosuch")).toMatch(/^65 .*log\.sql:1:15: Catalog Error/);
  expect(await failing("SELECT * FROM 'no/*.parquet'")).toMatch(
    /^66 .*No files found that match the pattern/,
  );
  expect(await failing("SELECT 1 AS user, 2 AS User")).toMatch(
    /^65 .*column 'User': two columns have the same name/,
  );
  expect(await failing("SELECT user FROM events WHERE false")).toMatch(/^65 .*has no rows/);
  expect(await failing(" -- nothing\n")).toMatch(/^64 .*is empty/);
  expect(await failing("SELECT 1 AS user; SELECT 2 AS user")).toMatch(
    /^64 .*'SELECT 1 AS USER' in 'log.sql' cannot come before the query/,
  );
  expect(await failing(`ATTACH '${at("new.duckdb")}' AS new; SELECT 1 AS user`)).toMatch(
    /^64 .*needs \(READ_ONLY\)/,
  );
  expect(await failing(`COPY (SELECT 1) TO '${at("copied.csv")}'`)).toMatch(/^64 .*must end with one SELECT/);
  expect(await failing("DROP TABLE events")).toMatch(/^6[45] /);
  expect(await failing("SELECT user, item FROM events", "tiem")).toMatch(
    /^64 .*no column 'tiem', did you mean 'item'/,
  );
  expect([at("new.duckdb"), at("copied.csv")].filter(existsSync)).toEqual([]);
});

withDuckDb("a column without a rule is refused with its type and a cast, if it is used", async () => {
  const cases: [sql: string, type: string, cast: string][] = [
    ["[[1], [2]]", "INTEGER[][]", 'flatten("x")'],
    ["{'a': 1}", "STRUCT(a INTEGER)", "struct_extract(\"x\", 'MEMBER')"],
    ["[{'a': 1}]", "STRUCT(a INTEGER)[]", 'CAST("x" AS VARCHAR[])'],
    ["MAP {'a': 1}", "MAP(VARCHAR, INTEGER)", 'map_keys("x")'],
    ["'ab'::BLOB", "BLOB", 'decode("x")'],
    ["INTERVAL 3 DAYS", "INTERVAL", 'epoch("x")'],
    ["'01'::BIT", "BIT", 'CAST("x" AS VARCHAR)'],
    ["TIME '12:00:00+02'::TIMETZ", "TIME WITH TIME ZONE", 'CAST("x" AS VARCHAR)'],
  ];
  for (const [expression, type, cast] of cases) {
    const file = sqlFile(`SELECT user, item, time, ${expression} AS x FROM events`);
    const query = ["--engine", `duckdb:${shop}`, "--engine-sql", file, "--engine-order", "time"];
    const { code, message } = await encoded([...query, "--fields", "user,item,x"]);
    expect([code, message]).toEqual([
      65,
      expect.stringContaining(`column 'x': cells of the type ${type} are not read`),
    ]);
    expect(message).toContain(cast);
    expect((await encoded([...query, "--ignore", "x"])).code).toBe(0);
  }
  const digits = sqlFile("SELECT user, item, time, 123456789012345678.5::DECIMAL(38, 2) AS x FROM events");
  const large = await encoded(argv`--engine duckdb:${shop} --engine-sql ${digits} --engine-order time
      --fields x`);
  expect([large.code, large.message]).toEqual([65, expect.stringContaining("more than 15 digits")]);
});

withDuckDb("what is wrong with an address, a file or an option ends the command with its code", async () => {
  const order = ["--engine-order", "time"];
  writeFileSync(at("text.duckdb"), "this is not a database at all, whatever its name says\n".repeat(99));
  const cases: [code: number, message: RegExp, args: string[]][] = [
    [
      66,
      /'none.duckdb' does not exist/,
      ["table:events", "--engine", `duckdb:${at("none.duckdb")}`, ...order],
    ],
    [
      65,
      /not a database that this DuckDB reads/,
      ["table:events", "--engine", `duckdb:${at("text.duckdb")}`, ...order],
    ],
    [65, /table 'nosuch' of 'shop.duckdb'/, ["table:nosuch", "--engine", `duckdb:${shop}`, ...order]],
    [64, /needs --engine-order/, ["table:events", "--engine", `duckdb:${shop}`]],
    [64, /name table:NAME, or write a query/, [at("log.csv"), "--engine", "duckdb:"]],
    [64, /attach other databases/, ["table:events", "--engine", "duckdb:postgres://host/shop", ...order]],
    [
      64,
      /--engine-slice applies to Spark/,
      ["table:events", "--engine", `duckdb:${shop}`, "--engine-slice", "1M", ...order],
    ],
    [
      64,
      /names column 'nobody', which does not exist: the columns are user/,
      ["table:events", "--engine", `duckdb:${shop}`, ...order, "--user", "nobody"],
    ],
  ];
  for (const [code, message, args] of cases)
    expect(await encoded(args)).toEqual({ code, message: expect.stringMatching(message) });
  expect(existsSync(at("none.duckdb"))).toBe(false);
});

withDuckDb("a TMPDIR that does not exist is 74, with advice", async () => {
  const line = `embed encode table:events --engine duckdb:${shop} --engine-order time -o ${at("none")}`;
  const { code, stderr } = await shell(line, { env: { TMPDIR: at("nowhere") } });
  expect([code, stderr]).toEqual([74, expect.stringMatching(/nowhere' failed \(set TMPDIR to a directory/)]);
});

withDuckDb(
  "a database that another program writes to is locked (75), and one that it reads is not",
  async () => {
    const path = at("locked.duckdb");
    await execute("CREATE TABLE events AS SELECT 'u1' AS user, 'i1' AS item, 1 AS time", path);
    const hold = (mode: string) =>
      `const { DuckDBInstance } = await import("@duckdb/node-api");
     const instance = await DuckDBInstance.create(${JSON.stringify(path)}, { access_mode: "${mode}" });
     await instance.connect(); console.log("open"); setInterval(() => undefined, 1000);`;
    for (const [mode, code] of [
      ["READ_WRITE", 75],
      ["READ_ONLY", 0],
    ] as const) {
      const holder = spawn(process.execPath, ["--input-type=module", "-e", hold(mode)], {
        cwd: projectFolder,
      });
      await new Promise((resolve) => holder.stdout.once("data", resolve));
      const { code: got, message } = await encoded(argv`table:events --engine duckdb:${path}
          --engine-order time`);
      holder.kill();
      await new Promise((resolve) => holder.once("exit", resolve));
      expect(got).toBe(code);
      if (code === 75) expect(message).toMatch(/'locked.duckdb' is in use by another program/);
    }
  },
);

withDuckDb("an interrupt ends the query and leaves no output", async () => {
  const endless = sqlFile("SELECT hash(i) AS user, i AS item FROM range(30000000000) t(i)");
  const args = [...inMemory, "--engine-sql", endless, "--engine-order", "user", "-o", at("never")];
  const ended = await embed(["encode", ...args, "--log-format", "json"], {
    signalWhen: { stderr: /reading/, signal: "SIGINT" },
  });
  expect(ended.code).toBe(130);
  expect(existsSync(at("never"))).toBe(false);
});

withDuckDb("a training, inspect and a run's reproduction read through DuckDB", async () => {
  await execute(
    `CREATE TABLE clicks AS SELECT row_number() OVER () AS n, * FROM read_csv('${fixture("clicks.csv")}', all_varchar = true)`,
    at("clicks.duckdb"),
  );
  const query = sqlFile("SELECT * FROM clicks");
  const engine = ["--engine", `duckdb:${at("clicks.duckdb")}`];
  const train = ["--epochs", "1", "--valid", "0.1", "--test", "0.1", "--ignore", "n", "--quiet"];
  const read = [...engine, "--engine-sql", query, "--engine-order", "n"];
  await embedOk(["train-fm", ...read, "-o", at("there"), ...train]);
  await embedOk([
    "train-fm",
    fixture("clicks.csv"),
    "-o",
    at("here"),
    ...train.filter((word) => !/^(--ignore|n)$/.test(word)),
  ]);
  const bytesOf = (run: string) => readFileSync(join(at(run), "embeddings.arrow")).toString("base64");
  expect(bytesOf("there")).toBe(bytesOf("here"));
  await embedOk(["reproduce", at("there"), ...engine]);
  const inspected = await embedOk(["inspect", "table:clicks", ...engine, "--engine-order", "n", "--json"]);
  expect(JSON.parse(inspected.stdout)).toMatchObject({ rows: 12_000 });
});

withDuckDb("side tables and further logs are tables and queries, or files of this machine", async () => {
  const [items, events, later] = ["items", "events", "later"].map((name) => at(`side-${name}.parquet`)) as [
    string,
    string,
    string,
  ];
  await execute(
    `ATTACH '${shop}' AS shop (READ_ONLY);
     COPY (SELECT * FROM shop.items ORDER BY item) TO '${items}';
     COPY (SELECT * FROM shop.events ORDER BY time) TO '${events}';
     COPY (SELECT * REPLACE (time + INTERVAL 1 DAY AS time) FROM shop.events ORDER BY time) TO '${later}'`,
  );
  const engine = ["--engine", `duckdb:${shop}`, "--engine-order", "time"];
  const here = await encoded([events, "--side", `${items}:item`]);
  const query = sqlFile("SELECT * FROM items WHERE item <> 'none'");
  for (const side of ["table:items:item", `sql:${query}:item=item`, `${items}:item`]) {
    const there = await encoded(["table:events", ...engine, "--side", side]);
    expect([side, there.rows, there.values]).toEqual([side, here.rows, here.values]);
  }
  expect((await encoded([events, "--side", "table:items:item"])).message).toMatch(
    /'table:items' is read through an engine/,
  );
  const validation = sqlFile("SELECT * REPLACE (time + INTERVAL 1 DAY AS time) FROM events");
  const trained = async (name: string, log: readonly string[], valid: string, side: string) => {
    await embedOk(argv`train-fm ${log} --valid ${valid} --side ${side} --epochs 1 -o ${at(name)} --quiet`);
    return readFileSync(join(at(name), "embeddings.arrow")).toString("base64");
  };
  expect(
    await trained("side-there", ["table:events", ...engine], `sql:${validation}`, "table:items:item"),
  ).toBe(await trained("side-here", [events], later, `${items}:item`));
  await embedOk(["reproduce", at("side-there"), "--engine", `duckdb:${shop}`]);
  const again = await embed(["evaluate", at("side-there"), "--part", "valid"]);
  expect([again.code, again.stderr]).toEqual([64, expect.stringMatching(/was read through duckdb:/)]);
});

withDuckDb("a pipeline reads a query and a side table, and runs again when their rows change", async () => {
  mkdirSync(at("weekly"));
  await execute(SHOP, at("weekly/shop.duckdb"));
  writeFileSync(at("weekly/log.sql"), "SELECT * FROM events");
  writeFileSync(
    at("weekly/pipeline.yaml"),
    `store: store
log: sql:log.sql
reading: { engine: "duckdb:shop.duckdb", engine-order: [time] }
columns: { side: { "table:items": item } }
train: { items: { command: train-fm, epochs: 1 } }
`,
  );
  const run = async () => {
    const { code, stdout, stderr } = await embed(["run", at("weekly/pipeline.yaml"), "--json"]);
    expect(code === 0 ? "" : stderr).toBe("");
    return (JSON.parse(stdout) as { outcome: string }).outcome;
  };
  expect([await run(), await run()]).toEqual(["published", "unchanged"]);
  await execute("UPDATE items SET category = 'bags' WHERE item = 'i7'", at("weekly/shop.duckdb"));
  expect(await run()).toBe("published");
  const record = readFileSync(at("weekly/store/items/000002/pipeline.json"), "utf8");
  const { log } = JSON.parse(record) as { log: { path: string }[] };
  expect(log.map(({ path }) => path)).toEqual(["sql:log.sql", "table:items"]);
});

test("without the package, a message says how to install it", () => {
  // a copy of the module that loads duckdb, in a folder outside of the project, does not find the package
  mkdirSync(at("elsewhere/log/duckdb"), { recursive: true });
  mkdirSync(at("elsewhere/base"));
  const module = readFileSync(join(projectFolder, "dist/log/duckdb/bindings.js"), "utf8");
  writeFileSync(at("elsewhere/package.json"), '{ "type": "module" }');
  writeFileSync(at("elsewhere/log/duckdb/bindings.js"), module);
  copyFileSync(join(projectFolder, "dist/base/errors.js"), at("elsewhere/base/errors.js"));
  const load = `const { loadDuckDb } = await import(${JSON.stringify(at("elsewhere/log/duckdb/bindings.js"))});
    try { loadDuckDb(); } catch (error) { console.log(error.exitCode, error.message); }`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", load], { encoding: "utf8" });
  expect(stdout).toMatch(
    /^64 --engine duckdb: needs the package @duckdb\/node-api.*npm install @duckdb\/node-api/,
  );
});
