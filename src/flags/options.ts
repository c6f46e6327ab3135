// Options that mean the same for every command that reads a log.

import type { Command } from "commander";
import { hashedIds } from "../training/options/columns.js";
import { badRows, engine, reading, type readingOf } from "../training/options/reading.js";
import { checkGiven } from "../training/options/check-given.js";
import { pick, type Given } from "../training/options/table.js";
import { addTable } from "./table-option.js";
import { display } from "./terminal-options.js";

const LOG_HELP = "files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log; - is stdin";

/** Adds the log that a command reads. */
export function addLogArgument(command: Command): Command {
  return command.argument("<log...>", LOG_HELP);
}

/** The same of a command with --engine-sql, in whose place no log is named. */
export function addLogOrQueryArgument(command: Command): Command {
  return withLogUnlessQuery(command.argument("[log...]", LOG_HELP));
}

/** Has a command end without a log, unless a query is the log. */
export function withLogUnlessQuery(command: Command): Command {
  return command.hook("preAction", () => {
    if (command.args.length === 0 && command.opts<{ engineSql?: string }>().engineSql === undefined)
      command.error("error: missing required argument 'log'", { code: "commander.missingArgument" });
  });
}

/** As commander gives them. */
export type ReadingFlags = Parameters<typeof readingOf>[0];
export type BadRowFlags = Given<typeof badRows> &
  Pick<Given<typeof reading>, "onBadRow"> & { force?: boolean };
export type HashKeysFlags = Pick<Given<typeof hashedIds>, "hashKeys">;

/** Adds the options that say how bytes become cells. */
export function addReadingOptions(command: Command): Command {
  return addTable(command, reading);
}

/** Adds the options of a server that reads the log. */
export function addEngineOptions(command: Command): Command {
  return addTable(command, engine);
}

/** Adds the options for what --on-bad-row skip leaves out. */
export function addBadRowOptions(command: Command): Command {
  return addTable(command, badRows);
}

/** Adds the option that names the secret under which ids were hashed. */
export function addHashKeysOption(command: Command): Command {
  return addTable(command, pick(hashedIds, "hashKeys"));
}

/** The flags as options of the api. @throws {UsageError} bad rows are not skipped */
export async function badRowsOf({ onBadRow, maxBad, badRows: file, force = false }: BadRowFlags) {
  checkGiven({ ...reading, ...badRows }, { onBadRow, maxBad, badRows: file });
  const { BadRowReport } = await import("../training/reading/bad-row-report.js");
  return {
    maxBad,
    ...(file !== undefined && { badRows: new BadRowReport(file, force) }),
  };
}

/** Adds the options that say what is printed. */
export function addOutputOptions(command: Command): Command {
  return addTable(command, display);
}
