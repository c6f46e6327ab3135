// `embed train-gbdt --task multiclass`: classes by name, with one tree per class in every iteration.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonLines, parseJson, readJson } from "../testing/json.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { mulberry32 } from "../testing/random.js";
import type { TrainedSummary } from "./main-job.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

/** A quarter of the labels is random; the others are determined by x and the color. */
function plantedLog(seed: number, numRows: number, more: string[] = []): string {
  const random = mulberry32(seed);
  const names = ["oak, white", "fir", "elm"];
  const rows = Array.from({ length: numRows }, () => {
    const x = random() * 3;
    const color = random() < 0.5 ? "red" : "blue";
    const own = (Math.floor(x) + (color === "red" ? 1 : 0)) % 3;
    const drawn = random() < 0.25 ? Math.floor(random() * 3) : own;
    return `"${names[drawn]}",${x.toFixed(4)},${color}`;
  });
  return `${["tree,x,color", ...rows, ...more].join("\n")}\n`;
}
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

let log: string;
let summary: TrainedSummary;
const job = (out: string, ...more: string[]) => [
  ...["train-gbdt", log, "-o", at(out), "--label", "tree", "--task", "multiclass", "--num-trees", "12"],
  ...["--test", write("test.csv", plantedLog(2, 2000)), "--quiet", "--json", ...more],
];
beforeAll(async () => {
  log = write("train.csv", plantedLog(1, 3000));
  summary = parseJson<TrainedSummary>((await embedOk(job("run"))).stdout);
});

test("planted classes are found: their error is near the sixth that was drawn otherwise", () => {
  expect(Object.keys(summary.metrics["test"]!)).toEqual(["multiLogLoss", "multiError"]);
  expect(summary.metrics["test"]!["multiError"]!).toBeLessThan(1 / 6 + 0.03);
  // a model that knows the planted odds has a loss of 5/6 log(6/5) + 1/6 log(12) nats
  const best = (5 / 6) * Math.log(6 / 5) + (1 / 6) * Math.log(12);
  expect(summary.metrics["test"]!["multiLogLoss"]!).toBeLessThan(1.25 * best);
});

test("classes are named in the order of their counts, and trees go by class within an iteration", async () => {
  const { classes } = readJson<{ classes: string[] }>(at("run/model/preprocess.json"));
  expect(classes.toSorted()).toEqual(["elm", "fir", "oak, white"]);
  const text = readFileSync(at("run/model/lightgbm.txt"), "utf8");
  expect(text).toContain("num_class=3\nnum_tree_per_iteration=3\n");
  expect(text.match(/^Tree=/gm)).toHaveLength(36);

  const { stdout } = await embedOk(["predict", at("run"), at("test.csv"), "--raw-scores"]);
  const [header, ...lines] = stdout.trimEnd().split("\n");
  expect(header).toBe(
    `row,${classes.map((name) => (name.includes(",") ? `"score:${name}"` : `score:${name}`)).join(",")}`,
  );
  const labels = readFileSync(at("test.csv"), "utf8").split("\n").slice(1, 2001);
  const wrong = lines.filter((line, i) => {
    const scores = line.split(",").slice(-3).map(Number);
    const guess = classes[scores.indexOf(Math.max(...scores))]!;
    return !labels[i]!.startsWith(`"${guess}"`);
  });
  expect(wrong.length / lines.length).toBeCloseTo(summary.metrics["test"]!["multiError"]!, 9);

  // each class's score is the sum of the values of its trees' leaves
  const values = new Map(
    jsonLines<{ leaf: string; value: number }>(readFileSync(at("run/model/leaves.jsonl"), "utf8")).map(
      ({ leaf, value }) => [leaf, value],
    ),
  );
  const encoded = await embedOk(["transform", at("run"), at("test.csv")]);
  const cells = encoded.stdout.split("\n")[1]!.split(",").slice(1).map(Number);
  const scores = lines[0]!.split(",").slice(1).map(Number);
  const sums = [0, 0, 0];
  for (let t = 0; t < 36; t++) {
    const key = `t${String(t).padStart(3, "0")}:l${String(cells[t]).padStart(2, "0")}`;
    sums[t % 3]! += values.get(key)!;
  }
  expect(Math.max(...sums.map((sum, k) => Math.abs(sum - scores[k]!)))).toBeLessThan(1e-12);
});

test("evaluate gives on the test log what training gave, and the same bytes at 1, 2 and 3 threads", async () => {
  const on = parseJson<TrainedSummary>(
    (await embedOk(["evaluate", at("run"), "--on", at("test.csv"), "--json"])).stdout,
  );
  expect(on.metrics["on"]).toEqual(summary.metrics["test"]);
  const texts = [];
  for (const threads of ["1", "2", "3"]) {
    await embedOk(job(`run${threads}`, "--threads", threads));
    texts.push(readFileSync(at(`run${threads}/model/lightgbm.txt`), "utf8"));
  }
  expect(texts[1] === texts[0] && texts[2] === texts[0]).toBe(true);
});

test("rows of a class that training has not seen are left out of the metrics and counted", async () => {
  const more = write("more.csv", plantedLog(2, 2000, ["yew,1.5,red", "yew,0.5,blue"]));
  const got = await embedOk(["evaluate", at("run"), "--on", more, "--json"]);
  expect(got.stderr).toContain("skipped 2 rows with classes not seen in training");
  expect(parseJson<TrainedSummary>(got.stdout).metrics["on"]).toEqual(summary.metrics["test"]);
});

test("one class is 65, a row without one 65 with its line, and a head for several classes is 64", async () => {
  const train = (file: string, ...more: string[]) =>
    embed(["train-gbdt", file, "-o", at("no"), "--label", "tree", "--task", "multiclass", ...more]);
  const one = await train(write("one.csv", "tree,x\nfir,1\nfir,2\nfir,3\n"));
  expect([one.code, one.stderr]).toEqual([
    65,
    expect.stringContaining("the label is 'fir' in all 3 training rows"),
  ]);
  const empty = await train(write("empty.csv", "tree,x\nfir,1\n,2\nelm,3\n"));
  expect([empty.code, empty.stderr]).toEqual([65, expect.stringContaining("empty.csv:3: column 'tree'")]);
  const head = await train(log, "--head", "lr");
  expect([head.code, head.stderr]).toEqual([
    64,
    expect.stringContaining("--head lr needs labels of 0 and 1"),
  ]);
});
