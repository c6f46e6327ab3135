// embed inspect

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { Inspection } from "../../api/inspect/inspection.js";
import { printable } from "../../errors.js";
import {
  addBadRowOptions,
  addOutputOptions,
  addReadingOptions,
  badRowsOf,
  type BadRowFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { readingOf } from "../../training/options/reading.js";
import { watched, type OutputOptions } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";

const examples = `
Examples:
  embed inspect fixtures/clicks.csv
  embed inspect fixtures/ratings.csv --json
`;

/** Longest cell that is shown. */
const MAX_SHOWN = 24;

/** Adds the command. */
export function addInspect(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("inspect")
    .description(
      "Reads a log and shows its columns: inferred roles and types, distinct values, missing cells, first rows.",
    )
    .argument(
      "<log...>",
      "files (CSV, JSON lines, Parquet, libsvm, libffm) or patterns, read as one log, or an encoded dataset; - is stdin",
    )
    .addHelpText("before", examples);
  addBadRowOptions(addReadingOptions(command))
    .addOption(
      new Option("--time-format <pattern>", "the form of times, such as '%d/%m/%Y %H:%M'").helpGroup(
        "Reading:",
      ),
    )
    .option(
      "--write-config <file>",
      "write what was inferred as a config file, to be changed and trained with",
    )
    .option("--force", "replace an existing config or --bad-rows file");
  return addOutputOptions(command).action(
    async (
      paths: string[],
      flags: ReadingFlags & BadRowFlags & OutputOptions & { writeConfig?: string; timeFormat?: string },
    ) => {
      const { inspect, writeStarterConfig } = await import("../../api/inspect/inspect.js");
      const { version } = await import("../../io/package-version.js");
      const start = performance.now();
      const { timeFormat, writeConfig, force = false } = flags;
      const options = {
        reading: readingOf(flags, availableParallelism()),
        ...(timeFormat !== undefined && { timeFormat }),
        ...(await badRowsOf(flags)),
      };
      const found = await watched(flags, signal, (watch) => inspect(paths, options, watch));
      if (writeConfig !== undefined) await writeStarterConfig(writeConfig, paths, found, force, timeFormat);
      const seconds = (performance.now() - start) / 1000;
      if (flags.json)
        await writeResult(`${JSON.stringify({ command: "inspect", version, seconds, ...found })}\n`);
      else await writeResult(textOf(found));
    },
  );
}

function textOf({ rows, columns, warnings }: Inspection): string {
  const head = ["column", "role", "type", "distinct", "missing", "first rows"];
  const lines = columns.map(({ name, role, type, distinct, missing, first }) => [
    name,
    role,
    type,
    String(distinct),
    String(missing),
    first.map(shown).join("  "),
  ]);
  const counted = `${rows.toLocaleString("en")} rows, ${columns.length} columns\n`;
  return (
    formatTable([head, ...lines]) + counted + warnings.map((text) => `warning: ${printable(text)}\n`).join("")
  );
}

function shown(cell: string): string {
  const line = printable(cell);
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN - 1)}…` : line;
}
