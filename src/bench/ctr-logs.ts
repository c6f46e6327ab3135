// The seeded click logs of ../shared/bench/gen-ctr.mjs, generated once and kept in the temporary folder.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const sharedBench = fileURLToPath(new URL("../../../shared/bench/", import.meta.url));
export const run = promisify(execFile);
const cache = join(tmpdir(), "embed-bench");

/**
 * Returns whether the generator of the logs exists; prints a message if it is missing.
 *
 * @param bench name of the bench, for the message
 */
export function canGenerate(bench: string): boolean {
  if (!existsSync(join(sharedBench, "gen-ctr.mjs"))) {
    console.log(`${bench}: skipped, ../shared/bench is not here`);
    return false;
  }
  return true;
}

/** Returns the path of a log without its extension, which is .csv, .libsvm or .ffm. */
export async function ctrLog(seed: number, numRows: number): Promise<string> {
  await mkdir(cache, { recursive: true });
  const prefix = join(cache, `ctr-${seed}-${numRows}`);
  if (!existsSync(`${prefix}.done`)) {
    await run(process.execPath, [join(sharedBench, "gen-ctr.mjs"), prefix, String(numRows), String(seed)]);
    await writeFile(`${prefix}.done`, "");
  }
  return prefix;
}

/** Returns the median of the values. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

/** Formats the median, minimum and maximum: `0.31 (0.29 to 0.40)`. */
export function medianText(values: readonly number[], digits = 2): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${median(values).toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
}
