// The signals that end a command, and what the two threads of the program say to each other about them.
//
//   main thread: signals, standard streams        command.worker: the command
//     SignalSent ───────────────────────────────►  stops, or finishes with what it has
//                 ◄──────────────────────────────  FromCommand: what a signal would keep, what must be removed

import type { Unfinished } from "../io/leftovers.js";
import type { HookFlags } from "./hooks.js";

/** Exit codes by signal: 128 and its number. */
export const SIGNAL_EXITS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

export type SignalName = keyof typeof SIGNAL_EXITS;

/** What the main thread sends on a signal. */
export interface SignalSent {
  signal: SignalName;
  /** whether the command is to finish with what it has, rather than stop */
  finish: boolean;
}

/** Of `embed run`: what is known of it before it ends. */
export interface InterruptedHook {
  flags: HookFlags;
  /** of the pipeline, as it was named */
  file: string;
}

/** What the command tells the main thread. */
export type FromCommand =
  /** what a signal lets it save from now on, as --on-interrupt save asks for; until then a signal stops it */
  | { saves: string }
  /** what a signal that stops it keeps, as a clause of a sentence */
  | { keeps: string }
  /** a temporary file, or a lock, that it makes, or that is no more */
  | { unfinished: Unfinished; isThere: boolean }
  /** commands of the user's to be run should it be ended in the middle of its work; undefined when it runs them itself */
  | { hook: InterruptedHook | undefined }
  /** lines for standard error */
  | { text: string }
  /** it reads standard input */
  | { readsStdin: true };

/** What the command's thread is started with. */
export interface CommandStart {
  argv: string[];
}
