// Fuzzing in batches: a child runs cases one after another; its parent ends it when one takes too long or too much memory,
// says so, and goes on with the next case in another child.

import { fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Longer than any case takes on a busy machine. */
const LIMIT_MS = 60_000;

/** How a case ended: well (`rows`, or an error's name), or with a failure. */
export interface Ending {
  end?: string;
  failure?: string;
}

/** What is to be fuzzed. */
export interface Fuzzing {
  /** as `npm run bench -- NAME` calls it */
  bench: string;
  /** how many cases, unless --cases says so */
  cases: number;
  /** of a child's heap, and of all its memory: more is a failure */
  megabytes: number;
  nameOf: (index: number) => string;
}

type RunCase = (index: number) => Promise<Ending>;

/**
 * Runs cases `--from` .. `--from` + `--cases` - 1 and prints how they ended; the exit code is 1 where one failed.
 *
 * @param prepare called once in each child with a folder of its own
 */
export async function fuzz(fuzzing: Fuzzing, prepare: (folder: string) => Promise<RunCase>): Promise<void> {
  const [numCases, first] = [argument("--cases", fuzzing.cases), argument("--from", 0)];
  if (process.argv.includes("--child")) return await runCases(first, numCases, fuzzing, prepare);

  const ends: Record<string, number> = {};
  const failures: string[] = [];
  for (let next = first; next < first + numCases;)
    next = await watch(fuzzing, next, first + numCases, ends, failures);
  console.log(`${numCases} cases from ${first} on:`, ends);
  for (const failure of failures.slice(0, 50)) console.log(failure);
  console.log(`${failures.length} failures`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

function argument(name: string, standard: number): number {
  const at = process.argv.indexOf(name);
  return at === -1 ? standard : Number(process.argv[at + 1]);
}

/** Runs a child from a case on; returns the case after the last that it ended. */
function watch(
  { bench, megabytes, nameOf }: Fuzzing,
  from: number,
  to: number,
  ends: Record<string, number>,
  failures: string[],
): Promise<number> {
  return new Promise((resolve) => {
    // what the case needs beside --from and --cases
    const others = process.argv.slice(3).filter((word, i, words) => {
      const isTaken = (text: string | undefined) => text === "--from" || text === "--cases";
      return !isTaken(word) && !isTaken(words[i - 1]);
    });
    const args = [bench, "--child", "--from", String(from), "--cases", String(to - from), ...others];
    const child = fork(fileURLToPath(new URL("./main.js", import.meta.url)), args, {
      execArgv: [`--max-old-space-size=${megabytes}`, "--no-warnings"],
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
      // of the process so far, in kilobytes: a child that took too much is replaced, so that it is reported once
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
