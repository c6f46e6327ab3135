// The signals that end a command, and the messages about them between the two threads of the program.
//
//   main thread: signals, standard streams        command.worker: the command
//     SignalSent ───────────────────────────────►  stops, or finishes with what it has
//                 ◄──────────────────────────────  FromCommand: what a signal would keep, what must be removed

import type { Unfinished } from "../../base/io/leftovers.js";
import type { HookFlags } from "./hooks.js";

/** Exit codes by signal: 128 plus its number. */
export const SIGNAL_EXITS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export type SignalName = keyof typeof SIGNAL_EXITS;

export interface SignalSent {
  signal: SignalName;
  /** true if the command must finish with its result so far, instead of stopping */
  finish: boolean;
}

/** The hook of `embed run`, for the main thread, which runs it if the command is ended in the middle of its work. */
export interface InterruptedHook {
  flags: HookFlags;
  file: string;
}

export type FromCommand =
  /** what the command saves on a signal from now on (--on-interrupt save); without this message a signal stops it */
  | { saves: string }
  /** clause that says what is kept if a signal stops the command; path of a checkpoint that is kept if it exists */
  | { keeps: string; checkpoint?: string | undefined }
  /** a temporary file or a lock that the command is about to create, or has removed */
  | { unfinished: Unfinished; isThere: boolean }
  /** the user's hook, to be run if the command is ended; undefined if the command runs it itself */
  | { hook: InterruptedHook | undefined }
  /** text that the main thread writes to standard error */
  | { text: string }
  /** the command reads standard input, so that the main thread has to forward it */
  | { readsStdin: true };

export interface CommandStart {
  argv: string[];
}
