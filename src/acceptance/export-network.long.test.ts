// A whole network as ONNX: from the cells of a log, onnxruntime-web computes the same scores as `embed evaluate`.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bindEncoder } from "../dataset/rows.js";
import { openRun } from "../table/run-directory.js";
import { exp } from "../base/numeric/exp.js";
import { datasetOf } from "../testing/dataset-of.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { jsonLines, parseJson } from "../testing/json.js";
import { runOnnx, type Input } from "../testing/onnx.js";
import { fixture } from "../testing/places.js";
import { scorerOf } from "../testing/scorer.js";
import { readSpace } from "../training/capabilities/run-space.js";
import { readNetParameters } from "../trainers/net/model.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const small = "--dim 4 --epochs 2 --threads 1 --seed 3 --quiet".split(" ");

const [head, ...lines] = readFileSync(fixture("clicks.csv"), "utf8").trimEnd().split("\n");
const names = head!.split(",");
const [user, item, device, hour] = ["user_id", "item_id", "device", "hour"].map((name) =>
  names.indexOf(name),
);

/** Rows of clicks.csv with missing cells, and keys and an hour that were not in training. */
const cells = lines.slice(0, 600).map((line, r) => {
  const row = line.split(",");
  if (r % 3 === 1) row[[user, item, device, hour][r % 4]!] = "";
  if (r % 5 === 2) row[[user, item, device][r % 3]!] = "nobody";
  if (r % 7 === 3) row[hour!] = "97.25";
  return row;
});
const column = (c: number): string[] => cells.map((row) => row[c]!);
const numbers = (c: number): number[] => column(c).map((cell) => (cell === "" ? NaN : Number(cell)));

beforeAll(async () => {
  writeFileSync(at("train.csv"), `${[head, ...lines.slice(0, 3000)].join("\n")}\n`);
  await embedOk(argv`train-fm ${at("train.csv")} -o ${at("machine")} --valid 0.2 --dim 4 --quiet`);
  writeFileSync(at("log.csv"), `${[head, ...cells.map((row) => row.join(","))].join("\n")}\n`);
});

/** Returns the run's own predictions of the rows: probabilities. */
async function probabilities(run: string, hourIsNumber: boolean): Promise<number[]> {
  const model = await scorerOf(await openRun(at(run)));
  const columns = names.map(
    (name, c) => [name, c === hour && hourIsNumber ? numbers(c) : column(c)] as const,
  );
  const dataset = datasetOf(Object.fromEntries(columns));
  const all = Uint32Array.from(cells.keys());
  const rows = bindEncoder(model.space, dataset).encode(all, new Float32Array(all.length));
  return Array.from(await model.score(rows, { threads: 1 }), (s) => 1 / (1 + exp(-s)));
}

const train = (run: string, ...args: string[]): Promise<unknown> =>
  embedOk(["train-net", at("train.csv"), "-o", at(run), ...small, ...args]);

async function exported(run: string, name: string, ...args: string[]): Promise<string> {
  await embedOk(["export", at(run), "--format", "onnx", "-o", at(name), ...args]);
  return at(name);
}

const texts = (c: number): Input => ({ type: "string", values: column(c) });
const floats = (values: number[]): Input => ({ type: "float32", values });

const inputs = (hourIsNumber: boolean): Record<string, Input> => ({
  user_id: texts(user!),
  item_id: texts(item!),
  device: texts(device!),
  hour: hourIsNumber ? floats(numbers(hour!)) : texts(hour!),
});

const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));

const forms = {
  fnn: "--arch fnn --hidden 16,8 --min-count 20 --numeric hour",
  "fnn-relu": "--arch fnn --hidden 16 --activation relu",
  "wide-deep":
    "--arch wide-deep --hidden 16,8 --min-count 20 --wide-l1 0 --cross user_id*item_id --cross device*user_id --numeric hour:log1p",
  "wide-deep-ranges":
    "--arch wide-deep --hidden 16 --activation tanh --layer-norm --cross hour*device --cross-bits 9 --numeric hour:bins=6",
  // the only epoch makes the validation loss worse, so that the exported parameters are those of the initial
  // factorization machine
  "fnn-machine": "--arch fnn --hidden 8 --init machine --valid 0.2 --embedding-learning-rate 5 --epochs 1",
  "deep-crossing":
    "--arch deep-crossing --hidden 16,8 --min-count 20 --numeric hour --embedding-relu --layer-norm",
};

describe.each(Object.entries(forms))("%s", (run, args) => {
  const hourIsNumber = args.includes("--numeric");
  let expected: number[];
  beforeAll(async () => {
    await train(run, ...args.split(" ").map((arg) => (arg === "machine" ? at("machine") : arg)));
    expected = await probabilities(run, hourIsNumber);
  });

  test("scores rows as the run does, with unknown keys and missing cells, to 1e-5", async () => {
    const { score } = await runOnnx(await exported(run, `${run}.onnx`), inputs(hourIsNumber));
    expect(score!.dims).toEqual([cells.length]);
    expect(largestDifference(score!.values, expected)).toBeLessThan(1e-5);
    // the predictions of different rows differ
    expect(Math.max(...expected) - Math.min(...expected)).toBeGreaterThan(0.05);
    const { stdout } = await embedOk(["evaluate", at(run), "--on", at("log.csv"), "--json"]);
    const { metrics } = parseJson<{ metrics: Record<string, Record<string, number>> }>(stdout);
    const losses = score!.values.map((p, r) => -Math.log(cells[r]![0] === "1" ? p : 1 - p));
    const logLoss = losses.reduce((total, x) => total + x, 0) / losses.length;
    expect(Math.abs(logLoss - metrics["on"]!["logLoss"]!)).toBeLessThan(1e-5);
  });
});

test.each(["keras", "fuxictr", "pytorch"])(
  "rows in place of keys stand as %s reserves them",
  async (scheme) => {
    const { stdout } = await embedOk(["export", at("wide-deep"), "--format", "jsonl"]);
    const table = jsonLines<{ field: string; key: string }>(stdout);
    const rows = (c: number): Input => {
      const keys = table.filter(({ field }) => field === names[c]).map(({ key }) => key);
      const places = { keras: [0, 1, 2], fuxictr: [0, keys.length + 1, 1], pytorch: [1, 0, 2] };
      const [padding, unknown, first] = places[scheme as keyof typeof places];
      const rowOf = new Map(keys.map((key, i) => [key, first! + i] as const));
      const values = column(c).map((key) => (key === "" ? padding! : (rowOf.get(key) ?? unknown!)));
      return { type: "int64", values };
    };
    const byRow = ["--onnx-input", "row", "--reserve", scheme];
    const { score } = await runOnnx(await exported("wide-deep", `${scheme}.onnx`, ...byRow), {
      user_id: rows(user!),
      item_id: rows(item!),
      device: rows(device!),
      hour: floats(numbers(hour!)),
    });
    expect(largestDifference(score!.values, await probabilities("wide-deep", true))).toBeLessThan(1e-5);
  },
);

test("crosses take 4 bytes a weight and 12 a key in the file, however many pairs of keys there are", async () => {
  const run = await openRun(at("wide-deep"));
  const { space, table } = await readSpace(run);
  const { wide } = (await readNetParameters(run, space, table)).parameters;
  // more than 1,000 weights of crossed columns are not 0, so that the compared scores depend on them
  expect((wide as Float32Array).subarray(space.numFeatures).filter((x) => x !== 0).length).toBeGreaterThan(
    1000,
  );
  // the file contains the weights of two crossed columns, 2^18 numbers or 1 MiB each
  expect(statSync(at("wide-deep.onnx")).size).toBeGreaterThan(2 * 2 ** 20);
  expect(statSync(at("wide-deep.onnx")).size).toBeLessThan(2.2 * 2 ** 20);
  expect(statSync(at("wide-deep-ranges.onnx")).size).toBeLessThan(2 ** 17);
});

test("the same run gives the same bytes", async () => {
  const again = readFileSync(await exported("fnn", "again.onnx"));
  expect(again.equals(readFileSync(at("fnn.onnx")))).toBe(true);
});

test("a regression gives the value, within the range of the labels", async () => {
  const ratings = readFileSync(fixture("ratings.csv"), "utf8").trimEnd().split("\n");
  const ids = ratings[0]!.split(",");
  const label = ids.includes("rating") ? "rating" : ids.at(-1)!;
  await embedOk([
    ...["train-net", fixture("ratings.csv"), "-o", at("value"), "--arch", "deep-crossing", "--hidden", "8"],
    ...["--task", "regression", "--label", label, ...small],
  ]);
  const part = ratings.slice(1, 401).map((line) => line.split(","));
  const model = await scorerOf(await openRun(at("value")));
  const fields = model.space.fields.map(({ name }) => name);
  const of = (name: string): string[] => part.map((row) => row[ids.indexOf(name)]!);
  const dataset = datasetOf(Object.fromEntries(fields.map((name) => [name, of(name)])));
  const rows = bindEncoder(model.space, dataset).encode(
    Uint32Array.from(part.keys()),
    new Float32Array(part.length),
  );
  const labels = of(label).map(Number);
  const expected = Array.from(await model.score(rows, { threads: 1 }), (s) =>
    Math.min(Math.max(s, Math.min(...labels)), Math.max(...labels)),
  );
  const { score } = await runOnnx(
    await exported("value", "value.onnx"),
    Object.fromEntries(fields.map((name) => [name, { type: "string", values: of(name) }])),
  );
  expect(largestDifference(score!.values, expected)).toBeLessThan(1e-5);
});

test("the table alone is reached by --field and --onnx-part table, unknown keys finding their trained row", async () => {
  for (const args of [
    ["--field", "item"],
    ["--onnx-part", "table"],
  ]) {
    const out = at(`table-${args.length}-${args[1]}.onnx`);
    const { stderr } = await embedOk(["export", at("deep-crossing"), "--format", "onnx", "-o", out, ...args]);
    expect(stderr).toBe("");
    const keys: Input = { type: "string", values: ["nobody", ""] };
    const others: Record<string, Input> = args[0] === "--field" ? {} : { user_id: keys, device: keys };
    const { item_id_vector: found } = await runOnnx(out, { item_id: keys, ...others });
    expect(found!.values.slice(0, 4).every((x) => x !== 0)).toBe(true);
    expect(found!.values.slice(4)).toEqual([0, 0, 0, 0]);
  }
});

test("what the graph cannot hold is refused with 64 and a way out", async () => {
  const failure = async (...args: string[]): Promise<[number | null, string]> => {
    const { code, stderr } = await embed(["export", ...args, "--format", "onnx", "-o", at("no.onnx")]);
    return [code, stderr];
  };
  writeFileSync(at("multi.csv"), `click,tags,score\n${"1,a|b,x\n0,b,y\n0,a,x\n1,b,y\n".repeat(5)}`);
  const tiny = ["--label", "click", "--arch", "fnn", "--hidden", "4", ...small];
  await embedOk(["train-net", at("multi.csv"), "-o", at("multi"), "--multi", "tags:|", ...tiny]);
  await embedOk(["train-net", at("multi.csv"), "-o", at("score"), "--ignore", "tags", ...tiny]);
  expect(await failure(at("multi"))).toEqual([
    64,
    expect.stringContaining("is multi-valued, but the exported model has one input per field"),
  ]);
  expect(await failure(at("score"))).toEqual([64, expect.stringContaining("rename the column")]);
  await embedOk(["train-net", at("train.csv"), "-o", at("hash"), "--hash", "user_id:6", ...tiny]);
  expect(await failure(at("hash"))).toEqual([64, expect.stringContaining("--onnx-input row")]);
  expect(await failure(at("fnn"), "--with-weight")).toEqual([
    64,
    expect.stringContaining("--onnx-part table"),
  ]);
  await embedOk(["train-fm", at("train.csv"), "-o", at("fm"), "--epochs", "1", "--threads", "1"]);
  expect(await failure(at("fm"), "--onnx-part", "network")).toEqual([
    64,
    expect.stringMatching(/cannot be exported as a network .*: use a run of train-net$/m),
  ]);
});
