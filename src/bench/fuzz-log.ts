// `npm run bench -- fuzz-log --cases 20000`: every case must end in a clean result with the right number of rows, or in one
// of our errors. A child reads them one after another; its parent ends it when one takes too long, and goes on after it.

import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EmbedError } from "../errors.js";
import { buildDataset } from "../dataset/build.js";
import { readSide } from "../dataset/side.js";
import type { Log } from "../log/log.js";
import { openLog } from "../log/open.js";
import { fuzzCase, type FuzzCase } from "./fuzz-cases.js";

/** Longer than any case takes on a busy machine. */
const LIMIT_MS = 60_000;

/** What the child tells of a case. */
interface Outcome {
  index: number;
  /** how it ended well: `rows` or the error's name; absent: it did not */
  end?: string;
  failure?: string;
}

/** The bench. */
export async function bench(): Promise<void> {
  const [numCases, first] = [argument("--cases", 20_000), argument("--from", 0)];
  if (process.argv.includes("--child")) return runCases(first, numCases);

  const ends: Record<string, number> = {};
  const failures: string[] = [];
  for (let next = first; next < first + numCases;) next = await watch(next, first + numCases, ends, failures);
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
function watch(from: number, to: number, ends: Record<string, number>, failures: string[]): Promise<number> {
  return new Promise((resolve) => {
    const args = ["fuzz-log", "--child", "--from", String(from), "--cases", String(to - from)];
    const child = fork(fileURLToPath(new URL("./main.js", import.meta.url)), args, {
      execArgv: ["--max-old-space-size=1024"],
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
    child.on("message", ({ index, end, failure }: Outcome) => {
      clearTimeout(timer);
      timer = setTimeout(hung, LIMIT_MS);
      next = index + 1;
      if (end !== undefined) ends[end] = (ends[end] ?? 0) + 1;
      if (failure !== undefined) failures.push(`case ${index} (${fuzzCase(index).name}): ${failure}`);
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (next < to) {
        const how = isHung ? `no end within ${LIMIT_MS} ms` : `the process ended with ${code}: ${stderr}`;
        failures.push(`case ${next} (${fuzzCase(next).name}): ${how}`);
        next++;
      }
      resolve(next);
    });
  });
}

async function runCases(first: number, numCases: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "embed-fuzz-"));
  try {
    for (let index = first; index < first + numCases; index++) {
      const outcome: Outcome = { index, ...(await endOf(fuzzCase(index), folder)) };
      await new Promise((resolve) => process.send!(outcome, resolve));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  process.disconnect();
}

async function endOf(fuzz: FuzzCase, folder: string): Promise<Omit<Outcome, "index">> {
  const path = join(folder, fuzz.file);
  writeFileSync(path, fuzz.bytes);
  try {
    const log = await openLog([path], fuzz.options, { chunkBytes: 1 << 12, localBytes: 1 << 30 });
    if (fuzz.as === "side table") return await endOfSide(log, path);
    if (fuzz.as === "dataset") return await endOfDataset(log, fuzz);
    let numRows = 0;
    const read = await log.read(
      log.columns.map((name) => ({ name, as: "key" as const })),
      (batch) => {
        numRows += batch.numRows;
      },
    );
    const skipped = Object.values(read.skipped).reduce((sum, count) => sum + count, 0);
    if (numRows !== read.numRows)
      return { failure: `batches hold ${numRows} rows, the result says ${read.numRows}` };
    if (fuzz.numRows !== undefined && numRows + skipped !== fuzz.numRows)
      return { failure: `expected ${fuzz.numRows} rows, got ${numRows} and ${skipped} left out` };
    return { end: "rows" };
  } catch (error) {
    if (error instanceof EmbedError) return { end: error.name };
    return { failure: String(error instanceof Error ? error.stack : error).slice(0, 600) };
  }
}

/** A side table by its first column: as many keys as rows. */
async function endOfSide(log: Log, path: string): Promise<Omit<Outcome, "index">> {
  const [key] = log.columns;
  const { keys, columns } = await readSide(log, path, key!, key!);
  const other = columns.find(({ codes }) => codes.length !== keys.size);
  return other
    ? { failure: `${keys.size} keys, and ${other.codes.length} rows of '${other.name}'` }
    : { end: "side table" };
}

/** A dataset in the roles that are inferred. */
async function endOfDataset(log: Log, { numRows, options }: FuzzCase): Promise<Omit<Outcome, "index">> {
  const { onBadRow, multi = {}, ignore = [] } = options;
  // what is named and is not there is a mistake of the flags and not of the log
  const told = {
    multi: Object.fromEntries(Object.entries(multi).filter(([name]) => log.columns.includes(name))),
    ignore: ignore.filter((name) => log.columns.includes(name)),
  };
  const { dataset, skipped } = await buildDataset(log, [], {
    ...told,
    numeric: [],
    drop: [],
    infer: true,
    unlabelled: false,
    onBadRow,
  });
  const bad = Object.values(skipped).reduce((sum, count) => sum + count, 0);
  if (numRows !== undefined && dataset.numRows + bad !== numRows)
    return { failure: `expected ${numRows} rows, the dataset has ${dataset.numRows}, ${bad} left out` };
  return { end: "dataset" };
}
