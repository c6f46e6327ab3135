// Options that mean the same for every command that reads a log, grouped by stage.

import { Option, type Command } from "commander";
import { flagOf, UsageError } from "../errors.js";
import { inputFormats, type InputFormat } from "../log/form.js";
import type { ReadOptions } from "../log/log.js";

/** A number option. @throws {UsageError} not a finite number */
export function numberOf(flag: string): (text: string) => number {
  return (text) => {
    const x = text.trim() === "" ? NaN : Number(text);
    if (!Number.isFinite(x)) throw new UsageError(`${flag} expects a number, got '${text}'`);
    return x;
  };
}

/** A whole number of at least `min`. */
export function wholeOf(flag: string, min: number): (text: string) => number {
  return (text) => {
    const x = numberOf(flag)(text);
    if (!Number.isInteger(x) || x < min)
      throw new UsageError(`${flag} expects a whole number from ${min} on, got '${text}'`);
    return x;
  };
}

/** A share in [0, 1], as `1%` or `0.01`. */
function percentOf(flag: string): (text: string) => number {
  return (text) => {
    const x = text.endsWith("%") ? numberOf(flag)(text.slice(0, -1)) / 100 : numberOf(flag)(text);
    if (!(x >= 0 && x <= 1))
      throw new UsageError(`${flag} expects a share such as 1% or 0.01, got '${text}'`);
    return x;
  };
}

/** A list that takes commas and repeats. */
export function listOf(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), ...text.split(",").filter((name) => name !== "")];
}

/** Adds the log that a training reads. */
export function addLogArgument(command: Command): Command {
  return command.argument(
    "<log...>",
    "files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin",
  );
}

/** Adds the run that a training writes. */
export function addRunOutput(command: Command): Command {
  return command
    .addOption(
      new Option("-o, --out <run>", "the run directory to write").helpGroup("Output:").makeOptionMandatory(),
    )
    .addOption(new Option("--force", "replace an existing run").helpGroup("Output:"));
}

/** Adds an option for each hyperparameter, named after it. */
export function addHyperparameters(
  command: Command,
  hyperparameters: readonly { name: string; help: string; integer: boolean; default?: string }[],
  groupOf: (name: string) => string,
): Command {
  for (const { name, help, integer, default: standard } of hyperparameters) {
    const flag = flagOf(name);
    const text = standard === undefined ? help : `${help} (default: ${standard})`;
    command.addOption(
      new Option(`${flag} <${integer ? "n" : "x"}>`, text)
        .argParser(integer ? wholeOf(flag, 0) : numberOf(flag))
        .helpGroup(groupOf(name)),
    );
  }
  return command;
}

/** A list that repeats but takes no commas, for values that may hold one. */
export function repeated(text: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), text];
}

/** A share in [0, 1), or the path of another log. */
export function shareOrFile(flag: string): (text: string) => number | string {
  return (text) => {
    const x = Number(text);
    if (text.trim() === "" || Number.isNaN(x)) return text;
    if (!(x >= 0 && x < 1))
      throw new UsageError(`${flag} expects a share in [0, 1) or a file, got '${text}'`);
    return x;
  };
}

/** Adds the options that say how bytes become cells. */
export function addReadingOptions(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Reading:");
  return command
    .addOption(
      group("--input-format <form>", "by default as the file's extension says").choices(inputFormats),
    )
    .addOption(group("--delimiter <character>", "between cells; by default as the header line shows"))
    .addOption(group("--no-header", "the first line is data; columns are c0, c1, ..."))
    .addOption(
      group("--encoding <name>", "of the bytes, such as utf-16le or gb18030").default(undefined, "utf-8"),
    )
    .addOption(group("--comment <text>", "leave out lines that start with it"))
    .addOption(group("--dedupe", "leave out rows that repeat an earlier one exactly"))
    .addOption(
      group("--on-bad-row <what>", "stop with an error, or skip and count")
        .choices(["error", "skip"])
        .default("error"),
    )
    .addOption(
      group("--max-cell <bytes>", "the largest cell")
        .argParser(wholeOf("--max-cell", 1))
        .default(4 << 20, "4 MiB"),
    );
}

/** Adds the options for what --on-bad-row skip leaves out. */
export function addBadRowOptions(command: Command): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Reading:");
  return command
    .addOption(
      group("--max-bad <share>", "under skip: the share of bad rows that is too many")
        .argParser(percentOf("--max-bad"))
        .default(undefined, "1%"),
    )
    .addOption(group("--bad-rows <file>", "under skip: write the bad rows there, a JSON object a line"));
}

export interface BadRowFlags {
  onBadRow: "error" | "skip";
  maxBad?: number;
  badRows?: string;
  force?: boolean;
}

/** The flags as options of the api. @throws {UsageError} bad rows are not skipped */
export async function badRowsOf({ onBadRow, maxBad, badRows, force = false }: BadRowFlags) {
  if (onBadRow === "error" && (maxBad !== undefined || badRows !== undefined))
    throw new UsageError("--max-bad and --bad-rows go with --on-bad-row skip");
  const { BadRowReport } = await import("../training/bad-row-report.js");
  return {
    ...(maxBad !== undefined && { maxBad }),
    ...(badRows !== undefined && { badRows: new BadRowReport(badRows, force) }),
  };
}

/** Adds the options that say what is printed. @param quiet help of --quiet, where results are left out, too */
export function addOutputOptions(command: Command, quiet = "print nothing but errors and results"): Command {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Output:");
  return command
    .addOption(group("--json", "print one JSON object on stdout"))
    .addOption(group("--quiet", quiet))
    .addOption(group("--no-progress", "plain lines on a terminal too"))
    .addOption(group("--no-color", "no colours"))
    .addOption(
      group("--log-format <format>", "of what goes to stderr").choices(["text", "json"]).default("text"),
    );
}

export interface ReadingFlags {
  inputFormat?: InputFormat;
  dedupe?: boolean;
  delimiter?: string;
  header: boolean;
  encoding?: string;
  comment?: string;
  onBadRow: "error" | "skip";
  maxCell: number;
  threads?: number;
}

/** The flags as options of a reading. */
export function readingOf(flags: ReadingFlags, threads: number): ReadOptions {
  const { inputFormat, dedupe, delimiter, header, encoding, comment, onBadRow, maxCell } = flags;
  return {
    header,
    onBadRow,
    maxCell,
    threads,
    ...(inputFormat && { format: inputFormat }),
    ...(dedupe === true && { dedupe }),
    ...(delimiter !== undefined && { delimiter: delimiter === "\\t" ? "\t" : delimiter }),
    ...(encoding !== undefined && { encoding }),
    ...(comment !== undefined && { comment }),
  };
}
