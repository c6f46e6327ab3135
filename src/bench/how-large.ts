// `npm run bench -- how-large [memory|time|plot] [NAME...]`: the figures of docs/how-large.md, for all trainers or
// those named.
//
//   memory   memory predicted before training compared with the peak, on 1,000,000 rows and 100,000 features; fails
//            above 1.5 times
//   time     processor seconds per epoch on one thread: three epochs minus one, on 200,000 rows of 20,000 features,
//            halved
//   plot     docs/how-large.svg: predicted memory by the number of keys, with ten rows per key and vectors of dimension
//            64

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadPen, palette } from "../judge/report/page/plot.js";
import { parseJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";
import { trainerOf } from "../trainers/index.js";
import type { GivenTraining } from "../training/shared-options/log.js";
import type { TrainingSize } from "../training/session/needs.js";
import type { TrainingSummary } from "../training/session/summary.js";
import { embedMeasured } from "./child.js";
import { logOf } from "./growth.js";

const labelled = "--label click --ignore time";
const events = "--user user --item item --time time --ignore click,hour,device,category,region";
const edges = "--source user --target item --num-walks 1";

/** The measured trainings as words of the command line, and the name of the option that sets their number of passes. */
const trainings: Readonly<Record<string, { command: string; rounds?: string }>> = {
  "train-fm": { command: `train-fm ${labelled} --dim 16` },
  "--model ffm": { command: `train-fm ${labelled} --model ffm` },
  "--method mcmc": { command: `train-fm ${labelled} --method mcmc --dim 16` },
  "train-ranking": { command: `train-ranking ${events}` },
  "sampled-softmax": { command: `train-ranking ${events} --loss sampled-softmax` },
  "train-als": { command: `train-als ${events}` },
  "train-two-tower": { command: `train-two-tower ${events}` },
  "train-pca": { command: `train-pca ${events}`, rounds: "" },
  "--matrix features": { command: `train-pca ${labelled} --matrix features --dim 16`, rounds: "" },
  "train-item2vec": { command: `train-item2vec ${events}` },
  "train-graph": { command: `train-graph ${edges} --dim 64` },
  "train-gbdt": { command: `train-gbdt ${labelled}`, rounds: "--num-trees" },
  "train-net": { command: `train-net ${labelled} --arch fnn` },
};

const parts: Readonly<Record<string, (names: readonly string[]) => Promise<void>>> = { memory, time, plot };

export async function bench(): Promise<void> {
  const [part = "", ...names] = process.argv.slice(3);
  const asked = names.length > 0 ? names : Object.keys(trainings);
  for (const [name, run] of Object.entries(parts)) if (part === "" || part === name) await run(asked);
}

/** Runs a training. @returns its summary, and its resource usage */
async function trained(name: string, log: string, more: string) {
  const [command, ...options] = trainings[name]!.command.split(" ");
  const folder = mkdtempSync(join(tmpdir(), "embed-how-large-"));
  try {
    const used = await embedMeasured([
      command!,
      log,
      ...options,
      ...more.split(" "),
      "-o",
      join(folder, "run"),
      "--json",
    ]);
    return { used, summary: parseJson<TrainingSummary>(used.printed) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function memory(names: readonly string[]): Promise<void> {
  const log = await logOf({ rows: 1_000_000, features: 100_000 }, true);
  console.log("| | predicted, MiB | peak, MiB | ratio |\n| --- | ---: | ---: | ---: |");
  const far: string[] = [];
  for (const name of names) {
    const { rounds = "--epochs" } = trainings[name]!;
    const { used, summary } = await trained(name, log, `--threads 2${rounds && ` ${rounds} 1`}`);
    const predicted = summary.needs!.memory / 2 ** 20;
    const ratio = predicted / used.peakMb;
    console.log(
      `| \`${name}\` | ${predicted.toFixed(0)} | ${used.peakMb.toFixed(0)} | ${ratio.toFixed(2)} |`,
    );
    if (ratio > 1.5 || ratio < 1 / 1.5) far.push(name);
  }
  if (far.length > 0) throw new Error(`the estimates of ${far.join(", ")} are more than 1.5 times off`);
}

async function time(names: readonly string[]): Promise<void> {
  const rows = 200_000;
  const log = await logOf({ rows, features: 20_000 }, true);
  console.log("| | processor seconds for a million rows |\n| --- | ---: |");
  for (const name of names) {
    const { rounds = "--epochs" } = trainings[name]!;
    const of = async (count: number) =>
      (await trained(name, log, `--threads 1${rounds && ` ${rounds} ${count}`}`)).used.processor;
    // a decomposition without an option for passes is measured as a single pass
    const seconds = rounds === "" ? await of(1) : (await of(3)) - (await of(1));
    console.log(`| \`${name}\` | ${((seconds / (rounds === "" ? 1 : 2) / rows) * 1e6).toFixed(1)} |`);
  }
}

/** Trainings that are plotted, with the options that the estimate of their memory requires. */
const plotted: Readonly<Record<string, object>> = {
  "train-fm": { dim: 64 },
  "train-ranking": { dim: 64 },
  "train-als": { dim: 64 },
  "train-two-tower": { dim: 64 },
  "train-pca": { dim: 64 },
  "train-item2vec": { dim: 64 },
  "train-net": { dim: 64, arch: "fnn" },
  "train-gbdt": {},
};

async function plot(): Promise<void> {
  const lines: { training: string; keys: number; gigabytes: number }[] = [];
  for (const [training, options] of Object.entries(plotted)) {
    const { needs } = await (await trainerOf(training))!.plan({ threads: 8, ...options } as GivenTraining);
    for (let power = 5; power <= 8; power += 0.25)
      lines.push({
        training,
        keys: 10 ** power,
        gigabytes: (needs!.of(sizeOf(10 ** power)).memory + 1e8) / 1e9,
      });
  }
  const { plot: marks, draw } = await loadPen();
  const names = Object.keys(plotted);
  const label = "predicted memory, GB, by keys";
  const { text } = draw(label, {
    ...{ width: 640, height: 360, marginLeft: 48, marginRight: 110 },
    x: {
      type: "log",
      label: "keys",
      tickFormat: (at: number) => at.toLocaleString("en", { notation: "compact" }),
    },
    y: { type: "log", label: "memory, GB", grid: true, tickFormat: (amount: number) => String(amount) },
    color: { domain: names, range: [...palette.slice(0, names.length)], legend: false },
    marks: [
      marks.lineY(lines, { x: "keys", y: "gigabytes", stroke: "training", strokeWidth: 2 }),
      marks.text(
        names.map((training) => lines.findLast((line) => line.training === training)!),
        { x: "keys", y: "gigabytes", text: "training", textAnchor: "start", dx: 6, fill: "training" },
      ),
    ],
  });
  const path = join(projectFolder, "docs", "how-large.svg");
  const svg = text
    .replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif"')
    .replace(">", '><rect width="640" height="360" fill="#fff"/>');
  writeFileSync(path, `${svg}\n`);
  console.log(`wrote ${path}`);
}

/**
 * Returns the numbers of rows, keys, users and items of a log with seven users per three items and ten rows per key.
 */
function sizeOf(keys: number): TrainingSize {
  const ofColumn = new Map([
    ["user", 0.7 * keys],
    ["item", 0.3 * keys],
  ]);
  return {
    trainRows: 10 * keys,
    heldOutRows: 0,
    features: keys,
    ofColumn,
    users: 0.7 * keys,
    cells: 2,
    keyBytes: 8 * keys,
    isStored: false,
  };
}
