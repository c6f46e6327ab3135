// A crawler with every item, or every item but one, leaves no candidates for negatives of a batch; trainings must not
// fail.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJsonLines } from "../testing/exported.js";
import { integerBelow, mulberry32 } from "../testing/random.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const numItems = 60;

beforeAll(() => {
  const uniform = mulberry32(3);
  const rows: string[] = [];
  const add = (user: string, item: number, minute: number) =>
    rows.push(`${user},i${item},${1_600_000_000 + 60 * minute}`);
  for (let n = 0; n < 1600; n++) add(`u${n % 200}`, 20 * (n % 3) + integerBelow(20, uniform), n);
  for (let item = 0; item < numItems; item++) add("crawler", item, integerBelow(1600, uniform));
  for (let item = 1; item < numItems; item++) add("almost", item, integerBelow(1600, uniform));
  writeFileSync(at("log.csv"), ["user,item,time", ...rows].join("\n"));
  // writes a log with one event more than a batch, so that the last batch has a single event, and no other event's item
  // can be its negative
  const single = Array.from({ length: 257 }, (_, n) => `v${n},i${n % 7},${1_600_000_000 + 60 * n}`);
  writeFileSync(at("single.csv"), ["user,item,time", ...single].join("\n"));
});

const softmax = ["--loss", "sampled-softmax"];
const cosine = [...softmax, "--similarity", "cosine"];
const few = ["--negatives", "8"];
const own = ["--negatives", "0", "--in-batch"];

test.each([
  ["train-ranking", ["--loss", "bpr"]],
  ["train-ranking", ["--loss", "bpr", ...few, "--hard-negatives", "2-8"]],
  ["train-ranking", ["--loss", "bpr", "--optimizer", "sgd"]],
  ["train-ranking", ["--loss", "warp"]],
  ["train-ranking", ["--loss", "ccl", ...few]],
  ["train-ranking", ["--loss", "ccl", ...own]],
  ["train-ranking", [...softmax, ...few]],
  ["train-ranking", [...cosine, ...few]],
  ["train-ranking", [...cosine, ...few, "--layers", "1"]],
  ["train-ranking", [...cosine, ...few, "--noise", "popularity", "--average-positives"]],
  ["train-ranking", [...cosine, ...own]],
  ["train-two-tower", few],
  ["train-two-tower", [...few, "--similarity", "dot"]],
  ["train-two-tower", [...few, "--history", "others"]],
  ["train-two-tower", [...few, "--user-tower", "16", "--skip-connection"]],
  ["train-two-tower", own],
  ["train-als", []],
  ["train-fm", ["--negatives", "2"]],
])("%s %j trains on a log with a crawler, with and without a validation split", async (command, options) => {
  for (const valid of [[], ["--valid", "0.1"]]) {
    await embedOk([
      ...[command, at("log.csv"), "--dim", "8", "--epochs", "8", ...options, ...valid],
      ...["-o", at("run"), "--force"],
    ]);
    const rows = parseJsonLines((await embedOk(["export", at("run"), "--format", "jsonl"])).stdout);
    const items = rows.filter(({ field }) => field === "item");
    expect(items.length).toBe(numItems);
    expect(items.filter(({ vector }) => !vector.every((x) => Number.isFinite(x)))).toEqual([]);
  }
});

test.each([[["--loss", "ccl"]], [cosine]])(
  "train-ranking %j takes a last batch without negatives",
  async (loss) => {
    await embedOk([
      ...["train-ranking", at("single.csv"), ...loss, ...own, "--batch-size", "256", "--epochs", "3"],
      ...["-o", at("single"), "--force"],
    ]);
  },
);
