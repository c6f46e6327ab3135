// Trains users in partitions from a log to a run. Partitions are small here, so that a small log has several.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyAt } from "../../log/keys.js";
import { rowsOf } from "../../table/table.js";
import { openRun } from "../../table/run-directory.js";
import { partitionBytes } from "../../compute/kernels/ranking/partitions.js";
import { temporaryFolder } from "../../testing/embed.js";
import { repeatedTraining } from "../../testing/repeated-training.js";
import { integerBelow, mulberry32 } from "../../testing/random.js";
import { sortedEvents } from "./partitioned-machine.js";
import { trainer } from "./trainer.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const given = { user: "user", item: "item", dim: 12, epochs: 6, threads: 2, seed: 1 };

const uniform = mulberry32(8);
const log = at("log.csv");
// users have events only with items whose number equals theirs modulo 5
const pairs = Array.from({ length: 20_000 }, () => {
  const user = integerBelow(700, uniform);
  return `u${user},i${5 * integerBelow(80, uniform) + (user % 5)}`;
});
writeFileSync(log, ["user,item", ...pairs].join("\n"));

beforeEach(() => Object.assign(partitionBytes, { whole: 1000, each: 20_000 }));
afterAll(() => Object.assign(partitionBytes, { whole: 512 << 20, each: 64 << 20 }));

const { trained, bytesOf, outcomeOf, stoppedAfter } = repeatedTraining(trainer, folder, log, given);
const validated = { valid: 0.1, patience: 9, evaluateEvery: 1, keepState: true } as const;

test.each([
  ["adagrad", {}],
  ["sgd", { optimizer: "sgd" }],
  ["warp with a validation split", { loss: "warp", ...validated }],
  ["popular negatives", { noise: "popularity", negatives: 4, hardNegatives: [2, 4] }],
])("%s: tables in memory and on disk, one and three threads, give the same bytes", async (name, options) => {
  const runs = [];
  for (const how of [{}, { maxMemory: 1000, threads: 1 }, { maxMemory: 60_000, threads: 3 }]) {
    sortedEvents.most = "maxMemory" in how ? 3000 : 16 << 20;
    runs.push(await outcomeOf(name, { epochs: 3, ...options, ...how }));
  }
  expect(runs.map(({ isFromDisk }) => isFromDisk)).toEqual([false, true, true]);
  for (const { result } of runs.slice(1)) expect(result).toEqual(runs[0]!.result);
  expect(runs[0]!.result.leftovers).toEqual([]);
});

test("its vectors are written in the place of those of a table in memory", async () => {
  await trained("written", { keepState: true });
  const run = await openRun(at("written"));
  const table = await run.readTable();
  const { user, item } = { user: rowsOf(table, "user"), item: rowsOf(table, "item") };
  // expects that users score items whose number equals theirs modulo 5 above items whose number is one greater modulo 5
  let right = 0;
  const groupOf = (row: number) => Number(keyAt(table.keys, row).slice(1)) % 5;
  // sums of the vectors of the items of each group, whose products with a user are sums of scores
  const sums = Array.from({ length: 5 }, () => new Float64Array(12));
  for (let i = item.first; i < item.first + 400; i++)
    for (let d = 0; d < 12; d++) sums[groupOf(i)]![d]! += table.vectors[12 * i + d]!;
  for (let u = user.first; u < user.first + 700; u++) {
    const own = groupOf(u);
    const scoreOf = (group: number) =>
      sums[group]!.reduce((score, x, d) => score + x * table.vectors[12 * u + d]!, 0);
    if (scoreOf(own) > scoreOf((own + 1) % 5)) right++;
  }
  expect(right).toBeGreaterThan(690);
});

test("it ranks as well as in one memory", async () => {
  const options = { ...validated, epochs: 15 };
  const cut = await trained("cut", options);
  Object.assign(partitionBytes, { whole: 1e9 });
  const whole = await trained("whole", options);
  const recallOf = ({ metrics }: typeof cut) => metrics["valid"]!["recallAt20"] as number;
  expect(recallOf(cut)).toBeGreaterThan(0.9 * recallOf(whole));
  expect(recallOf(whole)).toBeGreaterThan(0.2);
});

test.each([[{}], [validated]])(
  "what was stopped is resumed to the same bytes, with options %j",
  async (options) => {
    const long = { ...options, epochs: 6, maxMemory: 1000 };
    await trained("straight", long);
    await stoppedAfter(5, "stopped", { ...long, checkpointEvery: 2, threads: 1 });
    await trained("stopped", { ...long, checkpointEvery: 2, resume: true, maxMemory: 2 ** 30 });
    expect(bytesOf("stopped")).toEqual(bytesOf("straight"));
    expect(readdirSync(folder).filter((file) => file.includes("checkpoint"))).toEqual([]);
  },
);

test("a checkpoint of other rows is damage", async () => {
  await stoppedAfter(4, "other", { checkpointEvery: 2 });
  Object.assign(partitionBytes, { each: 10_000 });
  await expect(trained("other", { checkpointEvery: 2, resume: true })).rejects.toMatchObject({
    exitCode: 82,
  });
});

test("a training starts from its run, and frozen keys keep their vectors", async () => {
  await trained("first", { keepState: true });
  const tableOf = async (name: string) => await (await openRun(at(name))).readTable();
  const before = await tableOf("first");
  await trained("frozen", { init: at("first"), freeze: "known", epochs: 2, maxMemory: 1000 });
  const frozen = await tableOf("frozen");
  expect(Buffer.from(frozen.vectors.buffer).equals(Buffer.from(before.vectors.buffer))).toBe(true);
  const losses: number[] = [];
  await trained("on", { init: at("first"), epochs: 1 }, (progress) => {
    if (progress.stage === "epoch") losses.push(progress.trainLoss);
  });
  expect(losses[0]).toBeLessThan(0.55);
});
