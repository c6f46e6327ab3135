// embed train-item2vec: early stopping, and --search.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embed, embedOk } from "../testing/embed.js";
import { jsonLines, readJson } from "../testing/json.js";
import { between, mulberry32 } from "../testing/random.js";

const folder = mkdtempSync(join(tmpdir(), "embed-item2vec-validation-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Writes six events of each user, who stays in one of eight clusters of five items. If `shuffled`, the items are
 * permuted at random.
 */
function writeLog(name: string, { shuffled = false, first = 0, numUsers = 400 } = {}): string {
  const random = mulberry32(first + 3);
  const draw = (n: number) => Math.floor(between(0, n, random));
  const rows = Array.from({ length: numUsers }, (_, u) =>
    Array.from({ length: 6 }, (__, i) => ({
      user: first + u,
      item: `c${u % 8}-${draw(5)}`,
      time: 1000 * u + i,
    })),
  ).flat();
  if (shuffled)
    for (let i = rows.length - 1; i > 0; i--) {
      const j = draw(i + 1);
      [rows[i]!.item, rows[j]!.item] = [rows[j]!.item, rows[i]!.item];
    }
  const lines = rows.map(({ user, item, time }) => `u${user},${item},${1_700_000_000 + time}`);
  writeFileSync(at(name), `user,item,time\n${lines.join("\n")}\n`);
  return at(name);
}

interface Manifest {
  options: Record<string, unknown>;
  metrics: { valid?: Record<string, number> };
  search: Record<string, number>[];
}
const manifestOf = (run: string) => readJson<Manifest>(join(at(run), "manifest.json"));
const epochsOf = (run: string) =>
  jsonLines<Record<string, number>>(readFileSync(join(at(run), "metrics.jsonl"), "utf8"));

const small = ["--dim", "16", "--epochs", "6"];
const train = async (log: string, run: string, ...more: string[]) =>
  await embedOk(["train-item2vec", log, ...small, ...more, "-o", at(run)]);

describe("--metric recall", () => {
  const by = ["--metric", "recall", "--k", "4"];

  test("keeps the epoch whose nearest four hold the next item most often: all of a cluster, chance when shuffled", async () => {
    await train(writeLog("planted.csv"), "planted", "--split", "last", ...by);
    await train(writeLog("shuffled.csv", { shuffled: true }), "shuffled", "--split", "last", ...by);
    const { recallAt4, pairLoss } = manifestOf("planted").metrics.valid!;
    expect(recallAt4).toBeGreaterThan(0.95);
    expect(pairLoss).toBeGreaterThan(0);
    const best = Math.max(...epochsOf("planted").map((epoch) => epoch["recallAt4"]!));
    expect(recallAt4).toBe(best);
    // by chance, 4 of 39 items are found
    expect(manifestOf("shuffled").metrics.valid!["recallAt4"]).toBeLessThan(0.25);
  });

  test("users who are held out whole are judged within their own sessions", async () => {
    await train(writeLog("users.csv"), "users", "--split", "user", "--valid", "0.2", ...by);
    expect(manifestOf("users").metrics.valid!["recallAt4"]).toBeGreaterThan(0.95);
  });

  test("a further log as the validation part is read with its sessions and times", async () => {
    const other = writeLog("other.csv", { first: 1000, numUsers: 80 });
    await train(writeLog("log.csv"), "file", "--session", "user", "--valid", other, ...by);
    expect(manifestOf("file").metrics.valid!["recallAt4"]).toBeGreaterThan(0.95);
  });

  test.each([
    ["without a validation part", 64, "--metric recall", "needs a validation split: set --valid"],
    [
      "tokens without the item",
      64,
      "--metric recall --split last --tokens user --keep-repeats",
      "--metric recall needs an item column: name it with --item and include it in --tokens",
    ],
    ["sessions of one held-out event", 65, "--metric recall --valid 0.1 --split random --session time", ""],
  ])("%s is refused", async (_, code, flags, words) => {
    const log = writeLog("refused.csv", { numUsers: 40 });
    const got = await embed(["train-item2vec", log, ...small, ...flags.split(" "), "-o", at("refused")]);
    expect([got.code, got.stderr]).toEqual([code, expect.stringContaining(words)]);
  });
});

test("the loss of held-out events that are their users' last ones is that of pairs with what came before", async () => {
  await train(writeLog("last.csv"), "last", "--split", "last");
  const losses = epochsOf("last").map(({ validLoss }) => validLoss!);
  expect(losses.at(-1)).toBeLessThan(losses[0]!);
});

test("a run whose window is the whole session opens as any other", async () => {
  const log = writeLog("whole.csv", { numUsers: 80 });
  await train(log, "whole", "--split", "user", "--valid", "0.2", "--window", "session");
  expect(manifestOf("whole").options["window"]).toBe("session");
  const { stdout } = await embedOk(["neighbors", at("whole"), "--key", "item:c0-0", "--top", "4"]);
  expect(stdout.match(/c0-\d/g)?.length).toBeGreaterThanOrEqual(4);
});

describe("--search", () => {
  test("tries windows, noise and steps by recall, and trains with the best", async () => {
    const how = ["--split", "user", "--valid", "0.2", "--search", "4", "--k", "4", "--metric", "recall"];
    const { stdout } = await train(writeLog("search.csv"), "search", ...how);
    const { search, options, metrics } = manifestOf("search");
    expect(search).toHaveLength(4);
    for (const name of ["window", "noiseExponent", "negatives", "subsample", "learningRate"])
      expect(options[name]).toBe(search[0]![name]);
    expect(metrics.valid!["recallAt4"]).toBe(search[0]!["value"]);
    expect(new Set(search.map(({ noiseExponent }) => noiseExponent)).size).toBeGreaterThan(1);
    expect(stdout).toMatch(
      /^window +negatives +noise exponent +subsample +learning rate +epochs +recall@4\n/,
    );
  });

  test("goes by recall unless --metric says loss, and then varies the learning rate alone", async () => {
    const log = writeLog("search2.csv", { numUsers: 80 });
    const cut = ["--split", "user", "--valid", "0.2", "--search", "3"];
    await train(log, "recall", ...cut, "--window", "session");
    expect(manifestOf("recall").options["metric"]).toBe("recall");
    expect(manifestOf("recall").search[0]).not.toHaveProperty("window");
    await train(log, "loss", ...cut, "--metric", "loss");
    const { search } = manifestOf("loss");
    expect(search.map((trial) => Object.keys(trial)[0])).toEqual(search.map(() => "learningRate"));
    expect(new Set(search.map(({ learningRate }) => learningRate)).size).toBe(3);
  });

  test("needs a validation part", async () => {
    const log = writeLog("search3.csv", { numUsers: 40 });
    const got = await embed(["train-item2vec", log, ...small, "--search", "3", "-o", at("refused")]);
    expect([got.code, got.stderr]).toEqual([
      64,
      expect.stringContaining("--search compares settings on the validation split: set --valid to a share"),
    ]);
  });
});
