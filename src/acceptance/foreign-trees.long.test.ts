// `embed transform --model`: trees of LightGBM and XGBoost give the predictions of these libraries
// (fixtures/foreign/make.py).

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { jsonLines, readJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const foreign = (name: string): string => fixture(`foreign/${name}`);
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

interface Answer {
  leaves: number[][];
  scores: number[] | number[][];
}
const answers = readJson<Record<string, Answer>>(foreign("answers.json"));

test.each(Object.keys(answers))("%s: the same leaves on every row, scores within 2e-6", async (name) => {
  const args = ["--model", foreign(name), foreign("rows.csv"), "--format", "jsonl"];
  const { stdout, stderr } = await embedOk(["transform", ...args]);
  const rowsOf = <T>(text: string) => jsonLines<T>(text);
  const { leaves, scores } = answers[name]!;
  expect(rowsOf<{ leaves: number[] }>(stdout).map((row) => row.leaves)).toEqual(leaves);
  const reported = scores.flat();
  const predicted = await embedOk(["predict", ...args]);
  const sums = rowsOf<Record<string, number>>(predicted.stdout).flatMap(({ row: _, ...own }) =>
    Object.values(own),
  );
  expect(predicted.stderr).toMatch(/\d+ of 3\d cells of 'name' hold keys not seen in training/);
  expect(sums).toHaveLength(reported.length);
  expect(Math.max(...sums.map((x, i) => Math.abs(x - reported[i]!)))).toBeLessThan(2e-6);
  expect(stderr).toMatch(/\d+ of 3\d cells of 'name' hold keys not seen in training/);
});

test("several classes have a score each, a column a class in csv", async () => {
  const args = ["--model", foreign("classes.txt"), foreign("rows.csv"), "--quiet"];
  const leaves = await embedOk(["transform", ...args, "--key", "name"]);
  expect(leaves.stdout).toMatch(/^name,t000,t001,.*,t008\n/);
  const scores = await embedOk(["predict", ...args, "--keep", "name"]);
  expect(scores.stdout).toMatch(/^name,score:0,score:1,score:2\n/);
});

test("numbers as categories are one however they are written, and the log may have more columns in any order", async () => {
  const [header, ...lines] = readFileSync(foreign("rows.csv"), "utf8").trimEnd().split("\n");
  const columns = header!.split(",");
  expect(columns.at(-1)).toBe("number");
  // the changed log has 3.0 instead of 3 in its last column, and an additional first column
  const log = write("rows.csv", [`more,${header}`, ...lines.map((line) => `z,${line}.0`)].join("\n"));
  for (const model of ["binary.txt", "logistic.json"]) {
    const own = await embedOk(["transform", "--model", foreign(model), foreign("rows.csv")]);
    const other = await embedOk(["transform", "--model", foreign(model), log]);
    expect(other.stdout).toBe(own.stdout);
  }
});

const damages: [what: string, file: string, damage: (text: string) => string, code: number, why: RegExp][] = [
  ["a text cut short", "binary.txt", (text) => text.slice(0, 2000), 82, /end of trees/],
  ["a newer text", "binary.txt", (text) => text.replace("version=v4", "version=v5"), 82, /version v5/],
  [
    "trees lost",
    "classes.txt",
    (text) => text.replace(/Tree=8[^]*end of trees/, "end of trees"),
    82,
    /8 trees/,
  ],
  ["a number lost", "binary.txt", (text) => text.replace(/leaf_value=\S+ /, "leaf_value="), 82, /leaf_value/],
  [
    "a set lost",
    "binary.txt",
    (text) => text.replace(/threshold=(\S+) 0 /, "threshold=$1 7 "),
    82,
    /threshold 7/,
  ],
  ["names lost", "binary.txt", (text) => text.replace("[3, 10, 200]", "[3]"), 82, /which has no name/],
  ["linear leaves", "linear.txt", (text) => text, 64, /linear trees are not supported/],
  [
    "JSON cut short",
    "logistic.json",
    (text) => text.slice(0, 2000),
    82,
    /it is not valid JSON: the file is damaged or truncated/,
  ],
  ["a newer JSON", "logistic.json", (text) => text.replace(/"version":\[3/, '"version":[4'), 82, /version 4/],
  ["another booster", "logistic.json", (text) => text.replace('"gbtree"}', '"gblinear"}'), 64, /gblinear/],
  [
    "a lost child",
    "logistic.json",
    (text) => text.replace(/"left_children":\[1/, '"left_children":[77'),
    82,
    /left_children and right_children do not form a tree/,
  ],
  [
    "an objective of its own",
    "logistic.json",
    (text) => text.replace("binary:logistic", "mine"),
    64,
    /'mine'/,
  ],
  ["letters that XGBoost cuts", "logistic.json", (text) => text.replace("[97,44", "[-61,-87"), 64, /column/],
  [
    "a file of neither format",
    "binary.txt",
    () => "<html>",
    64,
    /' is not a supported model: expected LightGBM's text format \(first line 'tree'\) or XGBoost's JSON format \(save_model to a \.json file\)/,
  ],
];

test.each(damages)("%s is refused by what is wrong with it", async (what, file, damage, code, why) => {
  const model = write(`${what}.model`, damage(readFileSync(foreign(file), "utf8")));
  const got = await embed(["transform", "--model", model, foreign("rows.csv")]);
  expect([got.code, got.stdout]).toEqual([code, ""]);
  expect(got.stderr).toMatch(why);
});

test("what the log lacks or cannot be is told by name, and so are options of runs", async () => {
  const model = foreign("binary.txt");
  const log = write("other.csv", "y,with space,name,number\n1,2,tea,3\n");
  const lacking = await embed(["transform", "--model", model, log]);
  expect(lacking.code).toBe(64);
  expect(lacking.stderr).toContain("needs column 'x', which is not in the log");
  const words = write("words.csv", "x,with space,name,number\n1,2,tea,many\n");
  const wrong = await embed(["transform", "--model", model, words]);
  expect(wrong.code).toBe(65);
  expect(wrong.stderr).toContain('"many" is not a number');
  const absent = await embed(["transform", "--model", at("absent.txt"), log]);
  expect(absent.code).toBe(66);
  const features = await embed(["transform", "--model", model, log, "--features"]);
  expect(features.code).toBe(64);
});
