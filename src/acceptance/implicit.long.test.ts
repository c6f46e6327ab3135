// `embed train-als` on purchases, without negatives.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { groupOf } from "../testing/planted.js";
import type { TrainedSummary } from "./main-job.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const purchases = [fixture("purchases.csv"), "--user", "customer_id", "--item", "product_id"];
const job = ["train-als", ...purchases];
const split = ["--time", "purchased_at", "--valid", "0.1", "--test", "0.1", "--split", "time"];

interface Row {
  field: string;
  key: string;
  weight: number;
  vector: number[];
}

describe("a run", () => {
  const run = at("run");
  let summary: TrainedSummary;
  let rows: Row[];
  beforeAll(async () => {
    summary = parseJson<TrainedSummary>((await embedOk([...job, ...split, "-o", run, "--json"])).stdout);
    const { stdout } = await embedOk(["export", run, "--format", "jsonl", "--with-weight"]);
    rows = jsonLines<Row>(stdout);
  });

  test("ranks what customers buy later far above chance, which is 20 of 96 products", () => {
    const { valid, test } = summary.metrics;
    expect(test).toMatchObject({ recallAt20: expect.any(Number), ndcgAt20: expect.any(Number) });
    expect(Math.min(valid!["recallAt20"]!, test!["recallAt20"]!)).toBeGreaterThan(0.45);
  });

  test("holds users and items alone, of weight 0", () => {
    expect([...new Set(rows.map(({ field }) => field))]).toEqual(["customer_id", "product_id"]);
    expect(rows.every(({ weight }) => weight === 0)).toBe(true);
    expect(new Set(rows.map(({ vector }) => vector.length))).toEqual(new Set([64]));
  });

  test("states the options that it was made by, those chosen by the log too", () => {
    const { command, options } = readJson<{ command: string; options: Record<string, unknown> }>(
      join(run, "manifest.json"),
    );
    expect(command).toBe("train-als");
    expect(options).toMatchObject({
      epochs: 20,
      l2Vector: 0.005,
      l2Exponent: 1,
    });
    expect(options["unobservedWeight"]).toBeGreaterThan(0);
  });

  test("has neighbors of one group", async () => {
    const items = rows.filter(({ field }) => field === "product_id").slice(0, 12);
    const args = items.flatMap(({ key }) => ["--key", `item:${key}`]);
    const { stdout } = await embedOk(["neighbors", run, ...args, "--top", "3", "--json"]);
    const found = stdout.match(/[a-z]+-\d\d/g)!;
    // the output names each key, followed by its three neighbors
    const lists = Array.from({ length: found.length / 4 }, (_, i) => found.slice(4 * i, 4 * i + 4));
    const right = lists.flatMap(([key, ...near]) => near.filter((other) => groupOf(other) === groupOf(key!)));
    expect(lists).toHaveLength(items.length);
    expect(right.length / (3 * lists.length)).toBeGreaterThan(0.9);
  });

  test("is evaluated by how it ranks", async () => {
    const { stdout } = await embedOk(argv`evaluate ${run} --on ${fixture("purchases.csv")} --repeats allow
        --json`);
    expect(parseJson<TrainedSummary>(stdout).metrics["on"]).toMatchObject({ ndcgAt20: expect.any(Number) });
  });

  test("has the metrics of the validation part in its learning curve", () => {
    const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trimEnd().split("\n");
    const epochs = lines.map((line) => parseJson<Record<string, number>>(line));
    expect(epochs.every(({ trainLoss, ndcgAt20 }) => trainLoss! > 0 && ndcgAt20! > 0)).toBe(true);
  });
});

test("the table is the same bytes on one, two and three threads", async () => {
  for (const threads of ["1", "2", "3"]) {
    await embedOk(argv`${job} --dim 20 --epochs 3 --threads ${threads} -o ${at(`threads-${threads}`)}`);
  }
  const [one, two, three] = ["1", "2", "3"].map((n) =>
    readFileSync(join(at(`threads-${n}`), "embeddings.arrow")),
  );
  expect(two).toEqual(one);
  expect(three).toEqual(one);
});

test.each([
  ["a label", ["train-als", fixture("clicks.csv"), "--label", "click"], ["--ignore", "click"]],
  ["negatives", [...job, "--negatives", "4"], ["--negatives"]],
  ["a threshold of labels", [...job, "--positive-from", "4"], ["--positive-from"]],
  ["dropout", [...job, "--oov-dropout", "0.1"], ["--oov-dropout"]],
  ["another method", [...job, "--method", "adagrad"], ["--method"]],
  ["a learning rate", [...job, "--learning-rate", "0.1"], ["--learning-rate"]],
  ["a search without a validation part", [...job, "--search", "3"], ["--search", "--valid"]],
  ["a loss of ranking", [...job, "--loss", "bpr"], ["--loss"]],
  [
    "an option of its own with train-fm",
    ["train-fm", ...purchases, "--negatives", "4", "--l2-exponent", "1"],
    ["--l2-exponent"],
  ],
  ["a weight out of range", [...job, "--unobserved-weight", "-1"], ["--unobserved-weight", "-1"]],
])("%s is 64 and says why", async (_, args, message) => {
  const got = await embed([...args, "-o", at("refused")]);
  const missing = message.filter((part) => !got.stderr.includes(part));
  expect({ code: got.code, missing, stderr: got.stderr }).toMatchObject({ code: 64, missing: [] });
});

test("a log without users is 64 and points at --user", async () => {
  const input = "shop,item_id\na,b\nc,d\n";
  const got = await embed(["train-als", "-", "--item", "item_id", "-o", at("no-user")], {
    input,
  });
  expect({ code: got.code, stderr: got.stderr }).toMatchObject({ code: 64 });
  expect(got.stderr).toContain("--user");
});

test("one event, and dims 1 and 100, train", async () => {
  const input = "user,item\na,b\n";
  await embedOk(["train-als", "-", "-o", at("single")], { input });
  for (const dim of ["1", "100"])
    await embedOk([...job, "--dim", dim, "--epochs", "2", "-o", at(`dim-${dim}`)]);
});
