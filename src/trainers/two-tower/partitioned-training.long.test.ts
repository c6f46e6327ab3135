// Trains two towers on users in partitions, from a log to a run. Partitions are small here, so that a small log has
// several.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { keyAt } from "../../log/keys.js";
import { openRun } from "../../table/run-directory.js";
import { rowsOf } from "../../table/table.js";
import { temporaryFolder } from "../../testing/embed.js";
import { repeatedTraining, truncateRows } from "../../testing/repeated-training.js";
import { fillDisk, onSmallDisk } from "../../testing/small-disk.js";
import { integerBelow, mulberry32 } from "../../testing/random.js";
import { twoTowerNeeds, partitionSizes } from "./partitions.js";
import { historyOf, twoTowerOptionsOf } from "./options.js";
import { capable } from "../index.js";
import { trainerWith } from "./trainer.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const others = historyOf("others", "--history");
const given = {
  user: "user",
  item: "item",
  time: "time",
  dim: 12,
  epochs: 3,
  negatives: 128,
  threads: 2,
  seed: 1,
};

const uniform = mulberry32(8);
const log = at("log.csv");
// users have events only with items whose number equals theirs modulo 5; user 1 has 300 of 400 items
const events = Array.from({ length: 12_000 }, (_, time) => {
  const user = integerBelow(700, uniform);
  const item = 5 * integerBelow(80, uniform) + (user % 5);
  return `u${user},i${item},${time},${user % 3 === 0 ? "nl" : "de"},b${item % 5},${uniform() < 0.2 ? 2 : 1}`;
});
const whole = Array.from({ length: 300 }, (_, i) => `u1,i${i},${20_000 + i},de,b${i % 5},1`);
writeFileSync(log, ["user,item,time,country,brand,kind", ...events, ...whole].join("\n"));

const before = { ...partitionSizes };
beforeEach(() => Object.assign(partitionSizes, { whole: 1000, each: 60_000 }));
afterAll(() => Object.assign(partitionSizes, before));

const FROM_DISK = { maxMemory: 1000 };
const { trained, bytesOf, outcomeOf, stoppedAfter } = repeatedTraining(
  trainerWith(capable),
  folder,
  log,
  given,
);
const validated = { valid: 0.1, patience: 9 } as const;

test.each([
  ["level 0", {}],
  [
    "dot products, popular negatives",
    { similarity: "dot", noise: "popularity", userBias: true, ...validated },
  ],
  [
    "towers of both sides, context, ages, weights",
    {
      ...{
        userTower: [16],
        itemTower: [16],
        itemFields: ["brand"],
        userFields: ["country"],
        exampleAge: true,
      },
      ...{ dropout: 0.2, recency: 3, weight: "kind", ...validated },
    },
  ],
  ["histories by behavior", { historyOf: ["kind = 1", "kind = 2"], userTower: [8], skipConnection: true }],
  ["other items", { history: others, minCount: 12, test: 0.1, ...validated }],
])("%s: users in memory and from disk, one and three threads, give the same bytes", async (name, options) => {
  const runs = [];
  for (const how of [{}, { ...FROM_DISK, threads: 1 }, { maxMemory: 800_000, threads: 3 }])
    runs.push(await outcomeOf(name, { ...options, ...how }));
  expect(runs.map(({ isFromDisk }) => isFromDisk)).toEqual([false, true, true]);
  for (const { result } of runs.slice(1)) expect(result).toEqual(runs[0]!.result);
  expect(runs[0]!.result.leftovers).toEqual([]);
});

test.each([[{}], [validated]])(
  "a stopped training is resumed to the same bytes with another --max-memory, with options %j",
  async (options) => {
    const long = { ...options, userTower: [8], epochs: 4 };
    await trained("straight", long);
    for (const [first, then] of [
      [FROM_DISK, {}],
      [{}, FROM_DISK],
    ]) {
      await stoppedAfter(3, "stopped", { ...long, ...first, checkpointEvery: 2, threads: 1 });
      await trained("stopped", { ...long, ...then, checkpointEvery: 2, resume: true });
      expect(bytesOf("stopped")).toEqual(bytesOf("straight"));
    }
  },
);

test("a table from disk has the vector of each user in the row of the user", async () => {
  const { metrics } = await trained("planted", { ...FROM_DISK, epochs: 6, test: 0.1 });
  expect(metrics["test"]!["recallAt20"]).toBeGreaterThan(0.15);
  const table = await (await openRun(at("planted"))).readTable();
  const { user, item } = { user: rowsOf(table, "user"), item: rowsOf(table, "item") };
  const groupOf = (row: number) => Number(keyAt(table.keys, row).slice(1)) % 5;
  // sums of the vectors of the items of each group, whose products with a user are sums of scores
  const sums = Array.from({ length: 5 }, () => new Float64Array(12));
  for (let i = item.first; i < item.last; i++)
    for (let d = 0; d < 12; d++) sums[groupOf(i)]![d]! += table.vectors[12 * i + d]!;
  // expects that users score items whose number equals theirs modulo 5 above others, on average
  let right = 0;
  for (let u = user.first; u < user.last; u++) {
    const own = groupOf(u);
    const scores = sums.map((sum) => sum.reduce((score, x, d) => score + x * table.vectors[12 * u + d]!, 0));
    const all = scores.reduce((sum, score) => sum + score, 0);
    if (5 * scores[own]! > all) right++;
  }
  expect(right).toBeGreaterThan(690);
});

test("a warm start in partitions keeps the vectors of users without events", async () => {
  await trained("all");
  const from = { init: at("all"), where: ["user != 'u7'"], epochs: 1 };
  const [memory, disk] = [
    await outcomeOf("memory", from),
    await outcomeOf("disk", { ...from, ...FROM_DISK }),
  ];
  expect(disk.result).toEqual(memory.result);
  const vectorOf = async (name: string) => {
    const table = await (await openRun(at(name))).readTable();
    const rows = rowsOf(table, "user");
    for (let row = rows.first; row < rows.last; row++)
      if (keyAt(table.keys, row) === "u7") return [...table.vectors.subarray(12 * row, 12 * row + 12)];
    return undefined;
  };
  expect(await vectorOf("disk")).toEqual(await vectorOf("all"));
});

test("it ranks as well as in one partition", async () => {
  const options = { ...validated, epochs: 8, negatives: 256 };
  const cut = await trained("cut", options);
  Object.assign(partitionSizes, { whole: 1e9 });
  const one = await trained("whole", options);
  const recallOf = ({ metrics }: typeof cut) => metrics["valid"]!["recallAt20"] as number;
  expect(recallOf(cut)).toBeGreaterThan(0.9 * recallOf(one));
  expect(recallOf(one)).toBeGreaterThan(0.15);
});

test("the forecast moves from memory to disk what --max-memory does not leave in memory", () => {
  Object.assign(partitionSizes, before);
  const size = { trainRows: 1e7, heldOutRows: 0, features: 1.1e6, users: 1e6, cells: 2, keyBytes: 1e7 };
  const needs = (most: number) =>
    twoTowerNeeds(twoTowerOptionsOf({ threads: 2 }), most).of({
      ...size,
      ofColumn: new Map(),
      isStored: false,
    });
  const [inMemory, part, none] = [needs(2 ** 40), needs(1000 * 2 ** 20), needs(2 ** 28)];
  expect(none.disk - inMemory.disk).toBe(4 * 64 * 1e6 + 24 * 1e7);
  expect(part.memory - none.memory).toBeGreaterThan(0);
  expect(inMemory.memory - part.memory).toBeGreaterThan(0);
  expect(part.memory + part.disk).toBe(none.memory + none.disk);
});

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux.each(["epoch", "note"])("files that are truncated at a %s are damage", async (when) => {
  const cut = trained("cut", FROM_DISK, ({ stage }) => stage === when && truncateRows("cut"));
  await expect(cut).rejects.toMatchObject({ exitCode: 82 });
});

test("a disk that is full when users are encoded is 74", async () => {
  await onSmallDisk(folder, "size=2m", async (disk) => {
    const full = trained("disk/full", FROM_DISK, (progress) => {
      if (progress.stage === "epoch" && progress.epoch === 3) fillDisk(disk);
    });
    await expect(full).rejects.toMatchObject({ exitCode: 74 });
  });
});
