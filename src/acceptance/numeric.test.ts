// The forms of `--numeric`: the rows that they add to the table; evaluation sees the same features as training.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

/** Clicks for prices in the middle of their range, which a linear function of the price cannot predict. */
const lines = Array.from({ length: 2000 }, (_, r) => {
  const price = (r * 7919) % 1000;
  const cell = r % 50 === 0 ? "" : String(price / 10);
  return `${price > 300 && price < 600 ? 1 : 0},u${r % 5},${cell}`;
});
const log = `click,user_id,price\n${lines.join("\n")}\n`;
const trained = ["--test", "0.25", "--split", "random", "--epochs", "8", "--json"];

interface Summary {
  metrics: Record<string, { logLoss: number }>;
}

async function train(name: string, numeric: string): Promise<Summary> {
  const args = ["train-fm", "-", "-o", at(name), "--numeric", numeric, ...trained];
  return parseJson<Summary>((await embedOk(args, { input: log })).stdout);
}

async function keysOf(name: string): Promise<string[]> {
  const { stdout } = await embedOk(["export", at(name), "--format", "jsonl", "--field", "price"]);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => parseJson<{ key: string }>(line).key);
}

test("--numeric price:bins=20 makes a row of each range, and learns what no line could", async () => {
  const bins = await train("bins", "price:bins=20");
  const line = await train("line", "price");
  expect(bins.metrics["test"]!.logLoss).toBeLessThan(0.7 * line.metrics["test"]!.logLoss);
  const keys = await keysOf("bins");
  expect(keys).toHaveLength(20);
  expect(keys[0]).toMatch(/^\(-inf,[\d.]+\)$/);
  expect(keys[7]).toMatch(/^\[[\d.]+,[\d.]+\)$/);
});

test("--numeric price:log1p is kept in the run, and its vector is one row", async () => {
  await train("log1p", "price:log1p");
  expect(await keysOf("log1p")).toEqual([""]);
  const { fields } = readJson<{ fields: unknown[] }>(join(at("log1p"), "model/preprocess.json"));
  expect(fields).toContainEqual(expect.objectContaining({ name: "price", kind: "number", log1p: true }));
});

test.each(["bins=20", "log1p"])("evaluate applies %s as training did", async (form) => {
  const run = `whole-${form}`;
  writeFileSync(at("log.csv"), log);
  const args = argv`train-fm ${at("log.csv")} -o ${at(run)} --numeric price:${form} --test ${at("log.csv")}`;
  const { metrics } = parseJson<Summary>((await embedOk([...args, "--json"])).stdout);
  const { stdout } = await embedOk(["evaluate", at(run), "--on", at("log.csv"), "--json"]);
  expect(parseJson<Summary>(stdout).metrics["on"]).toEqual({
    ...metrics["test"],
    userAuc: expect.any(Number),
  });
});

test("a number that has no log1p is 65 with its line, in training and in evaluate", async () => {
  const bad = "click,user_id,price\n1,a,2\n0,b,-1\n1,b,3\n";
  const got = await embed(["train-fm", "-", "-o", at("bad"), "--numeric", "price:log1p"], { input: bad });
  expect([got.code, got.stderr]).toEqual([
    65,
    expect.stringContaining("-:3: column 'price': expected a number above -1"),
  ]);
  await train("good", "price:log1p");
  const evaluated = await embed(["evaluate", at("good"), "--on", "-"], { input: bad });
  expect([evaluated.code, evaluated.stderr]).toEqual([65, expect.stringContaining("-:3: column 'price'")]);
});

test("a form that is none is 64", async () => {
  const got = await embed(["train-fm", "-", "-o", at("none"), "--numeric", "price:sqrt"], { input: log });
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("COLUMN:bins=N")]);
});
