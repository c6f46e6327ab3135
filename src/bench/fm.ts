// A program in C that trains a factorization machine on one thread (../shared/bench/fm-native.c), and the input and the
// options with which embed does the same work. Both have the rows in memory as feature ids.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FeatureRows } from "../dataset/rows.js";
import { draw } from "../base/numeric/random.js";
import type { FmOptions } from "../trainers/fm/options.js";
import { defaultFmOptions } from "../testing/fm-options.js";
import type { FmInput } from "../trainers/fm/train.js";
import { run, sharedBench } from "./ctr-logs.js";

const NUM_FIELDS = 16;

interface NativeEpoch {
  rowsPerSecond: number;
  testLoss: number;
}

/** Returns options with the learning rate and penalties of the program in C, so that both programs do the same work. */
export function steps(dim: number, threads: number, shuffle: boolean, epochs: number): FmOptions {
  const rest = { learningRate: 0.05, l2Weight: 2e-5, l2Vector: 2e-5 };
  return { ...defaultFmOptions("logistic"), ...rest, dim, threads, shuffle, epochs };
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
