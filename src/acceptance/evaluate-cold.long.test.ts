// `embed evaluate --cold`: ranking of items that were not in training, with a given number of their events known.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

/** Number of kinds of items. Each user likes one kind; new items occur in all kinds. */
const KINDS = 4;
const random = mulberry32(3);
const lines: string[] = ["user,item,at"];
const kindOf = (item: number) => item % KINDS;
for (let user = 0; user < 120; user++)
  for (let e = 0; e < 20; e++) {
    const item = KINDS * integerBelow(15, random) + (user % KINDS);
    // the time of an item's events increases with its number, so that items with high numbers are the newest
    lines.push(`u${user},i${item},${1_700_000_000 + 1000 * item + integerBelow(900, random)}`);
  }
const log = at("log.csv");
const catalogue = at("items.csv");
const roles = ["--user", "user", "--item", "item", "--time", "at"];
/** Trains with a fifth of the items held out. */
const train = (out: string, columns: readonly string[]) =>
  embedOk(["train-als", log, ...columns, "--dim", "4", "--split", "items", "--test", "0.2", "-o", out]);
const run = at("run");

beforeAll(async () => {
  writeFileSync(log, `${lines.join("\n")}\n`);
  const rows = Array.from({ length: 60 }, (_, item) => `i${item},kind-${kindOf(item)}`);
  writeFileSync(catalogue, `${["item,kind", ...rows].join("\n")}\n`);
  const trained = await train(run, roles);
  expect(trained.stderr).toContain("12 for the test of 60 items: the newest by first event, starting at ");
  expect(trained.stderr).toContain("embed evaluate RUN --part test --cold");
});

interface Reported {
  metrics: Record<string, Record<string, number>>;
  cold: {
    events: number;
    items: number;
    users: number;
    compared: { name: string; intervals: Record<string, { low: number; high: number }> }[];
  }[];
  content: { r2: number };
  warnings: string[];
}
const evaluate = async (...flags: string[]): Promise<Reported> =>
  parseJson<Reported>((await embedOk(["evaluate", run, "--part", "test", "--json", ...flags])).stdout);

test("content finds new items of a user's kind, where the mean and popularity find them by chance", async () => {
  const reported = await evaluate("--cold", "0,2", "--content", catalogue, "--k", "3");
  expect(reported.warnings).toEqual([]);
  expect(reported.content.r2).toBeGreaterThan(0.5);
  expect(reported.cold.map(({ events, items }) => [events, items])).toEqual([
    [0, 12],
    [2, 12],
  ]);
  const recall = (events: number, name: string) => reported.metrics[`${events}:${name}`]!["newRecallAt3"]!;
  // a random item belongs to the user's kind with probability 1/4: three of the twelve new items
  expect(recall(0, "content")).toBeGreaterThan(0.95);
  expect(recall(0, "mean")).toBeCloseTo(0.25, 6);
  expect(recall(0, "popularity")).toBeCloseTo(0.25, 6);
  expect(recall(2, "blend")).toBeGreaterThan(0.9);
  expect(recall(2, "fold-in")).toBeGreaterThan(0.6);
  const names = (i: number) => reported.cold[i]!.compared.map(({ name }) => name);
  expect(names(0)).toEqual(["content", "value mean", "mean", "popularity"]);
  expect(names(1)).toEqual(["content", "fold-in", "blend", "value mean", "mean", "popularity"]);
  const { low, high } = reported.cold[0]!.compared[0]!.intervals["newRecallAt3"]!;
  expect(low).toBeLessThanOrEqual(recall(0, "content"));
  expect(high).toBeGreaterThanOrEqual(recall(0, "content"));
});

test("content dealt to other items equals the mean", async () => {
  const dealt = at("dealt.csv");
  const kinds = Array.from({ length: 60 }, (_, item) => kindOf(item));
  const shuffle = mulberry32(5);
  for (let i = 59; i > 0; i--) {
    const j = integerBelow(i + 1, shuffle);
    [kinds[i], kinds[j]] = [kinds[j]!, kinds[i]!];
  }
  writeFileSync(
    dealt,
    `${["item,kind", ...kinds.map((kind, item) => `i${item},kind-${kind}`)].join("\n")}\n`,
  );
  const reported = await evaluate("--cold", "0", "--content", dealt, "--k", "3");
  expect(reported.warnings.join()).toContain("content does not predict the vectors");
  expect(reported.metrics["0:content"]).toEqual(reported.metrics["0:mean"]);
});

test("a run that was trained on the known events, too, stands beside; one that has seen the rest is told", async () => {
  const seen = at("seen");
  await embedOk(["train-als", log, ...roles, "--dim", "4", "-o", seen, "--quiet"]);
  const { stdout } = await embedOk(["evaluate", run, seen, "--part", "test", "--cold", "1", "--json"]);
  const reported = parseJson<Reported>(stdout);
  expect(reported.cold[0]!.compared.map(({ name }) => name)).toEqual([
    "fold-in",
    "mean",
    "popularity",
    "seen",
  ]);
  expect(reported.warnings.join()).toMatch(/'seen' was trained on more events of \d+ new items/);
});

test("the table for people has a block for each number of events, and titles of both metrics", async () => {
  const { stdout } = await embedOk(argv`evaluate ${run} --part test --cold 0,1 --content ${catalogue}`);
  expect(stdout).toMatch(/^12 new items with 0 known events each: \d+ users evaluated/);
  expect(stdout).toMatch(/\n12 new items with 1 known event each/);
  expect(stdout).toContain("among new: recall@20");
});

test("a split by items without times goes by a hash, and says so", async () => {
  const { stderr } = await train(at("hashed"), ["--user", "user", "--item", "item", "--ignore", "at"]);
  expect(stderr).toContain("12 for the test of 60 items: by a hash of their keys");
  const { split } = readJson<{ split: { by: string; valid: number; test: number } }>(
    join(at("hashed"), "manifest.json"),
  );
  expect(split.by).toBe("items");
});

test.each(["--refit", "--search 2", "--metric ndcg"])(
  "%s, which looks at held-out rows, is 64 with --split items",
  async (flag) => {
    const split = ["--split", "items", "--valid", "0.2", "--force", "-o", at("steered")];
    const { code, stderr } = await embed(["train-ranking", log, ...roles, ...split, ...flag.split(" ")]);
    expect([code, stderr]).toEqual([
      64,
      expect.stringMatching(
        /--(refit|search|metric) cannot be combined with --split items: held-out items are unknown to the model during training/,
      ),
    ]);
  },
);

test.each([
  [
    "every item is known",
    ["--on", "log.csv", "--cold", "0"],
    /--cold needs items not seen in training, but training has seen every item of the log: train with --split items --test 0\.1 and evaluate --part test, or use a log of other items/,
  ],
  [
    "content without --cold",
    ["--part", "test", "--content", "x.csv"],
    /--content is for new items \(--cold\)/,
  ],
  [
    "content's columns without a catalogue",
    ["--part", "test", "--cold", "0", "--content-text", "a"],
    /--content-text needs --content FILE/,
  ],
  [
    "a share folded in",
    ["--part", "test", "--cold", "0", "--fold-in-share", "0.5"],
    /--fold-in-share .*not for new items/,
  ],
  [
    "baselines",
    ["--part", "test", "--cold", "0", "--baseline", "popularity"],
    /--baseline .*not for new items/,
  ],
  ["no number", ["--part", "test", "--cold", "few"], /--cold/],
  ["standard input", ["--on", "-", "--cold", "0"], /reads the log more than once/],
  ["contexts", ["--part", "test", "--cold", "0", "--score", "context"], /--score context/],
])("%s is 64", async (_, flags, message) => {
  const seen = at("seen-all");
  if (flags.includes("log.csv"))
    await embedOk(["train-als", log, ...roles, "--dim", "4", "-o", seen, "--force", "--quiet"]);
  const args = flags.map((flag) => (flag === "log.csv" ? log : flag));
  const { code, stdout, stderr } = await embed(["evaluate", flags.includes("log.csv") ? seen : run, ...args]);
  expect([code, stdout, stderr]).toEqual([64, "", expect.stringMatching(message)]);
});
