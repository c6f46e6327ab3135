// Runs fuzz cases in child processes. A child runs cases one after another. If a case takes too much time or memory,
// the parent kills the child, reports the case, and continues with the next case in a new child.

import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Options of V8 for a heap that is large from the start: a small one is collected again and again while it grows. */
const LARGE_HEAP = ["--initial-old-space-size=256", "--min-semi-space-size=16"];
/** Time limit of a case; no case takes this long, even on a busy machine. */
const LIMIT_MS = 60_000;

/**
 * Outcome of a case. `end`: a short description of a correct outcome, `rows` or the name of an expected error;
 * `failure`: a description of what went wrong.
 */
export interface Ending {
  end?: string;
  failure?: string;
}

/** A bench that runs generated cases in child processes. */
interface Fuzzing {
  /** name of the bench for `npm run bench` */
  bench: string;
  /** number of cases that the bench runs by default */
  cases: number;
  /** maximum megabytes of a child's heap, and of all its memory; a child that exceeds them has failed */
  megabytes: number;
  nameOf: (index: number) => string;
}

type RunCase = (index: number) => Promise<Ending>;

/**
 * Runs cases `--from` .. `--from` + `--cases` - 1 and prints their outcomes; the exit code is 1 if one failed.
 *
 * @param prepare called once in each child, with a folder of its own
 */
export async function fuzz(fuzzing: Fuzzing, prepare: (folder: string) => Promise<RunCase>): Promise<void> {
  const [numCases, first] = [argument("--cases", fuzzing.cases), argument("--from", 0)];
  if (process.argv.includes("--child")) return await runCases(first, numCases, fuzzing, prepare);

  const ends: Record<string, number> = {};
  const failures: string[] = [];
  for (let next = first; next < first + numCases;)
    next = await runChild(fuzzing, next, first + numCases, ends, failures);
  console.log(`${numCases} cases from ${first} on:`, ends);
  for (const failure of failures.slice(0, 50)) console.log(failure);
  console.log(`${failures.length} failures`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

function argument(name: string, standard: number): number {
  const at = process.argv.indexOf(name);
  return at === -1 ? standard : Number(process.argv[at + 1]);
}

/**
 * Runs cases in a child process, starting with a given case; returns the index of the first case that the child has not
 * run.
 */
function runChild(
  { bench, megabytes, nameOf }: Fuzzing,
  from: number,
  to: number,
  ends: Record<string, number>,
  failures: string[],
): Promise<number> {
  return new Promise((resolve) => {
    // passes the bench's other arguments to the child
    const others = process.argv.slice(3).filter((word, i, words) => {
      const isTaken = (text: string | undefined) => text === "--from" || text === "--cases";
      return !isTaken(word) && !isTaken(words[i - 1]);
    });
    const args = [bench, "--child", "--from", String(from), "--cases", String(to - from), ...others];
    const child = fork(fileURLToPath(new URL("./main.js", import.meta.url)), args, {
      execArgv: [`--max-old-space-size=${megabytes}`, ...LARGE_HEAP, "--no-warnings"],
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    let next = from;
    let isHung = false;
    const hung = () => {
      isHung = true;
      child.kill("SIGKILL");
    };
    let timer = setTimeout(hung, LIMIT_MS);
    let stderr = "";
    child.stderr!.on("data", (text: Buffer) => (stderr = (stderr + text.toString()).slice(-2000)));
    child.on("message", ({ index, end, failure }: Ending & { index: number }) => {
      clearTimeout(timer);
      timer = setTimeout(hung, LIMIT_MS);
      next = index + 1;
      if (end !== undefined) ends[end] = (ends[end] ?? 0) + 1;
      if (failure !== undefined) failures.push(`case ${index} (${nameOf(index)}): ${failure}`);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (next < to && (code !== 0 || isHung)) {
        const how = isHung ? `no end within ${LIMIT_MS} ms` : `the process ended with ${code}: ${stderr}`;
        failures.push(`case ${next} (${nameOf(next)}): ${how}`);
        next++;
      }
      resolve(next);
    });
  });
}

async function runCases(
  first: number,
  numCases: number,
  { megabytes }: Fuzzing,
  prepare: (folder: string) => Promise<RunCase>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "embed-fuzz-"));
  try {
    const run = await prepare(folder);
    for (let index = first; index < first + numCases; index++) {
      const ending = await run(index);
      // maxRSS, in kB, never decreases, so the child is replaced and only this case is reported
      const used = process.resourceUsage().maxRSS / 1024;
      const tooMuch = used > megabytes && { failure: `the process took ${Math.round(used)} MB` };
      await new Promise((resolve) => process.send!({ index, ...ending, ...tooMuch }, resolve));
      if (tooMuch) break;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.disconnect();
}
