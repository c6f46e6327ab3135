// `embed export --format redis --url-env`: a version of hashes in a real redis-server is complete or absent, however
// the export ends. Without redis-server the tests print a message and pass.

import { createClient } from "@redis/client";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { RedisConnection } from "../export/servers/redis-connection.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { blockOf, printedBy, testPython } from "../testing/page-code.js";
import { fixture } from "../testing/places.js";
import { senderOf, writeRunsToSend } from "../testing/server-exports.js";
import { PASSWORD, startRedis, type Server } from "../testing/servers.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [MONDAY, TUESDAY, LARGE] = [at("monday"), at("tuesday"), at("large")];

let server: Server | undefined;
let redis: ReturnType<typeof clientOf>;

function clientOf({ url }: Server) {
  return createClient({ url, RESP: 2, socket: { reconnectStrategy: false } }).on("error", () => undefined);
}

/** Declares a test that is skipped if there is no server. */
function withRedis(name: string, work: () => Promise<void>): void {
  test(name, async () => {
    if (server) await work();
  });
}

beforeAll(async () => {
  server = await startRedis();
  if (!server) return console.warn("skipped: there is no redis-server");
  redis = clientOf(server);
  await redis.connect();
  await writeRunsToSend(folder, { largeDim: 8, largeRows: 30_000 });
});
afterEach(async () => {
  if (redis?.isOpen) await redis.flushAll();
});
afterAll(async () => {
  if (redis?.isOpen) redis.destroy();
  await server?.kill();
});

const { send, sendOk } = senderOf("redis", "REDIS_URL", () => server!.url);

const keysOf = async (pattern: string): Promise<string[]> => (await redis.keys(pattern)).sort();
const numKeysOf = async (pattern: string): Promise<number> => (await redis.keys(pattern)).length;
const latest = (): Promise<string | null> => redis.get("items:latest");

/** Returns a vector as a client finds it: through the pointer to the current version. */
async function vectorOf(key: string, client = redis): Promise<number[] | undefined> {
  const version = await client.get("items:latest");
  const blob = (await client.sendCommand(["HGET", `items:${version}:${key}`, "vector"], {
    typeMapping: { 36: Buffer },
  })) as unknown as Buffer | null;
  return blob === null
    ? undefined
    : Array.from({ length: blob.length / 4 }, (_, d) => blob.readFloatLE(4 * d));
}

async function rowsOf(run: string): Promise<Map<string, number[]>> {
  const { stdout } = await embedOk(["export", run, "--format", "jsonl"]);
  return new Map(
    parseJsonLines(stdout).map(({ field, key, vector }) => [`${field}:${key}`, vector.map(Math.fround)]),
  );
}

withRedis(
  "a reader of the pointer finds every row; what the server holds already is not written again",
  async () => {
    expect(await sendOk(MONDAY)).toBe("items:latest is 1\n");
    const rows = await rowsOf(MONDAY);
    for (const [key, vector] of rows) expect([key, await vectorOf(key)]).toEqual([key, vector]);
    expect(await keysOf("items:1:*")).toHaveLength(rows.size);
    expect(Number(await redis.hGet("items:1:item_id:tea-03", "count"))).toBeGreaterThan(0);
    expect(await sendOk(MONDAY)).toBe("items:1 already has these vectors\n");
    expect(await sendOk(MONDAY, "--force", "--field", "item", "--with-weight")).toBe("items:latest is 2\n");
    expect(Object.keys(await redis.hGetAll("items:2:tea-03")).sort()).toEqual(["count", "vector", "weight"]);
    expect(await keysOf("items:lock")).toEqual([]);
  },
);

withRedis("the page's own code finds a vector, in Node and in Python", async () => {
  await sendOk(MONDAY, "--field", "item");
  const vector = await vectorOf("tea-03");
  const env = { REDIS_URL: server!.url };
  const numbers = (text: string): number[] =>
    [...text.matchAll(/-?\d+\.\d+(e-?\d+)?/g)].map(([x]) => Number(x));
  const js = blockOf("servers.md", "js", "items:latest");
  expect(numbers(printedBy(process.execPath, ["--input-type=module", "-e", js], env))).toEqual(vector);
  if (testPython === undefined)
    return console.warn("skipped the page's Python: EMBED_TEST_PYTHON names none");
  const python = blockOf("servers.md", "python", "items:latest");
  const read = numbers(printedBy(testPython, ["-c", python], env));
  // numpy prints numbers with eight digits, so that they are compared to 1e-6 only
  const differences = read.map((x, d) => Math.abs(x - vector![d]!));
  expect([read.length, Math.max(...differences) < 1e-6]).toEqual([4, true]);
});

withRedis(
  "the version before stays for who has just asked which it is; the one before that is removed",
  async () => {
    await sendOk(MONDAY);
    await sendOk(TUESDAY);
    await sendOk(MONDAY);
    expect([await latest(), await numKeysOf("items:1:*")]).toEqual(["3", 0]);
    expect((await keysOf("items:2:*")).length).toBe((await keysOf("items:3:*")).length);
    expect(Object.keys(await redis.hGetAll("items:versions")).sort()).toEqual(["2", "3"]);
  },
);

withRedis("readers that ask all the while find one of both tables, whole, at any time", async () => {
  await sendOk(MONDAY);
  const tables = [await rowsOf(MONDAY), await rowsOf(TUESDAY)];
  const asked = [...tables[0]!.keys()].slice(0, 3);
  const done = new AbortController();
  const seen = { reads: 0 };
  const strange: unknown[] = [];
  const read = async (): Promise<void> => {
    const reader = clientOf(server!);
    await reader.connect();
    while (!done.signal.aborted) {
      const version = await reader.get("items:latest");
      const found = await Promise.all(
        asked.map((key) =>
          reader.sendCommand(["HGET", `items:${version}:${key}`, "vector"], { typeMapping: { 36: Buffer } }),
        ),
      );
      const texts = JSON.stringify(
        found.map((blob) => blob && [...new Float32Array(new Uint8Array(blob as unknown as Buffer).buffer)]),
      );
      if (!tables.some((table) => JSON.stringify(asked.map((key) => table.get(key))) === texts))
        strange.push([version, texts]);
      seen.reads++;
    }
    reader.destroy();
  };
  const reading = read();
  let version = 1;
  while (version < 4 || seen.reads <= 100) await sendOk(version++ % 2 ? TUESDAY : MONDAY);
  done.abort();
  await reading;
  expect([strange, await latest()]).toEqual([[], String(version)]);
});

withRedis(
  "two exports to one name exclude each other: the second ends with 75 and changes nothing",
  async () => {
    await redis.set("items:lock", "4711:token:elsewhere");
    const { code, stderr } = await send(MONDAY);
    expect([code, stderr]).toEqual([75, expect.stringContaining("process 4711 on elsewhere")]);
    expect(await keysOf("items:*")).toEqual(["items:lock"]);
  },
);

/** Waits until the server has rows of an export's version. @throws {Error} the export has ended before */
async function underWay(version: number, ended: Promise<unknown>, client = redis): Promise<void> {
  let isOver = false;
  void ended.then(() => (isOver = true));
  while ((await client.exists(`items:${version}:item:k5000`)) === 0) {
    if (isOver) throw new Error(`the export ended before it was interrupted: ${JSON.stringify(await ended)}`);
    // asks rarely enough that the export gets most of the processor
    await setTimeout(2);
  }
}

describe("an export that ends before its time", () => {
  withRedis("by SIGTERM leaves yesterday's, and no key of its own once the next one is through", async () => {
    await sendOk(MONDAY);
    const ended = sendWithSignal("SIGTERM");
    expect((await ended).code).toBe(143);
    expect([await latest(), await keysOf("items:lock")]).toEqual(["1", []]);
    await sendOk(TUESDAY);
    expect([await latest(), await numKeysOf("items:2:*")]).toEqual(["3", 0]);
  });

  withRedis("by SIGKILL too, when its lock has run out", async () => {
    await sendOk(MONDAY);
    expect((await sendWithSignal("SIGKILL")).signal).toBe("SIGKILL");
    expect((await keysOf("items:2:*")).length).toBeGreaterThan(0);
    expect([await latest(), await redis.exists("items:lock")]).toEqual(["1", 1]);
    expect(await redis.pTTL("items:lock")).toBeGreaterThan(0);
    expect((await send(TUESDAY)).code).toBe(75);
    await redis.del("items:lock");
    await sendOk(TUESDAY);
    expect([await latest(), await numKeysOf("items:2:*")]).toEqual(["3", 0]);
  });

  withRedis("because its lock was taken over switches nothing", async () => {
    const ended = send(LARGE);
    await underWay(1, ended);
    await redis.set("items:lock", "1:other:elsewhere");
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([75, expect.stringContaining("taken over")]);
    expect([await latest(), await numKeysOf("items:1:*")]).toEqual([null, 0]);
  });

  withRedis("because the server has no memory left is an error 74, and yesterday's stays", async () => {
    await sendOk(MONDAY);
    const { used_memory: used } = Object.fromEntries(
      (await redis.info("memory")).split("\r\n").map((line) => line.split(":")),
    ) as { used_memory: string };
    await redis.configSet("maxmemory", String(Number(used) + 2.5e6));
    const { code, stderr } = await send(LARGE);
    await redis.configSet("maxmemory", "0");
    expect([code, stderr]).toEqual([74, expect.stringContaining("maxmemory")]);
    expect([await latest(), await numKeysOf("items:2:*")]).toEqual(["1", 0]);
  });

  withRedis("because the server is killed is an error 74", async () => {
    const other = (await startRedis())!;
    const watcher = clientOf(other);
    await watcher.connect();
    const ended = send(LARGE, { url: other.url });
    await underWay(1, ended, watcher);
    await other.kill();
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([74, expect.stringContaining("REDIS_URL")]);
    expect(stderr).not.toContain(PASSWORD);
  });
});

async function sendWithSignal(signal: NodeJS.Signals) {
  const args = ["export", LARGE, "--format", "redis", "--url-env", "REDIS_URL", "--into", "items"];
  const { spawn } = await import("node:child_process");
  const { program } = await import("../testing/places.js");
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, REDIS_URL: server!.url },
    stdio: "ignore",
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, by) => resolve({ code, signal: by })),
  );
  await underWay(2, ended);
  child.kill(signal);
  return await ended;
}

withRedis("a server that is silent is given up: an IoError, however much waits", async () => {
  const stopped = (await startRedis())!;
  const target = {
    format: "redis",
    url: stopped.url,
    variable: "REDIS_URL",
    into: "items",
    fingerprint: "",
    force: false,
    signal: new AbortController().signal,
    patience: 200,
  };
  const connection = await RedisConnection.open(target);
  stopped.process.kill("SIGSTOP");
  const silent = expect.objectContaining({
    name: "IoError",
    message: expect.stringContaining("has not answered"),
  });
  await expect(connection.command("PING")).rejects.toEqual(silent);
  const posting = async (): Promise<void> => {
    for (;;) await connection.post(["SET", "items", Buffer.alloc(1 << 16)]);
  };
  await expect(posting()).rejects.toEqual(silent);
  connection.close();
  // connects to a socket that opens, but on which nothing answers the login
  await expect(RedisConnection.open(target)).rejects.toEqual(silent);
  await stopped.kill();
});

describe("what cannot be", () => {
  const refused = async (code: number, text: string, running: Parameters<typeof send>[1]): Promise<void> => {
    const got = await send(MONDAY, running);
    expect([got.code, got.stderr]).toEqual([code, expect.stringContaining(text)]);
    expect(got.stderr + got.stdout).not.toContain("secret");
    expect(got.stderr + got.stdout).not.toContain(PASSWORD);
  };

  withRedis(
    "a missing variable, a URL in its place, a wrong password: 64, and no password is printed",
    async () => {
      await refused(64, "REDIS_URL is not set", { url: "" });
      await refused(64, "name of an environment variable", { flags: ["--url-env", "redis://:secret@host"] });
      await refused(64, "check user, password and database in REDIS_URL", {
        url: server!.url.replace(/:[^:@]*@/, ":secret@"),
      });
      await refused(64, "is not a Redis URL: expected redis://USER:PASSWORD@HOST:PORT/DB or rediss://...", {
        url: "http://:secret@127.0.0.1",
      });
      await refused(64, "is not a Redis URL: expected redis://USER:PASSWORD@HOST:PORT/DB or rediss://...", {
        url: "secret",
      });
    },
  );

  withRedis("a server that is not there: 74", async () => {
    await refused(74, "REDIS_URL", { url: "redis://:secret@127.0.0.1:1" });
  });

  withRedis("-o beside it, a format of files, a name without a server: 64", async () => {
    await refused(64, "--url-env cannot be combined with --out PATH", { flags: ["-o", at("file")] });
    await refused(64, "redis, pgvector", { flags: ["--format", "csv"] });
    const { code, stderr } = await embed(["export", MONDAY, "--format", "pgvector", "--into", "items"]);
    expect([code, stderr]).toEqual([64, expect.stringContaining("--url-env")]);
  });
});

describe("a pipeline whose export names a server", () => {
  const place = at("pipeline");
  const run = async (env: Record<string, string>) => {
    const { code, stdout, stderr } = await embed(["run", "shop.yaml", "--json", "--quiet"], {
      cwd: place,
      env,
    });
    const { steps } = (stdout === "" ? { steps: [] } : JSON.parse(stdout)) as {
      steps: { step: string; outcome: string; text: string }[];
    };
    return { code, stderr, sent: steps.find(({ step }) => step === "send redis items")?.text };
  };

  withRedis("writes the published version there, once, and again when the server has lost it", async () => {
    mkdirSync(place);
    writeFileSync(
      join(place, "shop.yaml"),
      `store: store
log: ${fixture("clicks.csv")}
train: { items: { command: train-fm, dim: 4, epochs: 1 } }
export:
  - { format: redis, url-env: REDIS_URL, into: items, field: item }
`,
    );
    const missing = await run({});
    expect([missing.code, missing.stderr]).toEqual([64, expect.stringContaining("REDIS_URL is not set")]);
    expect(existsSync(join(place, "store/items"))).toBe(false);

    const gone = await run({ REDIS_URL: "redis://127.0.0.1:1" });
    expect(gone.code).toBe(74);
    expect(existsSync(join(place, "store/items/latest"))).toBe(true);

    const env = { REDIS_URL: server!.url };
    expect(await run(env)).toMatchObject({ code: 0, sent: "96 rows to $REDIS_URL" });
    expect(await run(env)).toMatchObject({ code: 0, sent: "$REDIS_URL has these rows" });
    expect(await vectorOf("tea-03")).toHaveLength(4);
    await redis.flushAll();
    expect(await run(env)).toMatchObject({ code: 0, sent: "96 rows to $REDIS_URL" });
  });
});
