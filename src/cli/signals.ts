// The signals that end a command, and the messages about them between the two threads of the program.
//
//   main thread: signals, standard streams        command.worker: the command
//     SignalSent ───────────────────────────────►  stops, or finishes with what it has
//                 ◄──────────────────────────────  FromCommand: what a signal would keep, what must be removed

import type { Unfinished } from "../io/leftovers.js";
import type { HookFlags } from "./hooks.js";

/** Exit codes by signal: 128 plus its number. */
export const SIGNAL_EXITS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export type SignalName = keyof typeof SIGNAL_EXITS;

/** The message of the main thread after a signal. */
export interface SignalSent {
  signal: SignalName;
  /** true if the command must finish with what it has, instead of stopping */
  finish: boolean;
}

/** For `embed run`: what the hook needs before the run ends. */
export interface InterruptedHook {
  flags: HookFlags;
  /** path of the pipeline file, as the user named it */
  file: string;
}

/** Messages of the command to the main thread. */
export type FromCommand =
  /** what a signal makes it save from now on, with --on-interrupt save; before that a signal stops it */
  | { saves: string }
  /** what is kept if a signal stops it, as a clause of a sentence */
  | { keeps: string }
  /** a temporary file, or a lock, that it creates, or has removed */
  | { unfinished: Unfinished; isThere: boolean }
  /** commands of the user to run if it is ended in the middle of its work; undefined if it runs them itself */
  | { hook: InterruptedHook | undefined }
  /** lines for standard error */
  | { text: string }
  /** it reads standard input */
  | { readsStdin: true };

/** The data that the command's thread is started with. */
export interface CommandStart {
  argv: string[];
}
