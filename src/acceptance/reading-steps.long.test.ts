// A log with planted malformed rows, duplicates, filtered rows, rows of weight 0, bad cells and a bot: the list of steps
// counts each of them, by every form of input, and of an encoded dataset at whichever command a step runs.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ReadingStep } from "../dataset/dataset.js";
import { argv } from "../testing/argv.js";
import { embedOk, temporaryFolder } from "../testing/embed.js";
import { delimitedOf, parquetOf } from "../testing/forms.js";
import { parseJson, readJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string) => join(folder, name);

const columns = ["event_id", "user", "item", "event", "w", "label", "day"];
const NUM_BOT = 60;
const row = (i: number, cells: Partial<Record<string, string>> = {}) =>
  columns.map((name) => {
    const plain = {
      ...{ event_id: `e${i}`, user: `u${i % 9}`, item: `i${i % 5}`, event: "play", w: "1" },
      ...{ label: String(i % 2), day: `2026-01-${10 + (i % 20)}` },
    };
    return { ...plain, ...cells }[name] ?? "";
  });
const many = (numRows: number, from: number, cells: Partial<Record<string, string>> = {}) =>
  Array.from({ length: numRows }, (_, i) => row(from + i, cells));
// the bot has rows of every kind, which an earlier step leaves out
const bot = [
  ...many(NUM_BOT, 1000, { user: "bot" }),
  ...many(3, 1100, { user: "bot", event: "view" }),
  ...many(2, 1200, { user: "bot", w: "0" }),
  ...many(1, 1300, { user: "bot", label: "x" }),
];
const rows = [
  ...bot,
  ...many(200, 0),
  ...many(12, 2000, { event: "view" }),
  ...many(9, 3000, { item: "i9" }),
  ...many(8, 4000, { w: "0" }),
  // a row of weight 0 need not be valid
  ...many(1, 4100, { w: "0", label: "x" }),
  ...many(4, 5000, { label: "x" }),
  ...many(30, 0, { label: "1" }),
];

/** The planted numbers of rows that each step leaves out, where `malformed` lines have too few cells. */
const planted = (malformed: number): [step: Partial<ReadingStep>, dropped: number][] => [
  [{ step: "read" }, malformed],
  [{ step: "dedupe", by: "--dedupe-by event_id", withoutKey: 0 }, 30],
  [{ step: "drop", by: "--drop item=i9" }, 9],
  [{ step: "where", by: "--where event = 'play'" }, 12 + 3],
  [{ step: "weight", by: "--weight w" }, 9 + 2],
  [{ step: "bad cells" }, 4 + 1],
  [{ step: "users", by: "--drop-users-above 50", users: 1 }, NUM_BOT],
  [{ step: "split", by: "--split time" }, 40],
];

/** The list of the steps up to `last`. */
function listed(malformed: number, last: string): object[] {
  const steps = planted(malformed);
  let before = rows.length + malformed;
  return steps.slice(0, 1 + steps.findIndex(([{ step }]) => step === last)).map(([step, dropped]) => {
    const counted = { ...step, before, after: before - dropped };
    before -= dropped;
    return counted;
  });
}

const reading = [
  ...argv`--on-bad-row skip --max-bad 0.1 --user user --item item --label label --time day --weight w`,
  ...["--dedupe-by", "event_id", "--where", "event = 'play'", "--drop", "item=i9"],
];
const limit = ["--drop-users-above", "50"];

async function stepsOf(args: string[]): Promise<object[]> {
  const { stdout } = await embedOk([...args, "--json"]);
  return parseJson<{ steps: object[] }>(stdout).steps;
}

writeFileSync(at("bounds.yaml"), "before: { rows: { min: 1 } }\n");

async function expectSteps(name: string, input: readonly string[], malformed = 0): Promise<void> {
  const train = [...argv`--epochs 1 --dim 4 --split time --test 0.2 --force -o`, at("run")];
  const whole = listed(malformed, "split");
  expect(await stepsOf(["train-fm", ...input, ...reading, ...limit, ...train])).toEqual(whole);
  expect(readJson<{ steps: object[] }>(at("run/manifest.json")).steps).toEqual(whole);
  // the same log, encoded with the limit on users and without it
  for (const [limits, last] of [
    [limit, "users"],
    [[], "bad cells"],
  ] as const) {
    const dataset = at(`${name}-${last.replace(" ", "-")}`);
    const encoded = listed(malformed, last);
    expect(await stepsOf(["encode", ...input, ...reading, ...limits, "-o", dataset])).toEqual(encoded);
    expect(readJson<{ steps: object[] }>(join(dataset, "dataset.json")).steps).toEqual(encoded);
    expect(await stepsOf(["inspect", dataset])).toEqual(encoded);
    expect(await stepsOf(["gate", dataset, "--bounds", at("bounds.yaml")])).toEqual(encoded);
    expect(await stepsOf(["train-fm", dataset, ...limit, ...train])).toEqual(whole);
  }
}

const text = delimitedOf(columns, rows, ",");

test("text, with malformed lines", async () => {
  writeFileSync(at("log.csv"), `${text}too,short\nshort\n`);
  await expectSteps("csv", [at("log.csv")], 2);
  const { stdout } = await embedOk(["inspect", at("csv-users")]);
  expect(stdout).toContain("--where event = 'play'   ");
  expect(stdout).toMatch(/^step +rows +left out\nread +\d+ +2\n/);
});

test("evaluate and compare list the steps of the rows that they measure, and print them on standard error", async () => {
  const upTo = listed(2, "users");
  const before = (upTo.at(-1) as ReadingStep).after;
  const part = { step: "part", by: "--part test", before, after: 40 };
  expect(await stepsOf(["evaluate", at("run"), "--part", "test"])).toEqual([...upTo, part]);
  const on = ["evaluate", at("run"), "--on", at("csv-users")];
  expect(await stepsOf(on)).toEqual(upTo);
  const { stdout, stderr } = await embedOk(on);
  expect(stdout).not.toContain("left out");
  expect(stderr).toMatch(/^step +rows +left out\nread +\d+ +2\n/m);
  const input = [at("log.csv"), ...reading, ...limit, ...argv`--split time --test 0.2 --valid 0`];
  const compared = await stepsOf(["compare", ...input, ...argv`--trainers train-fm -o`, at("page.html")]);
  expect(compared).toEqual(listed(2, "split"));
});

test("Parquet", async () => {
  writeFileSync(at("log.parquet"), parquetOf(columns, rows));
  await expectSteps("parquet", [at("log.parquet")]);
});

test("a table of DuckDB", async () => {
  const duckdb = await import("@duckdb/node-api").catch(() => undefined);
  if (!duckdb) return console.warn("skipped: @duckdb/node-api is not installed");
  writeFileSync(at("plain.csv"), text);
  const instance = await duckdb.DuckDBInstance.create(at("log.duckdb"));
  const connection = await instance.connect();
  const from = `read_csv('${at("plain.csv")}', all_varchar = true)`;
  await connection.run(`CREATE TABLE log AS SELECT row_number() OVER () AS row, * FROM ${from}`);
  connection.closeSync();
  instance.closeSync();
  const order = ["--engine-order", "row", "--ignore", "row"];
  await expectSteps("duckdb", ["table:log", "--engine", `duckdb:${at("log.duckdb")}`, ...order]);
});
