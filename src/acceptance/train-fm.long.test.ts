// `embed train-fm` on every log among the fixtures: the files, the summary and the messages that a user gets.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { mainJob, type TrainedSummary } from "./main-job.js";
import { parseJson, readJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

/** Creates an empty folder, for tests that check the files beside a run. */
function newFolder(name: string): string {
  mkdirSync(at(name));
  return at(name);
}

async function summaryOf(args: string[]): Promise<TrainedSummary> {
  return parseJson<TrainedSummary>((await embedOk([...args, "--json"])).stdout);
}

async function keysOf(run: string, field: string): Promise<string[]> {
  const { stdout } = await embedOk(["export", run, "--format", "jsonl", "--field", field]);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => parseJson<{ key: string }>(line).key);
}

describe("the run directory", () => {
  const run = at("run");
  let summary: TrainedSummary;
  beforeAll(async () => {
    summary = await summaryOf(mainJob(run));
  });

  test("holds the table, the model, the learning curve and a manifest with the checksum of each", () => {
    const manifest = readJson<{
      files: Record<string, { bytes: number; sha256: string }>;
    }>(join(run, "manifest.json"));
    const found = readdirSync(run, { recursive: true })
      .map(String)
      .filter((name) => name !== "manifest.json" && statSync(join(run, name)).isFile());
    expect(found.sort()).toEqual(Object.keys(manifest.files).sort());
    expect(found).toEqual(expect.arrayContaining(["embeddings.arrow", "metrics.jsonl"]));
    expect(found.some((name) => name.startsWith("model/"))).toBe(true);

    const wrong = Object.entries(manifest.files).filter(([name, { bytes, sha256 }]) => {
      const content = readFileSync(join(run, name));
      return content.length !== bytes || createHash("sha256").update(content).digest("hex") !== sha256;
    });
    expect(wrong).toEqual([]);
  });

  test("has a line an epoch in metrics.jsonl, with the names of docs/cli.md", () => {
    const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trimEnd().split("\n");
    const epochs = lines.map((line) => parseJson<Record<string, number>>(line));
    expect(epochs.map(({ epoch }) => epoch)).toEqual(epochs.map((_, i) => i + 1));
    for (const epoch of epochs) {
      expect(epoch).toMatchObject({
        trainLoss: expect.any(Number),
        validLoss: expect.any(Number),
        rowsPerSecond: expect.any(Number),
        seconds: expect.any(Number),
      });
    }
  });

  test("is summed up by one JSON object with --json", () => {
    expect(summary).toMatchObject({
      command: "train-fm",
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      out: run,
      seconds: expect.any(Number),
      rows: 12_000,
      options: { seed: 1, epochs: 20 },
      metrics: {
        valid: { auc: expect.any(Number), logLoss: expect.any(Number) },
        test: { auc: expect.any(Number), logLoss: expect.any(Number) },
      },
      warnings: [],
    });
  });
});

describe("the output", () => {
  test("is left alone without --force, replaced with it, and nothing lies beside it", async () => {
    const inner = newFolder("forced");
    const run = join(inner, "run");
    const train = ["train-fm", fixture("clicks.csv"), "-o", run, "--epochs", "1"];
    await embedOk(train);
    const before = readFileSync(join(run, "manifest.json"));

    const refused = await embed([...train, "--seed", "2"]);
    expect(refused.code).toBe(73);
    expect(refused.stderr).toContain("--force");
    expect(readFileSync(join(run, "manifest.json"))).toEqual(before);

    await embedOk([...train, "--seed", "2", "--force"]);
    const manifest = readJson<{ seed: number }>(join(run, "manifest.json"));
    expect(manifest.seed).toBe(2);
    expect(readdirSync(inner)).toEqual(["run"]);
  });

  test("goes to stderr as plain lines when there is no terminal, and --quiet leaves the results alone", async () => {
    const loud = await embedOk([...mainJob(at("loud")), "--epochs", "3"]);
    expect(["\u001b", "\r"].filter((control) => loud.stderr.includes(control))).toEqual([]);
    const quiet = await embedOk([...mainJob(at("quiet")), "--epochs", "3", "--quiet"]);
    expect(quiet.stderr).toBe("");
    expect(quiet.stdout).toMatch(/^ +log loss[^]*\ntest [^]*: trained on 9,600 of 12,000 rows in /);
  });
});

describe("a mistake in the command", () => {
  const clicks = fixture("clicks.csv");
  test.each([
    ["a log that does not exist is 66", ["no-such.csv"], 66, ["no-such.csv"]],
    ["an unknown column is 64 with the nearest", [clicks, "--item", "item"], 64, ["item_id"]],
    ["a misspelt column is 64 with the nearest", [clicks, "--label", "clik"], 64, ["clik", "click"]],
    ["an unknown field is 64 with the nearest", [clicks, "--fields", "user_id,divice"], 64, ["device"]],
    ["an unknown flag is 64 with the nearest", [clicks, "--epoch", "3"], 64, ["--epochs"]],
    ["a value that is no number is 64", [clicks, "--dim", "many"], 64, ["--dim", "many"]],
    ["a value out of range is 64", [clicks, "--valid", "1.5"], 64, ["--valid", "1.5"]],
    ["fractions that leave nothing are 64", [clicks, "--valid", "0.5", "--test", "0.5"], 64, ["--test"]],
    ["an unknown split is 64", [clicks, "--split", "tiem"], 64, ["time"]],
    ["no log at all is 64", [], 64, ["log"]],
  ])("%s", async (_, args, code, message) => {
    const got = await embed(["train-fm", ...args, "-o", at("mistake")]);
    const missing = message.filter((part) => !got.stderr.includes(part));
    expect({ code: got.code, missing, stderr: got.stderr }).toMatchObject({ code, missing: [] });
    expect(existsSync(at("mistake"))).toBe(false);
  });

  test("--split time on a log without a time is 64 and says what to name", async () => {
    const input = "click,user_id,item_id\n0,a,b\n1,a,c\n0,c,b\n1,d,c\n";
    const args = ["train-fm", "-", "--valid", "0.25", "--split", "time", "-o", at("no-time")];
    const got = await embed(args, { input });
    expect(got.code).toBe(64);
    expect(got.stderr).toContain("--time");
  });

  test("a log without a label is 64 or 65 and points at --negatives", async () => {
    const got = await embed(["train-fm", fixture("purchases.csv"), "-o", at("no-label")]);
    expect([64, 65]).toContain(got.code);
    expect(got.stderr).toContain("--negatives");
  });
});

test("a loss that becomes NaN is 80, and nothing is written", async () => {
  const inner = newFolder("diverged");
  const got = await embed([...mainJob(join(inner, "run")), "--learning-rate", "1e30"]);
  expect({ code: got.code, stderr: got.stderr }).toMatchObject({ code: 80 });
  expect(got.stderr).toContain("--learning-rate");
  expect(readdirSync(inner)).toEqual([]);
});

describe.each([
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const)("%s in the middle of training", (signal, code) => {
  test(`ends with ${code} and leaves the old run and nothing else`, async () => {
    const inner = newFolder(signal);
    const run = join(inner, "run");
    await embedOk(["train-fm", fixture("clicks.csv"), "-o", run, "--epochs", "1"]);
    const before = readFileSync(join(run, "manifest.json"));

    const endless = ["train-fm", fixture("clicks.csv"), "-o", run, "--force", "--epochs", "100000"];
    const got = await embed(endless, { signalWhen: { stderr: /epoch/i, signal } });
    expect({ code: got.code, signal: got.signal }).toEqual({ code, signal: null });
    expect(readdirSync(inner)).toEqual(["run"]);
    expect(readFileSync(join(run, "manifest.json"))).toEqual(before);
  });
});

describe("purchases without a label", () => {
  const args = ["train-fm", fixture("purchases.csv"), "--user", "customer_id", "--item", "product_id"];
  const split = ["--time", "purchased_at", "--test", "0.1", "--split", "time"];

  test("train against drawn negatives, and the brand goes with the product", async () => {
    const job = [...args, ...split, "--negatives", "4", "--epochs", "10", "-o", at("purchases")];
    const got = await embedOk([...job, "--json"]);
    // a message says that the product determines its brand; the product does not determine the channel
    const inferred = got.stderr.split("\n").filter((line) => line.includes("brand"));
    expect(inferred.join("\n")).not.toBe("");
    const summary = parseJson<TrainedSummary>(got.stdout);
    // nine purchases in ten are of the customer's own group; ranking by popularity has an AUC of 0.5 here
    expect(summary.metrics["test"]!["auc"]).toBeGreaterThan(0.75);
  });

  test("of few fields and rare keys train vectors with larger steps and more L2", async () => {
    const ids = [...args, "--fields", "customer_id,product_id", "--split", "random", "--valid", "0.1"];
    const optionsOf = async (negatives: string) =>
      (await summaryOf([...ids, "--negatives", negatives, "--epochs", "1", "-o", at(`ids-${negatives}`)]))
        .options;
    expect(await optionsOf("4")).toMatchObject({ vectorRate: 0.25, l2Vector: 0.01 });
    // the log has 5,400 events and one negative for each, that is 10,800 rows with two keys each; there are 160
    // customers and 96 products
    const rowsPerKey = (2 * 5400 * 2) / (160 + 96);
    const few = await optionsOf("1");
    expect(few["l2Vector"]).toBeCloseTo((0.01 * 100) / rowsPerKey, 3);
    expect(few["vectorRate"]).toBeCloseTo((0.25 * 100) / rowsPerKey, 2);
  });

  test("give the same table twice with the same seed", async () => {
    const job = [...args, "--negatives", "2", "--epochs", "2"];
    for (const name of ["once", "again"]) await embedOk([...job, "-o", at(name)]);
    expect(readFileSync(join(at("once"), "embeddings.arrow"))).toEqual(
      readFileSync(join(at("again"), "embeddings.arrow")),
    );
  });
});

describe("ratings with a side table", () => {
  const roles = ["--user", "user_id", "--item", "item_id", "--label", "rating", "--time", "timestamp"];
  const side = ["--side", `${fixture("items.csv")}:item_id`, "--multi", "genres:|", "--ignore", "title"];
  const job = ["train-fm", fixture("ratings.csv"), ...roles, ...side, "--numeric", "year"];
  const split = ["--valid", "0.1", "--test", "0.1", "--split", "time"];

  test("are a regression, better than the mean, and keep the zeros of their ids", async () => {
    const summary = await summaryOf([...job, ...split, "-o", at("ratings")]);
    const labels = readFileSync(fixture("ratings.csv"), "utf8").trimEnd().split("\n").slice(1);
    const ratings = labels.map((line) => Number(line.split(",")[2]));
    const mean = ratings.reduce((sum, rating) => sum + rating, 0) / ratings.length;
    const deviation = Math.sqrt(
      ratings.reduce((sum, rating) => sum + (rating - mean) ** 2, 0) / ratings.length,
    );
    expect(summary.metrics["test"]!["rmse"]).toBeLessThan(0.8 * deviation);

    expect(await keysOf(at("ratings"), "item")).toContain("0002844");
    expect((await keysOf(at("ratings"), "genres")).sort()).toEqual([
      "Action",
      "Comedy",
      "Crime",
      "Drama",
      "Horror",
      "Musical",
      "Romance",
      "Western",
    ]);
    // a numeric field has a single row, whose key is empty
    expect(await keysOf(at("ratings"), "year")).toEqual([""]);
  });

  test("become clicks with --positive-from", async () => {
    const summary = await summaryOf([...job, ...split, "--positive-from", "8", "-o", at("positive")]);
    expect(summary.metrics["test"]).toMatchObject({ auc: expect.any(Number) });
    expect(summary.metrics["test"]!["auc"]).toBeGreaterThan(0.7);
  });
});

test("--min-count keeps rare keys out of the table", async () => {
  await embedOk(["train-fm", fixture("clicks.csv"), "-o", at("rare"), "--min-count", "100", "--epochs", "1"]);
  const { stdout } = await embedOk(["export", at("rare"), "--format", "jsonl", "--field", "item"]);
  const counts = stdout
    .trimEnd()
    .split("\n")
    .map((line) => parseJson<{ count: number }>(line).count);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(100);
  expect(counts.length).toBeLessThan(96);
  // the rows of the exported field are in the order of descending counts
  expect(counts).toEqual([...counts].sort((a, b) => b - a));
});
