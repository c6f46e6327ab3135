// A resident program: it has loaded every module once and runs commands one after another for its parent.
//
// Most commands of the tests take a fraction of the time that a new process needs to load. embed.ts starts this
// program.

import { tmpdir } from "node:os";
import { chdir, memoryUsage } from "node:process";
import { cores } from "../workers/cores.js";
import { embedHere, type CommandOutcome } from "./in-process.js";

// tests of more threads than there are cores
cores.usable = () => Infinity;

/** A command to run: the words after `embed`, the folder, and the complete environment. */
export interface ResidentRequest {
  args: string[];
  cwd: string;
  env: Record<string, string>;
}

/** The outcome, and whether another program must replace this one. */
export interface ResidentAnswer extends CommandOutcome {
  isLast: boolean;
}

/** Bytes of memory above which the program is replaced. */
const MOST_MEMORY = 2 ** 30;

process.on("message", (asked: ResidentRequest) => void run(asked));

async function run({ args, cwd, env }: ResidentRequest): Promise<void> {
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  chdir(cwd);
  const ended = await embedHere(args);
  // a test may remove its folder, and unmount it
  chdir(tmpdir());
  process.send!({ ...ended, isLast: memoryUsage.rss() > MOST_MEMORY } satisfies ResidentAnswer);
}
