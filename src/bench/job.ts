// `npm run bench -- job`: wall time and peak memory of `embed train-fm` in its own process, from 66 MB of CSV to the
// run directory; 5 epochs, dim 16. Figures quoted for comparison: xLearn 0.44 takes 4.3 s from libsvm text, and libFM
// 1.4.4 takes 7.6 s.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { embedMeasured } from "./child.js";
import { canGenerate, ctrLog, describeSeconds } from "./ctr-logs.js";

const REPEATS = 5;

export async function bench(): Promise<void> {
  if (!canGenerate("job")) return;
  const log = `${await ctrLog(1, 1_000_000)}.csv`;
  const seconds: number[] = [];
  let peak = 0;
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const used = await jobSeconds(log);
    seconds.push(used.seconds);
    peak = Math.max(peak, used.peakMb);
  }
  console.log(
    `CSV to run directory, 5 epochs, k=16  ${describeSeconds(seconds)}, peak ${peak.toFixed(0)} MB`,
  );
}

/** Trains once on the log, and returns wall time and peak memory. */
export async function jobSeconds(log: string): Promise<{ seconds: number; peakMb: number }> {
  const folder = await mkdtemp(join(tmpdir(), "embed-job-"));
  try {
    return await embedMeasured(["train-fm", log, "-o", join(folder, "run"), "--epochs", "5", "--quiet"]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
