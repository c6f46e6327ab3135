// `npm run bench -- defaults [TRIALS] [LOG...]`: what train-fm does without options beside the best of so many drawn settings, on logs of different
// shape (default-logs.ts). Both are chosen on the validation part; of the drawn settings the test part of the chosen one alone is printed.
//
// Each setting is a whole training with early stopping, unlike those of --search, which drops settings after few epochs. Settings are drawn
// evenly in the logarithm: learning rate within 4 times the default, either L2 within 10 times, dim of 8, 16 and 32.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { train } from "../api/train.js";
import type { PartMetrics } from "../embedding/manifest.js";
import { mulberry32, pick, type Random } from "../testing/random.js";
import { logs, type DefaultLog } from "./default-logs.js";
import { watch } from "./films.js";

interface Trained {
  options: Record<string, number>;
  valid: number;
  test: number;
}

const SEED = 23;
const SEARCHED = { learningRate: 4, l2Weight: 10, l2Vector: 10 } as const;

export async function bench(): Promise<void> {
  const [first, ...rest] = process.argv.slice(3);
  const trials = Number(first ?? 30);
  if (!(trials > 0)) throw new Error("usage: npm run bench -- defaults [TRIALS] [LOG...]");
  const out = join(mkdtempSync(join(tmpdir(), "embed-defaults-")), "run");
  try {
    console.log(
      `| log | default | best of ${trials} | default less best | --model lr | options of the best |`,
    );
    console.log("| --- | --- | --- | --- | --- | --- |");
    for (const name of rest.length > 0 ? rest : Object.keys(logs)) await measure(name, trials, out);
  } finally {
    rmSync(join(out, ".."), { recursive: true });
  }
}

async function measure(name: string, trials: number, out: string): Promise<void> {
  const made = logs[name];
  if (!made) throw new Error(`no log '${name}': ${Object.keys(logs).join(", ")}`);
  const log = await made().catch((error: Error) => error);
  if (log instanceof Error) {
    console.log(`| ${name} | skipped: ${log.message.split("\n")[0]} |`);
    return;
  }
  const standard = await trained(log, {}, out);
  const linear = await trained(log, { model: "lr" }, out);
  const random = mulberry32(SEED);
  let best = standard;
  for (let trial = 0; trial < trials; trial++) {
    // what diverges is no candidate
    const drawn = await trained(log, drawnOf(standard.options, random), out).catch(() => undefined);
    if (drawn && drawn.valid < best.valid) best = drawn;
  }
  const more = (100 * (standard.test - best.test)) / best.test;
  const options = ["dim", "learningRate", "l2Weight", "l2Vector"].map((key) => `${key} ${best.options[key]}`);
  const [own, found, alone] = [standard, best, linear].map(({ test }) => test.toFixed(4));
  console.log(`| ${name} | ${own} | ${found} | ${more.toFixed(1)} % | ${alone} | ${options.join(", ")} |`);
}

/** A setting around the default one. */
function drawnOf(standard: Record<string, number>, random: Random): Record<string, number> {
  const setting: Record<string, number> = { dim: pick([8, 16, 32], random) };
  for (const [name, span] of Object.entries(SEARCHED))
    setting[name] = Number((standard[name]! * span ** (2 * random() - 1)).toPrecision(3));
  return setting;
}

/** Log loss, or RMSE, of a training. */
async function trained({ paths, given }: DefaultLog, more: object, out: string): Promise<Trained> {
  const all = { threads: 1, ...given, ...more, out, force: true };
  const { metrics, options } = await train("train-fm", paths, all, watch);
  const of = (part: PartMetrics | undefined) => Number(part?.["logLoss"] ?? part?.["rmse"]);
  return {
    options: options as Record<string, number>,
    valid: of(metrics["valid"]),
    test: of(metrics["test"]),
  };
}
