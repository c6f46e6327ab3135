// --model, --method and --task: what is trained, how, and on what.

import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();

test("--task regression takes labels of 0 and 1 as numbers", async () => {
  const run = join(folder, "regression");
  const { stdout } = await embedOk([
    "train-fm",
    fixture("clicks.csv"),
    "-o",
    run,
    "--task",
    "regression",
    "--json",
  ]);
  expect(parseJson<{ metrics: object }>(stdout).metrics).toHaveProperty("train.rmse");
});

test("--task binary refuses a label that is neither 0 nor 1", async () => {
  const { code, stderr } = await embed([
    "train-fm",
    fixture("ratings.csv"),
    "-o",
    join(folder, "binary"),
    "--task",
    "binary",
  ]);
  expect(code).toBe(65);
  expect(stderr).toMatch(/--positive-from/);
});

test("--task regression refuses what makes labels of 0 and 1", async () => {
  const { code, stderr } = await embed([
    "train-fm",
    fixture("ratings.csv"),
    "-o",
    join(folder, "both"),
    "--task",
    "regression",
    "--positive-from",
    "4",
  ]);
  expect(code).toBe(64);
  expect(stderr).toMatch(/--positive-from/);
});
