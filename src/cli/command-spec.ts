// A command as data: its arguments, its options, the function that it calls, and how the result is printed.
//
//   spec ──► the command line (add-command.ts), a function of the library (library/call.ts), a page of docs/reference

import type { TerminalOptions } from "../flags/terminal-options.js";
import type { GivenTo, OptionTable } from "../training/options/table.js";
import type { Watch } from "../training/session/watch.js";
import type { Interrupts } from "./interrupts.js";

/** An argument as in the usage: `<run>`, `[log...]`; its help; and its allowed values. */
export type CommandArgument = readonly [term: string, help: string, choices?: readonly string[]];

type Word<S extends string> = S extends `${string}...${string}`
  ? string[]
  : S extends `<${string}`
    ? string
    : string | undefined;
/** The parsed arguments of a command line: `[run: string, log: string[]]`. */
type Words<A extends readonly CommandArgument[]> = { [K in keyof A]: Word<A[K][0]> };

/** The caller of a command, which receives its output: the terminal, or a program. */
export interface Caller {
  watch: Watch;
  /** receives the output if there is no `out`, or `-` */
  write: (chunk: string | Uint8Array) => Promise<void>;
}

/** A command with arguments `A`, options `T` and a result `R`. */
export interface CommandSpec<
  A extends readonly CommandArgument[] = readonly CommandArgument[],
  T extends OptionTable = OptionTable,
  R = unknown,
> {
  description: string;
  arguments: A;
  /** replaces commander's usage of the arguments */
  usage?: string;
  /** printed at the start of the help */
  examples: string;
  /** printed at the end of the help */
  after?: string;
  options: T;
  /** options for printing: those of a command that shows progress (default), those of a short one, or none */
  terminal?: "display" | "lines" | "none";
  /** help of --json and --quiet, if it differs from that of other commands */
  about?: { json?: string; quiet?: string };
  /** true if without `out`, or with `-`, the output goes to standard output, so that JSON cannot be printed */
  writes?: true;
  /** options that TypeScript does not have: the terminal's, or those of another function */
  without?: readonly (keyof T & string)[];
  /** Runs the command. @throws {EmbedError} it failed */
  call(words: Words<A>, given: GivenTo<T>, caller: Caller): Promise<R>;
  /** Formats the result for standard output, if not --json. */
  text?(result: R, given: Given<T>): string;
  /** Formats lines about the result for standard error, unless --quiet. */
  notes?(result: R, given: Given<T>): readonly string[];
  /** Returns the value that --json prints, if it is not the result itself. */
  json?(result: R, given: Given<T>): unknown;
  /** Rejects options before anything is read. @throws {UsageError} */
  refuse?(given: Given<T>): void;
  /** Checks the result after it is printed. @throws {EmbedError} the result is not acceptable */
  verify?(result: R, from: "terminal" | "library"): void | Promise<void>;
  /** Returns the watch with which a signal finishes the work early. */
  steer?(given: GivenTo<T>, interrupts: Interrupts, watch: Watch): Watch;
  /** Replaces `call` and all printing. */
  act?(words: Words<A>, given: Given<T>, interrupts: Interrupts): Promise<void>;
}

/** The options, including those of the terminal. */
type Given<T extends OptionTable> = GivenTo<T> & TerminalOptions;

/** Declares a command; its types are checked here, and callers do not need to know its options. */
export function commandSpec<const A extends readonly CommandArgument[], const T extends OptionTable, R>(
  spec: CommandSpec<A, T, R>,
): CommandSpec {
  return spec;
}

const LOG = "files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log";

/** The argument for the log that a command reads. */
export const logArgument = ["<log...>", `${LOG}; - is stdin`] as const;
/** The same argument for a command with --engine-sql, which replaces the log. */
export const logOrQuery = ["[log...]", `${LOG}; - is stdin`] as const;
