// `npm run bench -- mcmc`: ALS and MCMC from log to run directory; then the ratings of `-- movietweetings`.
//
// Clicks (1,000,000 rows, 16 fields; 100,000 rows each for test and validation): log loss and seconds of AdaGrad and
// ALS with their defaults, and of MCMC. The generator plants 6 dimensions, as many as the chain has; its options were
// chosen on the validation split.
//
// | peer, same data                       | clicks                |
// | ------------------------------------- | --------------------- |
// | libFM 1.4.4, MCMC, dim 8, 40 sweeps   | 0.508 to 0.510, 2 min |
//
// If LIBFM names a libFM program, its MCMC runs on the clicks in the same run.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { train as trainOnLog } from "../testing/train-by-command.js";
import type { GivenFm } from "../trainers/fm/options.js";
import { canGenerate, ctrLog } from "./ctr-logs.js";
import { watch } from "./films.js";
import { libfm, runLibfm } from "./libfm.js";
import { bench as ratings } from "./movietweetings.js";

const settings = [
  {},
  { method: "als" },
  { method: "mcmc", dim: 6, epochs: 120, draws: 100 },
] satisfies GivenFm[];

/**
 * Measures the training of factorization machines on generated clicks, if the generator of clicks exists, and on
 * ratings.
 */
export async function bench(): Promise<void> {
  if (canGenerate("mcmc")) {
    const out = mkdtempSync(join(tmpdir(), "embed-mcmc-"));
    try {
      await clicks(out);
    } finally {
      rmSync(out, { recursive: true });
    }
  }
  await ratings();
}

async function clicks(out: string): Promise<void> {
  const [train, test, valid] = await Promise.all([
    ctrLog(1, 1_000_000),
    ctrLog(2, 100_000),
    ctrLog(3, 100_000),
  ]);
  for (const fm of settings) {
    const parts = { valid: `${valid}.csv`, test: `${test}.csv` };
    const { metrics, seconds } = await trainOnLog(
      "train-fm",
      [`${train}.csv`],
      { ...fm, ...parts, out: join(out, "clicks"), force: true },
      watch,
    );
    const loss = (part: string) => Number(metrics[part]!["logLoss"]).toFixed(4);
    const table = metrics["testByTable"] ? `, by the table ${loss("testByTable")}` : "";
    console.log(
      `clicks, ${JSON.stringify(fm)}: test log loss ${loss("test")}${table}, valid ${loss("valid")}, ` +
        `${seconds.toFixed(1)} s in all`,
    );
  }
  const peer = "clicks, libFM, MCMC, dim 8, 40 sweeps: test log loss";
  if (!libfm) return console.log(`${peer} 0.508 to 0.510 in two minutes, as quoted`);
  const files = [`${train}.libsvm`, `${test}.libsvm`] as const;
  const how = ["-method", "mcmc", "-dim", "1,1,8", "-iter", "40"];
  const { predictions, seconds } = await runLibfm("c", ...files, out, how);
  const labels = readFileSync(files[1], "latin1").trimEnd().split("\n");
  const losses = predictions.map((p, r) => -Math.log(labels[r]!.startsWith("1") ? p : 1 - p));
  const loss = losses.reduce((sum, each) => sum + each, 0) / losses.length;
  console.log(`${peer} ${loss.toFixed(4)}, ${seconds.toFixed(1)} s`);
}
