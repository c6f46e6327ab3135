// train-ranking: events are ranked above items that their users lack; all items are ranked to evaluate it.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { thirdOfFixture } from "../testing/fixtures.js";
import { fixture } from "../testing/places.js";
import { parseJson } from "../testing/json.js";
import { csvRows } from "../testing/lines.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const roles = ["--user", "customer_id", "--item", "product_id"];
const purchases = thirdOfFixture("purchases.csv");
writeFileSync(at("purchases.csv"), purchases);
const job = ["train-ranking", at("purchases.csv"), ...roles, "--dim", "24"];
const byTime = ["--time", "purchased_at", "--split", "time", "--valid", "0.1", "--test", "0.1"];
const matrix = ["--fields", "customer_id,product_id"];
const losses = ["bpr", "warp", "sampled-softmax", "ccl"];

interface Summary {
  metrics: Record<string, Record<string, number>>;
  options: Record<string, unknown>;
  rows: number;
}
const summaryOf = async (args: string[]) => parseJson<Summary>((await embedOk([...args, "--json"])).stdout);
const table = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));

/**
 * Returns recall and NDCG on the last tenth of the purchases, if every user gets the most popular items that the user
 * has not bought.
 */
function popularity(k: number): { recall: number; ndcg: number } {
  const events = csvRows(purchases)
    .map(([user, item, , , time]) => ({ user: user!, item: item!, time: time! }))
    .sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  const train = events.slice(0, Math.floor(0.8 * events.length));
  const test = events.slice(Math.floor(0.9 * events.length));
  const count = new Map<string, number>();
  const owned = new Map<string, Set<string>>();
  for (const { user, item } of train) {
    count.set(item, (count.get(item) ?? 0) + 1);
    owned.set(user, (owned.get(user) ?? new Set()).add(item));
  }
  const ranked = [...count].sort((a, b) => b[1] - a[1]).map(([item]) => item);
  let [recall, ndcg, users] = [0, 0, 0];
  for (const user of new Set(test.map((event) => event.user))) {
    const own = owned.get(user);
    const wanted = new Set(
      test.filter((event) => event.user === user && !own?.has(event.item)).map(({ item }) => item),
    );
    if (!own || wanted.size === 0) continue;
    const gains = ranked
      .filter((item) => !own.has(item))
      .slice(0, k)
      .map((item, rank) => (wanted.has(item) ? 1 / Math.log2(rank + 2) : 0));
    const ideal = Array.from({ length: Math.min(k, wanted.size) }, (_, rank) => 1 / Math.log2(rank + 2));
    const sum = (numbers: number[]) => numbers.reduce((all, x) => all + x, 0);
    recall += gains.filter((gain) => gain > 0).length / wanted.size;
    ndcg += sum(gains) / sum(ideal);
    users++;
  }
  return { recall: recall / users, ndcg: ndcg / users };
}

describe.each(losses)("--loss %s", (loss) => {
  const args = [...job, ...byTime, ...matrix, "--loss", loss, "--epochs", "15"];

  test("ranks better than popularity, and evaluate reads the same from the run", async () => {
    const { metrics } = await summaryOf([...args, "-o", at(loss)]);
    const base = popularity(20);
    expect(metrics["test"]!["recallAt20"]).toBeGreaterThan(1.3 * base.recall);
    expect(metrics["test"]!["ndcgAt20"]).toBeGreaterThan(1.3 * base.ndcg);
    const neighbors = await embedOk(["neighbors", at(loss), "--key", "item:garden-08", "--top", "3"]);
    expect(neighbors.stdout.trimEnd().split("\n").length).toBeGreaterThanOrEqual(3);
  });

  test("gives the same bytes at 1, 2 and 3 threads", async () => {
    for (const threads of ["1", "2", "3"]) {
      await embedOk([...args, "--epochs", "2", "--threads", threads, "-o", at(`${loss}-${threads}`)]);
    }
    expect(table(`${loss}-2`)).toEqual(table(`${loss}-1`));
    expect(table(`${loss}-3`)).toEqual(table(`${loss}-1`));
  });
});

describe.each([
  ["bpr", []],
  ["bpr", ["--negatives", "4"]],
  ["warp", ["--negatives", "5"]],
])("--loss %s %j --optimizer sgd", (loss, options) => {
  const name = `sgd-${loss}-${options.length}`;
  const args = [...job, ...byTime, ...matrix, "--loss", loss, ...options, "--optimizer", "sgd"];

  test("ranks better than popularity", async () => {
    const { metrics, options: used } = await summaryOf([...args, "--epochs", "60", "-o", at(name)]);
    expect(metrics["test"]!["ndcgAt20"]).toBeGreaterThan(1.3 * popularity(20).ndcg);
    expect(used["optimizer"]).toBe("sgd");
  });

  test("gives the same bytes at 1, 2 and 3 threads", async () => {
    for (const threads of ["1", "2", "3"]) {
      await embedOk([...args, "--epochs", "2", "--threads", threads, "-o", at(`${name}-${threads}`)]);
    }
    expect(table(`${name}-2`)).toEqual(table(`${name}-1`));
    expect(table(`${name}-3`)).toEqual(table(`${name}-1`));
  });
});

describe.each(["bpr", "warp", "sampled-softmax"])("--loss %s with item fields and context", (loss) => {
  test("ranks better than popularity, the same at 1 and 3 threads", async () => {
    const args = [...job, ...byTime, "--loss", loss, "--epochs", "15"];
    const { metrics } = await summaryOf([...args, "--threads", "1", "-o", at(`fields-${loss}`)]);
    expect(metrics["test"]!["ndcgAt20"]).toBeGreaterThan(1.3 * popularity(20).ndcg);
    await embedOk([...args, "--threads", "3", "-o", at(`fields-${loss}-3`)]);
    expect(table(`fields-${loss}-3`)).toEqual(table(`fields-${loss}`));
  });
});

test("evaluate ranks for the users of a log, and --mask leaves out more of what they have", async () => {
  const [head, ...events] = purchases.trimEnd().split("\n");
  const [train, test] = [events.slice(0, 1700), events.slice(1700)];
  writeFileSync(at("train.csv"), [head, ...train].join("\n"));
  writeFileSync(at("test.csv"), [head, ...test].join("\n"));
  const args = ["train-ranking", at("train.csv"), ...roles, ...matrix, "--epochs", "10"];
  const { metrics } = await summaryOf([...args, "--test", at("test.csv"), "-o", at("evaluated")]);
  const evaluate = (more: string[]) =>
    summaryOf(["evaluate", at("evaluated"), "--on", at("test.csv"), ...more]);
  const masked = ["--repeats", "mask"];
  expect((await evaluate(masked)).metrics["on"]).toMatchObject(metrics["test"]!);
  expect(Object.keys((await evaluate([...masked, "--ranking", "--k", "5"])).metrics["on"]!)).toEqual(
    expect.arrayContaining(["recallAt5", "ndcgAt5"]),
  );
  // for a user whose held-out items are all masked, nothing is left to find
  expect((await evaluate([...masked, "--mask", at("test.csv")])).metrics["on"]).toEqual({});
});

test("the learning curve has the metric of each look, and the manifest every option", async () => {
  const args = [...job, ...byTime, ...matrix, "--epochs", "6", "--evaluate-every", "2", "--k", "10"];
  const { options } = await summaryOf([...args, "-o", at("curve")]);
  const lines = readFileSync(join(at("curve"), "metrics.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  const looks = lines.map((line) => "ndcgAt10" in parseJson<object>(line));
  expect(looks).toEqual([false, true, false, true, false, true]);
  expect(options).toMatchObject({
    loss: "bpr",
    negatives: 1,
    noise: "uniform",
    k: 10,
    metric: "ndcg",
  });
});

test("a loss that becomes NaN is 80", async () => {
  const { code, stderr } = await embed([...job, ...matrix, "--learning-rate", "1e30", "-o", at("diverged")]);
  expect({ code, stderr }).toMatchObject({ code: 80, stderr: expect.stringContaining("--learning-rate") });
});

test.each([
  [
    "a label is refused",
    ["train-ranking", fixture("clicks.csv"), "--label", "click"],
    64,
    /--positive-from 1 .*--where 'click = 1' --ignore click/,
  ],
  [
    "a log without a user is refused",
    [...job.slice(0, 2), "--item", "product_id", "--user", "nobody"],
    64,
    /nobody/,
  ],
  ["ccl with item fields is refused", [...job, "--loss", "ccl"], 64, /--fields/],
  ["sgd with item fields is refused", [...job, "--optimizer", "sgd"], 64, /--optimizer sgd .* --fields/],
  ["another method is refused", [...job, "--method", "sgd"], 64, /has no option '--method'/],
  [
    "a flag of ranking is refused by train-fm",
    ["train-fm", fixture("clicks.csv"), "--margin", "2"],
    64,
    /has no option '--margin'/,
  ],
])("%s", async (_, args, code, message) => {
  const got = await embed([...args, "-o", at("refused")]);
  expect({ code: got.code, stderr: got.stderr }).toMatchObject({
    code,
    stderr: expect.stringMatching(message),
  });
});
