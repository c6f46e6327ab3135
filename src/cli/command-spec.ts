// A command as data: its words, its options, what it calls, and how the result reads.
//
//   spec ──► the command line (add-command.ts), a function of the library (library/call.ts), a page of docs/reference

import type { TerminalOptions } from "../flags/terminal-options.js";
import type { GivenTo, OptionTable } from "../training/options/table.js";
import type { Watch } from "../training/session/watch.js";
import type { Interrupts } from "./interrupts.js";

/** An argument as the usage shows it: `<run>`, `[log...]`; its help; and what it may be. */
export type Argument = readonly [term: string, help: string, choices?: readonly string[]];

type Word<S extends string> = S extends `${string}...${string}`
  ? string[]
  : S extends `<${string}`
    ? string
    : string | undefined;
/** The parsed arguments of a command line: `[run: string, log: string[]]`. */
type Words<A extends readonly Argument[]> = { [K in keyof A]: Word<A[K][0]> };

/** Who hears of a call, and takes what it writes: the terminal, or a program. */
export interface Caller {
  watch: Watch;
  /** takes what is written with no `out`, or with `-` */
  write: (chunk: string | Uint8Array) => Promise<void>;
}

/** A command with arguments `A` and options `T`, which comes to an `R`. */
export interface CommandSpec<
  A extends readonly Argument[] = readonly Argument[],
  T extends OptionTable = OptionTable,
  R = unknown,
> {
  description: string;
  arguments: A;
  /** in place of what commander makes of the arguments */
  usage?: string;
  /** the help begins with them */
  examples: string;
  /** the help ends with it */
  after?: string;
  options: T;
  /** options of what is printed: of a command that shows progress (by default), of one that ends soon, or none */
  terminal?: "display" | "lines" | "none";
  /** help of --json and --quiet, where it differs from other commands' */
  about?: { json?: string; quiet?: string };
  /** without `out`, or with `-`, it writes its output to standard output: there is no room for JSON */
  writes?: true;
  /** options that TypeScript has not: the terminal's, or those of another function */
  without?: readonly (keyof T & string)[];
  /** Does the work. @throws {EmbedError} as it ends */
  call(words: Words<A>, given: GivenTo<T>, caller: Caller): Promise<R>;
  /** The result on standard output, where not --json. */
  text?(result: R, given: Given<T>): string;
  /** Lines about the result on standard error, unless --quiet. */
  notes?(result: R, given: Given<T>): readonly string[];
  /** The result as --json prints it, where it is not the result itself. */
  json?(result: R, given: Given<T>): unknown;
  /** Refuses options before anything is read. @throws {UsageError} */
  refuse?(given: Given<T>): void;
  /** Once the result is printed. @throws {EmbedError} it is not as it should be */
  verify?(result: R, from: "terminal" | "library"): void | Promise<void>;
  /** How a signal steers the work. */
  steer?(given: GivenTo<T>, interrupts: Interrupts, watch: Watch): Watch;
  /** Does all of it itself: the work and the printing. */
  act?(words: Words<A>, given: Given<T>, interrupts: Interrupts): Promise<void>;
}

/** The options and those of the terminal. */
type Given<T extends OptionTable> = GivenTo<T> & TerminalOptions;

/** The command, checked against its own options; who loads it need not know them. */
export function commandSpec<const A extends readonly Argument[], const T extends OptionTable, R>(
  spec: CommandSpec<A, T, R>,
): CommandSpec {
  return spec;
}

const LOG = "files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log";

/** The log that a command reads. */
export const logArgument = ["<log...>", `${LOG}; - is stdin`] as const;
/** The same of a command with --engine-sql, in whose place no log is named. */
export const logOrQuery = ["[log...]", `${LOG}; - is stdin`] as const;
