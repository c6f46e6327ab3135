// `npm run bench -- ffm`: speed of the field-aware factorization machine, dim 4, on the seeded click log (16 fields,
// 1,000,000 rows).
//
// It isolates the training pass: rows are in memory as feature ids, and reading is not timed. It first checks that one
// and two threads give the same bytes. Peer: xLearn, in the same run, if EMBED_XLEARN names its xlearn_train.

import { ascending } from "../base/numeric/indices.js";
import { createHash } from "node:crypto";
import { stripVTControlCharacters } from "node:util";
import { defaultReadOptions } from "../log/log.js";
import { readDataset } from "../training/reading/read-dataset.js";
import { labelledExamples } from "../training/examples/examples.js";
import { fitFeatures, featureCounts } from "../dataset/vocabulary/vocabulary.js";
import { learnFfm } from "../trainers/fm/ffm/learn.js";
import type { FmOptions } from "../trainers/fm/options.js";
import { defaultFmOptions } from "../testing/fm-options.js";
import type { FactorStart } from "../trainers/shared/factor-model/warm-start.js";
import type { EmbeddingTable } from "../table/table.js";
import type { LearnerInput } from "../training/session/feature-training.js";
import { canGenerate, ctrLog, median, run } from "./ctr-logs.js";
import { watch } from "./films.js";

const REPEATS = 3;
const EPOCHS = 3;

export async function bench(): Promise<void> {
  if (!canGenerate("ffm")) return;
  const [train, test, valid] = await Promise.all([
    ctrLog(1, 1_000_000),
    ctrLog(2, 100_000),
    ctrLog(3, 100_000),
  ]);
  const { input, testRows, testLabels } = await inputOf(`${train}.csv`, `${valid}.csv`, `${test}.csv`);

  // first measures the test loss at the epoch with the best validation loss, with default options; then the speed
  const model = await learnFfm(input, options(2, 10), () => undefined);
  const scores = await model.score(testRows, { threads: 2 });
  console.log(
    `defaults: test log loss ${logLoss(scores, testLabels).toFixed(4)} after epoch ${model.bestEpoch}`,
  );

  const { valid: _, ...timed } = input;
  const hashes = new Set<string>();
  const speeds: [number[], number[]] = [[], []];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const threads of [1, 2] as const) {
      const trained = await learnFfm(timed, options(threads, EPOCHS), () => undefined);
      const { vectors } = trained.table(input.space) as EmbeddingTable;
      hashes.add(createHash("sha256").update(new Uint8Array(vectors.buffer)).digest("hex"));
      // omits the first epoch, in which the engine compiles the kernels
      speeds[threads - 1]!.push(Math.max(...trained.epochs.slice(1).map((epoch) => epoch.rowsPerSecond)));
    }
    await timePeer(`${train}.ffm`);
  }
  if (hashes.size !== 1) throw new Error("one and two threads differ: the times mean nothing");
  speeds.forEach((all, i) => console.log(`${i + 1} thread(s): ${describe(all)}`));
}

export function options(threads: number, epochs: number): FmOptions {
  return { ...defaultFmOptions("logistic", "adagrad", "ffm"), threads, epochs };
}

export async function inputOf(train: string, valid: string, test: string) {
  const read = async (path: string) => {
    const common = { numeric: [], multi: {}, ignore: [], sides: [], drop: [], where: [] };
    const flags = { ...common, label: "click", infer: true, unlabelled: false, reading: defaultReadOptions };
    const { dataset } = await readDataset([path], { ...flags, onBadRow: "error" }, watch);
    return { dataset, rows: ascending(dataset.numRows) };
  };
  const parts = { train: await read(train), valid: await read(valid), test: await read(test) };
  const space = fitFeatures(parts.train.dataset, parts.train.rows, 1);
  const examples = labelledExamples(space, parts, { seed: 1, negativeDownsampling: 1 });
  const input: LearnerInput<FactorStart> = {
    task: examples.task,
    labelRange: examples.labelRange,
    space,
    roles: {},
    counts: featureCounts(space),
    train: examples.train,
    valid: examples.valid!,
  };
  return { input, testRows: examples.test!, testLabels: examples.test!.labels };
}

/** Prints the speed of xLearn with one and with two threads. */
async function timePeer(log: string): Promise<void> {
  const program = process.env["EMBED_XLEARN"];
  if (program === undefined) return;
  for (const threads of [1, 2])
    console.log(
      `xLearn, ${threads} thread(s): ${(await xlearnSpeed(program, log, threads)).toFixed(2)} M rows/s`,
    );
}

/** Returns the million rows per second of xLearn's fastest epoch. */
export async function xlearnSpeed(program: string, log: string, threads: number): Promise<number> {
  const args = [log, "-s", "2", "-k", "4", "-r", "0.1", "-b", "0.0001", "-e", String(EPOCHS)];
  // xLearn prints a greeting with the user's name, and fails without the variable USER
  const env = { USER: "bench", ...process.env };
  const { stdout } = await run(program, [...args, "-nthread", String(threads), "-m", "none"], { env });
  const epochs = stripVTControlCharacters(stdout).matchAll(/%\s*\]\s+\d+\s+[\d.]+\s+([\d.]+)/g);
  return 1 / Math.min(...[...epochs].map(([, time]) => Number(time)));
}

function logLoss(scores: Float32Array, labels: Float32Array): number {
  let sum = 0;
  scores.forEach((s, r) => (sum += Math.log1p(Math.exp(-Math.abs(s))) + Math.max(s, 0) - labels[r]! * s));
  return sum / scores.length;
}

function describe(speeds: readonly number[]): string {
  const [low, middle, high] = [Math.min(...speeds), median(speeds), Math.max(...speeds)];
  return (
    [middle, low, high].map((value) => (value / 1e6).toFixed(2)).join(" ") + " M rows/s (median, least, most)"
  );
}
