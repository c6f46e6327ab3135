// The whole job as a user runs it: `embed train-fm` from 66 MB of CSV to the finished run directory, 5 epochs, k=16, in a
// process of its own; wall time and peak memory. Peers, quoted: xLearn 0.44 4.3 s from libsvm text, libFM 1.4.4 7.6 s.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectFolder } from "../testing/places.js";
import { canGenerate, ctrLog, describeSeconds, run } from "./ctr-logs.js";

const REPEATS = 5;

export async function bench(): Promise<void> {
  if (!canGenerate("job")) return;
  const log = `${await ctrLog(1, 1_000_000)}.csv`;
  const folder = await mkdtemp(join(tmpdir(), "embed-job-"));
  const program = join(projectFolder, "bin", "embed.js");
  // the child says itself what it used at its end
  const report = `process.on("exit", () => console.log(process.resourceUsage().maxRSS));`;
  const preload = `data:text/javascript,${encodeURIComponent(report)}`;
  try {
    const seconds: number[] = [];
    let peak = 0;
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const args = ["train-fm", log, "-o", join(folder, "run"), "--force", "--epochs", "5", "--quiet"];
      const start = performance.now();
      const { stdout } = await run(process.execPath, ["--import", preload, program, ...args]);
      seconds.push((performance.now() - start) / 1000);
      peak = Math.max(peak, Number(stdout.trim().split("\n").at(-1)) / 1024);
    }
    console.log(
      `CSV to run directory, 5 epochs, k=16  ${describeSeconds(seconds)}, peak ${peak.toFixed(0)} MB`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
