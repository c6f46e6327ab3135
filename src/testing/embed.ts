// Runs the built program as a user does: a shell, a bare environment like cron's.
//
// A command that needs nothing of its process is run by one that stays (resident.ts): loading the program takes longer than what
// most tests ask of it. EMBED_TEST_PROCESSES=1 gives every command a process of its own.

import { fork, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Resident } from "./environment.js";
import { program } from "./places.js";
import type { Answer, Asked } from "./resident.js";

/** What a finished program left behind. */
export interface Finished {
  /** exit code; a program ended by a signal has none */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** the bytes of standard output */
  bytes: Buffer;
  /** the same as text */
  stdout: string;
  stderr: string;
}

/** How a program is run. */
export interface Running {
  cwd?: string;
  /** what standard input holds; without it, standard input is empty */
  input?: string | Buffer;
  env?: Record<string, string>;
  /** sends the signal as soon as standard error matches; it has every epoch then, as JSON: `"epoch":8,` */
  signalWhen?: { stderr: RegExp; signal: NodeJS.Signals };
  /** is done as soon as standard error matches, while the program goes on */
  when?: { stderr: RegExp; act: () => void };
}

/** Runs `embed ARGS...` to its end; never throws for an exit code. */
export function embed(args: readonly string[], running: Running = {}): Promise<Finished> {
  return needsProcess(args, running)
    ? run(process.execPath, [program, ...args], running)
    : askResident({ args: [...args], ...surroundings(running) });
}

/** Runs `embed ARGS...` and returns what it left. @throws {Error} the exit code is not 0; the message is its standard error */
export async function embedOk(args: readonly string[], running: Running = {}): Promise<Finished> {
  const finished = await embed(args, running);
  if (finished.code !== 0) {
    throw new Error(`embed ${args.join(" ")} ended with ${finished.code}:\n${finished.stderr}`);
  }
  return finished;
}

/** Runs a line of shell in which `embed` is the built program, for pipes and redirections. */
export function shell(line: string, running: Running = {}): Promise<Finished> {
  const define = `embed() { "$EMBED_NODE" "$EMBED_PROGRAM" "$@"; }`;
  const env = { ...running.env, EMBED_NODE: process.execPath, EMBED_PROGRAM: program };
  return run("/bin/sh", ["-c", `${define}\n${line}`], { ...running, env });
}

/**
 * The folder and the environment of a command: cron's, but for what the test adds, and one thread where --threads asks for no more:
 * starting others takes longer than most of these trainings.
 */
function surroundings({ cwd = tmpdir(), env }: Running): { cwd: string; env: Record<string, string> } {
  return {
    cwd,
    env: { PATH: "/usr/bin:/bin", HOME: tmpdir(), SHELL: "/bin/sh", EMBED_THREADS: "1", ...env },
  };
}

/** Whether the command reads standard input, gets a signal, sets up Node, or runs beside another. */
function needsProcess(args: readonly string[], { input, signalWhen, when, env = {} }: Running): boolean {
  return (
    process.env["EMBED_TEST_PROCESSES"] === "1" ||
    resident.isBusy ||
    args.includes("-") ||
    (input ?? signalWhen ?? when) !== undefined ||
    Object.keys(env).some((name) => name.startsWith("NODE_"))
  );
}

// environment.ts keeps it from one test file to the next
const { resident } = globalThis as unknown as { resident: Resident };

/** Has the resident run a command; starts one when there is none. */
async function askResident(asked: Asked): Promise<Finished> {
  resident.isBusy = true;
  if (!resident.program?.connected)
    resident.program = fork(join(import.meta.dirname, "resident.js"), {
      execArgv: [],
      serialization: "advanced",
      silent: true,
    });
  const child = resident.program;
  setHeld(child, true);
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  const keepOut = (chunk: Buffer) => out.push(chunk);
  const keepErr = (chunk: Buffer) => err.push(chunk);
  // what goes past the streams of the program, as the report of a crash does
  child.stdout!.on("data", keepOut);
  child.stderr!.on("data", keepErr);
  try {
    return await new Promise<Finished>((resolve, reject) => {
      child.once("message", ({ code, stdout, stderr, isLast }: Answer) => {
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

/** Whether the process of the tests lives as long as the child. */
function setHeld(child: ChildProcess, isHeld: boolean): void {
  for (const handle of [child, child.channel, child.stdout, child.stderr] as (Handle | null | undefined)[]) {
    if (isHeld) handle?.ref();
    else handle?.unref();
  }
}

/** What of a child keeps a process alive. */
interface Handle {
  ref(): void;
  unref(): void;
}

function finished(
  code: number | null,
  signal: NodeJS.Signals | null,
  out: readonly Uint8Array[],
  err: readonly Uint8Array[],
): Finished {
  const bytes = Buffer.concat(out);
  return { code, signal, bytes, stdout: bytes.toString("utf8"), stderr: Buffer.concat(err).toString("utf8") };
}

/** Runs a program with cron's environment and collects all it writes. */
function run(command: string, args: readonly string[], running: Running = {}): Promise<Finished> {
  // text leaves out epochs of a long training
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
    // a program that refuses its arguments does not read its input: that is no error here
    child.stdin.on("error", () => {});
    child.stdin.end(running.input ?? "");
    child.on("close", (code, signal) => resolve(finished(code, signal, out, err)));
  });
}

/** A new folder that is deleted after the tests of the file; call it at the top of a test file or a describe. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "embed-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
