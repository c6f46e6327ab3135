// `npm run bench -- threads [NAME...]`: the gain of every trainer from threads.
//
//   gain        one and two threads alternately, five times: seconds from the end of reading to the model with one
//               thread divided by those with two, then the same for the epochs after the first. The last column has
//               the number of threads used with two allowed, as one may be faster
//   processor   processor seconds of a smaller training with 1, 2, 4, 8 and 16 threads that all work. Threads without a
//               core sleep at barriers, so the increase is work that threads repeat and cache lines that they fetch
//               from each other; it bounds the gain
//   estimate    the gain on 8 and 32 cores, from both (more-cores.ts)
//
// Each training runs in its own process. Takes eight to nine minutes on two idle cores. Without names, writes the section
// of docs/growth.md.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseJson } from "../testing/json.js";
import { projectFolder } from "../testing/places.js";
import { canGenerate, ctrLog, median, medianText, run } from "./ctr-logs.js";
import { gowalla as checkIns, retail } from "./default-logs.js";
import { tabular } from "./gbdt.js";
import { listOfGains, writeMoreCores, type Gain } from "./more-cores.js";

const REPEATS = 5;
const THREADS = [1, 2, 4, 8, 16];
const data = join(projectFolder, "..", "shared", "data");
const child = fileURLToPath(new URL("./threads-child.js", import.meta.url));

/** A training whose speedup by threads is measured. */
interface Training {
  /** words of the training command that are the same when its speedup and its processor time are measured */
  of: string;
  log: () => string | Promise<string>;
  /** further options for measuring the speedup */
  options: string;
  /** further options for measuring processor time, with vectors that are long enough for many threads */
  wide: string;
}

const users = "--user user --item item";
const ranking = `train-ranking ${users}`;
const ctr = async (numRows = 300_000) => `${await ctrLog(1, numRows)}.csv`;
const gowalla = () => join(data, "gowalla", "train.csv");
const graph = () => join(data, "graphs", "wiki-edges.csv");

const trainings: Readonly<Record<string, Training>> = {
  "fm 16": {
    of: "train-fm",
    log: () => ctr(),
    options: "--dim 16 --epochs 8",
    wide: "--dim 128 --epochs 1",
  },
  "fm 32": {
    of: "train-fm",
    log: () => ctr(),
    options: "--dim 32 --epochs 5",
    wide: "--dim 256 --epochs 1",
  },
  "ffm 4": {
    of: "train-fm --model ffm",
    log: () => ctr(),
    options: "--dim 4 --epochs 3",
    wide: "--dim 8 --epochs 1",
  },
  mcmc: {
    of: "train-fm --method mcmc",
    log: () => ctr(),
    options: "--dim 8 --epochs 2",
    wide: "--dim 8 --epochs 1",
  },
  bpr: { of: ranking, log: gowalla, options: "--dim 64 --epochs 6", wide: "--dim 128 --epochs 2" },
  "sampled softmax": {
    of: `${ranking} --loss sampled-softmax`,
    log: checkIns,
    options: "--dim 64 --epochs 4",
    wide: "--dim 128 --epochs 1",
  },
  als: { of: `train-als ${users}`, log: gowalla, options: "--epochs 3", wide: "--dim 128 --epochs 1" },
  "two-tower": {
    of: `train-two-tower ${users} --history others`,
    log: checkIns,
    options: "--dim 64 --epochs 4",
    wide: "--dim 128 --epochs 1",
  },
  "item2vec 64": {
    of: "train-item2vec --user InvoiceNo --item StockCode",
    log: retail,
    options: "--dim 64 --epochs 20",
    wide: "--dim 256 --epochs 4",
  },
  "graph 128": {
    of: "train-graph --source source --target target --undirected --num-walks 2",
    log: graph,
    options: "--dim 128 --epochs 2",
    wide: "--dim 256 --epochs 1",
  },
  gbdt: {
    of: "train-gbdt",
    log: () => tabular(1, 500_000),
    options: "--num-trees 100",
    wide: "--num-trees 20",
  },
  net: {
    of: "train-net --arch fnn",
    log: () => ctr(50_000),
    options: "--dim 16 --epochs 2",
    wide: "--dim 16 --epochs 1",
  },
  pca: { of: `train-pca ${users}`, log: gowalla, options: "--dim 32", wide: "--dim 16" },
};

interface Figures {
  seconds: number;
  processor: number;
  /** seconds of the epochs after the first; null if there are none */
  epochs: number | null;
  threads: number | null;
}

export async function bench(): Promise<void> {
  if (!canGenerate("threads")) return;
  const asked = process.argv.slice(3);
  const names = asked.length > 0 ? asked : Object.keys(trainings);
  const odd = names.find((name) => !Object.hasOwn(trainings, name));
  if (odd !== undefined) throw new Error(`no training '${odd}': ${Object.keys(trainings).join(", ")}`);
  const folder = mkdtempSync(join(tmpdir(), "embed-threads-"));
  try {
    console.log(
      "\n| training | one thread, s | two threads, s | gain | of epochs | used |\n| --- | --- | --- | ---: | ---: | ---: |",
    );
    const measured: Omit<Gain, "processor">[] = [];
    for (const name of names) {
      const gain = await gainOf(name, folder);
      if (gain) measured.push({ name, ...gain });
    }
    const head = THREADS.map((threads) => `${threads}`).join(" | ");
    console.log(
      `\nprocessor seconds by threads\n\n| training | ${head} | 8 over 1 |\n| --- ${"| ---: ".repeat(6)}|`,
    );
    const gains: Gain[] = [];
    for (const gain of measured) gains.push({ ...gain, processor: await processorOf(gain.name, folder) });
    console.log(`\ngain of two threads; estimates of 8 and of 32 cores\n\n${listOfGains(gains)}`);
    if (asked.length === 0) writeMoreCores(gains);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Measures the speedup. @returns median seconds with one thread divided by those with two; undefined without the log
 */
async function gainOf(name: string, folder: string): Promise<Pick<Gain, "ofTwo" | "ofEpochs"> | undefined> {
  const { of, log, options } = trainings[name]!;
  const path = await log();
  if (!existsSync(path)) {
    console.log(`| ${name} | skipped: no ${path} |`);
    return undefined;
  }
  const [one, two]: [Figures[], Figures[]] = [[], []];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    one.push(await trained("chosen", of, path, options, 1, folder));
    two.push(await trained("chosen", of, path, options, 2, folder));
  }
  const seconds = (all: Figures[]) => all.map((figures) => figures.seconds);
  const text = (all: Figures[]) => medianText(seconds(all));
  const ofTwo = median(seconds(one)) / median(seconds(two));
  const epochs = (all: Figures[]) => median(all.map((figures) => figures.epochs ?? Number.NaN));
  const ofEpochs = one[0]!.epochs === null ? undefined : epochs(one) / epochs(two);
  const used = two.map(({ threads }) => threads ?? 2).join(" ");
  console.log(
    `| ${name} | ${text(one)} | ${text(two)} | ${ofTwo.toFixed(2)} | ${ofEpochs?.toFixed(2) ?? ""} | ${used} |`,
  );
  return { ofTwo, ofEpochs };
}

/** Measures processor time. @returns seconds for each of the numbers of threads in THREADS */
async function processorOf(name: string, folder: string): Promise<number[]> {
  const { of, log, wide } = trainings[name]!;
  const path = await log();
  const all: number[] = [];
  for (const threads of THREADS)
    all.push((await trained("fixed", of, path, wide, threads, folder)).processor);
  const figures = all.map((seconds) => seconds.toFixed(2)).join(" | ");
  console.log(`| ${name} | ${figures} | ${(all[3]! / all[0]!).toFixed(2)} |`);
  return all;
}

async function trained(
  kind: "fixed" | "chosen",
  of: string,
  path: string,
  options: string,
  threads: number,
  folder: string,
): Promise<Figures> {
  const given = ["--threads", String(threads), "-o", join(folder, "run"), "--force", ...options.split(" ")];
  const { stdout } = await run(process.execPath, [child, kind, ...of.split(" "), path, ...given]);
  return parseJson<Figures>(stdout.trim().split("\n").at(-1)!);
}
