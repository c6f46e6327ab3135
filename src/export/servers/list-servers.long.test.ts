// Tests that lists of items are sent to a real Redis and a real PostgreSQL completely or not at all, even if the export
// is interrupted at any time. Without a server the tests print a message and pass.

import { createClient } from "@redis/client";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Client } from "pg";
import { embed, embedOk, temporaryFolder } from "../../testing/embed.js";
import { plantedLists, type Planted } from "../../testing/planted-lists.js";
import { fixture } from "../../testing/places.js";
import { connected, PASSWORD, startPostgres, startRedis, type Server } from "../../testing/servers.js";
import type { ListServer } from "../row-formats.js";
import { redisListChunks, sendLists } from "./list-servers.js";
import type { Lists } from "../lists.js";

const folder = temporaryFolder();
const ITEMS = ["tea-01", "tab\there", "back\\slash", "🦊 é", "two\nlines", "\\N", "it'em", "{x}*?[a]"];
const FINGERPRINT = "0123456789abcdef";

const MONDAY: Planted = {
  u1: ITEMS,
  "u 2:*": [ITEMS[3]!, ITEMS[1]!],
  nobody: [],
  "ü\t\\": [ITEMS[2]!],
  u5: [ITEMS[0]!],
};
const TUESDAY: Planted = { u1: ITEMS.toReversed(), other: [ITEMS[5]!] };

/** Returns those of the lists that can be read back from a server: all except empty ones. */
const foundOf = (planted: Planted): Planted =>
  Object.fromEntries(Object.entries(planted).filter(([, items]) => items.length > 0));

const broken = (): never => {
  throw new Error("the model went away");
};

let redisServer: Server | undefined;
let postgresServer: Server | undefined;
let redis: ReturnType<typeof createClient>;
let database: Client;

beforeAll(async () => {
  redisServer = await startRedis();
  if (!redisServer) console.warn("skipped: there is no redis-server");
  else {
    redis = createClient({ url: redisServer.url }).on("error", () => undefined) as typeof redis;
    await redis.connect();
  }
  postgresServer = await startPostgres({ vectors: false });
  if (!postgresServer) return console.warn("skipped: there is no PostgreSQL");
  database = await connected(postgresServer);
});
afterEach(async () => {
  if (redis?.isOpen) await redis.flushAll();
  await database?.query("DROP TABLE IF EXISTS recs");
});
afterAll(async () => {
  if (redis?.isOpen) redis.destroy();
  await redisServer?.kill();
  await database?.end();
  await postgresServer?.kill();
});

async function send(server: ListServer, lists: Lists, { force = false, fingerprint = FINGERPRINT } = {}) {
  const { url } = (server === "redis" ? redisServer : postgresServer)!;
  const { signal } = new AbortController();
  const target = { format: server, url, variable: "URL", into: "recs", fingerprint, force, signal };
  return await sendLists(server, lists, target);
}

async function listsInRedis(prefix: string): Promise<Planted> {
  const keys = (await redis.keys("*")).filter((key) => key.startsWith(prefix));
  const lists = await Promise.all(
    keys.map(async (key) => [key.slice(prefix.length), await redis.lRange(key, 0, -1)] as const),
  );
  return Object.fromEntries(lists);
}

const withRedis = (name: string, work: () => Promise<void>): void =>
  test(name, async () => (redisServer ? await work() : undefined));
const withPostgres = (name: string, work: () => Promise<void>): void =>
  test(name, async () => (postgresServer ? await work() : undefined));

describe("redis", () => {
  withRedis("one LRANGE by the pointer is a list, best first, and empty lists have no key", async () => {
    expect(await send("redis", plantedLists(MONDAY))).toEqual({
      isUnchanged: false,
      note: "recs:latest is 1",
    });
    expect(await listsInRedis(`recs:${await redis.get("recs:latest")}:`)).toEqual(foundOf(MONDAY));
    expect(await redis.lRange("recs:1:u1", 0, 1)).toEqual(ITEMS.slice(0, 2));
    expect((await redis.keys("recs:*")).filter((key) => !key.startsWith("recs:1:")).sort()).toEqual([
      "recs:counter",
      "recs:latest",
      "recs:versions",
    ]);
  });

  withRedis("lists that the server has are not made again, but under force", async () => {
    await send("redis", plantedLists(MONDAY));
    const same = await send("redis", plantedLists(MONDAY, { end: broken }));
    expect(same).toEqual({ isUnchanged: true, note: "recs:1 already has these lists" });
    expect((await send("redis", plantedLists(MONDAY), { force: true })).note).toBe("recs:latest is 2");
  });

  withRedis("the version before stays, the one before that goes, a list of thousands is whole", async () => {
    const long = { u1: Array.from({ length: 2500 }, (_, i) => `i${i}`) };
    await send("redis", plantedLists(MONDAY));
    await send("redis", plantedLists(TUESDAY), { fingerprint: "f".repeat(16) });
    await send("redis", plantedLists(long), { fingerprint: "e".repeat(16) });
    expect(await listsInRedis("recs:1:")).toEqual({});
    expect(await listsInRedis("recs:2:")).toEqual(foundOf(TUESDAY));
    expect(await listsInRedis("recs:3:")).toEqual(long);
  });

  withRedis("lists that break off, or none at all, leave the latest and no key of their own", async () => {
    await send("redis", plantedLists(MONDAY));
    const others = { fingerprint: "f".repeat(16) };
    await expect(send("redis", plantedLists(TUESDAY, { end: broken }), others)).rejects.toThrow("went away");
    await expect(send("redis", plantedLists({ u1: [], u2: [] }), others)).rejects.toThrow(
      "all lists are empty",
    );
    expect(await redis.get("recs:latest")).toBe("1");
    expect(await redis.keys("recs:[23]:*")).toEqual([]);
    expect(await listsInRedis("recs:1:")).toEqual(foundOf(MONDAY));
  });

  withRedis("a key that is no UTF-8 is an ArtifactError, before any list is read", async () => {
    const lists = plantedLists(TUESDAY);
    const items = { ...lists.items, bytes: Uint8Array.from(lists.items.bytes, () => 0xff) };
    await expect(send("redis", { ...lists, items })).rejects.toThrow("is not valid UTF-8");
    expect(await redis.get("recs:latest")).toBeNull();
  });

  withRedis("a name whose readers look for vectors takes no lists, and the other way round", async () => {
    const run = join(folder, "run");
    await embedOk(["train-fm", fixture("clicks.csv"), "-o", run, "--dim", "4", "--epochs", "1", "--quiet"]);
    const args = ["export", run, "--format", "redis", "--url-env", "URL", "--into", "recs", "--force"];
    const env = { URL: redisServer!.url };
    await send("redis", plantedLists(MONDAY));
    const { code, stderr } = await embed(args, { env });
    expect([code, stderr]).toEqual([
      73,
      expect.stringContaining("has lists, but this export writes vectors"),
    ]);
    expect(await redis.get("recs:latest")).toBe("1");
    await redis.flushAll();
    await embedOk(args, { env });
    await expect(send("redis", plantedLists(MONDAY), { force: true })).rejects.toThrow(
      "has vectors, but this export writes lists",
    );
    expect(await redis.get("recs:latest")).toBe("1");
  });

  withRedis("commands of a file give the same lists, however often they are piped", async () => {
    if (spawnSync("redis-cli", ["--version"]).status !== 0) return console.warn("skipped: no redis-cli");
    const env = { ...process.env, REDISCLI_AUTH: PASSWORD };
    for (const planted of [MONDAY, MONDAY, TUESDAY]) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of redisListChunks(plantedLists(planted), "recs")) chunks.push(chunk);
      const { status, stdout, stderr } = spawnSync("redis-cli", ["-p", String(redisServer!.port), "--pipe"], {
        input: Buffer.concat(chunks),
        env,
        encoding: "utf8",
      });
      expect([status, stdout + stderr]).toEqual([0, expect.stringContaining("errors: 0")]);
    }
    expect(await listsInRedis("recs:")).toEqual({ ...foundOf(MONDAY), ...TUESDAY });
  });
});

describe("postgres", () => {
  async function rowsOf(owner = "user", item = "item"): Promise<unknown[][]> {
    const sql = `SELECT "${owner}", rank, "${item}", score FROM recs ORDER BY "${owner}" COLLATE "C", rank`;
    return (await database.query({ text: sql, rowMode: "array" })).rows as unknown[][];
  }
  const expectedOf = (planted: Planted): unknown[][] =>
    Object.entries(planted)
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .flatMap(([owner, items]) => items.map((item, r) => [owner, r + 1, item, 2 - r / 2]));

  withPostgres("makes a table with a row for each place, and replaces it whole", async () => {
    expect((await send("postgres", plantedLists(MONDAY))).note).toBe("'recs' is created");
    expect(await rowsOf()).toEqual(expectedOf(MONDAY));
    const { rows } = await database.query(
      "SELECT pg_get_constraintdef(oid) AS key FROM pg_constraint WHERE conrelid = 'recs'::regclass AND contype = 'p'",
    );
    expect(rows).toEqual([{ key: 'PRIMARY KEY ("user", rank)' }]);
    expect((await send("postgres", plantedLists(MONDAY, { end: broken }))).note).toBe(
      "'recs' already has these rows",
    );
    const others = { fingerprint: "f".repeat(16) };
    expect((await send("postgres", plantedLists(TUESDAY), others)).note).toBe("'recs' is replaced");
    expect(await rowsOf()).toEqual(expectedOf(TUESDAY));
  });

  withPostgres("lists for items have their own columns, and do not replace lists for users", async () => {
    const columns = { owner: "item", item: "neighbor" };
    await send("postgres", plantedLists(MONDAY, { columns }));
    expect(await rowsOf("item", "neighbor")).toEqual(expectedOf(MONDAY));
    await expect(send("postgres", plantedLists(TUESDAY))).rejects.toThrow(
      "has the columns (item text, rank integer, neighbor text, score real), expected (user text",
    );
    expect(await rowsOf("item", "neighbor")).toEqual(expectedOf(MONDAY));
  });

  withPostgres("lists that break off, hold NUL, or none at all, leave the table as it was", async () => {
    await send("postgres", plantedLists(MONDAY));
    const others = { fingerprint: "f".repeat(16) };
    await expect(send("postgres", plantedLists(TUESDAY, { end: broken }), others)).rejects.toThrow(
      "went away",
    );
    await expect(send("postgres", plantedLists({ u1: [] }), others)).rejects.toThrow("all lists are empty");
    await expect(send("postgres", plantedLists({ u1: ["a\0b"] }), others)).rejects.toThrow(
      "contains NUL, which PostgreSQL text cannot store",
    );
    expect(await rowsOf()).toEqual(expectedOf(MONDAY));
    const left = await database.query("SELECT 1 FROM pg_class WHERE relname LIKE 'embed_new%'");
    expect(left.rowCount).toBe(0);
  });
});
