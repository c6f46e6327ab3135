// `embed train-gbdt --head lr`: trees, a logistic regression on their leaves, and metrics of both.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import type { TrainedSummary } from "./main-job.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");
const job = (out: string, ...more: string[]) => [
  ...["train-gbdt", clicks, "-o", at(out), "--test", "0.1", "--num-trees", "30", "--head", "lr", "--json"],
  ...more,
];

let trained: TrainedSummary;
let given: string;
beforeAll(async () => {
  const { stdout, stderr } = await embedOk(job("run"));
  trained = parseJson<TrainedSummary>(stdout);
  given = stderr;
});

test("the head is fitted on the latest 30 % of the training rows, the trees on those before", () => {
  expect(given).toContain("trees are grown on 7560 rows, the head is fitted on 3240 other rows");
});

test("the manifest states trees alone, logistic regression alone and both over the entropy of the training rate", () => {
  type Entropies = Record<
    "treesAndLr" | "trees" | "lr",
    { normalizedEntropy: number; relativeToTrees: number }
  >;
  const { normalizedEntropy, metrics } = readJson<{
    normalizedEntropy: { test: Entropies };
    metrics: TrainedSummary["metrics"];
  }>(at("run/manifest.json"));
  const { treesAndLr, trees, lr } = normalizedEntropy.test;
  const labels = readFileSync(clicks, "utf8").trimEnd().split("\n").slice(1, 10_801);
  const rate = labels.filter((line) => line.startsWith("1,")).length / labels.length;
  const entropy = -(rate * Math.log(rate) + (1 - rate) * Math.log(1 - rate));
  expect(trees.normalizedEntropy).toBeCloseTo(metrics["testTrees"]!["logLoss"]! / entropy, 9);
  expect(treesAndLr.relativeToTrees).toBeCloseTo(
    metrics["test"]!["logLoss"]! / metrics["testTrees"]!["logLoss"]!,
    9,
  );
  expect(trees.relativeToTrees).toBe(1);
  expect(lr.normalizedEntropy).toBeLessThan(1);
});

test("evaluate gives on the log's last tenth what training gave, within 1e-9, and predict the same scores", async () => {
  const [header, ...lines] = readFileSync(clicks, "utf8").trimEnd().split("\n");
  writeFileSync(at("last.csv"), `${[header, ...lines.slice(10_800)].join("\n")}\n`);
  const got = parseJson<TrainedSummary>(
    (await embedOk(["evaluate", at("run"), "--on", at("last.csv"), "--json"])).stdout,
  );
  expect(got.metrics["on"]!["logLoss"]).toBeCloseTo(trained.metrics["test"]!["logLoss"]!, 9);

  const { stdout } = await embedOk(["predict", at("run"), at("last.csv"), "--raw-scores"]);
  const losses = stdout
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line, i) => {
      const score = Number(line.slice(line.lastIndexOf(",") + 1));
      return Math.log1p(Math.exp(lines[10_800 + i]!.startsWith("1,") ? -score : score));
    });
  const mean = losses.reduce((a, b) => a + b) / losses.length;
  expect(mean).toBeCloseTo(trained.metrics["test"]!["logLoss"]!, 9);
});

test("the table of leaves has the head's weights", async () => {
  const { stdout } = await embedOk(["export", at("run"), "--format", "csv", "--with-weight"]);
  expect(stdout).toMatch(/^field,key,count,weight,v0,path\nleaf,t000:l00,/);
  const head = readJson<{ weights: number[] }>(at("run/model/head.json"));
  const first = Number(stdout.split("\n")[1]!.split(",")[3]);
  expect(first).toBeCloseTo(head.weights[0]!, 6);
});

test("the same bytes at 1, 2 and 3 threads", async () => {
  const heads = [];
  for (const threads of ["1", "2", "3"]) {
    await embedOk(job(`run${threads}`, "--threads", threads));
    heads.push(readFileSync(at(`run${threads}/model/head.json`), "utf8"));
  }
  expect(heads[1] === heads[0] && heads[2] === heads[0]).toBe(true);
});

test("--cross-fit averages a forest and a head for each fold: all leaves in one table, evaluate and training agree", async () => {
  const { stdout, stderr } = await embedOk(job("folds", "--num-trees", "10", "--cross-fit", "3"));
  expect(stderr).toMatch(/forest 3 of 3: trees grown on \d+ rows, head fitted on \d+ other rows/);
  const { metrics } = parseJson<TrainedSummary>(stdout);
  expect(metrics["test"]!["logLoss"]!).toBeLessThan(metrics["testTrees"]!["logLoss"]!);
  expect(readFileSync(at("folds/model/lightgbm.txt"), "utf8").match(/^Tree=/gm)).toHaveLength(30);
  const on = parseJson<TrainedSummary>(
    (await embedOk(["evaluate", at("folds"), "--on", at("last.csv"), "--json"])).stdout,
  );
  expect(on.metrics["on"]!["logLoss"]).toBeCloseTo(metrics["test"]!["logLoss"]!, 9);
  const both = await embed(job("no", "--cross-fit", "3", "--head-split", "0.5"));
  expect([both.code, both.stderr]).toEqual([64, expect.stringContaining("--head-split")]);
});

test("--head-method ftrl fits a head that beats the trees, and --head-l1 leaves many weights at the leaves' values", async () => {
  const { metrics } = parseJson<TrainedSummary>(
    (await embedOk(job("ftrl", "--head-method", "ftrl", "--head-l1", "20"))).stdout,
  );
  expect(metrics["test"]!["logLoss"]!).toBeLessThan(metrics["testTrees"]!["logLoss"]!);
  const { weights } = readJson<{ weights: number[] }>(at("ftrl/model/head.json"));
  const leaves = jsonLines<{ value: number }>(readFileSync(at("ftrl/model/leaves.jsonl"), "utf8"));
  const kept = leaves.filter(({ value }, l) => value === weights[l]).length;
  expect(kept / leaves.length).toBeGreaterThan(0.2);
  expect(kept).toBeLessThan(leaves.length);
  const smooth = await embed(job("no", "--head-l1", "1"));
  expect([smooth.code, smooth.stderr]).toEqual([64, expect.stringContaining("--head-method ftrl")]);
});

test("a head for numbers, and its options without it, are 64", async () => {
  const ratings = ["train-gbdt", fixture("ratings.csv"), "-o", at("no"), "--label", "rating"];
  const numbers = await embed([...ratings, "--head", "lr"]);
  expect([numbers.code, numbers.stderr]).toEqual([64, expect.stringContaining("labels of 0 and 1")]);
  const without = await embed([...ratings, "--head-l2", "3"]);
  expect([without.code, without.stderr]).toEqual([64, expect.stringContaining("--head lr")]);
  const share = await embed([...job("no"), "--head-split", "1"]);
  expect([share.code, share.stderr]).toEqual([
    64,
    expect.stringContaining("--head-split must be between 0 and 1 (exclusive), got"),
  ]);
});

test.each(["--cross-fit 3", "--head-split 0.3"])(
  "where no tree splits, %s has the metrics of the constant",
  async (how) => {
    const { stdout, stderr } = await embedOk(
      job("constant", ...how.split(" "), "--min-data-in-leaf", "100000", "--force"),
    );
    const { train } = parseJson<TrainedSummary>(stdout).metrics as Record<string, Record<string, number>>;
    expect(train!["auc"]).toBe(0.5);
    expect(Math.abs(train!["normalizedEntropy"]! - 1)).toBeLessThan(0.01);
    expect(stderr).toContain("the forest is a constant: try a smaller --min-data-in-leaf");
  },
);
