// Supervises the thread of a command from the main thread: passes signals on to it, waits until it ends, and ends it if
// it does not end by itself.
//
//   first signal    acknowledged at once and passed on; a command that has not ended after GRACE is ended
//   second signal   ends the command at once
//
// A command that is ended in the middle leaves temporary files and locks. It reported them to the main thread, which
// removes them.

import { existsSync, readlinkSync, rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Readable, Writable } from "node:stream";
import type { Unfinished } from "../../base/io/leftovers.js";
import { formatNamed } from "./arguments.js";
import {
  SIGNAL_EXITS,
  type FromCommand,
  type InterruptedHook,
  type SignalName,
  type SignalSent,
} from "./signals.js";
import { standardError, writeError } from "./terminal.js";

/** Maximum number of milliseconds that a command may take to clean up after a signal. */
const GRACE = 1200;
/** Milliseconds within which two signals count as one: for a single Ctrl-C, the terminal and npm each send a signal. */
const SAME = 300;
/** Maximum number of milliseconds that a thread may take to end. */
const TERMINATION = 250;

/** Message about what is kept after a signal, for commands that do not set their own. */
const NOTHING = "no output was written; an existing output is unchanged";

/** Where a command runs: a worker thread, or the main thread with the streams of the process (command-here.ts). */
export interface CommandHost {
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  on(event: "message", listener: (message: FromCommand) => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "exit", listener: (exitCode: number) => void): unknown;
  postMessage(sent: SignalSent): void;
  terminate(): Promise<unknown>;
}

export class CommandThread {
  readonly #format: "text" | "json";
  readonly #unfinished = new Map<string, Unfinished>();
  #saves: string | undefined;
  #keeps = NOTHING;
  #checkpoint: string | undefined;
  #readsStdin = false;
  #hook: InterruptedHook | undefined;
  #first: { signal: SignalName; at: number; saves: string | undefined } | undefined;
  #failure: unknown;

  constructor(
    private readonly place: CommandHost,
    argv: string[],
  ) {
    this.#format = formatNamed(argv);
  }

  /** Forwards streams and signals until the command has ended. @returns the exit code */
  async ended(): Promise<number> {
    this.place.stdout?.pipe(process.stdout);
    this.place.stderr?.pipe(process.stderr);
    this.place.on("message", (message) => this.#hear(message));
    this.place.on("error", (error) => (this.#failure = error));
    // ignores errors of writing input, because the command may end while input still arrives
    this.place.stdin?.on("error", () => undefined);
    for (const signal of ["SIGHUP", "SIGINT", "SIGTERM"] as const)
      process.on(signal, () => this.#take(signal));
    const exitCode = await new Promise<number>((resolve) => this.place.on("exit", resolve));
    return await this.#endedWith(exitCode);
  }

  /** Ends the process with the exit code, whatever the command does. */
  async endNow(exitCode: number, signal?: SignalName): Promise<void> {
    const ended = await Promise.race([this.place.terminate().then(() => true), pause(TERMINATION, false)]);
    await this.#tidy(exitCode, true);
    // shows the cursor again, which a spinner has hidden
    if (standardError().isTTY) standardError().write("\u001B[?25h");
    if (!ended && signal) {
      // a system call that does not return, such as opening a pipe without a writer, keeps the process from exiting;
      // the signal itself ends it, unless it is the first process of a container
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    }
    process.exit(exitCode);
  }

  #hear(message: FromCommand): void {
    if ("saves" in message) this.#saves = message.saves;
    else if ("keeps" in message) [this.#keeps, this.#checkpoint] = [message.keeps, message.checkpoint];
    else if ("text" in message) standardError().write(message.text);
    else if ("readsStdin" in message) this.#passStdin();
    else if ("hook" in message) this.#hook = message.hook;
    else if (message.isThere) this.#unfinished.set(message.unfinished.path, message.unfinished);
    else this.#unfinished.delete(message.unfinished.path);
  }

  #take(signal: SignalName): void {
    const exitCode = SIGNAL_EXITS[signal];
    const now = performance.now();
    if (this.#first) {
      if (now - this.#first.at < SAME) return;
      void this.endNow(SIGNAL_EXITS[this.#first.signal], signal);
      return;
    }
    const saves = this.#saves;
    const finish = saves !== undefined;
    this.#first = { signal, at: now, saves };
    const kept = this.#checkpoint !== undefined && existsSync(this.#checkpoint);
    const text = finish
      ? `saving ${saves}; a second signal exits immediately without saving`
      : `stopping: ${this.#keeps}${kept ? "; the checkpoint is kept: continue with --resume" : ""}`;
    // overwrites the spinner's line
    if (standardError().isTTY) standardError().write("\r\u001B[K");
    writeError(`${signal}: ${text}`, this.#format);
    this.place.postMessage({ signal, finish });
    if (!finish) setTimeout(() => void this.endNow(exitCode, signal), GRACE).unref();
  }

  #passStdin(): void {
    this.#readsStdin = true;
    process.stdin.pipe(this.place.stdin!);
  }

  async #tidy(exitCode: number, isInterrupted: boolean): Promise<void> {
    for (const unfinished of this.#unfinished.values()) removeIfPossible(unfinished);
    const hook = this.#hook;
    // forgets the hook before running it, so that a second signal during its run does not start it again
    this.#hook = undefined;
    if (!hook) return;
    const { runHook } = await import("./hooks.js");
    await runHook(hook.flags, { exitCode, file: hook.file }, isInterrupted);
  }

  async #endedWith(exitCode: number): Promise<number> {
    // input that the command has not read must not keep the process alive
    if (this.#readsStdin) process.stdin.destroy();
    if (this.#failure !== undefined) {
      const { reportError } = await import("./report-error.js");
      const code = reportError(this.#failure, this.#format);
      await this.#tidy(code, false);
      return code;
    }
    if (this.#first && this.#first.saves === undefined && exitCode === 0)
      writeError("the command finished before it could stop: its output is complete", this.#format);
    return exitCode;
  }
}

function removeIfPossible({ path, target }: Unfinished): void {
  try {
    // does not remove a lock that another process has acquired, after somebody removed this one by hand
    if (target !== undefined && readlinkSync(path) !== target) return;
    rmSync(path, { recursive: true, force: true });
  } catch {
    // ignores the error, because a later command removes the leftovers of dead processes
  }
}
