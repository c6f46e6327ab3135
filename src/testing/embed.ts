// Runs the built program as a user does: a child process, a shell, a bare environment like cron's.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "./places.js";

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
  /** sends the signal as soon as standard error matches */
  signalWhen?: { stderr: RegExp; signal: NodeJS.Signals };
  /** is done as soon as standard error matches, while the program goes on */
  when?: { stderr: RegExp; act: () => void };
}

/** Runs `embed ARGS...` to its end; never throws for an exit code. */
export function embed(args: readonly string[], running: Running = {}): Promise<Finished> {
  return run(process.execPath, [program, ...args], running);
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

/** Runs a program with cron's environment and collects all it writes. */
function run(command: string, args: readonly string[], running: Running = {}): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: running.cwd ?? tmpdir(),
      env: { PATH: "/usr/bin:/bin", HOME: tmpdir(), SHELL: "/bin/sh", ...running.env },
    });
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
    child.on("close", (code, signal) => {
      const bytes = Buffer.concat(out);
      resolve({
        code,
        signal,
        bytes,
        stdout: bytes.toString("utf8"),
        stderr: Buffer.concat(err).toString("utf8"),
      });
    });
  });
}

/** A new folder that is deleted after the tests of the file; call it at the top of a test file or a describe. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "embed-test-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
