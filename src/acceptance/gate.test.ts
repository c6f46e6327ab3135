// `embed gate`: bounds on a dataset before training and on a run after it, and values of the previous version.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { GateOutcome } from "../table/gate-file.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const bounds = fixture("gates.yaml");

function boundsFile(name: string, text: string): string {
  writeFileSync(at(name), text);
  return at(name);
}
async function outcomesOf(
  args: string[],
): Promise<{ code: number | null; outcomes: GateOutcome[]; stderr: string }> {
  const { code, stdout, stderr } = await embed(["gate", ...args, "--json"]);
  return { code, stderr, outcomes: parseJson<{ outcomes: GateOutcome[] }>(stdout).outcomes };
}
const failedOf = (outcomes: GateOutcome[]) =>
  outcomes.filter(({ status }) => status === "failed").map(({ gate, bound }) => `${gate} ${bound}`);

beforeAll(async () => {
  await embedOk(["encode", fixture("clicks.csv"), "-o", at("dataset")]);
  await embedOk(["train-fm", at("dataset"), "-o", at("run"), "--valid", "0.1", "--epochs", "10"]);
  const lines = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
  // half of the log is missing, and its items are renamed
  const half = lines
    .slice(0, 6001)
    .map((line, i) => (i === 0 ? line : line.replace(/,([a-z]+-\d+),/, ",new-$1,")));
  writeFileSync(at("half.csv"), `${half.join("\n")}\n`);
  await embedOk(["encode", at("half.csv"), "-o", at("half")]);
});

test("the first version has nothing to compare with: such bounds do not pass, and are counted apart", async () => {
  const got = await embed(["gate", at("dataset"), "--bounds", bounds, "-o", at("gate.json")]);
  expect([got.code, got.stderr]).toEqual([0, ""]);
  expect(got.stdout).toMatch(/^not compared +unseen .*there is no earlier version to compare with/m);
  expect(got.stdout).not.toMatch(/^ok .*within/m);
  const json = readJson<{ outcomes: GateOutcome[] }>(at("gate.json"));
  const { outcomes, ...rest } = json;
  const notCompared = outcomes.filter(({ status }) => status === "notCompared").map(({ gate }) => gate);
  expect(notCompared).toEqual(["rows", "positiveRate", "users", "items", "unseen", "newest"]);
  const missing = outcomes.filter(({ gate }) => gate.startsWith("missing:")).length;
  expect(rest).toEqual({
    schemaVersion: 2,
    passed: true,
    counts: { passed: 3 + missing, failed: 0, notCompared: 6 },
  });
  copyFileSync(at("gate.json"), at("run/gate.json"));
});

test("a log that came in half is 81, with each failed bound, its value and last version's", async () => {
  const { code, outcomes, stderr } = await outcomesOf([
    at("half"),
    "--bounds",
    bounds,
    "--previous",
    at("run"),
  ]);
  expect(code).toBe(81);
  const rows = outcomes.find(({ gate, bound }) => gate === "rows" && bound === "within 30%");
  expect(rows).toMatchObject({ value: 6000, previous: 12000, status: "failed" });
  expect(failedOf(outcomes)).toEqual(["rows within 30%", "unseen:item_id max 30%", "newest minAdvance 0d"]);
  expect(stderr).toContain("rows is 6,000, last version 12,000: not within 30%");
});

test("every value is measured, bounded or not, so that next week can compare with it", async () => {
  const empty = boundsFile("none.yaml", "before: {}\n");
  const { code, outcomes } = await outcomesOf([at("dataset"), "--bounds", empty, "--previous", at("run")]);
  expect(code).toBe(0);
  const values = new Map(outcomes.map(({ gate, value, previous }) => [gate, [value, previous]]));
  expect(values.get("users")).toEqual([160, 160]);
  expect(values.get("unseen:item_id")).toEqual([0, null]);
  const labels = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n").slice(1);
  const rate = labels.filter((line) => line.startsWith("1,")).length / labels.length;
  expect(values.get("positiveRate")).toEqual([rate, rate]);
  expect(values.get("missing:device")![0]).toBeCloseTo(0.02, 2);
  expect(new Set(outcomes.map(({ bound }) => bound))).toEqual(new Set(["none"]));
});

test("a bound of a column or a field goes before that of all", async () => {
  const own = boundsFile(
    "own.yaml",
    "before: {missing: {max: 1%, columns: {device: {max: 5%}, hour: {min: 1%}}}}\nafter: {norm: {mean: {max: 0.1}}}\n",
  );
  const { outcomes } = await outcomesOf([at("dataset"), "--bounds", own]);
  expect(failedOf(outcomes)).toEqual(["missing:hour min 1%"]);
  const after = await outcomesOf([at("run"), "--bounds", own]);
  expect(failedOf(after.outcomes)).toContain("norm.mean:item_id max 0.1");
});

test("a run that forgot what it knew fails by its metric, its neighbors and its displacement", async () => {
  await embedOk(argv`train-fm ${at("half")} -o ${at("worse")} --valid 0.1 --epochs 1 --seed 7`);
  const { code, outcomes } = await outcomesOf([at("worse"), "--bounds", bounds, "--previous", at("run")]);
  expect(code).toBe(81);
  const failed = failedOf(outcomes);
  expect(failed).toContain("valid.auc worse by no more than 0.02");
  expect(failed).toContain("displacement:user_id max 0.3");
  // the overlap of items with the previous version is 0, because the items of this log were renamed
  expect(failed).toContain("overlap:item_id min 30%");
});

test("a run beside itself passes", async () => {
  const { code, outcomes } = await outcomesOf([at("run"), "--bounds", bounds, "--previous", at("run")]);
  expect(code).toBe(0);
  expect(outcomes.find(({ gate }) => gate === "overlap:item_id")!.value).toBe(1);
});

test("a bound on what the run lacks fails, with or without an earlier version, and names what it has", async () => {
  const file = boundsFile(
    "metric.yaml",
    "after: {metrics: {rmse: {worse: 5%}}, zero: {fields: {item: {max: 1%}, itme_id: {max: 1%}}}}\n",
  );
  const { code, outcomes } = await outcomesOf([at("run"), "--bounds", file]);
  expect(code).toBe(81);
  expect(failedOf(outcomes)).toEqual(["valid.rmse worse by no more than 5%", "zero:itme_id max 1%"]);
  expect(outcomes.find(({ gate }) => gate === "zero:item_id")).toMatchObject({
    bound: "max 1%",
    status: "passed",
  });
  expect(outcomes[0]).toMatchObject({ gate: "valid.rmse", value: null, status: "failed" });
  expect(outcomes[0]!.message).toContain("the valid metrics are logLoss");
});

test.each([
  ["before: {rows: {mni: 3}}", `:1:17: unknown key 'before.rows.mni': did you mean 'min'?`],
  ["before:\n  rows: {within: much}", `:2:10: 'before.rows.within': expected`],
  ["after:\n  overlpa: {min: 1}", `:2:3: unknown key 'after.overlpa': did you mean 'overlap'?`],
  ["before: {newest: {maxAge: soon}}", "expected a duration such as 90m, 36h, 7d or 2w"],
  ["after: [", ":1:"],
])("bounds that are none, %j, are 78 with line and column", async (text, message) => {
  const file = boundsFile("bad.yaml", text);
  const { code, stderr } = await embed(["gate", at("dataset"), "--bounds", file]);
  expect({ code, stderr }).toMatchObject({ code: 78 });
  expect(stderr).toContain(message);
});

test("what is no dataset and no run is 66, and a last version that is damaged 82", async () => {
  expect((await embed(["gate", at("nothing"), "--bounds", bounds])).code).toBe(66);
  writeFileSync(at("run/gate.json"), "{");
  expect((await embed(["gate", at("dataset"), "--bounds", bounds, "--previous", at("run")])).code).toBe(82);
});

describe("metrics of the last version on new files and days", () => {
  const lines = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
  const dayOf = (line: string) => Math.floor(Number(line.slice(line.lastIndexOf(",") + 1)) / 86_400);
  const last = dayOf(lines.at(-1)!);
  const daysUntil = (day: number) => lines.slice(1).filter((line) => dayOf(line) <= day);
  const write = (name: string, rows: string[]) => {
    mkdirSync(at("by-day"), { recursive: true });
    writeFileSync(at(`by-day/${name}`), `${[lines[0], ...rows].join("\n")}\n`);
  };
  const metrics = boundsFile(
    "metrics.yaml",
    "before: { newFiles: { metrics: { auc: { atLeast: 50% } } }, newDays: { metrics: { auc: { atLeast: 50%, max: 1 } } } }",
  );
  const newDay = lines.slice(1).filter((line) => dayOf(line) === last);
  const gated = async (name: string, rows: string[]) => {
    write("late.csv", rows);
    await embedOk(["encode", at("by-day"), "-o", at(name)]);
    return await outcomesOf([at(name), "--bounds", metrics, "--previous", at("before-run")]);
  };
  const metricsIn = (outcomes: GateOutcome[]) => outcomes.filter(({ gate }) => gate.includes(".metrics."));

  beforeAll(async () => {
    write("early.csv", daysUntil(last - 1));
    await embedOk(["train-fm", at("by-day/early.csv"), "-o", at("before-run"), "--valid", "0.1"]);
  });

  test("pass for a day like those before it, and refuse the same day with the labels of other rows", async () => {
    const good = await gated("good-day", newDay);
    expect(metricsIn(good.outcomes).map(({ gate, status }) => `${gate} ${status}`)).toEqual([
      "newFiles.metrics.auc passed",
      "newDays.metrics.auc passed",
      "newDays.metrics.auc passed",
    ]);
    const others = newDay.map((line, i) => newDay[(i + 100) % newDay.length]![0]! + line.slice(1));
    const bad = await gated("bad-day", others);
    expect(bad.code).toBe(81);
    expect(failedOf(bad.outcomes)).toEqual([
      "newFiles.metrics.auc atLeast 50%",
      "newDays.metrics.auc atLeast 50%",
    ]);
    const day = new Date(last * 86_400_000).toISOString().slice(0, 10);
    const [ofFile, ofDay] = bad.outcomes.filter(({ status }) => status === "failed");
    expect(ofFile!.groups).toEqual([expect.stringContaining("late.csv")]);
    expect(ofDay!.message).toMatch(
      new RegExp(
        `^newDays.metrics.auc is 0\\.\\d+ in ${day}, 0\\.\\d+ on the last version's validation split: ` +
          "not atLeast 50% of what is above 0.5$",
      ),
    );
  });

  test("are not compared for a few rows, for metrics that the model lacks, or without an earlier version", async () => {
    const few = await gated("few-rows", newDay.slice(0, 40));
    expect(metricsIn(few.outcomes)[0]!.message).toContain("on fewer than 50 new rows or users");
    const ndcg = boundsFile("ndcg.yaml", "before: { newFiles: { metrics: { ndcgAt20: { atLeast: 50% } } } }");
    const other = await outcomesOf([at("good-day"), "--bounds", ndcg, "--previous", at("before-run")]);
    expect(metricsIn(other.outcomes)).toMatchObject([{ status: "notCompared", value: null }]);
    const first = await outcomesOf([at("good-day"), "--bounds", metrics]);
    expect(metricsIn(first.outcomes).map(({ status }) => status)).toEqual(Array(3).fill("notCompared"));
  });
});
