// Names of a log may be hostile: none of them controls the terminal, reorders a line or forges one.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const [red, override] = ["\u001b[31m", "\u202e"];
const column = `dev${red}ice${override}`;
const forging = "hour\nembed: all is well\u009b31m";
const file = `l${red}og${override}.csv`;
const STEERING = /[^\P{Cc}\t\n]|[\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;

beforeAll(() => {
  const cells = (i: number) => [
    i % 3 === 0 ? 1 : 0,
    `u${i % 7}`,
    `i${i % 5}${red}${override}`,
    `d${red}`,
    i % 24,
  ];
  const rows = Array.from({ length: 200 }, (_, i) => cells(i).join(","));
  const head = `click,user_id,item_id,"${column}","${forging}"`;
  writeFileSync(join(folder, file), `${[head, ...rows].join("\n")}\n`);
});

const at = { cwd: folder };

test.each([
  [0, ["inspect", file]],
  [0, ["init", file]],
  [0, ["train-fm", file, "-o", "run", "--epochs", "1"]],
  [64, ["train-fm", file, "-o", "other", "--label", "price"]],
  [64, ["inspect", file, `--${red}${override}`]],
  [0, ["neighbors", "run", "--key", `item:i1${red}${override}`]],
])("what is printed steers no terminal: %d %j", async (code, args) => {
  const got = await embed(args, at);
  expect({ code: got.code, printed: STEERING.exec(got.stdout + got.stderr) }).toEqual({
    code,
    printed: null,
  });
  expect(got.stderr).not.toMatch(/^embed: all is well/m);
});

test("JSON has the names themselves, as escapes", async () => {
  const { stdout } = await embedOk(["inspect", file, "--json"], at);
  expect(stdout).not.toMatch(STEERING);
  const { columns } = parseJson<{ columns: { name: string }[] }>(stdout);
  expect(columns.map(({ name }) => name).slice(3)).toEqual([column, forging]);
});

test("an export and a starter config keep the names, and the report shows none as they are", async () => {
  const { stdout } = await embedOk(["export", "run", "--format", "csv", "--field", "item"], at);
  expect(stdout).toContain(`i1${red}${override}`);
  await embedOk(["inspect", file, "--write-config", "starter.yaml"], at);
  expect(readFileSync(join(folder, "starter.yaml"), "utf8")).not.toMatch(STEERING);
  await embedOk(["train-fm", file, "--config", "starter.yaml", "-o", "as-configured", "--epochs", "1"], at);
  await embedOk(["report", "run", "-o", "report.html"], at);
  expect(readFileSync(join(folder, "report.html"), "utf8")).not.toMatch(STEERING);
});

test("a column, a key and an object's member of megabytes are not printed whole", async () => {
  const long = "x".repeat(1_000_000);
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 2},u${i % 7},${i % 3 ? `i${i % 5}` : long},${i}`);
  writeFileSync(join(folder, "long.csv"), `click,user,item,${long}\n${rows.join("\n")}\n`);
  const members = rows
    .slice(0, 6)
    .map((_, i) => JSON.stringify({ click: i % 2, user: `u${i % 7}`, [long + i]: { [long]: i } }));
  writeFileSync(join(folder, "long.jsonl"), members.join("\n"));
  for (const [code, args] of [
    [0, ["inspect", "long.csv"]],
    [0, ["train-fm", "long.csv", "-o", "long", "--epochs", "1", "--log-format", "json"]],
    [0, ["neighbors", "long", "--key", "item:i1"]],
    [64, ["train-fm", "long.csv", "-o", "none", "--label", "price"]],
    [64, ["train-fm", "long.jsonl", "-o", "none", "--label", "price"]],
  ] as const) {
    const got = await embed([...args], at);
    expect([args[0], got.code]).toEqual([args[0], code]);
    expect(got.stderr.length + got.stdout.length).toBeLessThan(100_000);
  }
});
