// `npm run bench -- all [WORK...]`: measures every piece of work and its peer alternately in one run, and writes the
// table of docs/performance.md. If names are given, only their lines are measured and replaced.
//
// EMBED_PEER_PYTHON names a Python with lightgbm, pandas, implicit, scipy and faiss; EMBED_XLEARN names xlearn_train;
// gcc compiles fm-native. Run it on an idle machine.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transpose } from "../dataset/sequences/interactions.js";
import { truncatedSvd } from "../compute/solvers/svd/truncated-svd.js";
import { projectFolder } from "../testing/places.js";
import { trainFm } from "../trainers/fm/train.js";
import { learnFfm } from "../trainers/fm/ffm/learn.js";
import { startNet } from "../trainers/net/machine.js";
import { embedMeasured } from "./child.js";
import { canGenerate, ctrLog, run } from "./ctr-logs.js";
import { cellsOf, measureDuel, type Duel } from "./duel.js";
import { inputOf as ffmInput, options as ffmOptions, xlearnSpeed } from "./ffm.js";
import { compileNative, inputOf, readLibsvm, runNative, speedOf, steps } from "./fm.js";
import { peer as lightgbm, tabular, trainOurs } from "./gbdt.js";
import { implicitPairs, pairsPerSecond } from "./gowalla.js";
import {
  eventsOf,
  gowalla,
  noTimes,
  trainOurs as trainAls,
  trainTheirs as trainImplicitAls,
} from "./implicit.js";
import { machineText } from "./machine.js";
import { firstOf, planOf, productsMilliseconds, rowsOf, STEPS } from "./net.js";
import { known, svdsSeconds } from "./pca.js";
import { readHyparquet, readOurs, readPapaparse, parquetOf, timed } from "./read.js";
import { searchDuel } from "./recall.js";
import { startUpDuel } from "./start-up.js";

const REPEATS = 5;
const NUM_ROWS = 1_000_000;
const python = process.env["EMBED_PEER_PYTHON"];
const xlearn = process.env["EMBED_XLEARN"];

/** The measured pieces of work by their names on the command line, in the order of the table. */
const works: Readonly<Record<string, () => Promise<Duel[]>>> = {
  read,
  fm,
  job: async () => [await job()],
  ffm: async () => [await ffm()],
  gbdt,
  als: async () => [await als()],
  bpr: async () => [await bpr()],
  pca: async () => [await pca()],
  net,
  recall: async () => [await searchDuel(await peerOf("faiss"))],
  start: async () => [await startUpDuel()],
};

export async function bench(): Promise<void> {
  const asked = process.argv.slice(3);
  const odd = asked.find((name) => !Object.hasOwn(works, name));
  if (odd !== undefined) throw new Error(`no work '${odd}': ${Object.keys(works).join(", ")}`);
  if (!canGenerate("all")) return;
  const head = ["work", "embed", "peer", "ratio (least to greatest)", "target", "peer's name"];
  const lines = [head, head.map((_, i) => (i > 0 && i < 5 ? "---:" : "---"))];
  for (const line of lines) console.log(lineOf(line));
  for (const name of asked.length > 0 ? asked : Object.keys(works)) {
    for (const duel of await works[name]!()) {
      for (const row of await measureDuel(duel, REPEATS)) {
        lines.push(cellsOf(row));
        console.log(lineOf(lines.at(-1)!));
      }
    }
  }
  const path = join(projectFolder, "docs", "performance.md");
  const [first, second, ...measured] = lines.map(lineOf);
  const all = asked.length > 0 ? replacing(linesIn(path), measured) : measured;
  writeFileSync(path, [headOf(await machineText()), first, second, ...all, ""].join("\n"));
  console.log(`\nwrote ${path}`);
}

/** Returns the lines of a page's table of measurements, without its header. */
function linesIn(path: string): string[] {
  if (!existsSync(path)) return [];
  const [, , ...lines] = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("|"));
  return lines;
}

/** Replaces earlier lines of the table that have the same work and peer; new lines are appended. */
function replacing(earlier: readonly string[], measured: readonly string[]): string[] {
  const keyOf = (line: string) => [1, 6].map((cell) => line.split("|")[cell]!.trim()).join();
  const fresh = new Map(measured.map((line) => [keyOf(line), line]));
  const kept = earlier.map((line) => {
    const key = keyOf(line);
    const own = fresh.get(key) ?? line;
    fresh.delete(key);
    return own;
  });
  return [...kept, ...fresh.values()];
}

const lineOf = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const headOf = (machine: string): string => `# Performance

Training passes and whole jobs beside the programs that are used for them today, on one machine. Both sides take turns ${REPEATS}
times; figures are medians, and the ratio says how many times as fast \`embed\` is (least and greatest of a turn in
parentheses).
[How large?](how-large.md) has time and memory by rows, keys and dimensions.

${machine}. This page is written by
\`npm run bench -- all\`. \`EMBED_PEER_PYTHON\` names a Python that has lightgbm, pandas, implicit, scipy and faiss, and
\`EMBED_XLEARN\` names \`xlearn_train\`. Wide ranges of a ratio show that the machine was not equally fast throughout.
`;

/** Returns the name and version of a peer's Python package; undefined if the package is not installed. */
async function versionOf(packageName: string): Promise<string | undefined> {
  if (!python) return undefined;
  const code = `import ${packageName}; print(${packageName}.__version__)`;
  const found = await run(python, ["-c", code]).catch(() => undefined);
  return found && `${packageName} ${found.stdout.trim()}`;
}

/**
 * Returns the name and version of a peer's Python package with the Python to run it, or the reason why it cannot be
 * run.
 */
async function peerOf(packageName: string): Promise<{ name: string; python: string } | { missing: string }> {
  const name = await versionOf(packageName);
  return name && python
    ? { name, python }
    : { missing: `EMBED_PEER_PYTHON names no Python with ${packageName}` };
}

async function pythonPeer(
  packageName: string,
  figures: (python: string) => Promise<number[]>,
  suffix = "",
): Promise<NonNullable<Duel["peer"]>> {
  const found = await peerOf(packageName);
  return "missing" in found
    ? found
    : { name: `${found.name}${suffix}`, figures: () => figures(found.python) };
}

async function read(): Promise<Duel[]> {
  const path = `${await ctrLog(1, NUM_ROWS)}.csv`;
  const parquet = await parquetOf(path);
  return [
    {
      rows: [{ work: "read CSV, 1 M rows of 17 columns, two threads", unit: "s" }],
      ours: async () => [await timed(() => readOurs(path, 2))],
      peer: {
        name: "papaparse, a Map for each column",
        figures: async () => [await timed(() => readPapaparse(path))],
      },
    },
    {
      rows: [{ work: "the same rows as Parquet, two threads", unit: "s" }],
      ours: async () => [await timed(() => readOurs(parquet, 2))],
      peer: {
        name: "hyparquet, a Map for each column",
        figures: async () => [await timed(() => readHyparquet(parquet))],
      },
    },
  ];
}

async function fm(): Promise<Duel[]> {
  const [train, test] = (await Promise.all([ctrLog(1, NUM_ROWS), ctrLog(2, 100_000)])).map(
    (prefix) => `${prefix}.libsvm`,
  ) as [string, string];
  const input = inputOf(await readLibsvm(train));
  const folder = mkdtempSync(join(tmpdir(), "fm-native-"));
  const speed = async (dim: number, threads: number) =>
    speedOf((await trainFm(input, steps(dim, threads, true, 4))).epochs) / 1e6;
  const duels: Duel[] = [];
  for (const [dim, targets] of [
    [16, [undefined, undefined]],
    [32, [0.95, undefined]],
  ] as const) {
    const native = await compileNative(dim, folder);
    duels.push({
      rows: [1, 2].map((threads) => ({
        work: `FM epochs, dim ${dim}, 1 M rows of 16 fields, ${threads === 1 ? "one thread" : "two threads"}`,
        unit: "M rows/s" as const,
        target: targets[threads - 1],
      })),
      ours: async () => [await speed(dim, 1), await speed(dim, 2)],
      peer: native
        ? {
            name: "a C program, gcc -O3, one thread",
            figures: async () => {
              const rate = speedOf(await runNative(native, [train, test], 4)) / 1e6;
              return [rate, rate];
            },
          }
        : { missing: "there is no gcc" },
    });
  }
  duels.at(-1)!.end = () => rmSync(folder, { recursive: true });
  return duels;
}

async function job(): Promise<Duel> {
  const prefix = await ctrLog(1, NUM_ROWS);
  const input = inputOf(await readLibsvm(`${prefix}.libsvm`));
  const folder = mkdtempSync(join(tmpdir(), "embed-job-"));
  const out = join(folder, "run");
  return {
    rows: [
      {
        work: "train-fm, CSV to run, 1 M rows, five epochs of dim 16, two threads",
        unit: "s",
        target: 1 / 1.6,
      },
    ],
    ours: async () => [
      (await embedMeasured(["train-fm", `${prefix}.csv`, "-o", out, "--force", "--epochs", "5", "--quiet"]))
        .seconds,
    ],
    peer: {
      name: "its five epochs alone",
      figures: async () => {
        const { epochs } = await trainFm(input, steps(16, 2, true, 5));
        return [(5 * NUM_ROWS) / speedOf(epochs)];
      },
    },
    end: () => rmSync(folder, { recursive: true }),
  };
}

async function ffm(): Promise<Duel> {
  const prefixes = await Promise.all([ctrLog(1, NUM_ROWS), ctrLog(3, 100_000), ctrLog(2, 100_000)]);
  const [train, valid, test] = prefixes.map((prefix) => `${prefix}.csv`) as [string, string, string];
  const { valid: _, ...timed } = (await ffmInput(train, valid, test)).input;
  return {
    rows: [{ work: "FFM epochs, dim 4, 1 M rows of 16 fields, two threads", unit: "M rows/s", target: 1.3 }],
    ours: async () => {
      const { epochs } = await learnFfm(timed, ffmOptions(2, 3), () => undefined);
      return [speedOf(epochs) / 1e6];
    },
    peer:
      xlearn === undefined
        ? { missing: "EMBED_XLEARN names no xlearn_train" }
        : { name: "xLearn 0.44", figures: async () => [await xlearnSpeed(xlearn, `${prefixes[0]}.ffm`, 2)] },
  };
}

async function gbdt(): Promise<Duel[]> {
  const [train, test] = [await tabular(1, 500_000), await tabular(2, 100_000)];
  const folder = mkdtempSync(join(tmpdir(), "embed-gbdt-"));
  const figures = ({ binAndTrain, seconds }: Record<string, number>) => [binAndTrain!, seconds!];
  const duels: Duel[] = [];
  for (const threads of [2, 1]) {
    const many = threads === 1 ? "one thread" : "two threads";
    duels.push({
      rows: [
        { work: `GBDT, bins and 100 trees of 31 leaves, 500,000 x 28, ${many}`, unit: "s", target: 1.15 },
        { work: `the same, CSV to run, ${many}`, unit: "s", target: 1 },
      ],
      ours: async () =>
        figures(await trainOurs(train, ["--test", test, "--threads", String(threads)], join(folder, "run"))),
      peer: await pythonPeer("lightgbm", async (path) =>
        figures(await lightgbm(path, "tabular", train, test, threads, 1)),
      ),
    });
  }
  duels.at(-1)!.end = () => rmSync(folder, { recursive: true });
  return duels;
}

async function als(): Promise<Duel> {
  needsGowalla();
  const train = eventsOf("train");
  return {
    rows: [{ work: "ALS on implicit feedback, gowalla, dim 64, two threads", unit: "s" }],
    async ours() {
      const times = noTimes();
      await trainAls(64, train, times);
      return times.clock;
    },
    peer: await pythonPeer("implicit", async (path) => [(await trainImplicitAls(path, 64))[0]]),
  };
}

async function bpr(): Promise<Duel> {
  needsGowalla();
  return {
    rows: ["", ", --optimizer sgd"].map((more) => ({
      work: `BPR epochs, gowalla, dim 64, two threads${more}`,
      unit: "M pairs/s" as const,
      target: 1,
    })),
    ours: async () => [(await pairsPerSecond()) / 1e6, (await pairsPerSecond("sgd")) / 1e6],
    peer: await pythonPeer("implicit", async (path) => {
      const speed = (await implicitPairs(path)) / 1e6;
      return [speed, speed];
    }),
  };
}

async function pca(): Promise<Duel> {
  needsGowalla();
  const users = known(eventsOf("train"));
  const matrix = { rows: users, columns: transpose(users, 40_981) };
  return {
    rows: [{ work: "truncated SVD, gowalla, 64 components, two threads", unit: "s" }],
    ours: async () => [
      await timed(() => truncatedSvd(matrix, { dim: 64, tolerance: 0.01, seed: 1, threads: 2 })),
    ],
    peer: await pythonPeer("scipy", async (path) => [await svdsSeconds(path)], ", svds"),
  };
}

async function net(): Promise<Duel[]> {
  const plan = planOf("fnn");
  const rows = rowsOf(plan);
  const duels: Duel[] = [];
  for (const [threads, target] of [
    [1, 1 / 4.5],
    [2, 1 / 2.6],
  ] as const) {
    const machine = await startNet(plan, firstOf(plan), { threads });
    // trains once without timing, because the engine compiles the kernels during the first steps
    await machine.train(rows, { epoch: 1, first: 0 });
    duels.push({
      rows: [
        {
          work: `step of a network 16 x 16 → 256 → 128, batch 1,024, ${threads === 1 ? "one thread" : "two threads"}`,
          unit: "ms",
          target,
        },
      ],
      ours: async () => [((await timed(() => machine.train(rows, { epoch: 2, first: 0 }))) * 1000) / STEPS],
      peer: await pythonPeer(
        "numpy",
        async (path) => [await productsMilliseconds(path)],
        ", its products alone, one thread",
      ),
      end: () => machine.terminate(),
    });
  }
  return duels;
}

function needsGowalla(): void {
  if (!existsSync(gowalla)) throw new Error(`there are no check-ins in ${gowalla}`);
}
