// `npm run bench -- fuzz-runs --cases 20000`: reads crafted runs, datasets, checkpoints and foreign files with correct
// checksums. Every command must end soon, use little memory, and return exit code 0 or that of an expected error. With
// --json, the cases are all parts of all JSON texts, replaced by values of other types.

import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { mulberry32, pick, type Random } from "../testing/random.js";
import { bases, commandOf, makeBases, makeJobs, wordsOf, type Base } from "./crafted-bases.js";
import { craftedFile } from "./crafted-files.js";
import { fuzz, type Ending } from "./fuzz-children.js";
import { jsonCases, writeSealed, type JsonCase } from "./json-cases.js";
import { embedHere } from "../testing/in-process.js";

/** Exit codes that crafted files may cause. */
const FINE = [0, 64, 65, 66, 73, 80, 81, 82];
/** Commands that copy files of a run without checking their contents; commands that use the copy check them. */
const COPIES = /^(?:align|publish) /;

/**
 * Runs the bench: each case is a command that reads a crafted artifact.
 *
 * @throws {Error} one of the valid artifacts cannot be created
 */
export async function bench(): Promise<void> {
  // uses one thread and no bootstrap intervals, because neither more threads nor more draws would find other errors
  Object.assign(process.env, { EMBED_THREADS: "1", EMBED_BOOTSTRAP: "0" });
  const given = process.argv.indexOf("--bases");
  const folder = given === -1 ? mkdtempSync(join(tmpdir(), "embed-bases-")) : process.argv[given + 1]!;
  try {
    const isJson = process.argv.includes("--json");
    if (given === -1) {
      await makeBases(folder);
      if (isJson) await makeJobs(folder);
      process.argv.push("--bases", folder);
    }
    const all = isJson ? jsonCases(folder) : undefined;
    const nameOf = (index: number) => (all?.[index] ?? caseOf(index)).base.name;
    const fuzzing = { bench: "fuzz-runs", cases: all?.length ?? 500, megabytes: 1024, nameOf };
    const runCase = (index: number, own: string) =>
      all ? endOfJson(all[index]!, folder, own) : endOf(index, folder, own);
    await fuzz(fuzzing, (own) => Promise.resolve((index) => runCase(index, own)));
  } finally {
    if (given === -1) rmSync(folder, { recursive: true });
  }
}

function caseOf(index: number): { random: Random; base: Base } {
  const random = mulberry32(index + 1);
  return { random, base: pick(bases, random) };
}

async function endOf(index: number, folder: string, own: string): Promise<Ending> {
  const { random, base } = caseOf(index);
  const crafted = copyOf(base, folder, own);
  // leaves one artifact in ten unchanged, to check that an undamaged file is never reported as damaged
  const isCrafted = random() >= 0.1;
  const what = isCrafted ? craft(crafted, base, random) : "nothing changed";
  return await endOfCommand(commandOf(base, random), { base, what, isCrafted }, folder, own);
}

/** Copies an artifact into the folder of a child process, and returns its path. */
function copyOf({ path }: Base, folder: string, own: string): string {
  cpSync(join(folder, path), join(own, path), { recursive: true, verbatimSymlinks: true });
  return join(own, path);
}

async function endOfJson(
  { base, what, command, craft: change }: JsonCase,
  folder: string,
  own: string,
): Promise<Ending> {
  change(copyOf(base, folder, own));
  const ending = await endOfCommand(command, { base, what, isCrafted: true }, folder, own);
  const isRemoval = command.includes("--remove");
  return isRemoval && ending.end !== "0" ? { failure: `${what}: embed ${command}: not removed` } : ending;
}

/** Runs a command on a crafted copy, and then removes the copy and the output. */
async function endOfCommand(
  command: string,
  { base, what, isCrafted }: { base: Base; what: string; isCrafted: boolean },
  folder: string,
  own: string,
): Promise<Ending> {
  const crafted = join(own, base.path);
  // a checkpoint is stored next to the path of its future run
  const run = crafted.replace(/\.checkpoint$/, "");
  const places = { $R: run, $B: join(folder, base.path), $O: join(own, "out"), $D: folder };
  try {
    if (process.argv.includes("--verbose")) console.log(`${base.name}: ${what}: embed ${command}`);
    const { code, stderr } = await embedHere(wordsOf(command, places));
    if (!FINE.includes(code) || (!isCrafted && code === 82))
      return {
        failure: `${what}: embed ${command} ended with ${code}: ${stderr.toString("utf8").slice(-700)}`,
      };
    const complaint =
      code === 0 && !COPIES.test(command)
        ? await complaintAbout(command.includes("--resume") ? run : places.$O, join(own, "table.csv"))
        : undefined;
    if (complaint !== undefined)
      return { failure: `${what}: embed ${command} ended with 0, but ${complaint}` };
    return { end: String(code) };
  } finally {
    for (const path of [crafted, run, places.$O, join(own, "table.csv")])
      rmSync(path, { recursive: true, force: true });
  }
}

/** Describes an error of a command that exited with 0: an unreadable run, or a NaN; undefined without one. */
async function complaintAbout(path: string, table: string): Promise<string | undefined> {
  const isRun = existsSync(join(path, "manifest.json"));
  if (!isRun && !isText(path)) return undefined;
  if (isRun) {
    const { code, stderr } = await embedHere(["export", path, "--format", "csv", "-o", table, "--force"]);
    if (code !== 0) return `its run cannot be exported: ${stderr.toString("utf8").slice(-500)}`;
  }
  const text = readFileSync(isRun ? table : path, "utf8");
  const [line] = /^.*(?:^|[,: [])-?(?:NaN|Infinity)(?:$|[,\]}]).*/m.exec(text) ?? [];
  return line === undefined ? undefined : `it wrote '${line.slice(0, 200)}'`;
}

/** Returns whether a file consists of text lines, such as predictions and exports as CSV. */
function isText(path: string): boolean {
  return (
    statSync(path, { throwIfNoEntry: false })?.isFile() === true &&
    /^[\w,"]+\n/.test(readFileSync(path, "latin1"))
  );
}

/** Changes one file, updates its checksum, and returns its name. */
function craft(path: string, { files: changed = /^/ }: Base, random: Random): string {
  if (!statSync(path).isDirectory()) {
    writeSealed(path, "", craftedFile(path, readFileSync(path), random));
    return "the file";
  }
  const files = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .filter((name) => changed.test(name))
    .sort();
  const name = pick(files, random);
  writeSealed(path, name, craftedFile(name, readFileSync(join(path, name)), random));
  return name;
}
