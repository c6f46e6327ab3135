import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { patternLike, patternsFor } from "./glob-for.js";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "glob-for-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Returns the glob patterns that patternsFor proposes for `files` if the files `others` exist, too. */
async function proposed(files: string, others = ""): Promise<string[] | string> {
  const words = (text: string) => text.split(" ").filter((word) => word !== "");
  for (const name of words(`${files} ${others}`)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
  const { patterns, nearest } = await patternsFor(words(files).map((name) => join(folder, name)));
  const short = (path: string) => path.slice(folder.length + 1);
  if (patterns) return patterns.map(short);
  return nearest ? `${short(nearest.pattern)} also ${nearest.others.map(short).join(" ")}` : "none";
}

test.each([
  ["weeks of a year", "r-2013-w08.csv r-2013-w09.csv", "", ["r-*.csv"]],
  [
    "days, compressed",
    "logs/sales_2010-11-30.csv.gz logs/sales_2010-12-01.csv.gz",
    "",
    ["logs/sales_*.csv.gz"],
  ],
  ["days before the year", "log-04-03-2013.csv log-05-03-2013.csv", "", ["log-*.csv"]],
  ["dates alone", "20130304.csv 20130305.csv 20130306.csv", "", ["*.csv"]],
  ["parts", "part-00000 part-00001", "_SUCCESS", ["part-*"]],
  ["names of different words", "logs/clicks.csv logs/orders.csv", "logs/readme.txt", ["logs/*.csv"]],
  ["words that start alike", "train.csv test.csv", "", ["*.csv"]],
  ["folders that differ", "2013-01/log.csv 2013-02/log.csv", "", ["*/log.csv"]],
  ["folders and names", "a/2013/x1.csv a/2014/x2.csv", "", ["a/*/x*.csv"]],
  ["a week that is not compressed yet", "w1.csv.gz w2.csv.gz w3.csv", "", ["w*.csv", "w*.csv.gz"]],
  ["another file that a wide pattern takes in", "r-2013-1.csv r-2013-2.csv", "r-old.csv", ["r-2013-*.csv"]],
  ["a file that was left out", "w1.csv w3.csv", "w2.csv", "w*.csv also w2.csv"],
  ["different depths", "w1.csv old/w2.csv", "", "none"],
  ["characters that patterns are made of", "w[1].csv w[2].csv", "", "none"],
])("%s", async (_, files, others, expected) => {
  expect(await proposed(files, others)).toEqual(expected);
});

test("one file proposes a pattern by the numbers in its name", () => {
  expect(patternLike("logs/r-2013-w08.csv.gz")).toBe("logs/r-*.csv.gz");
  expect(patternLike("clicks.csv")).toBeUndefined();
});
