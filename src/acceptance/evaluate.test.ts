// `embed evaluate`: the metrics of a run on a log, the same as training printed for the same rows.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import { mainJob, type Summary } from "./main-job.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const run = at("run");
const [header, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
const testPart = lines.slice(Math.floor(lines.length * 0.9));

let trained: Summary;
beforeAll(async () => {
  trained = parseJson<Summary>((await embedOk([...mainJob(run), "--json"])).stdout);
  writeFileSync(at("test.csv"), `${header}\n${testPart.join("\n")}\n`);
});

async function evaluated(log: string): Promise<Summary> {
  return parseJson<Summary>((await embedOk(["evaluate", run, "--on", log, "--json"])).stdout);
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
  expect(parseJson<Summary>(got.stdout).metrics["on"]!["auc"]).toBeGreaterThan(0.8);
  // 20 cells of the user's field; said in the summary's warnings or on stderr
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
  await embedOk(mainJob(damaged));
  const table = readFileSync(join(damaged, "embeddings.arrow"));
  writeFileSync(join(damaged, "embeddings.arrow"), table.subarray(0, table.length - 8));
  const got = await embed(["export", damaged, "--format", "csv"]);
  expect(got.code).toBe(82);
  expect(got.stderr).toContain("embeddings.arrow");
});
