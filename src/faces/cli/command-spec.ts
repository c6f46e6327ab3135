// A command as data: its arguments, its options, the function that it calls, and how the result is printed.
//
//   spec ──► the command line (add-command.ts), a function of the library (faces/library/call.ts), a page of docs/reference

import type { TerminalOptions } from "./terminal-options.js";
import type { GivenTo, OptionTable } from "../../options/table.js";
import type { Watch } from "../../training/session/watch.js";
import type { Interrupts } from "./interrupts.js";

/** An argument: its name as in the usage (`<run>`, `[log...]`), its description, and its allowed values. */
type CommandArgument = readonly [term: string, help: string, choices?: readonly string[]];

type Word<S extends string> = S extends `${string}...${string}`
  ? string[]
  : S extends `<${string}`
    ? string
    : string | undefined;
/** The types of a command line's parsed arguments, such as `[run: string, log: string[]]`. */
type Words<A extends readonly CommandArgument[]> = { [K in keyof A]: Word<A[K][0]> };

interface Caller {
  watch: Watch;
  /** receives the output if the option `out` is absent or `-` */
  write: (chunk: string | Uint8Array) => Promise<void>;
}

/** A command as data, with arguments `A`, options `T`, and a result `R`. */
export interface CommandSpec<
  A extends readonly CommandArgument[] = readonly CommandArgument[],
  T extends OptionTable = OptionTable,
  R = unknown,
> {
  description: string;
  arguments: A;
  /** usage of the arguments, which replaces the one that commander generates */
  usage?: string;
  /** examples that are printed at the start of the help */
  examples: string;
  /** text that is printed at the end of the help */
  after?: string;
  options: T;
  /** printed output, and its options: `display` with progress (the default), `lines` for a short command, or none */
  terminal?: "display" | "lines" | "none";
  /** descriptions of --json and --quiet that replace the common ones */
  about?: { json?: string; quiet?: string };
  /** true if the output goes to standard output when `out` is absent or `-`, so that JSON cannot be printed */
  writes?: true;
  /** options that the TypeScript function does not have: options of a terminal, or of another function */
  without?: readonly (keyof T & string)[];
  call(words: Words<A>, given: GivenTo<T>, caller: Caller): Promise<R>;
  /** Formats the result for standard output; not called with --json. */
  text?(result: R, given: Given<T>): string;
  /** Formats lines about the result for standard error; not called with --quiet. */
  notes?(result: R, given: Given<T>): readonly string[];
  /** Returns the value that --json prints; by default the result itself. */
  json?(result: R, given: Given<T>): unknown;
  /** Rejects invalid combinations of options before any file is read. @throws {UsageError} */
  refuse?(given: Given<T>): void;
  /** Checks a result after it was printed. @throws {EmbedError} the result is a failure, such as a failed gate */
  verify?(result: R, from: "terminal" | "library"): void | Promise<void>;
  /** Returns a watch that lets a signal end the work early with a result, instead of aborting it. */
  steer?(given: GivenTo<T>, interrupts: Interrupts, watch: Watch): Watch;
  /** Runs the command instead of `call`, for commands that print their output themselves. */
  act?(words: Words<A>, given: Given<T>, interrupts: Interrupts): Promise<void>;
}

type Given<T extends OptionTable> = GivenTo<T> & TerminalOptions;

/** Declares a command; its types are checked here, and callers do not need to know its options. */
export function commandSpec<const A extends readonly CommandArgument[], const T extends OptionTable, R>(
  spec: CommandSpec<A, T, R>,
): CommandSpec {
  return spec;
}

const LOG = "files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log";

export const logArgument = ["<log...>", `${LOG}; - is stdin`] as const;
/** The argument for the log of a command that also has --engine-sql, which replaces the log. */
export const logOrQuery = ["[log...]", `${LOG}; - is stdin`] as const;

/** The groups of commands, in the order of the help. */
type Stage = "Look:" | "Train:" | "Use:" | "Judge:" | "Weekly job:" | "Help:";

/** The properties of a command that the program needs before its modules are loaded. */
export interface CommandEntry {
  name: string;
  summary: string;
  stage: Stage;
  /** clause that says what is kept when a signal stops the command; by default, that no output was written */
  keeps?: string;
  /** the function of the library; `inspect` has two, and commands of the terminal alone have none */
  library?: DeclaredFunction;
  load: () => Promise<CommandSpec>;
}

export interface DeclaredFunction {
  /** name in the library */
  name: string;
  /** compiled file of the function that the command calls, which declares the type of its result */
  file: string;
  /** name of that function, if it has another */
  as?: string;
}
