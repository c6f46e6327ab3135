// `npm run bench -- fuzz-runs --cases 20000`: reads crafted runs, datasets, checkpoints and foreign files with correct
// checksums. Every command must end soon, use little memory, and return exit code 0 or that of an expected error.

import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { mulberry32, pick, type Random } from "../testing/random.js";
import { bases, commandOf, makeBases, wordsOf, type Base } from "./crafted-bases.js";
import { craftedFile } from "./crafted-files.js";
import { fuzz, type Ending } from "./fuzz-children.js";
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
    if (given === -1) {
      await makeBases(folder);
      process.argv.push("--bases", folder);
    }
    const nameOf = (index: number) => caseOf(index).base.name;
    const fuzzing = { bench: "fuzz-runs", cases: 500, megabytes: 1024, nameOf };
    await fuzz(fuzzing, (own) => Promise.resolve((index) => endOf(index, folder, own)));
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
  const crafted = join(own, base.path);
  cpSync(join(folder, base.path), crafted, { recursive: true });
  // leaves one artifact in ten unchanged, to check that an undamaged file is never reported as damaged
  const isCrafted = random() >= 0.1;
  const what = isCrafted ? craft(crafted, base, random) : "nothing changed";
  const command = commandOf(base, random);
  // a checkpoint is stored next to the path of its future run
  const run = crafted.replace(/\.checkpoint$/, "");
  const places = { $R: run, $B: join(folder, base.path), $O: join(own, "out"), $D: folder };
  try {
    if (process.argv.includes("--verbose")) console.log(`case ${index}: ${what}: embed ${command}`);
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
function craft(path: string, { marker, files: changed = /^/ }: Base, random: Random): string {
  if (!statSync(path).isDirectory()) {
    const bytes = Buffer.from(craftedFile(path, readFileSync(path), random));
    // a checkpoint ends with its checksum
    if (path.endsWith(".checkpoint") && bytes.length > 32)
      sha256(bytes.subarray(0, -32)).copy(bytes, bytes.length - 32);
    writeFileSync(path, bytes);
    return "the file";
  }
  const files = readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .filter((name) => changed.test(name))
    .sort();
  const name = pick(files, random);
  const bytes = craftedFile(name, readFileSync(join(path, name)), random);
  writeFileSync(join(path, name), bytes);
  if (marker === undefined || name === marker) return name;
  const description = JSON.parse(readFileSync(join(path, marker), "utf8")) as {
    files: Record<string, object>;
  };
  description.files[name] = { bytes: bytes.length, sha256: sha256(bytes).toString("hex") };
  writeFileSync(join(path, marker), JSON.stringify(description));
  return name;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
