// Compares the factorization machine with a program in C on one thread (../shared/bench/fm-native.c), on the same rows,
// in the same run.
//
// It isolates the training pass: both programs have the rows in memory as feature ids, and reading is not timed. The C
// program takes rows in file order; embed is timed in file order and shuffled. It first checks that the log losses
// after an epoch agree to within 0.02.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FeatureRows } from "../dataset/rows.js";
import { draw } from "../numeric/random.js";
import { scoreRows } from "../factors/model.js";
import { defaultFmOptions, type FmOptions } from "../trainers/fm/options.js";
import { type FmInput, trainFm } from "../trainers/fm/train.js";
import { canGenerate, ctrLog, median, run, sharedBench } from "./ctr-logs.js";

const REPEATS = 5;
const EPOCHS = 4;
const NUM_FIELDS = 16;

interface NativeEpoch {
  rowsPerSecond: number;
  testLoss: number;
}

/** Prints the rows per second of both programs, their ratio, and test log losses. */
export async function bench(): Promise<void> {
  if (!canGenerate("fm")) return;
  const logs = [ctrLog(1, 1_000_000), ctrLog(2, 100_000), ctrLog(3, 100_000)];
  const [train, test, valid] = (await Promise.all(logs)).map((prefix) => `${prefix}.libsvm`) as [
    string,
    string,
    string,
  ];
  const input = inputOf(await readLibsvm(train));
  const testRows = await readLibsvm(test);

  // first measures the test loss at the epoch with the best validation loss, with default options; then the speed
  const model = await trainFm({ ...input, valid: await readLibsvm(valid) }, defaultFmOptions("logistic"));
  const loss = logLoss(await scoreRows(model, testRows, { threads: 2 }), testRows.labels);
  console.log(
    `k=16, defaults, early stopping: test log loss ${loss.toFixed(4)} after epoch ${model.bestEpoch}\n`,
  );

  const folder = await mkdtemp(join(tmpdir(), "fm-native-"));
  try {
    for (const dim of [8, 16, 32, 64]) await compare(dim, folder, [train, test], input, testRows);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Measures alternately: the program in C, and embed with one and two threads, each in shuffled and in file order. */
async function compare(
  dim: number,
  folder: string,
  files: [string, string],
  input: FmInput,
  test: FeatureRows,
): Promise<void> {
  const native = await compileNative(dim, folder);
  if (!native) console.log("fm-native: skipped, there is no gcc");
  const ways = [
    { name: "1 thread ", threads: 1, shuffle: true },
    { name: "1 thread, file order ", threads: 1, shuffle: false },
    { name: "2 threads", threads: 2, shuffle: true },
    { name: "2 threads, file order", threads: 2, shuffle: false },
  ];
  if (native) await checkAgreement(native, files, dim, input, test);

  const nativeSpeeds: number[] = [];
  const speeds = ways.map((): number[] => []);
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    if (native) nativeSpeeds.push(speedOf(await runNative(native, files, EPOCHS)));
    for (const [i, { threads, shuffle }] of ways.entries()) {
      const { epochs } = await trainFm(input, steps(dim, threads, shuffle, EPOCHS));
      speeds[i]!.push(speedOf(epochs));
    }
  }
  if (native) console.log(`k=${dim}  fm-native              ${describeSpeeds(nativeSpeeds)}`);
  ways.forEach(({ name }, i) => {
    const ratio = native ? `  ${(median(speeds[i]!) / median(nativeSpeeds)).toFixed(2)} of fm-native` : "";
    console.log(`k=${dim}  ${name.padEnd(21)}  ${describeSpeeds(speeds[i]!)}${ratio}`);
  });
}

/** Returns options with the learning rate and penalties of the program in C, so that both programs do the same work. */
export function steps(dim: number, threads: number, shuffle: boolean, epochs: number): FmOptions {
  const rest = { learningRate: 0.05, l2Weight: 2e-5, l2Vector: 2e-5 };
  return { ...defaultFmOptions("logistic"), ...rest, dim, threads, shuffle, epochs };
}

async function checkAgreement(
  native: string,
  files: [string, string],
  dim: number,
  input: FmInput,
  test: FeatureRows,
): Promise<void> {
  const [first] = await runNative(native, files, 1);
  const model = await trainFm(input, steps(dim, 2, false, 1));
  const loss = logLoss(await scoreRows(model, test, { threads: 2 }), test.labels);
  console.log(
    `k=${dim}  test log loss after an epoch in file order: ${loss.toFixed(4)}, fm-native ${first!.testLoss}`,
  );
  if (!(Math.abs(loss - first!.testLoss) < 0.02)) throw new Error("losses differ: nothing was timed");
}

/** Returns the speed of the fastest epoch after the first one, in which the engine still optimizes code. */
export function speedOf(epochs: { rowsPerSecond: number }[]): number {
  return Math.max(...epochs.slice(1).map((epoch) => epoch.rowsPerSecond));
}

/** Compiles the C program and returns its path; undefined without a compiler or the source. */
export async function compileNative(dim: number, folder: string): Promise<string | undefined> {
  const program = join(folder, `fm-native-${dim}`);
  const flags = ["-O3", "-march=native", "-ffast-math", `-DK=${dim}`];
  try {
    await run("gcc", [...flags, join(sharedBench, "fm-native.c"), "-o", program, "-lm"]);
    return program;
  } catch {
    return undefined;
  }
}

export async function runNative(
  program: string,
  files: [string, string],
  epochs: number,
): Promise<NativeEpoch[]> {
  const { stdout } = await run(program, [...files, String(epochs), "0.05", "2e-5"]);
  return stdout
    .trim()
    .split("\n")
    .map((line): NativeEpoch => JSON.parse(line));
}

export async function readLibsvm(path: string): Promise<FeatureRows> {
  const lines = (await readFile(path, "latin1")).trimEnd().split("\n");
  const ids = new Uint32Array(lines.length * NUM_FIELDS);
  const labels = new Float32Array(lines.length);
  lines.forEach((line, r) => {
    const cells = line.split(" ");
    labels[r] = Number(cells[0]);
    for (let f = 0; f < NUM_FIELDS; f++) ids[r * NUM_FIELDS + f] = Number.parseInt(cells[f + 1]!, 10);
  });
  return { numRows: lines.length, width: NUM_FIELDS, ids, labels };
}

export function inputOf(rows: FeatureRows): FmInput {
  // number of distinct keys that the generator can produce, even if the log contains fewer
  const numFeatures = 79_064;
  const counts = new Uint32Array(numFeatures);
  for (const id of rows.ids) counts[id]!++;
  const featureHashes = Uint32Array.from({ length: 2 * numFeatures }, (_, i) => draw(1, i));
  return { numFeatures, featureHashes, counts, train: { kind: "resident", rows } };
}

function logLoss(scores: Float32Array, labels: Float32Array): number {
  let sum = 0;
  scores.forEach((s, r) => (sum += Math.log1p(Math.exp(-Math.abs(s))) + Math.max(s, 0) - labels[r]! * s));
  return sum / scores.length;
}

function describeSpeeds(speeds: number[]): string {
  const [low, middle, high] = [Math.min(...speeds), median(speeds), Math.max(...speeds)];
  return `${millions(middle)} M rows/s (${millions(low)} to ${millions(high)})`;
}

function millions(value: number): string {
  return (value / 1e6).toFixed(2);
}
