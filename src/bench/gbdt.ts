// `npm run bench -- gbdt`: measures boosted trees and LightGBM's alternately in one run. `EMBED_PEER_PYTHON` names a
// Python with LightGBM.
//
//   tabular   gen-tabular.mjs, 500,000 rows of seed 1, tested on 100,000 rows of seed 2: 100 trees of 31 leaves,
//             learning rate 0.1
//   adult     the census log of ../shared/data, official split: the same options, and options chosen on a fifth of the
//             training split
//   head      trees on all rows, compared with trees plus a head (a logistic regression on their leaves), and, as a
//             counter-example, with a head fitted on the rows that grew the trees
//   scoring   1,000,000 rows through the 100 trees, from numbers in memory
//
// Processor seconds are printed too, because wall time includes what other programs take.

import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labelledAs, targetMetrics } from "../trainers/gbdt/target.js";
import { readLikeGbdt } from "../trainers/gbdt/run.js";
import { wholeOf } from "../training/reading/split-parts.js";
import { openRun } from "../table/run-directory.js";
import { projectFolder } from "../testing/places.js";
import { readGbdt } from "../trainers/gbdt/forest/artifact.js";
import { modelScores, trainHead } from "../trainers/gbdt/leaf-heads/head.js";
import { headOptionsOf } from "../trainers/gbdt/options.js";
import { ForestScorer } from "../trainers/gbdt/forest/scorer.js";
import { embedMeasured } from "./child.js";
import { median, run, sharedBench } from "./ctr-logs.js";
import { watch } from "./films.js";
import { PEER } from "./gbdt-peer.js";

const REPEATS = 3;
const THREADS = 2;
const SCORED_ROWS = 1_000_000;
const adult = join(projectFolder, "..", "shared", "data", "adult");
/** Options for UCI Adult that were chosen on a fifth of its training file. */
const CHOSEN = [
  ...["--learning-rate", "0.05", "--num-leaves", "15", "--feature-fraction", "0.2"],
  ...["--max-cat-to-onehot", "50", "--min-data-in-leaf", "10"],
];

type Figures = Record<string, number>;

export async function bench(): Promise<void> {
  if (!existsSync(join(sharedBench, "gen-tabular.mjs"))) {
    console.log("gbdt: skipped, ../shared/bench is not here");
    return;
  }
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("LightGBM: skipped, EMBED_PEER_PYTHON names no Python that has it");
  const [train, test] = [await tabular(1, 500_000), await tabular(2, 100_000)];
  const folder = await mkdtemp(join(tmpdir(), "embed-gbdt-"));
  try {
    const out = join(folder, "run");
    for (const threads of [THREADS, 1]) {
      const [ours, theirs]: [Figures[], Figures[]] = [[], []];
      for (let seed = 1; seed <= REPEATS; seed++) {
        // trains one tree to measure reading and binning, which do not depend on the number of trees
        const more = ["--test", test, "--threads", String(threads), "--seed", String(seed)];
        const one = await trainOurs(train, [...more, "--num-trees", "1"], out);
        const all = await trainOurs(train, more, out);
        ours.push({ ...all, trainProcessor: ((all["processor"]! - one["processor"]!) * 100) / 99 });
        if (python) theirs.push(await peer(python, "tabular", train, test, threads, seed));
      }
      printFigures(`tabular, ${threads} threads`, ours, theirs);
    }
    await benchHead(train, test, folder);
    await benchScoring(out, test, python, train);
    if (existsSync(adult)) await benchAdult(folder, python);
    else console.log("adult: skipped, ../shared/data is not here");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Returns a generated log, created once and kept in the temporary folder. */
export async function tabular(seed: number, numRows: number): Promise<string> {
  const cache = join(tmpdir(), "embed-bench");
  await mkdir(cache, { recursive: true });
  const path = join(cache, `tabular-${seed}-${numRows}.csv`);
  if (existsSync(path)) return path;
  await run(process.execPath, [
    join(sharedBench, "gen-tabular.mjs"),
    `${path}.part`,
    String(numRows),
    String(seed),
  ]);
  await rename(`${path}.part`, path);
  return path;
}

/** Trains in its own process. @returns seconds by stage, processor seconds, peak memory in MB, and test metrics */
export async function trainOurs(log: string, more: string[], out: string): Promise<Figures> {
  const { seconds, processor, peakMb } = await embedMeasured([
    "train-gbdt",
    log,
    "-o",
    out,
    "--force",
    "--quiet",
    ...more,
  ]);
  const { timings, metrics } = JSON.parse(await readFile(join(out, "manifest.json"), "utf8")) as {
    timings: Record<string, number>;
    metrics: Record<string, Figures>;
  };
  const { read = 0, bin = 0, train = 0 } = timings;
  return {
    seconds,
    processor,
    read,
    bin,
    train,
    binAndTrain: bin + train,
    peakMb,
    ...metrics["test"],
  };
}

export async function peer(python: string, ...args: (string | number)[]): Promise<Figures> {
  const { stdout } = await run(python, ["-c", PEER, ...args.map(String)]);
  const { version, ...figures } = JSON.parse(stdout.trim().split("\n").at(-1)!) as Figures & {
    version: string;
  };
  if (!isVersionGiven) console.log(`LightGBM ${version}`);
  isVersionGiven = true;
  return figures;
}
let isVersionGiven = false;

/** Names of the metrics that are printed with four decimals. */
const fine = new Set(["auc", "logLoss", "normalizedEntropy", "calibration"]);

/**
 * Prints the median of each figure; also the minimum and maximum of the AUC, which depends on the seed of the binning
 * sample.
 */
function printFigures(what: string, ours: readonly Figures[], theirs: readonly Figures[]): void {
  for (const [who, all] of [
    ["ours", ours],
    ["LightGBM", theirs],
  ] as const) {
    if (all.length === 0) continue;
    const middle = (name: string) => median(all.map((figures) => figures[name]!));
    const aucs = all.map(({ auc = 0 }) => auc);
    const range =
      all.length > 1 ? ` (${Math.min(...aucs).toFixed(4)} to ${Math.max(...aucs).toFixed(4)})` : "";
    const texts = Object.keys(all[0]!).map(
      (name) => `${name} ${middle(name).toFixed(fine.has(name) ? 4 : 2)}${name === "auc" ? range : ""}`,
    );
    console.log(`${what}, ${who}: ${texts.join(", ")}`);
  }
}

async function benchHead(train: string, test: string, folder: string): Promise<void> {
  const [trees, both] = [join(folder, "trees"), join(folder, "head")];
  const alone = await trainOurs(train, ["--test", test], trees);
  const withHead = await trainOurs(train, ["--test", test, "--head", "lr"], both);
  const folds = await trainOurs(train, ["--test", test, "--head", "lr", "--cross-fit", "3"], both);

  // as a counter-example, fits the head (a logistic regression on the leaves) on the rows that grew the trees
  const artifact = await readGbdt(await openRun(trees));
  const { preprocess } = artifact;
  const partOf = async (log: string) => {
    const reading = { on: [log], reading: readingOptions };
    return labelledAs(preprocess, wholeOf(await readLikeGbdt(artifact, reading, watch, true)));
  };
  const [seen, evaluated] = [await partOf(train), await partOf(test)];
  const head = await trainHead(artifact, seen, headOptionsOf({ head: "lr" }, "binary")!, THREADS);
  const inSample = targetMetrics(
    preprocess,
    await modelScores({ ...artifact, head }, evaluated, THREADS),
    evaluated,
  );
  const ratio = (loss: number) => `${loss.toFixed(4)} (${(loss / alone["logLoss"]!).toFixed(4)})`;
  console.log(
    `head, test log loss (over trees on all rows): trees ${ratio(alone["logLoss"]!)}, head ${ratio(withHead["logLoss"]!)}, ` +
      `three folds ${ratio(folds["logLoss"]!)}, head on the trees' own rows ${ratio(inSample["logLoss"]!)}`,
  );
}
const readingOptions = { onBadRow: "error" as const, threads: THREADS, header: true, maxCell: 1 << 20 };

async function benchScoring(
  out: string,
  test: string,
  python: string | undefined,
  train: string,
): Promise<void> {
  const artifact = await readGbdt(await openRun(out));
  const { forest, vocabularies } = artifact;
  const dataset = await readLikeGbdt(artifact, { on: [test], reading: readingOptions }, watch, true);
  const rows = Uint32Array.from({ length: SCORED_ROWS }, (_, i) => i % dataset.numRows);
  for (const withLeaves of [false, true]) {
    const [ours, theirs]: [Figures[], Figures[]] = [[], []];
    const scorer = await ForestScorer.start(forest, THREADS, withLeaves);
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const [start, used] = [performance.now(), process.cpuUsage()];
      let scored = 0;
      for await (const { numRows } of scorer.score(dataset, rows, vocabularies, withLeaves))
        scored += numRows;
      const { user, system } = process.cpuUsage(used);
      if (scored !== SCORED_ROWS) throw new Error(`scored ${scored} rows`);
      ours.push({ seconds: (performance.now() - start) / 1000, processor: (user + system) / 1e6 });
      if (python) theirs.push(await peer(python, withLeaves ? "leaves" : "scores", train, test, THREADS, 1));
    }
    await scorer.terminate();
    printFigures(`a million rows, ${withLeaves ? "leaves" : "scores"}`, ours, theirs);
  }
}

async function benchAdult(folder: string, python: string | undefined): Promise<void> {
  const [log, test] = [join(adult, "train.csv"), join(adult, "test.csv")];
  const common = ["--label", "income", "--test", test];
  const out = join(folder, "adult");
  const plain = await trainOurs(log, common, out);
  printFigures(
    "adult, 100 trees",
    [plain],
    python ? [await peer(python, "adult", log, test, THREADS, 1)] : [],
  );
  const stopping = [
    "--valid",
    "0.2",
    "--split",
    "random",
    "--num-trees",
    "4000",
    "--patience",
    "100",
    "--refit",
  ];
  // the run reports test metrics of the model before the refit, so the refitted model is evaluated separately
  await trainOurs(log, ["--label", "income", ...stopping, ...CHOSEN], out);
  const { stdout } = await run(process.execPath, [
    join(projectFolder, "bin", "embed.js"),
    ...["evaluate", out, "--on", test, "--json", "--quiet"],
  ]);
  const { metrics } = JSON.parse(stdout) as { metrics: Record<string, Figures> };
  console.log(
    `adult, ${CHOSEN.join(" ")}, early stopping and refit: test log loss ${metrics["on"]!["logLoss"]!.toFixed(4)}`,
  );
}
