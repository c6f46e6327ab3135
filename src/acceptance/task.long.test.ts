// --model, --method and --task select what is trained, how, and on which labels.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { parseJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();

test("--task regression takes labels of 0 and 1 as numbers", async () => {
  const run = join(folder, "regression");
  const { stdout } = await embedOk(argv`train-fm ${fixture("clicks.csv")} -o ${run} --task regression
      --json`);
  expect(parseJson<{ metrics: object }>(stdout).metrics).toHaveProperty("train.rmse");
});

test("--task binary refuses a label that is neither 0 nor 1", async () => {
  const { code, stderr } = await embed(argv`train-fm ${fixture("ratings.csv")} -o ${join(folder, "binary")}
      --task binary`);
  expect(code).toBe(65);
  expect(stderr).toMatch(/--positive-from/);
});

test.each([
  ["train-fm", "--epochs"],
  ["train-gbdt", "--num-trees"],
])("%s warns of two labels that are not 0 and 1", async (command, rounds) => {
  const log = join(folder, "clicks-1-2.csv");
  const [header, ...rows] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
  const renamed = rows.map((row) => row.replace(/^./, (click) => String(Number(click) + 1)));
  writeFileSync(log, [header, ...renamed].join("\n"));
  const args = [command, log, "-o", join(folder, "two"), "--force", "--threads", "1", rounds, "2"];
  const train = async (...more: string[]) => (await embedOk([...args, ...more])).stderr;
  expect(await train()).toMatch(/label 'click' is 1 or 2 .* use --positive-from 2/);
  expect(await train("--positive-from", "2")).not.toMatch(/1 or 2/);
  expect(await train("--task", "regression")).not.toMatch(/1 or 2/);
});

test("--task regression refuses what makes labels of 0 and 1", async () => {
  const { code, stderr } = await embed(argv`train-fm ${fixture("ratings.csv")} -o ${join(folder, "both")}
      --task regression --positive-from 4`);
  expect(code).toBe(64);
  expect(stderr).toMatch(/--positive-from/);
});

test("--model lr trains weights alone: a vector of one number, which evaluate reads back", async () => {
  const run = join(folder, "lr");
  const { stdout } = await embedOk(argv`train-fm ${fixture("clicks.csv")} -o ${run} --model lr --epochs 2
      --json`);
  const trained = parseJson<{ metrics: { train: { logLoss: number } } }>(stdout).metrics.train.logLoss;
  const evaluated = await embedOk(["evaluate", run, "--on", fixture("clicks.csv"), "--json"]);
  const { on } = parseJson<{ metrics: { on: { logLoss: number } } }>(evaluated.stdout).metrics;
  expect(Math.abs(on.logLoss - trained)).toBeLessThan(0.01);
  const exported = await embedOk(["export", run, "--format", "jsonl"]);
  const vectors = exported.stdout
    .trimEnd()
    .split("\n")
    .map((line) => parseJson<{ vector: number[] }>(line).vector);
  expect(vectors.every((vector) => vector.length === 1)).toBe(true);
});

test.each(["sgd", "ftrl", "adam"])(
  "--method %s learns, to the same bytes at any number of threads",
  async (method) => {
    const shas = [];
    for (const threads of ["1", "3"]) {
      const run = join(folder, `${method}-${threads}`);
      const args = ["train-fm", fixture("clicks.csv"), "-o", run, "--method", method, "--threads", threads];
      const more = ["--valid", "0.2", "--l2-field", "user_id=0.05", "--epochs", "50", "--json"];
      const { stdout } = await embedOk([...args, ...more]);
      const { valid } = parseJson<{ metrics: { valid: { normalizedEntropy: number } } }>(stdout).metrics;
      expect(valid.normalizedEntropy).toBeLessThan(1);
      shas.push(readFileSync(join(run, "embeddings.arrow")).toString("base64"));
    }
    expect(shas[1]).toBe(shas[0]);
  },
);

test("--method ftrl leaves weights at exactly zero", async () => {
  const run = join(folder, "sparse");
  const args = ["train-fm", fixture("clicks.csv"), "-o", run, "--model", "lr", "--method", "ftrl"];
  await embedOk([...args, "--l1-weight", "10"]);
  const { stdout } = await embedOk(["export", run, "--format", "jsonl"]);
  const weights = stdout
    .trimEnd()
    .split("\n")
    .map((line) => parseJson<{ vector: [number] }>(line).vector[0]);
  const zeros = weights.filter((weight) => weight === 0).length;
  expect(zeros).toBeGreaterThan(weights.length / 10);
  expect(zeros).toBeLessThan(weights.length);
});

test.each([["--l2-field", "nobody=0.1", /--l2-field names column 'nobody'/u]])(
  "%s %s is refused",
  async (flag, value, message) => {
    const { code, stderr } = await embed([
      "train-fm",
      fixture("clicks.csv"),
      "-o",
      join(folder, "no"),
      flag,
      value,
    ]);
    expect(code).toBe(64);
    expect(stderr).toMatch(message);
  },
);
