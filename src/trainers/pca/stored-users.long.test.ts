// Tests decompositions from a log to a run, with rows in blocks and in one memory.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../testing/embed.js";
import { integerBelow, mulberry32 } from "../../testing/random.js";
import { repeatedTraining, truncateRows } from "../../testing/repeated-training.js";
import { pcaNeeds } from "./memory.js";
import { pcaOptionsOf } from "./options.js";
import { trainer } from "./trainer.js";

const folder = temporaryFolder();
const log = join(folder, "log.csv");
const uniform = mulberry32(8);
// users have events only with items whose number equals theirs modulo 5; some pairs repeat
const pairs = Array.from({ length: 12_000 }, () => {
  const user = integerBelow(1500, uniform);
  return `u${user},i${5 * integerBelow(80, uniform) + (user % 5)}`;
});
writeFileSync(log, ["user,item", ...pairs].join("\n"));

const given = { user: "user", item: "item", dim: 20, normalize: "degree", threads: 2, seed: 1 };
const { trained, bytesOf, outcomeOf } = repeatedTraining(trainer, folder, log, given);
const FROM_DISK = { maxMemory: 1000 };

test.each([
  ["degrees", {}],
  ["binary values", { values: "binary", tolerance: 0.2 }],
  ["centered columns", { normalize: "none", center: true, scale: true }],
  ["a plateau", { response: "plateau" }],
  ["another power of the degrees", { degreePower: 0.3 }],
  ["a validation split that chooses", { normalize: undefined, valid: 0.1, test: 0.1 }],
  ["transitions", { matrix: "transitions", ties: "order", valid: 0.1 }],
  ["transitions that are not normalized", { matrix: "transitions", ties: "order", normalize: "none" }],
])("%s: rows in memory and in blocks, one and three threads, give the same bytes", async (name, options) => {
  const runs = [];
  for (const how of [{}, { ...FROM_DISK, threads: 1 }, { maxMemory: 400_000, threads: 3 }])
    runs.push(await outcomeOf(name, { ...options, ...how }));
  expect(runs.map(({ isFromDisk }) => isFromDisk)).toEqual([false, true, true]);
  for (const { result } of runs.slice(1)) expect(result).toEqual(runs[0]!.result);
  expect(runs[0]!.result.leftovers).toEqual([]);
});

test("few items, which are decomposed exactly, stay in memory", async () => {
  const few = { exact: true, where: ["item starts_with 'i1'"] };
  await trained("memory", few);
  const notes: string[] = [];
  await trained("exact", { ...few, ...FROM_DISK }, (progress) => {
    if (progress.stage === "note") notes.push(progress.text);
  });
  expect(bytesOf("exact")).toEqual(bytesOf("memory"));
  expect(notes).toContainEqual(expect.stringMatching(/--max-memory .* has no effect/));
});

test("the forecast moves from memory to disk what --max-memory does not leave in memory", () => {
  const ofColumn = new Map([
    ["user", 1e6],
    ["item", 1e5],
  ]);
  const size = { trainRows: 1e7, heldOutRows: 0, features: 1.1e6, ofColumn, users: 1e6, cells: 2 };
  const needs = (most: number) =>
    pcaNeeds(pcaOptionsOf({}), false, most).of({ ...size, keyBytes: 1e7, isStored: false });
  const [whole, part, none] = [needs(2 ** 40), needs(2 ** 29), needs(2 ** 28)];
  expect(none.memory).toBeLessThan(0.5 * whole.memory);
  // the store contains the users' vectors, and the entries of the matrix grouped by item
  expect(none.disk - whole.disk).toBeGreaterThan(4 * 64 * 1e6 + 4 * 1e7);
  expect(part.memory - none.memory).toBeGreaterThan(0);
  expect(part.memory + part.disk).toBe(none.memory + none.disk);
});

const onLinux = process.platform === "linux" ? test : test.skip;

onLinux("a file that is truncated before the vectors are written is damage", async () => {
  const cut = trained("cut", FROM_DISK, ({ stage }) => stage === "note" && truncateRows("cut"));
  await expect(cut).rejects.toMatchObject({ exitCode: 82 });
});
