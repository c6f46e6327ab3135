// `embed train-pca --matrix transitions` and the baseline `markov`, on a log of a planted order: the items of a group form
// a cycle of ten, and an item is followed by the next of its cycle with a probability of 0.8.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openRun } from "../table/run-directory.js";
import { argv } from "../testing/argv.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const [USERS, EVENTS, GROUPS] = [500, 20, 6];

/** Writes the log, with the events of each user in the planted order, or in a random one. */
function writeLog(name: string, isOrdered: boolean): void {
  const random = mulberry32(3);
  const lines = ["user,item,time"];
  for (let user = 0; user < USERS; user++) {
    const group = user % GROUPS;
    let item = integerBelow(10, random);
    const times = Array.from({ length: EVENTS }, (_, n) => [random(), n]).sort(([a], [b]) => a! - b!);
    for (let n = 0; n < EVENTS; n++) {
      lines.push(`u${user},g${group}-${item},${1000 * user + (isOrdered ? n : times[n]![1]!)}`);
      item = random() < 0.8 ? (item + 1) % 10 : integerBelow(10, random);
    }
  }
  writeFileSync(at(name), `${lines.join("\n")}\n`);
}

const transitions = argv`--matrix transitions --dim 60`;
const train = async (log: string, out: string, command: string, more: readonly string[]) =>
  await embedOk([command, at(log), "-o", at(out), "--time", "time", "--split", "last", "--quiet", ...more]);

/** Hit rate at 1 of each contender on the event after the training. */
async function hits(runs: readonly string[], baselines: string): Promise<Record<string, number>> {
  const how = argv`--part valid --ranking --repeats allow --k 1 --baseline ${baselines} --json`;
  const { stdout } = await embedOk(["evaluate", ...runs.map(at), ...how]);
  const { metrics } = parseJson<{ metrics: Record<string, { hitRateAt1: number }> }>(stdout);
  return Object.fromEntries(Object.entries(metrics).map(([name, { hitRateAt1 }]) => [name, hitRateAt1]));
}

beforeAll(async () => {
  writeLog("planted.csv", true);
  writeLog("shuffled.csv", false);
  await train("planted.csv", "run", "train-pca", transitions);
});

test("finds the planted order, which ALS does not", async () => {
  await train("planted.csv", "als", "train-als", argv`--dim 16`);
  const found = await hits(["run", "als"], "markov,item-cf");
  expect(found["run"]).toBeGreaterThanOrEqual(0.7);
  expect(found["markov"]).toBeGreaterThanOrEqual(0.7);
  expect(found["als"]).toBeLessThan(0.4);
  const { vectorsAdd } = (await openRun(at("run"))).manifest;
  expect(vectorsAdd).toMatchObject({ control: "markov", units: "users", metric: "ndcgAt20" });
});

test("own vectors of histories find the planted order, and those that are scored do not", async () => {
  const quick = argv`--keep-repeats --dim 16 --recency 1 --negatives 32 --batch-size 256`;
  await train("planted.csv", "own", "train-two-tower", quick);
  await train("planted.csv", "scored", "train-two-tower", [...quick, ...argv`--history-vectors scored`]);
  const found = await hits(["own", "scored"], "markov");
  expect(found["own"]).toBeGreaterThanOrEqual(0.65);
  expect(found["scored"]).toBeLessThan(0.3);
});

test("with shuffled times, is no better than co-occurrence", async () => {
  await train("shuffled.csv", "shuffled", "train-pca", transitions);
  const found = await hits(["shuffled"], "markov,item-cf");
  // three standard errors of a hit rate of 0.15 among 500 users are 0.05
  for (const name of ["shuffled", "markov"]) expect(found[name]! - found["item-cf"]!).toBeLessThan(0.05);
});

test("a user folded in has the vector of the table; items are refused", async () => {
  await embedOk(
    argv`train-pca ${at("planted.csv")} -o ${at("whole")} --time time --matrix transitions --dim 8`,
  );
  const folding = argv`transform ${at("whole")} --fold-in ${at("planted.csv")}`;
  const { stdout } = await embedOk(folding);
  await embedOk(argv`export ${at("whole")} --field user --format csv -o ${at("users.csv")}`);
  const vectorsIn = (text: string) =>
    new Map(
      text
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line) => line.split(","))
        .map((cells) => [cells.find((cell) => /^u\d/u.test(cell))!, cells.slice(-8).map(Number)]),
    );
  const [folded, users] = [vectorsIn(stdout), vectorsIn(readFileSync(at("users.csv"), "utf8"))];
  expect(folded.size).toBe(USERS);
  expect(folded).toEqual(users);
  const { code, stderr } = await embed([...folding, "--field", "item"]);
  expect([code, stderr]).toEqual([64, expect.stringContaining("--field item cannot be used here")]);
});

test("needs an order: a time column, or --ties order for that of the log", async () => {
  const words = argv`train-pca ${at("planted.csv")} --fields user,item -o ${at("log-order")} ${transitions}`;
  const { code, stderr } = await embed(words);
  expect([code, stderr]).toEqual([
    64,
    expect.stringMatching(/--time, or use the log's order with --ties order/),
  ]);
  await embedOk([...words, "--ties", "order"]);
});

test("event weights are refused", async () => {
  const words = argv`train-pca ${at("planted.csv")} --time time -o ${at("refused")} ${transitions}`;
  const { code, stderr } = await embed([...words, "--half-life", "30d"]);
  const why = /--matrix transitions cannot be combined with --weight/;
  expect([code, stderr]).toEqual([64, expect.stringMatching(why)]);
});
