// embed train-item2vec: weights of events, and their tokens.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embed, embedOk } from "../testing/embed.js";
import { jsonLines, parseJson } from "../testing/json.js";
import { between, mulberry32 } from "../testing/random.js";

const folder = mkdtempSync(join(tmpdir(), "embed-item2vec-events-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const tableOf = (run: string) => readFileSync(at(`${run}/embeddings.arrow`));
const DAY = 86_400;

/** An event: its cells in the order of the log's columns. */
type Line = [basket: string, item: string, time: number, kind: string, weight: number];

function write(name: string, lines: readonly Line[]): string {
  writeFileSync(at(name), `basket,item,time,kind,factor\n${lines.map((l) => l.join(",")).join("\n")}\n`);
  return at(name);
}

/**
 * Returns sessions of four items of a cluster. The item `x` occurs with cluster a in the first 300 sessions, and with
 * cluster b in the last 100.
 */
function movedItem(): Line[] {
  const random = mulberry32(5);
  return Array.from({ length: 400 }, (_, s): Line[] => {
    const isOld = s < 300;
    const cluster = s % 4 < 2 ? (isOld ? "a" : "b") : s % 4 === 2 ? "c" : "d";
    const items = Array.from({ length: 4 }, () => `${cluster}${Math.floor(between(0, 5, random))}`);
    if (cluster === "a" || cluster === "b") items.splice(2, 0, "x");
    const time = isOld ? s * 60 : 300 * DAY + s * 60;
    return items.map((item, i) => [`s${s}`, item, time + i, "buy", 3]);
  }).flat();
}

/** Returns the clusters of x's nearest five items. */
async function aroundX(run: string): Promise<string[]> {
  const { stdout } = await embedOk(["neighbors", at(run), "--key", "item:x", "--top", "5", "--json"]);
  const { queries } = parseJson<{ queries: { neighbors: { key: string }[] }[] }>(stdout);
  return queries[0]!.neighbors.map(({ key }) => key[0]!);
}

const flags = ["--session", "basket", "--item", "item", "--time", "time", "--dim", "16", "--epochs", "10"];
const train = async (log: string, run: string, more: string[]) =>
  await embedOk(["train-item2vec", log, ...flags, ...more, "-o", at(run)]);

test("weights that are all alike change no byte", async () => {
  const log = write("alike.csv", movedItem());
  await train(log, "plain", ["--ignore", "factor,kind"]);
  await train(log, "alike", ["--weight", "factor", "--event-weight", "kind:buy=2"]);
  expect(tableOf("alike").equals(tableOf("plain"))).toBe(true);
});

test("events that count 0 are in no session, as if they were not in the log", async () => {
  const random = mulberry32(9);
  const lines = movedItem();
  const views = lines.map(([, , time], i): Line => {
    const cluster = "abcd"[Math.floor(between(0, 4, random))]!;
    return [`s${Math.floor(i / 5)}`, `${cluster}${Math.floor(between(0, 5, random))}`, time, "view", 1];
  });
  const log = write("views.csv", [...lines, ...views]);
  const { stderr } = await train(log, "counted", ["--event-weight", "kind:buy=1,*=0", "--ignore", "factor"]);
  await train(log, "kept", ["--where", 'kind = "buy"', "--ignore", "factor,kind"]);
  expect(tableOf("counted").equals(tableOf("kept"))).toBe(true);
  expect(stderr).toContain(`${views.length} rows of weight 0 excluded`);
});

test("with a half-life an item is where its recent sessions are", async () => {
  const log = write("moved.csv", movedItem());
  await train(log, "ever", ["--ignore", "factor,kind"]);
  await train(log, "lately", ["--ignore", "factor,kind", "--half-life", "60d"]);
  expect(await aroundX("ever")).toEqual(["a", "a", "a", "a", "a"]);
  expect(await aroundX("lately")).toEqual(["b", "b", "b", "b", "b"]);
});

/** Writes sessions of users who stay in one of four clusters, with its category; every tenth one is missing. */
function writeTokens(name: string): { log: string; numMissing: number } {
  const random = mulberry32(11);
  let numMissing = 0;
  const lines = Array.from({ length: 300 }, (_, s) => {
    const user = Math.floor(between(0, 40, random));
    return Array.from({ length: 4 }, (__, i) => {
      const isMissing = (s * 4 + i) % 10 === 0;
      if (isMissing) numMissing++;
      const cluster = user % 4;
      const item = `i${cluster}-${Math.floor(between(0, 5, random))}`;
      return `b${s},u${cluster}-${user},${item},${isMissing ? "" : `c${cluster}`},${i}.5`;
    });
  });
  writeFileSync(at(name), `basket,user_id,item,category,price\n${lines.flat().join("\n")}\n`);
  return { log: at(name), numMissing };
}

interface Row {
  key: string;
  vector: number[];
}

async function rowsOf(run: string, field: string): Promise<Row[]> {
  const { stdout } = await embedOk(["export", at(run), "--format", "jsonl", "--field", field]);
  return jsonLines<Row>(stdout);
}

/** Returns the share of the rows whose nearest other row, by cosine, belongs to the same cluster. */
function sameCluster(rows: readonly Row[], others: readonly Row[]): number {
  const clusterOf = ({ key }: Row) => key[1];
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, x, k) => sum + x * b[k]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
  const nearest = (row: Row) =>
    others.reduce((best, other) =>
      cosine(row.vector, other.vector) > cosine(row.vector, best.vector) ? other : best,
    );
  return rows.filter((row) => clusterOf(nearest(row)) === clusterOf(row)).length / rows.length;
}

const tokenFlags = ["--session", "basket", "--user", "user_id", "--item", "item", "--dim", "16"];

test("users, items and categories are learned in one space, and missing cells are counted", async () => {
  const { log, numMissing } = writeTokens("tokens.csv");
  const how = [...tokenFlags, "--epochs", "10", "--tokens", "user,item,category", "-o", at("tokens")];
  const { stderr } = await embedOk(["train-item2vec", log, ...how]);
  expect(stderr).toContain(`${numMissing} cells of 'category' are empty or rare and contribute no token`);
  const [users, items, categories] = await Promise.all(
    ["user_id", "item", "category"].map((field) => rowsOf("tokens", field)),
  );
  expect([items!.length, categories!.length]).toEqual([20, 4]);
  expect(sameCluster(users!, items!)).toBe(1);
  expect(sameCluster(categories!, items!)).toBe(1);
  expect(sameCluster(items!, categories!)).toBe(1);
});

test("a window counts events, and holds at most 255 tokens", async () => {
  const { log } = writeTokens("window.csv");
  const how = [...tokenFlags, "--tokens", "user,item,category", "--epochs", "1", "--window", "86"];
  const got = await embed(["train-item2vec", log, ...how, "-o", at("wide")]);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringContaining("--window must be at most 85 with 3 --tokens, got 86"),
  ]);
});

test.each([
  ["a column that is not there", "user,categroy", "did you mean 'category'?"],
  ["a column of numbers", "item,price", "'price' is numeric"],
  ["a column twice", "item,user,item", "names 'item' twice"],
  ["a column by its role and its name", "user,user_id", "'user_id' twice"],
])("--tokens of %s is refused", async (_, tokens, words) => {
  const { log } = writeTokens("refused.csv");
  const got = await embed(["train-item2vec", log, ...tokenFlags, "--tokens", tokens, "-o", at("refused")]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(words)]);
});
