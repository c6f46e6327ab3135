// `npm run bench -- defaults [TRIALS] [LOG...]`: compares train-fm without options with --search TRIALS, on logs of
// different shapes (default-logs.ts). Settings are chosen on the validation split; only the chosen one is measured on
// the test split.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { train } from "../testing/train-by-command.js";
import type { PartMetrics } from "../table/manifest.js";
import { logs, type DefaultLog } from "./default-logs.js";
import { watch } from "./films.js";

interface Trained {
  options: Record<string, number>;
  valid: number;
  test: number;
}

export async function bench(): Promise<void> {
  const [first, ...rest] = process.argv.slice(3);
  const trials = Number(first ?? 30);
  if (!(trials > 0)) throw new Error("usage: npm run bench -- defaults [TRIALS] [LOG...]");
  const out = join(mkdtempSync(join(tmpdir(), "embed-defaults-")), "run");
  try {
    console.log(
      `| log | default | best of ${trials} | default less best | --model lr | options of the best | validation |`,
    );
    console.log("| --- | --- | --- | --- | --- | --- | --- |");
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
  const best = await trained(log, { search: trials }, out);
  const more = (100 * (standard.test - best.test)) / best.test;
  const options = ["dim", "learningRate", "l2Weight", "l2Vector"].map((key) => `${key} ${best.options[key]}`);
  const [own, found, alone] = [standard, best, linear].map(({ test }) => test.toFixed(4));
  const valid = [standard, best].map(({ valid: value }) => value.toFixed(4)).join(", ");
  console.log(
    `| ${name} | ${own} | ${found} | ${more.toFixed(1)} % | ${alone} | ${options.join(", ")} | ${valid} |`,
  );
}

/** Trains and returns the test log loss, or RMSE. */
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
