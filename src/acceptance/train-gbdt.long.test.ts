// `embed train-gbdt`, `transform` and `evaluate` of its runs, through the shell.

import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseJson, readJson } from "../testing/json.js";
import { embed, embedOk, shell, temporaryFolder } from "../testing/embed.js";
import { fixture } from "../testing/places.js";
import type { TrainedSummary } from "./main-job.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const clicks = fixture("clicks.csv");
const job = (out: string, ...more: string[]) => [
  ...["train-gbdt", clicks, "-o", out, "--valid", "0.1", "--test", "0.1", "--quiet"],
  ...more,
];
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

let trained: TrainedSummary;
beforeAll(async () => {
  trained = parseJson<TrainedSummary>((await embedOk([...job(at("run")), "--json"])).stdout);
});

test("beats the base rate on held-out clicks, and says what scripts read", () => {
  expect(trained.metrics["test"]!["normalizedEntropy"]!).toBeLessThan(0.9);
  expect(Object.keys(trained.metrics)).toEqual(["train", "valid", "test"]);
  const manifest = readJson<{ model: string; command: string }>(at("run/manifest.json"));
  expect([manifest.model, manifest.command]).toEqual(["gbdt", "train-gbdt"]);
});

test("writes the same bytes at 1, 2 and 3 threads", async () => {
  const files = ["model/lightgbm.txt", "model/leaves.jsonl", "embeddings.leaves.arrow"];
  const bytes = [];
  for (const threads of ["2", "3"]) await embedOk(job(at(`run${threads}`), "--threads", threads));
  // `run` was trained by one thread, as embed.ts runs commands
  for (const run of ["run", "run2", "run3"])
    bytes.push(files.map((file) => readFileSync(at(`${run}/${file}`)).toString("base64")));
  expect(bytes[1]).toEqual(bytes[0]);
  expect(bytes[2]).toEqual(bytes[0]);
});

test("evaluate gives on the log's last tenth what training gave, within 1e-9", async () => {
  const [header, ...lines] = readFileSync(clicks, "utf8").trimEnd().split("\n");
  const log = write("last.csv", `${[header, ...lines.slice(Math.floor(lines.length * 0.9))].join("\n")}\n`);
  const got = parseJson<TrainedSummary>(
    (await embedOk(["evaluate", at("run"), "--on", log, "--json"])).stdout,
  );
  const names = ["auc", "logLoss", "normalizedEntropy", "calibration"];
  const apart = names.map((name) => Math.abs(got.metrics["on"]![name]! - trained.metrics["test"]![name]!));
  expect(Math.max(...apart)).toBeLessThan(1e-9);
});

test("transform tells each row's leaves in every format, the same in all", async () => {
  const { stdout: csv } = await embedOk(["transform", at("run"), clicks]);
  const [header, ...lines] = csv.trimEnd().split("\n");
  expect(header).toMatch(/^row,t000,t001,/);
  expect(lines).toHaveLength(12_000);
  const leaves = lines.map((line) => line.split(",").slice(1).map(Number));
  const table = (await embedOk(["export", at("run"), "--format", "csv"])).stdout
    .trimEnd()
    .split("\n")
    .slice(1);

  // the leaves are numbered in the order of the table, tree by tree
  const starts = leaves[0]!.map((_, t) =>
    table.findIndex((row) => row.includes(`t${String(t).padStart(3, "0")}:`)),
  );
  const { stdout: libsvm } = await embedOk(["transform", at("run"), clicks, "--format", "libsvm"]);
  const [label, ...ones] = libsvm.split("\n")[0]!.split(" ");
  expect(label).toMatch(/^[01]$/);
  expect(ones).toEqual(leaves[0]!.map((leaf, t) => `${starts[t]! + leaf + 1}:1`));

  const { stdout: jsonl } = await embedOk(argv`transform ${at("run")} ${clicks} --format jsonl
      --key item_id`);
  const parsed = parseJson<{ item_id: string; leaves: number[] }>(jsonl.split("\n")[3]!);
  expect(parsed.leaves).toEqual(leaves[3]);
  expect(parsed.item_id).toBe(readFileSync(clicks, "utf8").split("\n")[4]!.split(",")[2]);

  await embedOk(["transform", at("run"), clicks, "--format", "npy", "-o", at("leaves")]);
  const npy = readFileSync(at("leaves/leaves.npy"));
  const head = 10 + npy.readUInt16LE(8);
  expect(npy.subarray(10, head).toString()).toContain(`'shape': (12000, ${leaves[0]!.length})`);
  expect(leaves[0]!.map((_, t) => npy.readUInt32LE(head + 4 * t))).toEqual(leaves[0]);
  // a row's score is the sum of its leaves' values
  const values = table.map((row) => Number(row.split(",")[3]));
  const scores = await embedOk(["predict", at("run"), clicks, "--raw-scores", "--quiet"]);
  const sum = leaves[0]!.reduce((total, leaf, t) => total + values[starts[t]! + leaf]!, 0);
  expect(Number(scores.stdout.split("\n")[1]!.split(",")[1])).toBeCloseTo(sum, 5);
});

test("the ways to the leaves are told in words that hold of the rows in them", async () => {
  const lines = readFileSync(at("run/model/leaves.jsonl"), "utf8").split("\n");
  const first = parseJson<{ leaf: string; path: string }>(lines[0]!);
  expect(first.leaf).toBe("t000:l00");
  expect(first.path).toMatch(/^\(?[a-z_]+ (<=|>|in|not in) /);
  const features = await embedOk(["transform", at("run"), clicks, "--features"]);
  expect(features.stdout).toMatch(/^row,user_id,item_id,device,hour\n1,/);
});

test("numbers that are missing, and categories never seen, have leaves and are counted", async () => {
  const text = readFileSync(clicks, "utf8").split("\n").slice(0, 3);
  const [header, row] = text as [string, string];
  const cells = row.split(",");
  const log = write("new.csv", `${header}\n${cells.with(1, "nobody").with(4, "").join(",")}\n`);
  const got = await embedOk(["transform", at("run"), log]);
  expect(got.stdout.trimEnd().split("\n")).toHaveLength(2);
  expect(got.stderr).toContain("1 of 1 cells of 'user_id' hold keys not seen in training");
});

describe("a log that is hard to learn from", () => {
  const train = (log: string, ...more: string[]) =>
    embed(["train-gbdt", log, "-o", `${log}.run`, "--label", "y", "--num-trees", "3", ...more]);
  const rows = (row: (i: number) => string) =>
    `y,x,z\n${Array.from({ length: 100 }, (_, i) => row(i)).join("\n")}\n`;

  test("one class is 65 with file and column", async () => {
    const got = await train(
      write(
        "one.csv",
        rows((i) => `1,${i},${i % 7}`),
      ),
    );
    expect(got.code).toBe(65);
    expect(got.stderr).toContain("one.csv: column 'y': the label is 1 in all 100 training rows");
  });

  test("infinity is 65 with line and column", async () => {
    const log = write(
      "inf.csv",
      rows((i) => `${i % 2},${i === 50 ? "Infinity" : `${i}.5`},1`),
    );
    const got = await train(log, "--numeric", "x");
    expect(got.code).toBe(65);
    expect(got.stderr).toContain("inf.csv:52: column 'x'");
  });

  test("a column of one value or of none is warned of and harmless", async () => {
    const got = await train(
      write(
        "flat.csv",
        rows((i) => `${i % 2},3.5,${i % 2}`),
      ),
      "--numeric",
      "x,z",
    );
    expect(got).toMatchObject({ code: 0 });
    expect(got.stderr).toContain("column 'x' has at most one distinct value in the training split");
    const none = await train(
      write(
        "none.csv",
        rows((i) => `${i % 2},,${i % 2}`),
      ),
      "--numeric",
      "x,z",
    );
    expect(none).toMatchObject({ code: 0 });
    expect(none.stderr).toContain("column 'x' has at most one distinct value in the training split");
  });

  test("an id is warned of", async () => {
    const got = await train(
      write(
        "id.csv",
        rows((i) => `${i % 2},id-${i},${i % 3}`),
      ),
    );
    expect(got).toMatchObject({ code: 0 });
    expect(got.stderr).toContain("column 'x' has a different category in nearly every row");
  });

  test("fewer rows than two leaves need give one constant leaf", async () => {
    const log = write("few.csv", "y,x\n1,2\n0,3\n0,4\n");
    expect(await train(log)).toMatchObject({ code: 0 });
    const got = await embedOk(["transform", `${log}.run`, log]);
    expect(got.stdout).toBe("row,t000\n1,0\n2,0\n3,0\n");
  });

  test("categories with commas, quotes and line ends keep their names", async () => {
    const log = write(
      "odd.csv",
      rows((i) => `${i % 2},"a ""b"", c\n${i % 2}",${i}`),
    );
    expect(await train(log, "--max-cat-to-onehot", "9", "--ignore", "z")).toMatchObject({ code: 0 });
    const leaves = readFileSync(`${log}.run/model/leaves.jsonl`, "utf8");
    expect(parseJson<{ path: string }>(leaves.split("\n")[0]!).path).toContain(String.raw`"a \"b\", c\n`);
    const got = await embedOk(["transform", `${log}.run`, log, "--key", "x"]);
    expect(got.stdout.split("\n")[1]).toBe('"a ""b"", c');
  });

  test("a damaged model is 82 with its path", async () => {
    cpSync(at("run"), at("damaged"), { recursive: true });
    const file = at("damaged/model/lightgbm.txt");
    writeFileSync(file, readFileSync(file, "utf8").replace("leaf_value=-", "leaf_value="));
    const got = await embed(["evaluate", at("damaged"), "--on", clicks]);
    expect(got.code).toBe(82);
    expect(got.stderr).toContain("lightgbm.txt");
  });
});

test("leaves of a run without trees, and npy without a directory, are 64", async () => {
  await embedOk(["train-fm", clicks, "-o", at("fm"), "--epochs", "1", "--quiet"]);
  const fm = await embed(["transform", at("fm"), clicks, "--features"]);
  expect([fm.code, fm.stderr]).toEqual([64, expect.stringContaining("--features")]);
  const npy = await embed(["transform", at("run"), clicks, "--format", "npy"]);
  expect([npy.code, npy.stderr]).toEqual([64, expect.stringContaining("-o DIR")]);
});

test("a reader that has seen enough ends transform quietly", async () => {
  const got = await shell(`embed transform "$RUN" "$LOG" | head -1`, {
    env: { RUN: at("run"), LOG: clicks },
  });
  expect([got.code, got.stdout.slice(0, 8), got.stderr]).toEqual([
    0,
    "row,t000",
    expect.not.stringContaining("Error"),
  ]);
});

test("a row of weight 3 counts as three rows do", async () => {
  const [header, ...lines] = readFileSync(clicks, "utf8").trimEnd().split("\n").slice(0, 3001);
  const weighed = lines.map((line, i) => `${line},${i % 4 === 0 ? 3 : 1}`);
  const repeated = lines.flatMap((line, i) => (i % 4 === 0 ? [line, line, line] : [line]));
  const one = write("weighed.csv", `${[`${header},w`, ...weighed].join("\n")}\n`);
  const three = write("repeated.csv", `${[header, ...repeated].join("\n")}\n`);
  const shape = argv`--num-trees 5 --fields device --numeric hour --min-data-in-leaf 1 --cat-smooth 0`;
  const lossOf = async (log: string, ...more: string[]) => {
    const job = ["train-gbdt", log, "-o", `${log}.run`, ...shape, ...more, "--json", "--quiet"];
    return parseJson<TrainedSummary>((await embedOk(job)).stdout).metrics["train"]!["logLoss"]!;
  };
  // a minimum sum of hessians in a leaf counts weighted rows
  const least = ["--min-sum-hessian-in-leaf", "5"];
  expect(await lossOf(one, "--weight", "w", ...least)).toBeCloseTo(await lossOf(three, ...least), 2);
});
