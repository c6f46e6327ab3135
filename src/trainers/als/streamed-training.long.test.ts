// Trains users from a store, from a log to a run. Blocks are small here, so that a small log has several.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openRun } from "../../table/run-directory.js";
import { temporaryFolder } from "../../testing/embed.js";
import { repeatedTraining, truncateRows } from "../../testing/repeated-training.js";
import { integerBelow, mulberry32 } from "../../testing/random.js";
import { trainer } from "./trainer.js";
import { blockLimits } from "./user-blocks.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
// the 36 dimensions are solved in blocks of 16: two full blocks, and one of four dimensions and four of padding
const given = { user: "user", item: "item", dim: 36, epochs: 3, threads: 2, seed: 1 };

const uniform = mulberry32(8);
const log = at("log.csv");
// users have events only with items whose number equals theirs modulo 5; some pairs repeat, and user 1 has all items
const pairs = Array.from({ length: 9000 }, () => {
  const user = integerBelow(900, uniform);
  return `u${user},i${5 * integerBelow(80, uniform) + (user % 5)}`;
});
const whole = Array.from({ length: 400 }, (_, i) => `u1,i${i}`);
writeFileSync(log, ["user,item", ...pairs, ...whole].join("\n"));

const before = { ...blockLimits };
beforeEach(() => Object.assign(blockLimits, { bytes: 40_000, events: 2500, sums: 100_000 }));
afterAll(() => Object.assign(blockLimits, before));

/** A limit below the memory of the items, which are then solved in several groups; all blocks are on disk. */
const FROM_DISK = { maxMemory: 1000 };
const { trained, bytesOf, outcomeOf, stoppedAfter } = repeatedTraining(trainer, folder, log, given);
const validated = { valid: 0.1, patience: 9 } as const;

test.each([
  ["confidences", {}],
  ["no confidences", { dedupe: true }],
  ["a validation split", { ...validated, dim: 8 }],
])(
  "%s: users in one memory and from disk, one and three threads, give the same bytes",
  async (name, options) => {
    const runs = [];
    for (const how of [{}, { ...FROM_DISK, threads: 1 }, { ...FROM_DISK, threads: 3 }])
      runs.push(await outcomeOf(name, { ...options, ...how }));
    expect(runs.map(({ isFromDisk }) => isFromDisk)).toEqual([false, true, true]);
    for (const { result } of runs.slice(1)) expect(result).toEqual(runs[0]!.result);
    expect(runs[0]!.result.leftovers).toEqual([]);
  },
);

test.each([[{}], [validated]])(
  "a stopped training is resumed to the same bytes with another --max-memory, with options %j",
  async (options) => {
    const long = { ...options, epochs: 6 };
    await trained("straight", long);
    for (const [first, then] of [
      [FROM_DISK, {}],
      [{}, FROM_DISK],
    ]) {
      await stoppedAfter(5, "stopped", { ...long, ...first, checkpointEvery: 2, threads: 1 });
      await trained("stopped", { ...long, ...then, checkpointEvery: 2, resume: true });
      expect(bytesOf("stopped")).toEqual(bytesOf("straight"));
    }
  },
);

test("a training starts from a run as in one memory, and frozen keys keep their vectors", async () => {
  await trained("first");
  for (const options of [{ freeze: "known" }, {}]) {
    const from = { ...options, init: at("first"), epochs: 2 };
    await trained("memory", from);
    await trained("disk", { ...from, ...FROM_DISK });
    expect(bytesOf("disk")).toEqual(bytesOf("memory"));
  }
  await trained("frozen", { freeze: "known", init: at("first"), ...FROM_DISK });
  const vectorsOf = async (name: string) => (await (await openRun(at(name))).readTable()).vectors;
  expect(await vectorsOf("frozen")).toEqual(await vectorsOf("first"));
});

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("a file that is truncated during the training is damage", async () => {
  const cut = trained("cut", FROM_DISK, ({ stage }) => stage === "epoch" && truncateRows("cut"));
  await expect(cut).rejects.toMatchObject({ exitCode: 82 });
});
