// `npm run bench -- net-peer [LOG...]`: compares networks of train-net with the same networks in PyTorch: the same rows
// and splits, embedding dimension, hidden layers, optimizers, learning rates and penalty per key, stopped by the
// validation loss with the same patience. Prints mean and standard deviation over three seeds, and each training to
// standard error as it ends.
//
//   retail   purchases of a month, each with three items that the customer did not buy; these are sampled once, so
//            that both programs read the same rows
//   clicks   100,000 rows of 16 fields from a planted factorization machine
//
// PyTorch keeps the parameters at the end of its best epoch, whereas train-net averages parameters by default; a second
// line shows train-net without averaging.
//
// `EMBED_PEER_PYTHON` names a Python with torch; without it, only train-net is measured.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { train } from "../testing/train-by-command.js";
import { mulberry32, type Random } from "../testing/random.js";
import { ctrLog } from "./ctr-logs.js";
import { retail } from "./default-logs.js";
import { watch } from "./films.js";
import { PEER } from "./net-torch.js";

const SEEDS = [1, 2, 3];
const HIDDEN = [64, 32];
/** Where the training split and the validation split end, in tenths of the log's rows. */
const CUTS = { retail: [8, 9], clicks: [6, 8] } as const;
const PLAIN = { averageEpochs: 0 };
/** Options with the penalty per key that train-net uses by default. */
const PENALTY = { keyL2: 0.005 };
const ARCHS = ["fnn", "wide-deep"] as const;
const NEGATIVES = 3;
const cache = join(tmpdir(), "embed-bench");

/** A log in three files with the same columns; the first column is `label`. */
type Splits = Record<"train" | "valid" | "test", string>;

const logs: Readonly<Record<string, () => Promise<Splits>>> = {
  retail: async () => await splitInto("retail", await purchases()),
  clicks: async () => {
    const [header, ...lines] = linesOf(`${await ctrLog(1, 100_000)}.csv`);
    const rows = shuffled(lines, mulberry32(7));
    return await splitInto("clicks", [header!.replace(/\bclick\b/, "label"), ...rows]);
  },
};

interface Figures {
  bestEpoch: number;
  valid: number;
  logLoss: number;
  auc: number;
}

export async function bench(): Promise<void> {
  const names = process.argv.slice(3);
  const python = process.env["EMBED_PEER_PYTHON"];
  console.log("| log | network | by | best epoch | validation log loss | test log loss | test AUC |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const name of names.length > 0 ? names : Object.keys(logs)) {
    const log = logs[name];
    if (!log) throw new Error(`no log '${name}': ${Object.keys(logs).join(", ")}`);
    const splits = await log();
    for (const arch of ARCHS) {
      const peers: Record<string, (seed: number) => Promise<Figures> | Figures> = {
        "train-net": (seed) => trained(splits, { arch, seed, ...PENALTY }),
        "train-net --average-epochs 0": (seed) => trained(splits, { arch, seed, ...PENALTY, ...PLAIN }),
        ...(python && { PyTorch: (seed: number) => torch(python, splits, arch, seed) }),
      };
      for (const [by, of] of Object.entries(peers)) {
        const all: Figures[] = [];
        for (const seed of SEEDS) {
          all.push(await of(seed));
          console.error([name, arch, by, seed, JSON.stringify(all.at(-1))].join(" "));
        }
        print(name, arch, by, all);
      }
    }
  }
}

function print(...[log, arch, by, all]: [string, string, string, Figures[]]): void {
  const spread = (of: keyof Figures) => {
    const values = all.map((figures) => figures[of]);
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
    return `${mean.toFixed(4)} ±${Math.sqrt(squares / (values.length - 1)).toFixed(4)}`;
  };
  const epochs = all.map(({ bestEpoch }) => bestEpoch).join(", ");
  console.log(
    `| ${log} | ${arch} | ${by} | ${epochs} | ${spread("valid")} | ${spread("logLoss")} | ${spread("auc")} |`,
  );
}

async function trained(
  splits: Splits,
  more: { arch: string; seed: number; averageEpochs?: number },
): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), "embed-net-peer-"));
  try {
    const out = join(folder, "run");
    const { train: path, valid, test } = splits;
    const given = { label: "label", hidden: HIDDEN, threads: 1, valid, test, fields: fieldsOf(path), out };
    const { metrics } = await train("train-net", [path], { ...given, ...more }, watch);
    const losses = linesOf(join(out, "metrics.jsonl")).map(
      (line) => (JSON.parse(line) as { validLoss: number }).validLoss,
    );
    const bestEpoch = 1 + losses.indexOf(Math.min(...losses));
    const { logLoss, auc } = metrics["test"] as { logLoss: number; auc: number };
    return { bestEpoch, valid: losses[bestEpoch - 1]!, logLoss, auc };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function torch(python: string, splits: Splits, arch: string, seed: number): Figures {
  const args = [
    splits.train,
    splits.valid,
    splits.test,
    arch,
    String(seed),
    HIDDEN.join(","),
    String(PENALTY.keyL2),
  ];
  const { stdout, stderr, status } = spawnSync(python, ["-c", PEER, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Figures;
}

function fieldsOf(path: string): string[] {
  return linesOf(path)[0]!
    .split(",")
    .filter((column) => column !== "label");
}

function linesOf(path: string): string[] {
  return readFileSync(path, "utf8").trimEnd().split("\n");
}

/** Returns the header and the rows of one month in order of time; each event is followed by its sampled negatives. */
async function purchases(): Promise<string[]> {
  const [, ...lines] = linesOf(await retail());
  // counts the columns after the description from the end, because the description may contain commas
  const events = lines.map((line) => {
    const cells = line.split(",");
    return { item: cells[1]!, user: cells.at(-2)!, country: cells.at(-1)!, time: cells.at(-4)! };
  });
  events.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  const bought = new Map<string, Set<string>>();
  for (const { user, item } of events) bought.set(user, (bought.get(user) ?? new Set()).add(item));
  const items = [...new Set(events.map(({ item }) => item))].sort();
  const random = mulberry32(3);
  const rows = events.map(({ user, item, country }) => {
    const drawn = Array.from({ length: NEGATIVES }, () => otherThan(bought.get(user)!, items, random));
    return [`1,${user},${item},${country}`, ...drawn.map((other) => `0,${user},${other},${country}`)].join(
      "\n",
    );
  });
  return ["label,CustomerID,StockCode,Country", ...rows];
}

function otherThan(own: ReadonlySet<string>, items: readonly string[], random: Random): string {
  for (;;) {
    const item = items[Math.floor(random() * items.length)]!;
    if (!own.has(item)) return item;
  }
}

function shuffled(lines: string[], random: Random): string[] {
  for (let i = lines.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [lines[i], lines[j]] = [lines[j]!, lines[i]!];
  }
  return lines;
}

/** Writes the training, validation and test split, which are consecutive rows of the log, to three files. */
function splitInto(name: keyof typeof CUTS, [header, ...rows]: string[]): Promise<Splits> {
  mkdirSync(cache, { recursive: true });
  const path = (split: string) => join(cache, `net-${name}-${split}.csv`);
  const splits = { train: path("train"), valid: path("valid"), test: path("test") };
  const [first, second] = CUTS[name].map((tenths) => Math.floor((tenths * rows.length) / 10)) as [
    number,
    number,
  ];
  const ranges = { train: [0, first], valid: [first, second], test: [second, rows.length] } as const;
  for (const [split, [from, to]] of Object.entries(ranges)) {
    const file = path(split);
    if (!existsSync(file)) writeFileSync(file, [header, ...rows.slice(from, to)].join("\n") + "\n");
  }
  return Promise.resolve(splits);
}
