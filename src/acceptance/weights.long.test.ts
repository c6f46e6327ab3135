// Weights of events: --weight, --event-weight, --half-life, --negative-downsampling.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const sha = (run: string): string =>
  createHash("sha256")
    .update(readFileSync(join(run, "embeddings.arrow")))
    .digest("hex");
const [head, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");

/** Writes the clicks with an additional column. */
function clicksWith(name: string, column: string, valueOf: (line: string, row: number) => string): string {
  writeFileSync(
    at(name),
    [`${head},${column}`, ...lines.map((line, row) => `${line},${valueOf(line, row)}`), ""].join("\n"),
  );
  return at(name);
}

async function train(log: string, run: string, ...flags: string[]) {
  const { stdout } = await embedOk(["train-fm", log, "-o", at(run), "--json", "--epochs", "3", ...flags]);
  return parseJson<{ metrics: Record<string, Record<string, number>>; warnings: string[] }>(stdout);
}

test("a weight that is the same for all rows changes nothing", async () => {
  await train(fixture("clicks.csv"), "plain", "--test", "0.2");
  await train(
    clicksWith("alike.csv", "w", () => "8"),
    "alike",
    "--weight",
    "w",
    "--test",
    "0.2",
  );
  expect(sha(at("alike"))).toBe(sha(at("plain")));
});

test("weights count in training, in metrics, and in evaluate alike, at any number of threads", async () => {
  const log = clicksWith("weighted.csv", "w", (line) => (line.startsWith("1") ? "3" : "1"));
  const plain = await train(fixture("clicks.csv"), "unweighted");
  const weighted = await train(log, "weighted", "--weight", "w", "--threads", "1");
  await train(log, "weighted-2", "--weight", "w", "--threads", "2");
  expect(sha(at("weighted-2"))).toBe(sha(at("weighted")));
  expect(sha(at("weighted"))).not.toBe(sha(at("unweighted")));
  expect(weighted.metrics["train"]!["logLoss"]).not.toBe(plain.metrics["train"]!["logLoss"]);
  const { stdout } = await embedOk(["evaluate", at("weighted"), "--on", log, "--json"]);
  const on = parseJson<{ metrics: { on: Record<string, number> } }>(stdout).metrics.on;
  // positive rows have three times the weight, so that predictions are near a rate with three times the odds
  expect(on["calibration"]).toBeGreaterThan(0.8);
  expect(on["calibration"]).toBeLessThan(1.2);
});

test("--event-weight makes its column no feature; kinds of weight 0 teach nothing", async () => {
  const log = clicksWith("kinds.csv", "type", (_, row) => (row % 5 === 0 ? "bot" : "human"));
  const whole = await train(log, "kinds", "--event-weight", "type:human=1,bot=0", "--no-shuffle");
  const { stdout } = await embedOk(["export", at("kinds"), "--format", "jsonl"]);
  expect(stdout).not.toMatch(/"bot"/);
  expect(whole.metrics["train"]).toHaveProperty("logLoss");
  await embedOk(["encode", log, "-o", at("kinds-dataset")]);
  await train(at("kinds-dataset"), "kinds-encoded", "--event-weight", "type:human=1,bot=0", "--no-shuffle");
  expect(sha(at("kinds-encoded"))).toBe(sha(at("kinds")));
});

test("--half-life lets old events fade, for a log of positive events too", async () => {
  await train(fixture("purchases.csv"), "old", "--negatives", "2", "--time", "purchased_at");
  await train(
    fixture("purchases.csv"),
    "fade",
    "--negatives",
    "2",
    "--time",
    "purchased_at",
    "--half-life",
    "1w",
  );
  expect(sha(at("fade"))).not.toBe(sha(at("old")));
});

test("scores of a training on a fifth of the negatives are calibrated on all rows", async () => {
  const { metrics } = await train(
    fixture("clicks.csv"),
    "fifth",
    "--negative-downsampling",
    "0.2",
    "--test",
    "0.3",
    "--split",
    "random",
  );
  expect(metrics["test"]!["calibration"]).toBeGreaterThan(0.8);
  expect(metrics["test"]!["calibration"]).toBeLessThan(1.25);
});

test.each([
  [["--weight", "w"], "negative.csv", 65, /line 3.*'w'|'w'.*line 3|:3.*w/u],
  [["--event-weight", "device:phone=1"], undefined, 64, /': add it, or \*=0/u],
  [["--event-weight", "devise:phone=1"], undefined, 64, /did you mean 'device'/u],
  [["--half-life", "long"], undefined, 64, /--half-life expects a duration such as 30d \(h, d, w\), got '/u],
] as const)("%j is refused", async (flags, made, code, message) => {
  const log = made ? clicksWith(made, "w", (_, row) => (row === 1 ? "-1" : "1")) : fixture("clicks.csv");
  const result = await embed(["train-fm", log, "-o", at("refused"), ...flags]);
  expect(result.stderr).toMatch(message);
  expect(result.code).toBe(code);
});
