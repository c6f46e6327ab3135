// `embed export --dtype` reports the metrics of held-out rows for vectors with fewer bits. They equal the metrics of a
// run whose table has the converted vectors, with items composed as in the export.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { compositionOf } from "../use/compose.js";
import { composed } from "../use/composed-items.js";
import { numberType, tableAsRead } from "../use/export/dtype-loss.js";
import { openRun, writeRun } from "../table/run-directory.js";
import { rowsOf, type EmbeddingTable } from "../table/table.js";
import { readFmParameters } from "../trainers/shared/factor-model/artifact.js";
import { fmComposer } from "../trainers/shared/factor-model/compose.js";
import { embed, embedOk, temporaryFolder } from "../testing/embed.js";
import { parseNpy } from "../testing/exported.js";
import { parseJson } from "../testing/json.js";
import { fixture } from "../testing/places.js";
import type { TrainedSummary } from "./main-job.js";
import { argv } from "../testing/argv.js";

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

interface Loss {
  metric: string;
  on: string;
  exact: number;
  encoded: number;
  change: number;
  interval: { low: number; high: number };
}

beforeAll(async () => {
  const held = ["--epochs", "3", "--dim", "8", "--test", "0.2"];
  await embedOk(["train-fm", fixture("clicks.csv"), "-o", at("clicks"), ...held]);
  const roles = ["--user", "customer_id", "--item", "product_id"];
  await embedOk(["train-ranking", fixture("purchases.csv"), "-o", at("ranked"), ...roles, ...held]);
  const rated = ["--label", "rating", "--side", `${fixture("items.csv")}:item_id`, "--multi", "genres:|"];
  await embedOk(argv`train-fm ${fixture("ratings.csv")} -o ${at("rated")} ${rated} --ignore title ${held}`);
});

async function lossOf(run: string, ...args: string[]): Promise<Loss> {
  const out = ["--format", "npy", "--dtype", "i8", "-o", at(`${run}-i8`), "--force", "--json"];
  const { stdout } = await embedOk(["export", at(run), ...out, ...args]);
  return parseJson<{ dtypeLoss: Loss }>(stdout).dtypeLoss;
}

/** Reads an i8 export with numpy's rules, and multiplies each row by its scale. */
function readBack(run: string, numRows: number, dim: number): Float32Array {
  const bytes = readFileSync(join(at(`${run}-i8`), "vectors.npy"));
  const start = 10 + bytes.readUInt16LE(8);
  const { values: scales } = parseNpy(readFileSync(join(at(`${run}-i8`), "scales.npy")));
  return Float32Array.from(
    { length: numRows * dim },
    (_, i) => bytes.readInt8(start + i) * scales[Math.floor(i / dim)]!,
  );
}

/** Creates a copy of a run in which other vectors replace the original ones. */
async function runOf(run: string, vectorsOf: (table: EmbeddingTable) => Float32Array): Promise<string> {
  const opened = await openRun(at(run));
  const { manifest } = opened;
  const table = await opened.readTable();
  const { files, schemaVersion: _, ...rest } = manifest;
  const names = Object.keys(files).flatMap((name) => /^model\/(.*)/.exec(name)?.[1] ?? []);
  const modelFiles = Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await opened.readModelFile(name)] as const)),
  );
  const tables = { default: { ...table, vectors: vectorsOf(table) } };
  await writeRun(at(`${run}-copy`), true, { tables, manifest: rest, modelFiles, metricsLines: [] });
  return at(`${run}-copy`);
}

test.each([
  ["clicks", "auc"],
  ["ranked", "recallAt20"],
] as const)("of %s: %s of the table as read back, beside the exact one", async (run, metric) => {
  const loss = await lossOf(run, "--part", "test", "--compose", "none");
  expect(loss).toMatchObject({ metric, on: "test" });
  const copy = await runOf(run, ({ numRows, dim }) => readBack(run, numRows, dim));
  const evaluated = async (path: string): Promise<number> => {
    const repeats = metric === "auc" ? [] : ["--repeats", "mask"];
    const { stdout } = await embedOk(["evaluate", path, "--part", "test", ...repeats, "--json"]);
    return parseJson<TrainedSummary>(stdout).metrics["on"]![metric]!;
  };
  expect([loss.exact, loss.encoded]).toEqual([await evaluated(at(run)), await evaluated(copy)]);
  expect(loss.change).toBe(loss.encoded - loss.exact);
  expect(loss.interval.low).toBeLessThanOrEqual(loss.change);
  expect(loss.interval.high).toBeGreaterThanOrEqual(loss.change);
});

test("the RMSE of composed items is judged by what is written of them, their weights as they are, to 1e-5", async () => {
  const loss = await lossOf("rated", "--part", "test", "--field", "item");
  expect(loss.metric).toBe("rmse");
  expect(loss.encoded).not.toBe(loss.exact);
  const run = await openRun(at("rated"));
  const table = await run.readTable();
  const composition = (await compositionOf(run, table.fields, undefined))!;
  const exact = (await composed(table, composition)).table;
  const read = await tableAsRead(run, {
    fields: [composition.item],
    compose: undefined,
    ...numberType("i8"),
  });
  const parameters = await readFmParameters(run, composition.sums.space, read);
  const sums = { ...composition.sums, composer: fmComposer(parameters) };
  const { table: again } = await composed(read, { ...composition, sums });
  const { first, last } = rowsOf(table, composition.item);
  const { dim } = table;
  const written = readBack("rated", last - first, dim);
  const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
    Math.max(...Array.from(a, (x, i) => Math.abs(x - b[i]!)));
  expect(largest(again.vectors.subarray(first * dim, last * dim), written)).toBeLessThan(1e-5);
  expect(largest(again.weights!, exact.weights!)).toBeLessThan(1e-5);
  expect(largest(written, exact.vectors.subarray(first * dim, last * dim))).toBeGreaterThan(1e-4);
});

test.each([
  [["--part", "test"], "--dtype"],
  [["--part", "test", "--dtype", "i8", "--normalize", "l2"], "--normalize"],
  [["--part", "test", "--dtype", "i8", "--mips"], "--mips"],
  [["--part", "valid", "--dtype", "i8"], "has no valid split: train it with --valid"],
  [["--part", "test", "--on", "x.csv", "--dtype", "i8"], "--on cannot be combined with --part"],
])("%j is refused with 64, and nothing is written", async (args, said) => {
  const got = await embed(["export", at("clicks"), "--format", "npy", "-o", at("no"), ...args]);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining(said)]);
  expect((await embed(["export", at("no"), "--format", "npy"])).code).not.toBe(0);
});

test("draws of MCMC, whose table is their mean, are refused, and say why", async () => {
  const log = [fixture("clicks.csv"), "-o", at("draws"), "--method", "mcmc", "--dim", "2", "--epochs", "2"];
  await embedOk(["train-fm", ...log, "--test", "0.2"]);
  const got = await embed(argv`export ${at("draws")} --format npz --dtype i8 --part test -o ${at("no")}`);
  expect([got.code, got.stderr]).toEqual([64, expect.stringContaining("do not come from the vectors")]);
});
