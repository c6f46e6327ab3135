// `npm run bench -- ctr-pairs`: compares target statistics of combinations with CatBoost's. `EMBED_PEER_PYTHON` names a
// Python with CatBoost.
//
//   planted   src/testing/planted-pairs.ts: training on 40,000 rows of seed 1, validation on 10,000 of seed 2, test on
//             10,000 of seed 3
//   adult     the census log of ../shared/data: validation on every tenth training row, test on the official test split
//
//   random    labels that do not depend on the ids. The further the training loss falls below that of a constant
//             prediction, the more labels leak through the statistics; with one permutation nothing leaks, so that
//             its fall, which is overfitting alone, is the reference
//
// For each program, the setting with the least validation loss is evaluated on the test split, once.

import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ascending } from "../base/numeric/indices.js";
import { datasetOf } from "../testing/dataset-of.js";
import { projectFolder } from "../testing/places.js";
import { plantedPairs, plantedPairsCsv } from "../testing/planted-pairs.js";
import { rowsOf } from "../testing/planted-trees.js";
import { integerBelow, mulberry32 } from "../testing/random.js";
import { fitTreeFeatures } from "../trainers/gbdt/features.js";
import { defaultGbdtOptions } from "../trainers/gbdt/options.js";
import {
  fitTargetStatistics,
  withTargetStatistics,
} from "../trainers/gbdt/target-statistics/target-statistics.js";
import { trainGbdt } from "../trainers/gbdt/boosting/train.js";
import { run } from "./ctr-logs.js";
import { PEER } from "./ctr-pairs-peer.js";

const THREADS = 2;
const adult = join(projectFolder, "..", "shared", "data", "adult");
const often = ["--num-trees", "1500", "--learning-rate", "0.05"];
const ofIds = ["--ctr", "user,item,campaign,visit", "--num-leaves", "8", "--ctr-prior-weight", "3"];
const ofAdult = [
  ...["--num-leaves", "15", "--feature-fraction", "0.2", "--max-cat-to-onehot", "50"],
  ...["--min-data-in-leaf", "10", "--patience", "100"],
];
const adultPairs = "occupation*education,occupation*relationship,education*relationship";

interface Log {
  name: string;
  label: string;
  /** files with the rows of the training, validation and test split */
  paths: [string, string, string];
  /** options of each measured training of embed, by the name that is printed */
  ours: Record<string, string[]>;
}

/** Settings of each measured training of CatBoost, the same for both logs. */
const theirs = [{}, { depth: 4, learning_rate: 0.1 }];

export async function bench(): Promise<void> {
  await random();
  const python = process.env["EMBED_PEER_PYTHON"];
  if (!python) console.log("CatBoost: skipped, EMBED_PEER_PYTHON names no Python that has it");
  const folder = await mkdtemp(join(tmpdir(), "embed-ctr-pairs-"));
  try {
    const logs = [await planted(folder), ...(existsSync(adult) ? [await census(folder)] : [])];
    for (const log of logs) await compare(log, python, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Prints how far the training loss on random labels falls below that of a constant prediction. */
async function random(): Promise<void> {
  const numRows = 6000;
  const rows = ascending(numRows);
  const gbdt = { ...defaultGbdtOptions(), threads: 1, numTrees: 30, numLeaves: 8, minDataInLeaf: 50 };
  for (const size of [3, 12, 120, 1200]) {
    const draw = mulberry32(8);
    const dataset = datasetOf({ id: Array.from(rows, () => `k${integerBelow(size, draw)}`) });
    const labels = Float32Array.from(rows, () => (draw() < 0.5 ? 1 : 0));
    const falls: string[] = [];
    for (const permutations of [1, 4, 8, 16, 64]) {
      const given = { columns: ["id"], keep: true, priorWeight: 1, permutations, seed: 7 };
      const { statistics, values } = fitTargetStatistics({ dataset, rows, labels }, given);
      const made = withTargetStatistics(dataset, statistics, values);
      const both = { ...made, roles: { ...made.roles, numeric: ["ctr:id"] } };
      const features = await fitTreeFeatures(both, rows, gbdt);
      const train = rowsOf({ dataset: both, labels }, features);
      const { epochs } = await trainGbdt({ features, objective: "binary", train }, gbdt);
      falls.push(`${permutations}: ${(Math.LN2 - epochs.at(-1)!.trainLoss).toFixed(4)}`);
    }
    console.log(`random labels of ${size} ids, below chance by permutations: ${falls.join(", ")}`);
  }
}

async function compare({ name, label, paths, ours }: Log, python: string | undefined, folder: string) {
  const [train, valid, test] = paths;
  const losses: [loss: number, run: string, what: string][] = [];
  for (const [what, options] of Object.entries(ours)) {
    const out = join(folder, `${name}-${losses.length}`);
    const more = ["-o", out, "--valid", valid, "--label", label, "--threads", String(THREADS)];
    const { metrics, ctrPairs = [] } = await embed("train-gbdt", train, ...more, ...often, ...options);
    losses.push([metrics["valid"]!.logLoss, out, what]);
    const pairs = ctrPairs.map(({ pair }) => pair).join(", ");
    console.log(`${name}, ${what}: ${metrics["valid"]!.logLoss.toFixed(5)} on validation ${pairs}`);
  }
  const [, best, what] = losses.reduce((least, own) => (own[0] < least[0] ? own : least));
  const { metrics } = await embed("evaluate", best, "--on", test);
  const own = metrics["on"]!.logLoss;
  console.log(`${name}: test log loss ${own.toFixed(5)} (${what})`);
  if (!python) return;
  const args = [...paths, label, String(THREADS), JSON.stringify(theirs)];
  const { stdout } = await run(python, ["-c", PEER, ...args]);
  const peer = JSON.parse(stdout.trim().split("\n").at(-1)!) as {
    version: string;
    valid: number[];
    test: number;
  };
  theirs.forEach((setting, s) =>
    console.log(`${name}, CatBoost ${JSON.stringify(setting)}: ${peer.valid[s]!.toFixed(5)} on validation`),
  );
  console.log(
    `${name}: CatBoost ${peer.version} test log loss ${peer.test.toFixed(5)}, ratio ${(own / peer.test).toFixed(4)}`,
  );
}

interface Done {
  metrics: Record<string, { logLoss: number }>;
  ctrPairs?: { pair: string }[];
}

async function embed(...args: string[]): Promise<Done> {
  const program = join(projectFolder, "bin", "embed.js");
  const { stdout } = await run(process.execPath, [program, ...args, "--json", "--quiet"]);
  return JSON.parse(stdout) as Done;
}

async function planted(folder: string): Promise<Log> {
  const paths: string[] = [];
  for (const [seed, numRows] of [
    [1, 40_000],
    [2, 10_000],
    [3, 10_000],
  ] as const) {
    const rows = plantedPairs(seed, numRows);
    paths.push(join(folder, `planted-${seed}.csv`));
    await writeFile(paths.at(-1)!, plantedPairsCsv(rows));
    console.log(
      `planted, seed ${seed}: ${numRows} rows, the true odds have a log loss of ${rows.bestLogLoss.toFixed(5)}`,
    );
  }
  return {
    ...{ name: "planted", label: "label", paths: paths as Log["paths"] },
    ours: {
      "no statistics": ["--num-leaves", "8"],
      "pairs, one order": [...ofIds, "--ctr-pairs", "auto", "--ctr-permutations", "1"],
      "pairs, 4 orders": [...ofIds, "--ctr-pairs", "auto", "--ctr-permutations", "4"],
      "pairs, 8 orders": [...ofIds, "--ctr-pairs", "auto", "--ctr-permutations", "8"],
      "ids alone, 8 orders": [...ofIds, "--ctr-permutations", "8"],
    },
  };
}

async function census(folder: string): Promise<Log> {
  const [header, ...lines] = (await readFile(join(adult, "train.csv"), "utf8")).trimEnd().split("\n");
  const paths = [true, false].map((isTrain) => join(folder, isTrain ? "adult-train.csv" : "adult-valid.csv"));
  for (const [p, path] of paths.entries()) {
    const rows = lines.filter((_, row) => (row % 10 === 9) === (p === 1));
    await writeFile(path, `${[header, ...rows].join("\n")}\n`);
  }
  return {
    ...{ name: "adult", label: "income", paths: [paths[0]!, paths[1]!, join(adult, "test.csv")] },
    ours: {
      "no statistics": ofAdult,
      "chosen pairs": [...ofAdult, "--ctr-pairs", "auto"],
      "three pairs of occupation, education and relationship": [...ofAdult, "--ctr", adultPairs],
      "ids alone": [...ofAdult, "--ctr", "occupation,education,native_country"],
    },
  };
}
