// `embed export --format pgvector --url-env`: a table of a real PostgreSQL with pgvector is replaced completely or not
// at all. Without a server the tests print a message and pass; `.ci/interop-exports` provides one.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "pg";
import { withTransaction } from "../export/servers/postgres-connection.js";
import { argv } from "../testing/argv.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { blockOf, printedBy, testPython } from "../testing/page-code.js";
import { fixture, program } from "../testing/places.js";
import { senderOf, writeRunsToSend } from "../testing/server-exports.js";
import { PASSWORD, connected, startPostgres, type Server } from "../testing/servers.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [MONDAY, TUESDAY, LARGE] = [at("monday"), at("tuesday"), at("large")];

let server: Server | undefined;
let database: Client;

/** Declares a test that is skipped if there is no server. */
function withPostgres(name: string, work: () => Promise<void>): void {
  test(name, async () => {
    if (server) await work();
  });
}

beforeAll(async () => {
  server = await startPostgres();
  if (!server) return console.warn("skipped: there is no PostgreSQL with pgvector");
  database = await connected(server);
  await database.query("CREATE EXTENSION vector");
  await writeRunsToSend(folder, { largeDim: 4 });
  const keys = ["tab\there", "back\\slash", "🦊 é", "'quoted'", "two\nlines", "\\N"];
  const rows = keys.map((key, i) => `it'em,"${key}",${i},${i},0.5,-0,1e-7`);
  writeFileSync(at("odd.csv"), `field,key,count,v0,v1,v2,v3\n${rows.join("\n")}\n`);
  await embedOk(["import", at("odd.csv"), "--format", "csv", "-o", at("odd")]);
});
afterEach(async () => {
  if (server) await database.query("DROP TABLE IF EXISTS items CASCADE");
});
afterAll(async () => {
  await database?.end();
  await server?.kill();
});

const { send, sendOk } = senderOf("pgvector", "PG_URL", () => server!.url);

type Found = { field: string; key: string; count: string; vector: string };
const bytewise = (a: string[], b: string[]): number =>
  Buffer.compare(Buffer.from(a.join(":")), Buffer.from(b.join(":")));

/** Returns the rows of a table in the order of their keys, each as text. */
async function tableOf(name = "items"): Promise<string[][]> {
  const { rows } = await database.query<Found>(`SELECT field, key, count::text, vector::text FROM ${name}`);
  const texts = rows.map(({ field, key, count, vector }) => [
    field,
    key,
    count,
    vectorText(JSON.parse(vector) as number[]),
  ]);
  return texts.sort(bytewise);
}

const vectorText = (vector: number[]): string => vector.map((x) => Math.fround(x) + 0).join(" ");

async function rowsOf(run: string): Promise<string[][]> {
  const { stdout } = await embedOk(["export", run, "--format", "jsonl"]);
  const rows = parseJsonLines(stdout).map(({ field, key, count, vector }) => [
    field,
    key,
    String(count),
    vectorText(vector),
  ]);
  return rows.sort(bytewise);
}

async function value(sql: string): Promise<unknown> {
  const { rows } = await database.query<Record<string, unknown>>(sql);
  return rows.length === 0 ? undefined : Object.values(rows[0]!)[0];
}

withPostgres("makes the table with every row, and does not write again what is there", async () => {
  expect(await sendOk(MONDAY)).toBe("'items' is created\n");
  expect(await tableOf()).toEqual(await rowsOf(MONDAY));
  expect(await sendOk(MONDAY)).toBe("'items' already has these rows\n");
  expect(await sendOk(MONDAY, "--force")).toBe("'items' is replaced\n");
  expect(await sendOk(at("odd"))).toBe("'items' is replaced\n");
  expect(await tableOf()).toEqual(await rowsOf(at("odd")));
});

withPostgres("the page's own code makes an index that exports keep, and finds neighbors", async () => {
  await sendOk(MONDAY);
  await database.query(blockOf("servers.md", "sql", "CREATE INDEX"));
  await sendOk(TUESDAY);
  expect(await value("SELECT count(*) FROM pg_indexes WHERE indexname = 'items_near'")).toBe("1");
  if (testPython === undefined)
    return console.warn("skipped the page's Python: EMBED_TEST_PYTHON names none");
  const python = blockOf("servers.md", "python", "psycopg");
  const lines = printedBy(testPython, ["-c", python], { PG_URL: server!.url }).trim().split("\n");
  const { stdout } = await embedOk(["neighbors", TUESDAY, "--key", "item:tea-03", "--top", "3"]);
  const expected = [...stdout.matchAll(/^ +([a-z]+-\d+) +(\S+)/gm)].map(
    ([, key, cosine]) => `${key} ${cosine}`,
  );
  expect(lines.map((line) => line.split(" ")[0])).toEqual(expected.map((line) => line.split(" ")[0]));
});

withPostgres("names are taken as they are: a schema, capitals, quotes", async () => {
  await database.query('CREATE SCHEMA IF NOT EXISTS "Se rving"');
  const into = 'Se rving.It"ems';
  await sendOk(MONDAY, "--into", into, "--with-weight");
  await sendOk(TUESDAY, "--into", into, "--with-weight");
  expect(await tableOf('"Se rving"."It""ems"')).toEqual(await rowsOf(TUESDAY));
  expect(await value('SELECT count(*) FROM "Se rving"."It""ems" WHERE weight IS NOT NULL')).toBe("283");
});

withPostgres(
  "a replaced table keeps its indexes with their names, its grants, its owner, defaults and comments",
  async () => {
    await sendOk(MONDAY);
    await database.query(`CREATE INDEX near ON items USING hnsw (vector vector_cosine_ops) WITH (m = 8);
    CREATE UNIQUE INDEX "by key" ON items (key, field) WHERE count > 0;
    DROP ROLE IF EXISTS reader; DROP ROLE IF EXISTS keeper; CREATE ROLE reader; CREATE ROLE keeper;
    GRANT CREATE ON SCHEMA public TO keeper; ALTER TABLE items OWNER TO keeper;
    GRANT SELECT ON items TO reader WITH GRANT OPTION; GRANT SELECT ON items TO PUBLIC;
    ALTER TABLE items ADD CHECK (count >= 0), ALTER count SET DEFAULT 7; COMMENT ON COLUMN items.vector IS 'unit'`);
    await database.query("COMMENT ON TABLE items IS 'of the shop'");
    const facts = async (): Promise<unknown> => [
      (await database.query("SELECT indexdef FROM pg_indexes WHERE tablename = 'items' ORDER BY indexname"))
        .rows,
      (
        await database.query(
          "SELECT conname, contype FROM pg_constraint WHERE conrelid = 'items'::regclass AND contype <> 'n' ORDER BY conname",
        )
      ).rows,
      await value("SELECT relacl::text FROM pg_class WHERE oid = 'items'::regclass"),
      await value("SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'items'::regclass"),
      await value("SELECT col_description('items'::regclass, 4)"),
      await value(
        "SELECT column_default FROM information_schema.columns WHERE table_name = 'items' AND column_name = 'count'",
      ),
      String(await value("SELECT obj_description('items'::regclass)")).replace(/[0-9a-f]{16}$/, ""),
    ];
    await sendOk(TUESDAY);
    const [before, oid] = [await facts(), await value("SELECT 'items'::regclass::oid")];
    expect(await sendOk(MONDAY)).toBe("'items' is replaced\n");
    expect(await facts()).toEqual(before);
    expect(JSON.stringify(before)).toMatch(/reader=r\*.*keeper.*unit.*7.*of the shop\\nembed export/);
    expect(await value("SELECT 'items'::regclass::oid")).not.toBe(oid);
    expect(await tableOf()).toEqual(await rowsOf(MONDAY));
    expect(await value("SELECT count(*) FROM pg_class WHERE relname LIKE 'embed_new%'")).toBe("0");
  },
);

withPostgres(
  "a table with a view, or of another role, is replaced row by row, and is the same table",
  async () => {
    await sendOk(MONDAY);
    await database.query("CREATE VIEW teas AS SELECT * FROM items WHERE key LIKE 'tea-%'");
    const oid = await value("SELECT 'items'::regclass::oid");
    expect(await sendOk(TUESDAY)).toMatch(/, row by row, because it has .*view teas\n$/);
    expect([await tableOf(), await value("SELECT 'items'::regclass::oid")]).toEqual([
      await rowsOf(TUESDAY),
      oid,
    ]);
    expect(await value("SELECT count(*) FROM teas")).toBe("12");
    await database.query(`DROP VIEW teas; DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN PASSWORD 'w';
    GRANT SELECT, INSERT, DELETE ON items TO writer`);
    const url = server!.url.replace(/app:[^@]*@/, "writer:w@");
    const { code, stderr } = await send(MONDAY, { url });
    expect([code, stderr]).toEqual([0, expect.stringContaining("the owner app")]);
    expect(await tableOf()).toEqual(await rowsOf(MONDAY));
  },
);

withPostgres(
  "a search in a table that was replaced row by row finds all that it asks for once the command in the note is run",
  async () => {
    await sendOk(MONDAY);
    await database.query(`CREATE VIEW all_items AS SELECT * FROM items;
      CREATE INDEX near ON items USING hnsw (vector vector_cosine_ops); SET enable_seqscan = off`);
    const found = async (): Promise<unknown> =>
      await value("SELECT count(*)::int FROM (SELECT FROM items ORDER BY vector <=> '[1,2,3,4]' LIMIT 40) _");
    const note = await sendOk(TUESDAY);
    expect(await found()).toBeLessThan(40);
    await database.query(
      /searches find fewer rows than they ask for until you run (REINDEX .*);$/m.exec(note)![1]!,
    );
    expect(await found()).toBe(40);
    await database.query("RESET enable_seqscan");
  },
);

withPostgres(
  "readers that ask all the while, each new or in one long transaction, find one of both tables, whole",
  async () => {
    await sendOk(MONDAY);
    const tables = await Promise.all([MONDAY, TUESDAY].map(async (run) => JSON.stringify(await rowsOf(run))));
    const reader = await connected(server!);
    const select = "SELECT field, key, count::text, vector::text FROM items";
    const done = new AbortController();
    const seen = { reads: 0 };
    const strange: number[] = [];
    const read = async (): Promise<void> => {
      for (; !done.signal.aborted; seen.reads++) {
        if (seen.reads % 3 === 0) await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1");
        const { rows } = await reader.query<Found>(select);
        const texts = rows.map((row) => [
          row.field,
          row.key,
          row.count,
          vectorText(JSON.parse(row.vector) as number[]),
        ]);
        if (!tables.includes(JSON.stringify(texts.sort(bytewise)))) strange.push(rows.length);
        if (seen.reads % 3 === 2) await reader.query("COMMIT");
      }
    };
    const reading = read();
    for (const run of [TUESDAY, MONDAY]) await sendOk(run);
    await database.query("CREATE VIEW copy AS SELECT * FROM items");
    for (let turn = 0; turn < 2 || seen.reads <= 20; turn++) await sendOk(turn % 2 ? MONDAY : TUESDAY);
    // reads the table after it was replaced, in a transaction whose snapshot is older
    await database.query("DROP VIEW copy");
    done.abort();
    await reading;
    await reader.query("ROLLBACK");
    await reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ");
    await reader.query("SELECT 1");
    await sendOk(TUESDAY);
    expect((await reader.query(select)).rows).toHaveLength(283);
    await reader.end();
    expect(strange).toEqual([]);
  },
);

withPostgres("two exports to one table exclude each other: the second ends with 75", async () => {
  await database.query("BEGIN");
  await database.query(`SELECT pg_advisory_xact_lock(hashtextextended('embed export "public"."items"', 0))`);
  const { code, stderr } = await send(MONDAY);
  await database.query("ROLLBACK");
  expect([code, stderr]).toEqual([75, expect.stringContaining("another export")]);
});

withPostgres("a server that takes no more rows is given up: an IoError", async () => {
  const target = {
    format: "pgvector",
    url: server!.url,
    variable: "PG_URL",
    into: "items",
    fingerprint: "",
    force: false,
    signal: new AbortController().signal,
    patience: 300,
  };
  let backend = 0;
  const rows = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from("a\n");
    process.kill(backend, "SIGSTOP");
    for (;;) yield Buffer.from("a\n".repeat(1 << 17));
  };
  const work = withTransaction(target, async ({ query, copy }) => {
    const [found] = await query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
    backend = found!.pid;
    await query("CREATE TABLE items (a text)");
    await copy("COPY items FROM STDIN", rows());
  });
  const silent = { name: "IoError", message: expect.stringContaining("has accepted no rows for") };
  await expect(work).rejects.toEqual(expect.objectContaining(silent));
  process.kill(backend, "SIGCONT");
});

withPostgres("what is no table for these vectors is refused with 73, and stays", async () => {
  const refused = async (text: string, flags: string[] = [], url?: string): Promise<void> => {
    const { code, stderr } = await send(MONDAY, { flags, ...(url && { url }) });
    expect([code, stderr]).toEqual([73, expect.stringContaining(text)]);
  };
  await database.query("CREATE TABLE items (field text, key text, count bigint, vector vector(6))");
  await refused("vector vector(6)), expected (field text, key text, count bigint, vector vector(4))");
  await database.query("ALTER TABLE items DROP vector, ADD name text");
  await refused("name text");
  expect(await value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'items'")).toBe("4");
  await database.query("DROP TABLE items; CREATE VIEW items AS SELECT 1");
  await refused("' exists but is not a plain table: name another with --into");
  await database.query("DROP VIEW items");
  await refused("nowhere", ["--into", "nowhere.items"]);
  await database.query("DROP DATABASE IF EXISTS plain");
  await database.query("CREATE DATABASE plain");
  await refused("CREATE EXTENSION vector", [], server!.url.replace(/postgres$/, "plain"));
  await sendOk(MONDAY);
  await database.query(
    "CREATE TABLE sales (field text, key text, FOREIGN KEY (field, key) REFERENCES items)",
  );
  const { code, stderr } = await send(TUESDAY);
  await database.query("DROP TABLE sales");
  expect([code, stderr]).toEqual([73, expect.stringContaining("foreign keys of sales")]);
});

/** Waits until an export copies rows. @throws {Error} the export has ended before */
async function underWay(client: Client, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => (isOver = true));
  const copying = "SELECT 1 FROM pg_stat_progress_copy WHERE tuples_processed > 5000";
  while ((await client.query(copying)).rowCount === 0) {
    if (isOver) throw new Error(`the export ended before it was interrupted: ${JSON.stringify(await ended)}`);
    await new Promise(setImmediate);
  }
}

describe("an export that ends before its time", () => {
  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGKILL", null],
  ] as const)
    withPostgres(`by ${signal} leaves the table as it was, and nothing else`, async () => {
      await sendOk(MONDAY);
      const args = ["export", LARGE, "--format", "pgvector", "--url-env", "PG_URL", "--into", "items"];
      const env = { ...process.env, PG_URL: server!.url };
      const child = spawn(process.execPath, [program, ...args], { env, stdio: "ignore" });
      const ended = new Promise<number | null>((resolve) => child.once("exit", (got) => resolve(got)));
      await underWay(database, ended);
      child.kill(signal);
      expect(await ended).toBe(code);
      expect(await tableOf()).toEqual(await rowsOf(MONDAY));
      await sendOk(TUESDAY);
      expect(await value("SELECT count(*) FROM pg_class WHERE relname LIKE 'embed_new%'")).toBe("0");
    });

  withPostgres("because the server is killed is an error 74", async () => {
    const other = (await startPostgres())!;
    const watcher = await connected(other);
    await watcher.query("CREATE EXTENSION vector");
    const ended = send(LARGE, { url: other.url });
    await underWay(watcher, ended);
    await other.kill();
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([74, expect.stringContaining("PG_URL")]);
    expect(stderr).not.toContain(PASSWORD);
  });
});

withPostgres(
  "a wrong password, a database that is not there, no URL: 64; no server: 74; no password is printed",
  async () => {
    const { url } = server!;
    for (const [code, text, wrong] of [
      [64, "check user, password and database in PG_URL", url.replace(/app:[^@]*@/, "app:secret@")],
      [64, "check user, password and database in PG_URL", url.replace(/postgres$/, "nowhere")],
      [64, "PG_URL", "postgres://app:secret@:notaport:/x"],
      [
        64,
        "the form host=... dbname=... is not supported",
        "host=127.0.0.1 user=app password=secret dbname=x",
      ],
      [64, "expected postgres://USER:PASSWORD@HOST", "redis://:secret@127.0.0.1:1"],
      [74, "PG_URL", "postgres://app:secret@127.0.0.1:1/postgres"],
    ] as const) {
      const got = await send(MONDAY, { url: wrong });
      expect([got.code, got.stderr]).toEqual([code, expect.stringContaining(text)]);
      expect(got.stderr + got.stdout).not.toMatch(/secret|p@ss|p%40ss/);
    }
  },
);

test("a table of pg_temp, which vanishes with the connection, is refused before there is one", async () => {
  await embedOk(argv`train-fm ${fixture("clicks.csv")} --epochs 1 -o ${join(folder, "short")}`);
  const env = { PG_URL: "postgres://localhost:1/none" };
  const words = argv`export ${join(folder, "short")} --format pgvector --field item --url-env PG_URL --into pg_temp.items`;
  const { code, stderr } = await embed(words, { env });
  expect([code, stderr]).toEqual([64, expect.stringContaining("tables of schema 'pg_temp' vanish")]);
});
