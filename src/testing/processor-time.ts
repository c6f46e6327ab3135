// Processor time of a test file: its process of jest, the resident program, and every process that either has started.

import { appendFileSync, readFileSync } from "node:fs";

/** The variable that names the file to which each test file appends its processor time, set by reporter.ts. */
export const TIMES_FILE = "EMBED_TEST_TIMES";

/** Clock ticks of /proc/PID/stat in a second, which Linux fixes at 100 for user programs. */
const TICKS = 100;

/**
 * Returns the processor time in seconds of a process and of its children that have ended; 0 without /proc or if the
 * process is gone.
 */
export function processorSeconds(pid: number | "self"): number {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return 0;
  }
  // the name of the program may contain spaces; utime, stime, cutime and cstime are the 12th to 15th fields after it
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS;
}

/** Appends the processor time of a test file, in seconds, to the file that the reporter reads. */
export function recordTime(path: string, seconds: number): void {
  const file = process.env[TIMES_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ path, seconds })}\n`);
}
