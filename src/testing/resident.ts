// A resident program: it has loaded every module once and runs commands one after another for its parent.
//
// Most commands of the tests take a fraction of the time that a new process needs to load. embed.ts starts this
// program.

import { tmpdir } from "node:os";
import { chdir, memoryUsage } from "node:process";
import { cores } from "../compute/threads/idle.js";
import { embedHere, type CommandOutcome } from "./in-process.js";

// removes the limit of threads, because some tests use more threads than the machine has cores
cores.usable = () => Infinity;

/**
 * A command to run: the words after `embed`, its standard input, the working directory, and the complete environment.
 */
export interface ResidentRequest {
  args: string[];
  input: string | Uint8Array;
  cwd: string;
  env: Record<string, string>;
}

/** The outcome of a command. If `isLast`, the resident program ends, and another one must replace it. */
export interface ResidentAnswer extends CommandOutcome {
  isLast: boolean;
}

/** Memory in bytes above which a resident program, which runs many commands one after another, is replaced. */
const MOST_MEMORY = 2 ** 30;

process.on("message", (asked: ResidentRequest) => void run(asked));

async function run({ args, input, cwd, env }: ResidentRequest): Promise<void> {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  chdir(cwd);
  const ended = await embedHere(args, input);
  // leaves the working directory, because a test may remove or unmount it
  chdir(tmpdir());
  process.send!({ ...ended, isLast: memoryUsage.rss() > MOST_MEMORY } satisfies ResidentAnswer);
}
