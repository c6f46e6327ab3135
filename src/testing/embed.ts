// Runs the built program as a user does: through a shell, in a minimal environment like that of cron.
//
// A command that does not need its own process is run by a resident one (resident.ts), because loading the program
// takes longer than most commands of the tests. EMBED_TEST_PROCESSES=1 gives every command its own process.

import { fork, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Resident } from "./environment.js";
import { OPTIMIZE_LATE as LATE } from "./late-optimization.js";
import { program } from "./places.js";
import type { ResidentAnswer, ResidentRequest } from "./resident.js";

/** The output of a finished program. */
export interface ProgramOutput {
  /** exit code; null if a signal ended the program */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** standard output as bytes */
  bytes: Buffer;
  /** standard output as text */
  stdout: string;
  stderr: string;
}

/** Options for running a program. */
export interface Running {
  cwd?: string;
  /** content of standard input; empty when absent */
  input?: string | Buffer;
  env?: Record<string, string>;
  /** sends the signal as soon as standard error matches; epochs are then printed as JSON, such as `"epoch":8,` */
  signalWhen?: { stderr: RegExp; signal: NodeJS.Signals };
  /** calls `act` as soon as standard error matches, while the program runs */
  when?: { stderr: RegExp; act: () => void };
}

/** Runs `embed ARGS...` to its end; never throws for an exit code. */
export function embed(args: readonly string[], running: Running = {}): Promise<ProgramOutput> {
  return needsProcess(running)
    ? run(process.execPath, [...LATE, program, ...args], running)
    : askResident({ args: [...args], input: running.input ?? "", ...surroundings(running) });
}

/** Runs `embed ARGS...` and returns its output. @throws {Error} with its standard error: the exit code is not 0 */
export async function embedOk(args: readonly string[], running: Running = {}): Promise<ProgramOutput> {
  const finished = await embed(args, running);
  if (finished.code !== 0) {
    throw new Error(`embed ${args.join(" ")} ended with ${finished.code}:\n${finished.stderr}`);
  }
  return finished;
}

/** Runs a shell command line in which `embed` is the built program, for pipes and redirections. */
export function shell(line: string, running: Running = {}): Promise<ProgramOutput> {
  const define = `embed() { "$EMBED_NODE" ${LATE.join(" ")} "$EMBED_PROGRAM" "$@"; }`;
  const env = { ...running.env, EMBED_NODE: process.execPath, EMBED_PROGRAM: program };
  return run("/bin/sh", ["-c", `${define}\n${line}`], { ...running, env });
}

/**
 * Returns the folder and the environment of a command: cron's environment with the test's variables. A command uses one
 * thread unless --threads requests more, because starting threads takes longer than most of these trainings.
 */
function surroundings({ cwd = tmpdir(), env }: Running): { cwd: string; env: Record<string, string> } {
  return {
    cwd,
    env: { PATH: "/usr/bin:/bin", HOME: tmpdir(), SHELL: "/bin/sh", EMBED_THREADS: "1", ...env },
  };
}

/**
 * Whether a command needs a process of its own: it gets a signal, configures Node, or runs in parallel with another
 * command.
 */
function needsProcess({ signalWhen, when, env = {} }: Running): boolean {
  return (
    process.env["EMBED_TEST_PROCESSES"] === "1" ||
    resident.isBusy ||
    (signalWhen ?? when) !== undefined ||
    Object.keys(env).some((name) => name.startsWith("NODE_"))
  );
}

// environment.ts passes the resident process from one test file to the next
const { resident } = globalThis as unknown as { resident: Resident };

/** Lets the resident process run a command; starts one if there is none. */
async function askResident(asked: ResidentRequest): Promise<ProgramOutput> {
  resident.isBusy = true;
  if (!resident.program?.connected)
    resident.program = fork(join(import.meta.dirname, "resident.js"), {
      // a small heap would be collected again and again while it grows, which takes 3 % of the time
      execArgv: ["--initial-old-space-size=512", "--min-semi-space-size=16"],
      serialization: "advanced",
      silent: true,
    });
  const child = resident.program;
  setHeld(child, true);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  const keepOut = (chunk: Buffer) => out.push(chunk);
  const keepErr = (chunk: Buffer) => err.push(chunk);
  // captures output that bypasses the program's streams, such as the report of a crash
  child.stdout!.on("data", keepOut);
  child.stderr!.on("data", keepErr);
  try {
    return await new Promise<ProgramOutput>((resolve, reject) => {
      child.once("message", ({ code, stdout, stderr, isLast }: ResidentAnswer) => {
        if (isLast) {
          resident.program = undefined;
          child.disconnect();
        }
        resolve(finished(code, null, [...out, stdout], [...err, stderr]));
      });
      child.once("close", (code, signal) => {
        resident.program = undefined;
        resolve(finished(code, signal, out, err));
      });
      child.once("error", reject);
      child.send(asked);
    });
  } finally {
    for (const event of ["message", "close", "error"]) child.removeAllListeners(event);
    child.stdout!.off("data", keepOut);
    child.stderr!.off("data", keepErr);
    setHeld(child, false);
    resident.isBusy = false;
  }
}

/** Sets whether the child keeps the tests' process alive. */
function setHeld(child: ChildProcess, isHeld: boolean): void {
  for (const handle of [child, child.channel, child.stdout, child.stderr] as (Handle | null | undefined)[]) {
    if (isHeld) handle?.ref();
    else handle?.unref();
  }
}

/** The methods of a child process's handles that determine whether the child keeps its parent alive. */
interface Handle {
  ref(): void;
  unref(): void;
}

function finished(
  code: number | null,
  signal: NodeJS.Signals | null,
  out: readonly Uint8Array[],
  err: readonly Uint8Array[],
): ProgramOutput {
  const bytes = Buffer.concat(out);
  return { code, signal, bytes, stdout: bytes.toString("utf8"), stderr: Buffer.concat(err).toString("utf8") };
}

/** Runs a program with cron's environment and collects its output. */
function run(command: string, args: readonly string[], running: Running = {}): Promise<ProgramOutput> {
  // prints epochs as JSON, because text output omits epochs of a long training
  const everyEpoch = (running.signalWhen ?? running.when) && { EMBED_LOG_FORMAT: "json" };
  const env = { ...everyEpoch, ...running.env };
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, surroundings({ ...running, env }));
    const [out, err]: [Buffer[], Buffer[]] = [[], []];
    let waiting = running.signalWhen;
    let { when } = running;
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => {
      err.push(chunk);
      if (waiting?.stderr.test(Buffer.concat(err).toString("utf8"))) {
        child.kill(waiting.signal);
        waiting = undefined;
      }
      if (when?.stderr.test(Buffer.concat(err).toString("utf8"))) {
        const { act } = when;
        when = undefined;
        act();
      }
    });
    child.on("error", reject);
    // a program that rejects its arguments does not read its input, which is not an error here
    child.stdin.on("error", () => {});
    child.stdin.end(running.input ?? "");
    child.on("close", (code, signal) => resolve(finished(code, signal, out, err)));
  });
}

/** Creates a folder that is deleted after the tests of the file; call it at the top of a test file or a describe. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "embed-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
