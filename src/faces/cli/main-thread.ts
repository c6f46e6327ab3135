// Decides which command lines take only a few milliseconds. The main thread runs these itself, because starting a
// thread takes 20 ms.
//
// Such a command must neither block signal handlers for long nor fill the heap, which would end the process without a
// message. It reads a small table, compares a few rows with it, and prints the result.

import { stat } from "node:fs/promises";
import { join } from "node:path";

/** Options, by command, that can make a command slow, because with them it reads or writes files of any size. */
const LONG: Readonly<Record<string, readonly string[]>> = {
  neighbors: ["keys", "names", "index", "table", "out", "format", "force", "config"],
};
/** Maximum number of words after the run's path, such as keys, with which a command counts as short. */
const MOST_WORDS = 40;
/** Maximum number of bytes of the table; comparing a key with this many takes 8 ms. */
const SMALL = 2 ** 24;

/** Whether a command line takes only a few milliseconds. The run is the first word after the command. */
export async function isShort(
  [, , command = "", run = "-", ...words]: readonly string[],
  environment: NodeJS.ProcessEnv,
  execArgv: readonly string[],
): Promise<boolean> {
  const long = Object.hasOwn(LONG, command) ? LONG[command]! : undefined;
  if (!long || run.startsWith("-") || words.length > MOST_WORDS) return false;
  if (words.some((word) => /^-[^-]/.test(word) || long.some((name) => isOption(word, name)))) return false;
  if (long.some((name) => environment[`EMBED_${name.toUpperCase()}`])) return false;
  // with options of Node, the heap of the main thread may be too small for a command
  if (environment["NODE_OPTIONS"] || execArgv.length > 0) return false;
  const files = ["manifest.json", "embeddings.arrow", "embeddings.added.arrow"];
  const sizes = await Promise.all(files.map((file) => fileSize(join(run, file))));
  return sizes.reduce((sum, size) => sum + size) <= SMALL;
}

function isOption(word: string, name: string): boolean {
  return word === `--${name}` || word.startsWith(`--${name}=`);
}

async function fileSize(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
