// `embed evaluate --labels`: tables evaluated on labels of their items.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const labels = ["--labels", `${fixture("items.csv")}:item`];

interface Evaluation {
  rows: number;
  of: string;
  metrics: Record<string, Record<string, number>>;
  compared: { name: string; bestIn: string[]; intervals: Record<string, { low: number; high: number }> }[];
  warnings: string[];
}
const evaluated = async (args: string[]): Promise<Evaluation> =>
  parseJson<Evaluation>((await embedOk(["evaluate", ...args, "--json"])).stdout);

beforeAll(async () => {
  const log = fixture("ratings.csv");
  const side = ["--side", `${fixture("items.csv")}:item_id`, "--multi", "genres:|", "--ignore", "title"];
  await embedOk(["train-fm", log, "-o", at("fm"), "--label", "rating", ...side, "--epochs", "10"]);
  await embedOk(["train-pca", log, "-o", at("pca"), "--ignore", "rating", "--dim", "8"]);
  await embedOk(argv`train-gbdt ${log} -o ${at("trees")} --label rating --entity item_id --dim 8`);
  // writes a table whose vectors only say which genres an item has, and whose field has another name
  const [, ...items] = readFileSync(fixture("items.csv"), "utf8").trimEnd().split("\n");
  const names = ["Action", "Comedy", "Crime", "Drama", "Horror", "Musical", "Romance", "Western"];
  const vectors = items.map((line) => {
    const [key] = line.split(",");
    const genres = line.split(",").at(-2)!.split("|");
    return `${key} ${names.map((name) => (genres.includes(name) ? 1 : 0)).join(" ")}`;
  });
  writeFileSync(at("genres.txt"), `${vectors.length} ${names.length}\n${vectors.join("\n")}\n`);
  const roles = ["--field", "film", "--item", "film"];
  await embedOk(["import", at("genres.txt"), "--format", "word2vec", ...roles, "-o", at("imported")]);
});

test("runs of every kind stand side by side on the same items, beside chance, the best marked", async () => {
  const runs = ["fm", "pca", "trees", "imported"].map(at);
  const all = argv`${labels.slice(0, 1)} ${labels[1]}=item_id --neighbors-by genres --probe genres`;
  const { metrics, compared, rows, of } = await evaluated([...runs, ...all, "--k", "3,10"]);
  expect([rows, of]).toEqual([120, "items"]);
  expect(Object.keys(metrics)).toEqual(["fm", "pca", "trees", "imported", "chance", "most frequent"]);
  for (const name of ["sameLabelAt3", "rareSameLabelAt10"])
    expect(metrics["fm"]![name]).toBeGreaterThan(metrics["chance"]![name]! + 0.2);
  expect(metrics["imported"]!["sameLabelAt3"]).toBe(1);
  expect(metrics["imported"]!["microF1"]).toBeGreaterThan(0.95);
  expect(metrics["fm"]!["macroF1"]).toBeGreaterThan(metrics["most frequent"]!["macroF1"]! + 0.2);
  expect(
    compared.find(({ bestIn }) => bestIn.includes("sameLabelAt3"))!.intervals["sameLabelAt3"],
  ).toBeDefined();
  const { stdout } = await embedOk(["evaluate", ...runs, ...all, "--format", "markdown"]);
  expect(stdout).toMatch(/\| same label @10 \| rarer: same label @10 \|/);
  expect(stdout).toMatch(/\*\*1\.0000/);
});

test("the same seed and any number of threads give the same figures; another seed another test part", async () => {
  const args = [at("pca"), ...labels, "--neighbors-by", "genres", "--probe", "genres"];
  const [one, two, other] = await Promise.all(
    [
      ["--threads", "1"],
      ["--threads", "2"],
      ["--seed", "2"],
    ].map((more) => evaluated([...args, ...more])),
  );
  expect(one!.metrics).toEqual(two!.metrics);
  expect(other!.metrics["pca"]!["microF1"]).not.toBe(one!.metrics["pca"]!["microF1"]);
});

test("the probe's share of training items and its shuffles are chosen: their mean, with an interval", async () => {
  const args = [at("fm"), at("pca"), ...labels, "--probe", "genres", "--probe-train", "0.5"];
  const once = await evaluated(args);
  expect(once.compared[0]!.intervals).toEqual({});
  const found = await evaluated([...args, "--probe-repeats", "4"]);
  const { low, high } = found.compared[0]!.intervals["microF1"]!;
  expect(low).toBeLessThan(found.metrics["fm"]!["microF1"]!);
  expect(high).toBeGreaterThan(found.metrics["fm"]!["microF1"]!);
  expect(Object.keys(found.compared.at(-1)!.intervals)).toEqual(["microF1", "macroF1"]);
  // predictions are worse if the probe is trained on fewer items
  const few = await evaluated([...args.slice(0, -1), "0.05", "--probe-repeats", "4"]);
  expect(few.metrics["fm"]!["microF1"]).toBeLessThan(found.metrics["fm"]!["microF1"]!);
  const { stdout } = await embedOk(["evaluate", ...args, "--probe-repeats", "4"]);
  expect(stdout).toMatch(/± of F1: half-width of the 95 % t interval over 4 random splits of the items/);
});

test("--probe-raw takes vectors as they are: a scale of them changes what it reads, and nothing without it", async () => {
  const vectors = (scale: number) => {
    const text = readFileSync(at("genres.txt"), "utf8").trimEnd().split("\n");
    const lines = text.slice(1).map((line) => {
      const [key, ...numbers] = line.split(" ");
      return [key, ...numbers.map((x) => Number(x) * scale)].join(" ");
    });
    return `${[text[0], ...lines].join("\n")}\n`;
  };
  writeFileSync(at("small.txt"), vectors(0.05));
  const roles = ["--field", "film", "--item", "film"];
  await embedOk(["import", at("small.txt"), "--format", "word2vec", ...roles, "-o", at("small")]);
  const args = [at("imported"), at("small"), "--labels", `${labels[1]}=item_id`, "--probe", "genres"];
  const [scaled, raw] = [await evaluated(args), await evaluated([...args, "--probe-raw"])];
  expect(scaled.metrics["small"]!["macroF1"]).toBeCloseTo(scaled.metrics["imported"]!["macroF1"]!, 6);
  expect(raw.metrics["small"]!["macroF1"]).toBeLessThan(raw.metrics["imported"]!["macroF1"]! - 0.05);
});

test("a table without events has no rarer half, and says so; items without a label are left out and counted", async () => {
  const text = readFileSync(fixture("items.csv"), "utf8").replace("Horror|Romance", "");
  writeFileSync(at("fewer.csv"), text);
  const { metrics, warnings, rows } = await evaluated(argv`${at("imported")}
      --labels ${at("fewer.csv")}:film=item_id --neighbors-by genres`);
  expect(rows).toBe(119);
  expect(Object.keys(metrics["imported"]!)).toEqual(["sameLabelAt10"]);
  expect(warnings.join()).toMatch(/no run has event counts of items: metrics for rarer items are omitted/);
  expect(warnings.join()).toMatch(/skipped 1 of 120 items without 'genres'/);
});

test.each([
  ["a file without the column", ["--labels", "ITEMS:item", "--probe", "genre"], 64, "did you mean 'genres'"],
  [
    "a file without the key",
    ["--labels", "ITEMS:user", "--probe", "genres"],
    64,
    "--labels names column 'user_id'",
  ],
  [
    "keys that match nothing",
    ["--labels", "ITEMS:item=title", "--probe", "year"],
    65,
    "none of the 120 keys",
  ],
  ["a table without the field", ["--labels", "ITEMS:genres", "--probe", "year"], 64, 'no field "genres"'],
  ["no file of labels", ["--neighbors-by", "genres"], 64, "needs --labels FILE:FIELD"],
  ["no column", ["--labels", "ITEMS:item"], 64, "--neighbors-by COLUMN"],
  [
    "a log too",
    ["--labels", "ITEMS:item", "--probe", "genres", "--part", "test"],
    64,
    "not for labels of items (--labels)",
  ],
  [
    "neighbors without a column",
    ["--labels", "ITEMS:item", "--probe", "genres", "--k", "3"],
    64,
    "--k needs --neighbors-by COLUMN here",
  ],
  [
    "no items that train",
    ["--labels", "ITEMS:item", "--probe", "genres", "--probe-train", "1"],
    64,
    "--probe-train",
  ],
  [
    "shuffles without a probe",
    ["--labels", "ITEMS:item", "--neighbors-by", "genres", "--probe-repeats", "3"],
    64,
    "--probe-repeats needs --probe",
  ],
  ["no colon", ["--labels", "items.csv", "--probe", "genres"], 64, "--labels expects FILE:KEY"],
  ["no such file", ["--labels", "none.csv:item", "--probe", "genres"], 66, "none.csv"],
])("%s is refused by name", async (_, args, code, message) => {
  // makes the titles unique, so that a title can be used as a key
  const lines = readFileSync(fixture("items.csv"), "utf8").trimEnd().split("\n");
  const items = lines.map((line, i) =>
    i === 0 ? line : line.replace(/^(\w+),(".*?"|[^,]*),/, `$1,title ${i},`),
  );
  writeFileSync(at("unlike.csv"), `${items.join("\n")}\n`);
  const got = await embed([
    "evaluate",
    at("pca"),
    ...args.map((arg) => arg.replace("ITEMS", at("unlike.csv"))),
  ]);
  expect([got.code, got.stderr]).toEqual([code, expect.stringContaining(message)]);
});

test("an imported table scores no rows: 64, with what it is there for; and no run at all is 64 with why one is needed", async () => {
  const got = await embed(["evaluate", at("imported"), "--on", fixture("ratings.csv")]);
  expect([got.code, got.stderr]).toEqual([
    64,
    expect.stringMatching(/a table \(import\), which cannot score rows.*--neighbors-by/),
  ]);
  const none = await embed(["evaluate", "--on", fixture("ratings.csv"), "--baseline", "popularity"]);
  expect([none.code, none.stderr]).toEqual([
    64,
    expect.stringContaining(
      "no run named: baselines need one too, because they read the log with its options and learn from its training data",
    ),
  ]);
});
