// Encodes a log of 1, 4 and 16 million rows as a dataset, and reads it back to columns: wall time and peak memory.
//
// The longer logs are the same file given 4 and 16 times. The vocabulary stays the same, so any growth of peak memory
// is due to the number of rows. Each encoding runs in its own process, and its number of rows is checked. Reading back
// is timed in one process, after a warm-up.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { readEncoded } from "../dataset/encoded/read.js";
import { program as embed } from "../testing/places.js";
import { canGenerate, ctrLog, describeSeconds, median } from "./ctr-logs.js";

const run = promisify(execFile);
const REPEATS = 5;

/** A program that runs embed, and prints the peak resident memory of its process, in KiB, to stderr. */
const measured = `
process.on("exit", () => console.error("peak " + process.resourceUsage().maxRSS));
await import(${JSON.stringify(pathToFileURL(embed).href)});
`;

/** Prints wall time and peak memory of `embed encode` by number of rows, and the time of reading a dataset back. */
export async function bench(): Promise<void> {
  if (!canGenerate("encode")) return;
  const log = `${await ctrLog(1, 1_000_000)}.csv`;
  const folder = await mkdtemp(join(tmpdir(), "encode-bench-"));
  const program = join(folder, "measured.mjs");
  await writeFile(program, measured);
  try {
    for (const millions of [1, 4, 16]) {
      const logs = Array.from({ length: millions }, () => log);
      const runs = [];
      for (let repeat = 0; repeat < (millions === 1 ? REPEATS : 1); repeat++)
        runs.push(await encode(program, logs, join(folder, `dataset-${millions}`), millions * 1_000_000));
      const seconds = describeSeconds(runs.map((each) => each.seconds));
      const megabytes = median(runs.map((each) => each.megabytes)).toFixed(0);
      console.log(`encode ${millions} M rows: ${seconds}, peak ${megabytes} MB`);
    }
    const dataset = join(folder, "dataset-1");
    await readEncoded(dataset);
    const seconds = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const start = performance.now();
      await readEncoded(dataset);
      seconds.push((performance.now() - start) / 1000);
    }
    console.log(`read back 1 M rows: ${describeSeconds(seconds)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function encode(
  program: string,
  logs: readonly string[],
  out: string,
  numRows: number,
): Promise<{ seconds: number; megabytes: number }> {
  const start = performance.now();
  const args = [program, "encode", ...logs, "-o", out, "--force", "--json"];
  const { stdout, stderr } = await run(process.execPath, args);
  const seconds = (performance.now() - start) / 1000;
  const { rows } = JSON.parse(stdout) as { rows: number };
  if (rows !== numRows) throw new Error(`the dataset has ${rows} rows, not ${numRows}`);
  const peak = /^peak (\d+)$/m.exec(stderr)?.[1];
  return { seconds, megabytes: (Number(peak) * 1024) / 1e6 };
}
