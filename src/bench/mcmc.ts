// `npm run bench -- mcmc`: ALS and MCMC as users run them, from log to run directory.
//
// Clicks (1,000,000 rows, 16 fields; test and validation of 100,000): log loss and seconds of AdaGrad and ALS with their
// defaults, and of `--method mcmc --dim 8 --epochs 100 --draws 80`. Ratings (MovieTweetings with genres, by time 80/10/10): RMSE of
// each with its defaults beside user and film biases, and by bootstrap over the test rows, in pairs, whether they differ.
//
// | peer, same data                | clicks                | ratings                                |
// | ------------------------------ | --------------------- | -------------------------------------- |
// | libFM 1.4.4, MCMC, dim 8       | 0.508 to 0.510, 2 min | 1.680 (1.676, with -meta 1.692, here) |
// | libFM 1.4.4, SGD               |                       | 1.669                                  |
//
// With the path of a libFM program in LIBFM, its MCMC runs on the clicks in the same run.

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { splitParts } from "../api/parts.js";
import { readDataset } from "../api/read-dataset.js";
import { trainFm } from "../api/train-fm.js";
import type { TrainFmOptions } from "../api/train-fm-options.js";
import { labelsOf } from "../dataset/labels.js";
import { bindEncoder } from "../dataset/rows.js";
import { openRun } from "../embedding/run-directory.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { defaultReadOptions } from "../log/log.js";
import { projectFolder } from "../testing/places.js";
import type { FmOptions } from "../trainers/fm/options.js";
import { readModel } from "../trainers/learners.js";
import { canGenerate, ctrLog, run } from "./ctr-logs.js";
import { biasesOf, partsOf } from "./movietweetings.js";

const RESAMPLES = 2000;
const watch = { observe: () => undefined, signal: new AbortController().signal };

/** Prints both. */
export async function bench(): Promise<void> {
  if (!canGenerate("mcmc")) return;
  const out = mkdtempSync(join(tmpdir(), "embed-mcmc-"));
  try {
    await clicks(out);
    await ratings(out);
  } finally {
    rmSync(out, { recursive: true });
  }
}

function optionsOf(out: string, fm: Partial<FmOptions>): TrainFmOptions {
  return {
    reading: defaultReadOptions,
    sides: [],
    multi: {},
    numeric: [],
    ignore: [],
    drop: [],
    onBadRow: "error",
    infer: true,
    unlabelled: false,
    out,
    force: true,
    minCount: 1,
    negatives: 0,
    noise: "uniform",
    valid: 0.1,
    test: 0.1,
    split: "time",
    fm,
  };
}

async function clicks(out: string): Promise<void> {
  const [train, test, valid] = await Promise.all([
    ctrLog(1, 1_000_000),
    ctrLog(2, 100_000),
    ctrLog(3, 100_000),
  ]);
  const parts = { valid: `${valid}.csv`, test: `${test}.csv` };
  const mcmc = { method: "mcmc", dim: 8, epochs: 100, draws: 80 } as const;
  for (const fm of [{}, { method: "als" }, mcmc] satisfies Partial<FmOptions>[]) {
    const { metrics, seconds } = await trainFm(
      [`${train}.csv`],
      { ...optionsOf(join(out, "clicks"), fm), ...parts },
      watch,
    );
    const table = metrics["testByTable"]
      ? `, by the table ${metrics["testByTable"]["logLoss"]!.toFixed(4)}`
      : "";
    console.log(
      `clicks, ${JSON.stringify(fm)}: test log loss ${metrics["test"]!["logLoss"]!.toFixed(4)}${table}, ` +
        `${seconds.toFixed(1)} s in all`,
    );
  }
  const libfm = process.env["LIBFM"];
  if (!libfm) return;
  const predictions = join(out, "libfm.txt");
  const files = ["-train", `${train}.libsvm`, "-test", `${test}.libsvm`, "-out", predictions];
  const start = performance.now();
  await run(
    libfm,
    ["-task", "c", ...files, "-method", "mcmc", "-dim", "1,1,8", "-iter", "40", "-seed", "1"],
    {
      maxBuffer: 1 << 26,
    },
  );
  const seconds = (performance.now() - start) / 1000;
  const labels = readFileSync(`${test}.libsvm`, "latin1")
    .trimEnd()
    .split("\n")
    .map((line) => line[0] === "1");
  const losses = readFileSync(predictions, "latin1")
    .trimEnd()
    .split("\n")
    .map((text, r) => -Math.log(labels[r] ? Number(text) : 1 - Number(text)));
  const loss = losses.reduce((sum, each) => sum + each, 0) / losses.length;
  console.log(
    `clicks, libFM, MCMC, dim 8, 40 sweeps: test log loss ${loss.toFixed(4)}, ${seconds.toFixed(1)} s`,
  );
}

async function ratings(out: string): Promise<void> {
  const folder = join(projectFolder, "..", "shared", "data", "movietweetings");
  const log = join(folder, "ratings.csv");
  if (!existsSync(log)) return console.log(`ratings: skipped, there is no ${log}`);
  const [train, test] = partsOf(log);
  const mean = train.reduce((sum, { y }) => sum + y, 0) / train.length;
  const predictions = new Map([["user and film bias", test.map(biasesOf(train, mean))]]);
  const columns = { sides: [`${join(folder, "movies.csv")}:movie_id`], multi: { genres: "|" } };
  for (const method of ["adagrad", "als", "mcmc"] as const) {
    const options = { ...optionsOf(join(out, "ratings"), { method }), ...columns };
    await trainFm([log], options, watch);
    const model = await readModel(await openRun(options.out));
    const { dataset } = await readDataset([log], options, watch);
    const part = (await splitParts(dataset, options, 1, watch)).parts.test!;
    const { values } = labelsOf(part.dataset);
    const rows = bindEncoder(model.space, part.dataset).encode(
      part.rows,
      Float32Array.from(part.rows, (row) => values[row]!),
    );
    if (test.some(({ y }, r) => y !== rows.labels[r])) throw new Error("the test rows are in another order");
    predictions.set(method, Array.from(await model.score(rows, { threads: 2 })));
  }

  // squared errors of predictions clipped to the scale, as everyone reports them
  const errors = [...predictions].map(([name, scores]) => ({
    name,
    squares: scores.map((s, r) => (Math.min(10, Math.max(0, s)) - test[r]!.y) ** 2),
  }));
  for (const { name, squares } of errors)
    console.log(`ratings, ${name}: test RMSE ${rmse(squares).toFixed(4)}`);
  for (const [i, one] of errors.entries()) {
    for (const other of errors.slice(i + 1)) {
      const [low, high] = interval(one.squares, other.squares);
      const zero = low < 0 && high > 0 ? ", which holds zero" : "";
      console.log(
        `ratings, RMSE of ${one.name} less ${other.name}: 95 % in [${low.toFixed(4)}, ${high.toFixed(4)}]${zero}`,
      );
    }
  }
}

function rmse(squares: readonly number[]): number {
  return Math.sqrt(squares.reduce((sum, each) => sum + each, 0) / squares.length);
}

/** The middle 95 % of the difference of two RMSEs over resampled test rows, the same for both. */
function interval(one: readonly number[], other: readonly number[]): [low: number, high: number] {
  const random = mulberry32(7);
  const differences = Array.from({ length: RESAMPLES }, () => {
    let [a, b] = [0, 0];
    for (let i = 0; i < one.length; i++) {
      const r = integerBelow(one.length, random);
      a += one[r]!;
      b += other[r]!;
    }
    return Math.sqrt(a / one.length) - Math.sqrt(b / one.length);
  }).sort((x, y) => x - y);
  return [differences[Math.floor(0.025 * RESAMPLES)]!, differences[Math.floor(0.975 * RESAMPLES)]!];
}
