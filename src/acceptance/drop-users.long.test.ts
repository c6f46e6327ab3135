// Crawlers in a shop's log are dropped by --drop-users-above and --drop-users-above-per-day; a cap on events does not
// suffice.

import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { parseJson, readJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";
import { shop } from "../testing/shop.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);
const log = at("log.csv");
const BOT_EVENTS = 5 * 1500;

interface Trained {
  rows: number;
  metrics: { test: { calibration: number } };
  warnings: string[];
  droppedUsers?: { users: number; events: number };
}

beforeAll(() => {
  const days = shop({ bots: 1 }).days.map(({ impressions }) => impressions.split("\n").slice(1).join("\n"));
  writeFileSync(log, `click,user_id,item_id,device,timestamp\n${days.join("")}`);
});

async function train(run: string, input: string, ...options: string[]): Promise<Trained> {
  const held = ["--valid", "0.1", "--test", "0.1", "--dim", "4", "--epochs", "3"];
  const { stdout } = await embedOk(["train-fm", input, "-o", at(run), ...held, "--json", ...options]);
  return parseJson<Trained>(stdout);
}

test("users above a number of events a day are left out before the split, counted and named", async () => {
  const { rows, droppedUsers, warnings, metrics } = await train(
    "day",
    log,
    "--drop-users-above-per-day",
    "500",
  );
  expect([rows, droppedUsers]).toEqual([12_000, { users: 1, events: BOT_EVENTS }]);
  expect(warnings).toContain(
    "left out 1 user with 7,500 of 19,500 events (38.5 %) by --drop-users-above-per-day 500: 'bot-1' (7,500 events, " +
      "at most 1,500 a day)",
  );
  expect(metrics.test.calibration).toBeGreaterThan(0.85);
  expect(metrics.test.calibration).toBeLessThan(1.15);
  const manifest = readJson<Trained & { warnings: string[] }>(join(at("day"), "manifest.json"));
  expect([manifest.droppedUsers, manifest.warnings[0]]).toEqual([droppedUsers, warnings[0]]);
  const { code, stderr } = await embed(["neighbors", at("day"), "--key", "user_id:bot-1"]);
  expect([code, stderr]).toEqual([64, expect.stringContaining("bot-1")]);
});

test("a limit of all events leaves out the same user; encoded datasets and a pipe give the same table", async () => {
  const table = (run: string) => readFileSync(join(at(run), "embeddings.arrow"));
  await train("all", log, "--drop-users-above", "2000");
  await embedOk(["encode", log, "-o", at("limited"), "--drop-users-above", "2000"]);
  await embedOk(["encode", log, "-o", at("whole")]);
  await embedOk(["encode", "-", "-o", at("piped-rows"), "--drop-users-above", "2000"], {
    input: readFileSync(log),
  });
  const rows = (name: string) => readFileSync(join(at(name), "rows.arrow"));
  expect(rows("piped-rows").equals(rows("limited"))).toBe(true);
  expect(readdirSync(at("limited")).sort()).toEqual(["dataset.json", "rows.arrow", "values.arrow"]);
  const ofLimited = await train("of-limited", at("limited"));
  await train("of-whole", at("whole"), "--drop-users-above", "2000", "--max-memory", "1M");
  for (const run of ["day", "of-limited", "of-whole"]) expect(table(run).equals(table("all"))).toBe(true);
  expect(ofLimited.droppedUsers).toEqual({ users: 1, events: BOT_EVENTS });
  const piped = await embedOk(
    ["train-fm", "-", "-o", at("piped"), "--drop-users-above", "2000", "--dim", "4", "--epochs", "3"],
    { input: readFileSync(log) },
  );
  expect(piped.stderr).toContain("left out 1 user");
  await embedOk(["reproduce", at("of-limited")]);
  await embedOk(["reproduce", at("all")]);
});

test("evaluate leaves out the same users of a log as the training, and of a dataset that has them", async () => {
  for (const on of [log, at("whole"), at("limited")]) {
    const { stdout } = await embedOk(["evaluate", at("day"), "--on", on, "--json"]);
    expect(parseJson<{ rows: number }>(stdout).rows).toBe(12_000);
  }
  const { stdout } = await embedOk(["evaluate", at("day"), "--part", "test", "--json"]);
  expect(parseJson<{ rows: number }>(stdout).rows).toBe(1200);
  // predict drops no rows, because its rows are not events
  await embedOk(["predict", at("day"), log, "-o", at("scores.csv")]);
  expect(readFileSync(at("scores.csv"), "utf8").trimEnd().split("\n").length).toBe(1 + 12_000 + BOT_EVENTS);
});

test("what has no such column, or contradicts a dataset is refused", async () => {
  const refused = [
    [
      ["encode", log, "-o", at("x"), "--ignore", "timestamp", "--drop-users-above-per-day", "5"],
      "name it with --time",
    ],
    [["train-fm", log, "-o", at("x"), "--drop-users-above", "0"], "--drop-users-above expects"],
    [
      ["train-fm", at("limited"), "-o", at("x"), "--drop-users-above", "9"],
      "encoded with --drop-users-above 2000",
    ],
    [
      ["train-fm", log, "-o", at("x"), "--keep-events", "spread"],
      "--keep-events needs --max-events-per-user",
    ],
  ] as const;
  for (const [args, why] of refused) {
    const { code, stderr } = await embed(args);
    expect([code, stderr]).toEqual([64, expect.stringContaining(why)]);
  }
});

test("a cap that moves a bot's events into the test split is warned of, and --keep-events spread does not", async () => {
  const latest = await train("latest", log, "--max-events-per-user", "1200");
  expect(latest.warnings.slice(0, 2)).toEqual([
    expect.stringMatching(
      /^user 'bot-1' makes up \d\d\.\d % of the validation split and \d\d\.\d % of the test split: /,
    ),
    expect.stringMatching(
      /^--max-events-per-user 1200 keeps the latest events: 84.3 % of those of the 1 user /,
    ),
  ]);
  const spread = await train("spread", log, "--max-events-per-user", "1200", "--keep-events", "spread");
  expect(spread.rows).toBe(latest.rows);
  expect(spread.warnings.filter((text) => text.includes("--max-events-per-user"))).toEqual([]);
});

test("a pipeline leaves them out when it encodes the log, and its version says so", async () => {
  const yaml = [
    "store: store",
    "log: log.csv",
    "columns: { drop-users-above-per-day: 500 }",
    "train: { items: { command: train-fm, dim: 4, epochs: 2, valid: 0.1 } }",
  ];
  writeFileSync(at("shop.yaml"), yaml.join("\n"));
  const { stderr } = await embedOk(["run", "shop.yaml"], { cwd: folder });
  expect(stderr).toContain("left out 1 user with 7,500 of 19,500 events");
  const manifest = readFileSync(join(at("store"), "items", "000001", "manifest.json"), "utf8");
  expect(parseJson<Trained>(manifest).droppedUsers).toEqual({ users: 1, events: BOT_EVENTS });
});

test("the commands of the guide run", async () => {
  const page = readFileSync(join(projectFolder, "docs", "messy-logs.md"), "utf8");
  const [, block = ""] = /## Bots and crawlers\n.*?```sh\n(.*?)```/su.exec(page) ?? [];
  symlinkSync(join(projectFolder, "fixtures"), at("fixtures"));
  const { code, stderr } = await shell(`set -e\n${block}`, { cwd: folder });
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/left out \d users with .* --drop-users-above-per-day 12/),
  ]);
});
