// `--on-bad-row skip`: which rows are skipped and why, and when there are too many.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

interface Row {
  file: string;
  line: number;
  reason: string;
  column?: string;
  text: string;
}

/** Creates a log of good rows, in which some lines are replaced by bad rows; the header is line 1. */
function logWith(bad: Record<number, string>, numLines: number): string {
  const lines = Array.from(
    { length: numLines - 1 },
    (_, i) => bad[i + 2] ?? `${i % 2},u${i % 7},i${i % 11},2024-03-04`,
  );
  return `click,user_id,item_id,timestamp\n${lines.join("\n")}\n`;
}

const rowsIn = (path: string): Row[] =>
  readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => parseJson<Row>(line));

const roles = ["--label", "click", "--time", "timestamp"];
const train = ["train-fm", "-", ...roles, "--epochs", "1", "--on-bad-row", "skip"];

test("--bad-rows lists every bad row of a log with file, line, reason and text, in the log's order", async () => {
  const input = logWith(
    {
      3: "1,u1",
      4: "0,u2,i1,2024-03-04,,",
      // the scanner reads a file in ranges: lines 3 and 4 are in one range, and the range with line 700 contains quotes
      700: 'x"y,u1,i1',
      701: '1,"u ""1""",i1',
      702: "maybe,u1,i1,2024-03-04",
      703: "1,u1,i1,yesterday",
      704: ",u1,i1,2024-03-04",
    },
    1001,
  );
  const args = [...train, "-o", at("listed"), "--bad-rows", at("bad.jsonl"), "--json"];
  const { stdout } = await embedOk(args, { input });
  expect(parseJson<{ rows: number }>(stdout).rows).toBe(993);
  const label = { column: "click", reason: "expected a finite number as label" };
  const ragged = { file: "-", reason: "wrong number of cells" };
  expect(rowsIn(at("bad.jsonl"))).toEqual([
    { ...ragged, line: 3, text: "1,u1" },
    { ...ragged, line: 4, text: "0,u2,i1,2024-03-04,," },
    { ...ragged, line: 700, text: 'x"y,u1,i1' },
    { ...ragged, line: 701, text: '1,"u ""1""",i1' },
    { file: "-", line: 702, ...label, text: "maybe" },
    expect.objectContaining({ line: 703, column: "timestamp", text: "yesterday" }),
    { file: "-", line: 704, ...label, text: "" },
  ]);
});

test("more bad rows than --max-bad are 65, counted by reason, and still listed; the run is not written", async () => {
  const input = logWith({ 3: "1,u1", 50: "1,u1", 51: "no,u1,i1,2024-03-04" }, 101);
  const args = [...train, "-o", at("many"), "--bad-rows", at("many.jsonl")];
  const got = await embed(args, { input });
  expect(got.code).toBe(65);
  expect(got.stderr).toContain(
    "3 of 100 rows are bad, --max-bad allows 1%: 2 wrong number of cells; 1 click: expected a finite number as label",
  );
  expect(rowsIn(at("many.jsonl")).map(({ line }) => line)).toEqual([3, 50, 51]);
  expect(existsSync(at("many"))).toBe(false);

  expect((await embed([...train, "-o", at("three"), "--max-bad", "3%"], { input })).code).toBe(0);
  expect((await embed([...train, "-o", at("less"), "--max-bad", "0.029"], { input })).code).toBe(65);
});

test("rows of a validation file are listed too, and a report without bad rows is an empty file", async () => {
  writeFileSync(at("valid.csv"), logWith({ 9: "oops" }, 201));
  const args = [...train, "-o", at("both"), "--valid", at("valid.csv"), "--bad-rows", at("both.jsonl")];
  await embedOk(args, { input: logWith({ 8: "1" }, 201) });
  expect(rowsIn(at("both.jsonl")).map(({ file, line }) => [file, line])).toEqual([
    ["-", 8],
    [at("valid.csv"), 9],
  ]);
  await embedOk([...train, "-o", at("none"), "--bad-rows", at("none.jsonl")], { input: logWith({}, 50) });
  expect(readFileSync(at("none.jsonl"), "utf8")).toBe("");

  const evaluated = ["evaluate", at("none"), "--on", at("valid.csv"), "--on-bad-row", "skip"];
  await embedOk([...evaluated, "--bad-rows", at("evaluated.jsonl")]);
  expect(rowsIn(at("evaluated.jsonl")).map(({ line, text }) => [line, text])).toEqual([[9, "oops"]]);
});

test("an existing report is 73 before anything is read, and replaced under --force", async () => {
  writeFileSync(at("kept.jsonl"), "mine\n");
  const args = [...train, "-o", at("kept"), "--bad-rows", at("kept.jsonl")];
  expect((await embed(args, { input: logWith({}, 50) })).code).toBe(73);
  expect(readFileSync(at("kept.jsonl"), "utf8")).toBe("mine\n");
  await embedOk([...args, "--force"], { input: logWith({}, 50) });
  expect(readFileSync(at("kept.jsonl"), "utf8")).toBe("");
});

test.each([
  ["--max-bad", "2%"],
  ["--bad-rows", "x.jsonl"],
])("%s without skip is 64", async (...flags) => {
  const got = await embed(["train-fm", "-", "-o", at("no"), ...flags], { input: logWith({}, 9) });
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("--on-bad-row skip")]);
});

test("a share that is none is 64", async () => {
  const got = await embed([...train, "-o", at("no"), "--max-bad", "101%"], { input: logWith({}, 9) });
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("101%")]);
});
