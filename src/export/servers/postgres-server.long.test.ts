// Tests that replace a table of a real PostgreSQL: the contents of its catalogs afterwards, and the transactions that
// block the replacement. Without a server the tests print a message and pass.

import type { Client } from "pg";
import { connected, startPostgres, type Server } from "../../testing/servers.js";
import { OutputError } from "../../base/errors.js";
import { withTransaction } from "./postgres-connection.js";
import { replaceInPostgres } from "./postgres-server.js";
import type { Sent, ServerTarget } from "./server.js";

let server: Server | undefined;
let database: Client;

beforeAll(async () => {
  server = await startPostgres({ vectors: false });
  if (!server) return console.warn("skipped: there is no PostgreSQL");
  database = await connected(server);
  await database.query("CREATE ROLE reader; CREATE ROLE other; CREATE ROLE writer");
});
afterEach(async () => {
  await database?.query(`DROP TABLE IF EXISTS items CASCADE;
    ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM reader, other;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM PUBLIC`);
});
afterAll(async () => {
  await database?.end();
  await server?.kill();
});

const withPostgres = (name: string, work: () => Promise<void>): void =>
  test(name, async () => (server ? await work() : undefined));

/** Replaces the rows of the table by the rows `key 1`, `key 2`, ... */
async function send(numRows: number, more: Partial<ServerTarget> = {}): Promise<Sent> {
  const columns = [
    { name: "key", type: "text" },
    { name: "count", type: "integer" },
  ];
  const text = Array.from({ length: numRows }, (_, i) => `key ${i + 1}\t${i}\n`).join("");
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  const content = { columns: () => Promise.resolve(columns), key: ["key"], chunks };
  const { signal } = new AbortController();
  const target = { format: "postgres", url: server!.url, variable: "PG_URL", into: "items", signal };
  return await replaceInPostgres(content, { ...target, fingerprint: "f".repeat(16), force: true, ...more });
}

async function column(sql: string): Promise<unknown[]> {
  const { rows } = await database.query({ text: sql, rowMode: "array" });
  return (rows as unknown[][]).map((row) => (row.length === 1 ? row[0] : row));
}

const oidOfTable = async (): Promise<unknown> => (await column("SELECT 'items'::regclass::oid"))[0];

/** Returns the comments of a table and of its columns, indexes and constraints. */
async function facts(): Promise<unknown> {
  const own =
    "SELECT 'items'::regclass AS oid UNION SELECT indexrelid FROM pg_index WHERE indrelid = 'items'::regclass";
  return {
    rights: await column(
      `SELECT a.grantor::regrole, a.grantee, a.privilege_type, a.is_grantable FROM pg_class c,
        aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a WHERE oid = 'items'::regclass ORDER BY 1, 2, 3`,
    ),
    columns: await column(
      `SELECT c.relname, a.attname, a.attacl::text, nullif(a.attstattarget, -1), a.attoptions FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid WHERE a.attnum > 0 AND c.oid IN (${own}) ORDER BY 1, 2`,
    ),
    comments: await column(
      `SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c
        WHERE c.oid IN (${own}) AND c.relkind = 'i' ORDER BY 1`,
    ),
    constraints: await column(
      `SELECT conname, obj_description(oid, 'pg_constraint') FROM pg_constraint
        WHERE conrelid = 'items'::regclass AND contype <> 'n' ORDER BY 1`,
    ),
    clustered: await column(
      "SELECT indexrelid::regclass FROM pg_index WHERE indisclustered AND indrelid = 'items'::regclass",
    ),
    statistics: await column(
      "SELECT stxname FROM pg_statistic_ext WHERE stxrelid = 'items'::regclass ORDER BY 1",
    ),
  };
}

/**
 * Exports the rows again.
 *
 * @returns whether the table has the same oid as before
 * @throws {Error} the catalogs changed
 */
async function sendAgain(): Promise<boolean> {
  const [before, oid] = [await facts(), await oidOfTable()];
  await send(3);
  expect(await facts()).toEqual(before);
  expect(await column("SELECT count(*)::int FROM items")).toEqual([3]);
  return (await oidOfTable()) === oid;
}

withPostgres("what was revoked from a table stays revoked, whatever new tables are given", async () => {
  await database.query(`ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO reader;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC`);
  await send(2);
  await database.query(`REVOKE ALL ON items FROM PUBLIC; REVOKE INSERT ON items FROM reader;
    REVOKE INSERT, TRUNCATE ON items FROM app; GRANT SELECT ON items TO other WITH GRANT OPTION`);
  expect(await sendAgain()).toBe(false);
  const rights = await column("SELECT relacl::text FROM pg_class WHERE oid = 'items'::regclass");
  expect(String(rights)).toMatch(/^\{app=rwd\w+\/app,reader=r\/app,other=r\*\/app\}$/);
});

withPostgres("a table without a grant gets none that were made the default since", async () => {
  await send(2);
  await database.query("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO reader");
  expect(await sendAgain()).toBe(false);
  expect(await column("SELECT has_table_privilege('reader', 'items', 'SELECT')")).toEqual([false]);
});

withPostgres("comments, statistics targets and the CLUSTER mark are those of the table before", async () => {
  await send(2);
  await database.query(`CREATE INDEX by_count ON items (count); CLUSTER items USING by_count;
    ALTER TABLE items ADD CONSTRAINT positive CHECK (count >= 0), ADD CONSTRAINT "it's one" UNIQUE (count, key);
    ALTER TABLE items ALTER COLUMN count SET STATISTICS 500, ALTER COLUMN key SET STATISTICS 0;
    COMMENT ON INDEX by_count IS 'it''s fast'; COMMENT ON INDEX items_pkey IS 'index of the key';
    COMMENT ON CONSTRAINT items_pkey ON items IS 'the \\ key'; COMMENT ON CONSTRAINT positive ON items IS 'counts';
    COMMENT ON CONSTRAINT "it's one" ON items IS 'unique'`);
  expect(await sendAgain()).toBe(false);
});

withPostgres("a table that would lose something keeps its place, and the reason is reported", async () => {
  for (const [sql, reason] of [
    ["CREATE STATISTICS together (ndistinct) ON key, count FROM items", "statistics object together"],
    ["ALTER TABLE items ALTER COLUMN count SET (n_distinct = 9)", "settings of columns"],
    [
      "CREATE INDEX ON items (lower(key)); ALTER INDEX items_lower_idx ALTER COLUMN 1 SET STATISTICS 9",
      "settings of indexes",
    ],
    [
      "GRANT SELECT ON items TO other WITH GRANT OPTION; SET ROLE other; GRANT SELECT ON items TO reader; RESET ROLE",
      "grants by other",
    ],
    ["GRANT SELECT (key) ON items TO reader", "grants on columns"],
    ["ALTER TABLE items FORCE ROW LEVEL SECURITY", "settings of its own"],
  ] as const) {
    await send(2);
    await database.query(sql);
    expect(await sendAgain()).toBe(true);
    const { note } = await send(2);
    expect(note).toMatch(/^'items' is replaced, row by row, because it has /);
    expect(note).toContain(reason);
    await database.query("DROP TABLE items");
  }
});

withPostgres("rows that a policy hides from the writer are not left: an error 73", async () => {
  await send(2);
  await database.query(`ALTER TABLE items ENABLE ROW LEVEL SECURITY; ALTER ROLE writer LOGIN PASSWORD 'hidden';
    CREATE POLICY counted ON items USING (count > 0); GRANT ALL ON items TO writer`);
  const url = server!.url.replace(/app:[^@]*@/, "writer:hidden@");
  await expect(send(3, { url })).rejects.toThrow(OutputError);
  await expect(send(3, { url })).rejects.toThrow("row-level security");
  expect(await column("SELECT count(*)::int FROM items")).toEqual([2]);
});

describe("an export that finds the table", () => {
  const view = "CREATE VIEW counted AS SELECT * FROM items WHERE count > 0";
  for (const [lock, before] of [
    ["ACCESS EXCLUSIVE", ""],
    ["ACCESS SHARE", ""],
    ["ACCESS EXCLUSIVE", view],
    ["SHARE", view],
  ] as const)
    withPostgres(`locked ${lock} ${before && "and with a view "}is an error 75`, async () => {
      await send(2);
      await database.query(before);
      const reader = await connected(server!);
      await reader.query(`BEGIN; LOCK TABLE items IN ${lock} MODE`);
      const ended = await send(3, { patience: 1000 }).catch((error: unknown) => error);
      await reader.end();
      expect(ended).toMatchObject({
        exitCode: 75,
        message: expect.stringContaining("'items' is locked by another transaction (see pg_stat_activity)"),
      });
      expect(await column("SELECT count(*)::int FROM items")).toEqual([2]);
    });
});

withPostgres("a server that no longer answers a query is given up: an error 74", async () => {
  const { signal } = new AbortController();
  const target = { format: "postgres", url: server!.url, variable: "PG_URL", into: "items", signal };
  let backend = 0;
  const work = withTransaction(
    { ...target, fingerprint: "", force: false, patience: 300 },
    async ({ query }) => {
      backend = (await query<{ pid: number }>("SELECT pg_backend_pid() AS pid"))[0]!.pid;
      process.kill(backend, "SIGSTOP");
      await query("SELECT 1");
    },
  );
  const ended = await work.catch((error: unknown) => error);
  process.kill(backend, "SIGCONT");
  const message = expect.stringContaining("the server of PG_URL has not answered for 0.3 s");
  expect(ended).toMatchObject({ exitCode: 74, message });
});
