// `recall:` of a pipeline file: lists of the trained run are checked before anything is published, published with it,
// copied, compared with the previous version's, and sent to servers.

import { createClient } from "@redis/client";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { embed, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { startPostgres, startRedis } from "../testing/servers.js";

const folder = temporaryFolder();

/** Creates a folder with a log and a pipeline with additional lines. */
function pipelineOf(name: string, more: string): { place: string; file: string } {
  const place = join(folder, name);
  mkdirSync(join(place, "copies"), { recursive: true });
  writeFileSync(join(place, "log.csv"), readFileSync(fixture("purchases.csv")));
  const file = join(place, "shop.yaml");
  writeFileSync(
    file,
    `store: store
log: log.csv
train: { shop: { command: train-ranking, dim: 8, epochs: 2 } }
${more}`,
  );
  return { place, file };
}

interface Report {
  steps: { step: string; outcome: string; text: string }[];
  gates: Record<
    string,
    { gate: string; bound: string; value: number | null; status: string; message: string }[]
  >;
}

async function run(file: string, env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await embed(["run", file, "--json", "--quiet"], { env });
  const report = stdout === "" ? undefined : parseJson<Report>(stdout);
  const stepOf = (id: string) => report?.steps.find(({ step }) => step === id);
  const gateOf = (gate: string) => report?.gates["shop"]?.find((each) => each.gate === gate);
  return { code, stderr, stepOf, gateOf };
}

/** Returns the items of each user, from the text of a csv file of lists. */
function listsOf(path: string): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  for (const line of readFileSync(path, "utf8").trimEnd().split("\n").slice(1)) {
    const [user, , item] = line.split(",");
    lists.set(user!, [...(lists.get(user!) ?? []), item!]);
  }
  return lists;
}

/** Computes the overlap of lists by its definition, for the users who have a list in both versions. */
function overlapOf(now: Map<string, string[]>, before: Map<string, string[]>, k: number): number {
  const shares = [...now].flatMap(([user, items]) => {
    const others = before.get(user)?.slice(0, k);
    if (!others) return [];
    const first = items.slice(0, k);
    return [first.filter((item) => others.includes(item)).length / Math.max(first.length, others.length)];
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

const WEEKLY = `recall:
  - { out: lists.csv, k: 10, to: copies/lists.csv }
  - { out: similar.parquet, format: parquet, for: item, k: 5 }
gates: { after: { lists: { empty: { max: 1% }, coverage: { min: 5%, within: 90% }, overlap: { min: 1%, k: 5 } } } }
`;

test("lists are judged, published, copied, skipped when nothing changed, and compared with last week's", async () => {
  const { place, file } = pipelineOf("weekly", WEEKLY);
  const latest = join(place, "store/shop/latest");
  const first = await run(file);
  expect([first.code, first.stderr]).toEqual([0, ""]);
  const monday = listsOf(join(latest, "exports/lists.csv"));
  expect([...monday.values()].every((items) => items.length === 10)).toBe(true);
  expect(readFileSync(join(latest, "exports/similar.parquet")).subarray(0, 4).toString()).toBe("PAR1");
  expect(listsOf(join(place, "copies/lists.csv"))).toEqual(monday);
  const shown = new Set([...monday.values()].flat());
  const [head, ...rows] = readFileSync(join(place, "log.csv"), "utf8").trimEnd().split("\n");
  const column = head!.split(",").indexOf("product_id");
  const items = new Set(rows.map((row) => row.split(",")[column]));
  expect(first.gateOf("lists.empty:lists.csv")).toMatchObject({ value: 0, status: "passed" });
  expect(first.gateOf("lists.coverage:lists.csv")!.value).toBe(shown.size / items.size);
  expect(first.gateOf("lists.overlap:lists.csv")).toMatchObject({ value: null, status: "notCompared" });
  expect(first.gateOf("lists.overlap:similar.parquet")).toMatchObject({ status: "notCompared" });

  const again = await run(file);
  expect(again.stepOf("recall lists.csv")).toMatchObject({ outcome: "skipped", text: "skipped: unchanged" });
  expect(again.stepOf("gate lists lists.csv")).toMatchObject({ outcome: "skipped" });
  expect(again.stepOf("copy lists.csv")).toBeUndefined();

  const line = readFileSync(join(place, "log.csv"), "utf8").trimEnd().split("\n").at(-1)!;
  appendFileSync(join(place, "log.csv"), `${line}\n${line}\n`);
  const second = await run(file);
  expect([second.code, second.stderr]).toEqual([0, ""]);
  const tuesday = listsOf(join(latest, "exports/lists.csv"));
  expect(second.gateOf("lists.overlap:lists.csv")!.value).toBeCloseTo(overlapOf(tuesday, monday, 5), 12);
  expect(second.gateOf("lists.overlap:lists.csv")!.value).toBeLessThan(1);
  expect(second.gateOf("lists.overlap:similar.parquet")!.value).toBeGreaterThan(0);
  const { outcomes } = readJson<{ outcomes: { gate: string }[] }>(join(latest, "gate.json"));
  expect(outcomes.map(({ gate }) => gate)).toContain("lists.overlap:lists.csv");
});

test("a bound that lists break ends with 81, and nothing is published", async () => {
  const { place, file } = pipelineOf("strict", WEEKLY.replace("empty: { max: 1% }", "empty: { min: 50% }"));
  const { code, stderr } = await run(file);
  expect([code, stderr]).toEqual([81, expect.stringContaining("lists.empty:lists.csv is 0%: not min 50%")]);
  expect(existsSync(join(place, "store/shop/latest"))).toBe(false);
  // recall lists of the first run are kept; the second run checks them against the new bound without computing them
  writeFileSync(file, readFileSync(file, "utf8").replace("min: 50%", "max: 1%"));
  const loose = await run(file);
  expect([loose.code, loose.stepOf("recall lists.csv")?.outcome]).toEqual([0, "skipped"]);
});

test("what cannot be is an error 78 with its place, before anything runs", async () => {
  const wrong: [more: string, text: string][] = [
    ["recall: [{ k: 10 }]", "out"],
    ["recall: [{ out: a.csv, format: arrow }]", "format"],
    [
      "recall: [{ out: a.csv.gz }]",
      "' is not a valid name for lists, which are written to one uncompressed file",
    ],
    ["recall: [{ out: ../a.csv }]", "exports/"],
    ["recall: [{ out: a.csv, for: item, mask: b.csv }]", "--mask"],
    ["recall: [{ out: a.csv, kk: 3 }]", "kk"],
    ["recall: [{ out: a.csv }, { out: a.csv }]", "': choose another path"],
    ["export: [{ format: csv, out: a.csv }]\nrecall: [{ out: a.csv }]", "': choose another path"],
    [
      "recall: [{ out: a.csv, send: [{ format: redis, url-env: 'redis://:x@y', into: recs }] }]",
      "environment variable",
    ],
    [
      "gates: { after: { lists: { empty: { max: 1% } } } }",
      "gate 'lists' needs an entry in 'recall': add one, or remove 'lists'",
    ],
  ];
  for (const [i, [more, text]] of wrong.entries()) {
    const { code, stderr } = await run(pipelineOf(`wrong-${i}`, `${more}\n`).file);
    expect([more, code, stderr]).toEqual([more, 78, expect.stringContaining(text)]);
  }
});

test("servers get the lists that were published, once", async () => {
  const [redis, postgres] = [await startRedis(), await startPostgres({ vectors: false })];
  try {
    const sends = [
      ...(redis ? ["{ format: redis, url-env: REDIS_URL, into: recs }"] : []),
      ...(postgres ? ["{ format: postgres, url-env: PG_URL, into: recs }"] : []),
    ];
    if (sends.length < 2) console.warn("skipped: there is no redis-server, or no PostgreSQL");
    const more = `recall: [{ out: lists.csv, k: 10, send: [${sends.join(", ")}] }]\n`;
    const { place, file } = pipelineOf("servers", more);
    if (redis) expect((await run(file)).stderr).toContain("REDIS_URL is not set");
    expect(existsSync(join(place, "store/shop"))).toBe(false);
    const env = { ...(redis && { REDIS_URL: redis.url }), ...(postgres && { PG_URL: postgres.url }) };
    const sent = await run(file, env);
    expect([sent.code, sent.stderr]).toEqual([0, ""]);
    const lists = listsOf(join(place, "store/shop/latest/exports/lists.csv"));
    if (redis) {
      const client = createClient({ url: redis.url });
      await client.connect();
      const version = await client.get("recs:latest");
      expect(await client.keys(`recs:${version}:*`)).toHaveLength(lists.size);
      for (const [user, items] of lists)
        expect(await client.lRange(`recs:${version}:${user}`, 0, -1)).toEqual(items);
      client.destroy();
    }
    if (postgres) {
      const client = new Client(postgres.url);
      await client.connect();
      const { rows } = await client.query<{ user: string; rank: number; item: string; score: number }>(
        'SELECT * FROM recs ORDER BY "user", rank',
      );
      await client.end();
      const text = readFileSync(join(place, "store/shop/latest/exports/lists.csv"), "utf8");
      const byUser = (a: string, b: string): number => (a.split(",")[0]! < b.split(",")[0]! ? -1 : 0);
      const expected = text.trimEnd().split("\n").slice(1);
      const found = rows.map(
        ({ user, rank, item, score }) => `${user},${rank},${item},${Math.fround(score)}`,
      );
      const numbers = expected.map((line) =>
        line.replace(/[^,]+$/, (score) => String(Math.fround(Number(score)))),
      );
      expect(found.toSorted(byUser)).toEqual(numbers.toSorted(byUser));
    }
    const again = await run(file, env);
    if (redis) expect(again.stepOf("send redis recs")?.text).toBe("$REDIS_URL has these lists");
    if (postgres) expect(again.stepOf("send postgres recs")?.text).toBe("$PG_URL has these lists");
  } finally {
    await redis?.kill();
    await postgres?.kill();
  }
});
