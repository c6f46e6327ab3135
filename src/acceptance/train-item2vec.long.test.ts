// embed train-item2vec: learning from sessions, and rejected options.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embed, embedOk } from "../testing/embed.js";
import { jsonLines, parseJson } from "../testing/json.js";
import { between, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = mkdtempSync(join(tmpdir(), "embed-item2vec-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const CLUSTERS = 8;
const ITEMS = 5;

/** Writes sessions that stay in a cluster of items; shuffled: the same items and lengths without clusters. */
function writeSessions(name: string, shuffled: boolean): string {
  const random = mulberry32(3);
  const draw = (n: number) => Math.floor(between(0, n, random));
  const events: string[][] = [];
  for (let session = 0; session < 600; session++) {
    const cluster = session % CLUSTERS;
    for (let i = 0; i < 6; i++)
      events.push([`s${session}`, `c${cluster}-${draw(ITEMS)}`, String(1_700_000_000 + session * 1000 + i)]);
  }
  if (shuffled) {
    for (let i = events.length - 1; i > 0; i--) {
      const j = draw(i + 1);
      [events[i]![1], events[j]![1]] = [events[j]![1]!, events[i]![1]!];
    }
  }
  writeFileSync(at(name), `basket,item,time\n${events.map((row) => row.join(",")).join("\n")}\n`);
  return at(name);
}

/** Returns the share of an item's four nearest items that are of its cluster. */
async function sameCluster(run: string): Promise<number> {
  const { stdout } = await embedOk(["export", run, "--format", "jsonl"]);
  const rows = jsonLines<{ key: string; vector: number[] }>(stdout);
  const unit = rows.map(({ vector }) => {
    const length = Math.hypot(...vector);
    return vector.map((x) => x / length);
  });
  const cosine = (a: number, b: number) => unit[a]!.reduce((sum, x, k) => sum + x * unit[b]![k]!, 0);
  let same = 0;
  rows.forEach(({ key }, i) => {
    const others = rows.map((_, j) => j).filter((j) => j !== i);
    const nearest = others.sort((a, b) => cosine(i, b) - cosine(i, a)).slice(0, ITEMS - 1);
    same += nearest.filter((j) => rows[j]!.key.split("-")[0] === key.split("-")[0]).length;
  });
  return same / (rows.length * (ITEMS - 1));
}

test("items of one cluster are nearest to each other, and of shuffled sessions by chance", async () => {
  const flags = ["--session", "basket", "--item", "item", "--dim", "16", "--epochs", "10"];
  await embedOk(["train-item2vec", writeSessions("planted.csv", false), ...flags, "-o", at("planted")]);
  await embedOk(["train-item2vec", writeSessions("shuffled.csv", true), ...flags, "-o", at("shuffled")]);
  expect(await sameCluster(at("planted"))).toBe(1);
  expect(await sameCluster(at("shuffled"))).toBeLessThan(0.3);
  // item vectors score no rows: the message is the command that judges them
  const { code, stderr } = await embed(["evaluate", at("planted")]);
  expect([code, stderr]).toEqual([
    64,
    expect.stringContaining(`embed evaluate ${at("planted")} --labels FILE:item --neighbors-by COLUMN;`),
  ]);
});

test("the run holds items and contexts, states its loss, and ranks by cosine", async () => {
  const log = writeSessions("held.csv", false);
  const flags = ["--user", "basket", "--item", "item", "--session-gap", "1h", "--dim", "8"];
  const parts = ["--split", "user", "--valid", "0.1", "-o", at("held"), "--json"];
  const { stdout } = await embedOk(["train-item2vec", log, ...flags, ...parts]);
  const { metrics, options } = parseJson<{
    metrics: Record<string, Record<string, number>>;
    options: { learningRate: number };
  }>(stdout);
  expect(metrics["train"]!["pairLoss"]).toBeGreaterThan(0);
  expect(metrics["valid"]!["pairLoss"]).toBeGreaterThan(0);
  expect(options.learningRate).toBe(0.8);
  const lines = readFileSync(at("held/metrics.jsonl"), "utf8").trim().split("\n");
  const losses = lines.map((line) => parseJson<{ validLoss: number }>(line).validLoss);
  expect(losses.at(-1)!).toBeLessThan(losses[0]!);
  const context = await embedOk(["export", at("held"), "--table", "context", "--format", "csv"]);
  expect(context.stdout.split("\n").length).toBe(CLUSTERS * ITEMS + 2);
  const refused = await embed(["transform", at("held"), log]);
  expect([refused.code, refused.stderr]).toEqual([
    64,
    expect.stringContaining("its rows are items: use export to write them"),
  ]);
});

test.each([
  ["neither session nor user", "--ignore basket", "--session"],
  [
    "lengths that nothing fits",
    "--session basket --min-length 5 --max-length 3",
    "--max-length must be at least --min-length 5, got 3",
  ],
  ["a half-life without times", "--session basket --half-life 30d --ignore time", "needs a time column"],
])("%s is refused with a word of why, and nothing is written", async (_, flags, words) => {
  const log = writeSessions("refused.csv", false);
  const out = at("refused");
  const got = await embed(["train-item2vec", log, "--item", "item", ...flags.split(" "), "-o", out]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(words)]);
  expect((await embed(["neighbors", out, "--key", "item:c0-0"])).code).toBe(66);
});

test("sessions without two known items are an error that names the file", async () => {
  writeFileSync(at("alone.csv"), "basket,item\na,x\nb,y\nc,z\n");
  const got = await embed(argv`train-item2vec ${at("alone.csv")} --session basket --item item
      -o ${at("alone")}`);
  expect([got.code, got.stderr]).toEqual([65, expect.stringContaining("alone.csv")]);
});
