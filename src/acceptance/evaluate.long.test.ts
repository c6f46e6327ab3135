// `embed evaluate`: the metrics of a run on a log equal those that training printed for the same rows.

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { mainJob, type TrainedSummary } from "./main-job.js";
import { parseJson } from "../testing/json.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const run = at("run");
const [header, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
const testPart = lines.slice(Math.floor(lines.length * 0.9));

let trained: TrainedSummary;
beforeAll(async () => {
  trained = parseJson<TrainedSummary>((await embedOk([...mainJob(run), "--json"])).stdout);
  writeFileSync(at("test.csv"), `${header}\n${testPart.join("\n")}\n`);
});

async function evaluated(log: string): Promise<TrainedSummary> {
  return parseJson<TrainedSummary>((await embedOk(["evaluate", run, "--on", log, "--json"])).stdout);
}

test("gives on the test part's rows what training gave for them, within 1e-9", async () => {
  const { metrics, rows, command } = await evaluated(at("test.csv"));
  expect([command, rows]).toEqual(["evaluate", testPart.length]);
  const names = ["auc", "logLoss", "normalizedEntropy", "calibration"] as const;
  const differences = names.map((name) => Math.abs(metrics["on"]![name]! - trained.metrics["test"]![name]!));
  expect(Math.max(...differences)).toBeLessThan(1e-9);
});

test("normalizedEntropy and calibration are what they are defined to be", async () => {
  const { logLoss, normalizedEntropy, calibration } = (await evaluated(at("test.csv"))).metrics["on"]!;
  const rate = testPart.filter((line) => line.startsWith("1,")).length / testPart.length;
  const entropy = -rate * Math.log(rate) - (1 - rate) * Math.log(1 - rate);
  expect(normalizedEntropy).toBeCloseTo(logLoss! / entropy, 9);
  expect(Math.abs(calibration! - 1)).toBeLessThan(0.1);
});

test("prints the metrics by name for people", async () => {
  const { stdout } = await embedOk(["evaluate", run, "--on", at("test.csv")]);
  expect(stdout).toMatch(/AUC/i);
  expect(stdout).toContain(trained.metrics["test"]!["auc"]!.toFixed(4));
});

test("scores values that training never saw, and counts them", async () => {
  const unseen = testPart.map((line, i) => (i < 20 ? line.replace(/,u\d+,/, `,new-${i},`) : line));
  writeFileSync(at("unseen.csv"), `${header}\n${unseen.join("\n")}\n`);
  const got = await embedOk(["evaluate", run, "--on", at("unseen.csv"), "--json"]);
  expect(parseJson<TrainedSummary>(got.stdout).metrics["on"]!["auc"]).toBeGreaterThan(0.8);
  // the number of unknown cells in the user's field, 20, is in a warning of the summary or on standard error
  expect(got.stdout + got.stderr).toMatch(/user_id[^\n]*\b20\b|\b20\b[^\n]*user_id/);
});

test("accepts columns in another order and ignores new ones", async () => {
  const moved = [header, ...testPart].map((line, i) => {
    const [click, user, item, device, hour, time] = line.split(",");
    return [i === 0 ? "new" : i, time, item, hour, user, device, click].join(",");
  });
  writeFileSync(at("moved.csv"), `${moved.join("\n")}\n`);
  expect((await evaluated(at("moved.csv"))).metrics).toEqual((await evaluated(at("test.csv"))).metrics);
});

test("a log that lacks a field of the run is 65 and named; a missing log 66; a missing --on 64", async () => {
  const withoutItem = [header, ...testPart].map((line) => line.split(",").toSpliced(2, 1).join(","));
  writeFileSync(at("no-item.csv"), `${withoutItem.join("\n")}\n`);
  const got = await embed(["evaluate", run, "--on", at("no-item.csv")]);
  expect([64, 65]).toContain(got.code);
  expect(got.stderr).toContain("item_id");
  expect((await embed(["evaluate", run, "--on", at("none.csv")])).code).toBe(66);
  expect((await embed(["evaluate", run])).code).toBe(64);
});

test("a damaged run is 82 and the damaged file is named", async () => {
  const damaged = at("damaged");
  cpSync(run, damaged, { recursive: true });
  const table = readFileSync(join(damaged, "embeddings.arrow"));
  writeFileSync(join(damaged, "embeddings.arrow"), table.subarray(0, table.length - 8));
  const got = await embed(["export", damaged, "--format", "csv"]);
  expect(got.code).toBe(82);
  expect(got.stderr).toContain("embeddings.arrow");
});

interface Scores extends TrainedSummary {
  compared: { name: string; intervals: Record<string, { low: number; high: number }>; bestIn: string[] }[];
  curves: Record<string, { rows: number; predicted: number; observed: number }[]>;
}
const scored = async (args: string[]): Promise<Scores> =>
  parseJson<Scores>((await embedOk(["evaluate", ...args, "--json"])).stdout);

test("--part test measures on what the training held out, with the AUC of users, intervals and a calibration curve", async () => {
  const { metrics, compared, curves, warnings } = await scored(argv`${run} --part test
      --curve ${at("curve.csv")}`);
  for (const [name, value] of Object.entries(trained.metrics["test"]!))
    expect(metrics["on"]![name]).toBeCloseTo(value, 9);
  expect(metrics["on"]!["userAuc"]).toBeGreaterThan(0.7);
  expect(warnings.join()).toMatch(/users whose rows are all of one class/);
  const { low, high } = compared[0]!.intervals["logLoss"]!;
  expect([low < metrics["on"]!["logLoss"]!, high > metrics["on"]!["logLoss"]!]).toEqual([true, true]);
  const [curve] = Object.values(curves);
  expect(curve!.reduce((sum, { rows }) => sum + rows, 0)).toBe(testPart.length);
  // the bins contain equal numbers of rows, in the order of their predictions; the means of all bins give the
  // calibration of all rows
  expect(curve!.map(({ rows }) => rows)).toEqual(Array.from({ length: 10 }, () => 120));
  const sum = (name: "predicted" | "observed") => curve!.reduce((all, bin) => all + bin.rows * bin[name], 0);
  expect(sum("predicted") / sum("observed")).toBeCloseTo(metrics["on"]!["calibration"]!, 9);
  expect(readFileSync(at("curve.csv"), "utf8").split("\n")[0]).toBe("run,bin,rows,predicted,observed");
  expect((await embed(["evaluate", run, "--part", "test", "--curve", at("curve.csv")])).code).toBe(73);
});

test("runs of several models stand side by side on the same rows", async () => {
  const [lr, trees] = [at("lr"), at("trees")];
  const split = ["--valid", "0.1", "--test", "0.1", "--split", "time"];
  await embedOk(["train-fm", fixture("clicks.csv"), "-o", lr, "--model", "lr", "--epochs", "5", ...split]);
  await embedOk(["train-gbdt", fixture("clicks.csv"), "-o", trees, "--num-trees", "20", ...split]);
  const { metrics, compared } = await scored([run, lr, trees, "--part", "test"]);
  expect(Object.keys(metrics)).toEqual(["run", "lr", "trees"]);
  for (const one of Object.values(metrics)) expect(Object.keys(one)).toEqual(Object.keys(metrics["run"]!));
  expect(compared.filter(({ bestIn }) => bestIn.includes("auc")).map(({ name }) => name)).toEqual(["run"]);
});

describe("of drawn negatives", () => {
  const events = at("events.csv");
  beforeAll(() => {
    const clicks = lines.filter((line) => line.startsWith("1,")).map((line) => line.slice(2));
    writeFileSync(events, `${header!.slice("click,".length)}\n${clicks.join("\n")}\n`);
  });

  // with --logq, the calibration over all items together is near 1, whichever distribution negatives are drawn from
  test.each(["uniform", "popularity"])(
    "from %s noise there is no calibration but with --logq",
    async (noise) => {
      const args = ["--user", "user_id", "--item", "item_id", "--fields", "user_id,item_id", "--epochs", "5"];
      const draws = ["--negatives", "4", "--noise", noise, "--split", "random", "--test", "0.2"];
      await embedOk(["train-fm", events, "-o", at(noise), ...draws, ...args]);
      const part = [at(noise), "--part", "test", "--bootstrap", "0"];
      expect(Object.keys((await scored(part)).metrics["on"]!)).toEqual(["logLoss", "userAuc", "auc"]);
      const { calibration } = (await scored([...part, "--logq"])).metrics["on"]!;
      expect(Math.abs(calibration! - 1)).toBeLessThan(0.25);
    },
  );

  test("options that do not fit are refused", async () => {
    expect((await embed(["evaluate", run, "--part", "test", "--logq"])).code).toBe(64);
    expect(
      (await embed(["evaluate", run, "--part", "test", "--ranking", "--curve", at("none.csv")])).code,
    ).toBe(64);
  });
});
