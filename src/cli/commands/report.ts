// embed report

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import { printable, UsageError } from "../../errors.js";
import { mapChoices, type ReportOptions, type ReportSummary } from "../../api/report/options.js";
import { markCommon } from "../../flags/common.js";
import {
  addOutputOptions,
  addHashKeysOption,
  addReadingOptions,
  type HashKeysFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { repeated, taking, wholeOf } from "../../flags/parsers.js";
import { definedOf } from "../../training/options/defined.js";
import { readingOf } from "../../training/options/reading.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeLine, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1, and with --dim 8 -o other):
  embed report run -o report.html
  embed report run other --key item:tea-03 -o report.html --force
  embed report ratings -o report.html --names fixtures/items.csv:item:title --labels fixtures/items.csv:item --label-column genres
`;

type Flags = ReadingFlags &
  OutputOptions &
  HashKeysFlags &
  Omit<ReportOptions, "reading" | "force" | "keys" | "write" | "history"> & {
    force?: boolean;
    key?: string[];
  };

/** Adds the command. */
export function addReport(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("report")
    .description(
      "Writes a self-contained HTML page about one or several runs: metrics, learning curves, calibration, " +
        "feature importances, principal components, maps of the items, neighbours, norms, drift, gates and " +
        "the manifest.",
    )
    .usage("[options] <run...>")
    .argument(
      "<run...>",
      "run directories; STORE/NAME is the latest version in a store, shown with the history of " +
        "earlier versions",
    )
    .addHelpText("before", examples)
    .addOption(
      new Option("-o, --out <file>", "HTML page to write; - is stdout")
        .helpGroup("Output:")
        .makeOptionMandatory(),
    )
    .addOption(new Option("--force", "replace an existing page").helpGroup("Output:"))
    .option("--against <run>", "earlier run to measure drift against")
    .addOption(
      new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
        wholeOf("--threads", 1),
      ),
    );
  addMapOptions(command);
  addScoreOptions(command);
  addReadingOptions(addHashKeysOption(command));
  markCommon(command, [
    ...["out", "force", "against", "threads", "field", "names", "labels", "label-column", "key", "top"],
    ...["map", "points", "table", "part", "on"],
  ]);
  return addOutputOptions(command).action(async (runs: string[], flags: Flags) => {
    const toStdout = flags.out === "-";
    if (toStdout && flags.json)
      throw new UsageError("-o - and --json both write to stdout: name a file with -o");
    const summary = await watched(flags, signal, (watch) =>
      callReport(runs, flags, { watch, write: writeResult }),
    );
    const text = textOf(summary, flags.quiet ?? false);
    if (!toStdout) await writeResult(flags.json ? `${JSON.stringify(summary)}\n` : text);
    else if (!flags.quiet) for (const line of text.trimEnd().split("\n")) writeLine(line);
  });
}

export async function callReport(
  runs: string[],
  flags: Flags,
  { watch, write }: Omit<Caller, "command">,
): Promise<ReportSummary> {
  const { reportVersions } = await import("../../store/report-versions.js");
  return await reportVersions(runs, { ...optionsOf(flags), ...(flags.out === "-" && { write }) }, watch);
}

function addMapOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Map and neighbours:");
  command
    .addOption(group("--field <name>", "field to draw on the map; by default the item"))
    .addOption(
      group(
        "--names <file:field:column>",
        "show names beside keys, from a table of a field's keys and a column, such as items.csv:item_id:title; repeatable, once a field",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--labels <file:field>",
        "file with labels of the keys on the map; FILE:FIELD=COLUMN if the key column has another name",
      ),
    )
    .addOption(
      group(
        "--label-column <column>",
        "with --labels: column to colour the map by (multi-valued cells as a|b)",
      ),
    )
    .addOption(
      group(
        "--key <field:key>",
        "key to list neighbours of; repeatable; by default the most frequent keys",
      ).argParser(repeated),
    )
    .addOption(
      group("--top <n>", "number of neighbours to list per key").argParser(wholeOf("--top", 1)).default(8),
    )
    .addOption(
      group("--map <method>", "maps to draw: the plane of the first two principal components, UMAP, or both")
        .choices(mapChoices)
        .default(undefined, "both"),
    )
    .addOption(
      group("--points <n>", "maximum number of keys on the map; a hash selects them if there are more")
        .argParser(taking("number", pointsOf))
        .default(2000),
    )
    .addOption(group("--table <name>", "table to use, for a run with several tables"));
}

/** A page of more would be slow to open. */
function pointsOf(text: string): number {
  return Math.min(5000, wholeOf("--points", 10)(text));
}

function addScoreOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Calibration:");
  command
    .addOption(
      group(
        "--part <part>",
        "held-out split for calibration; none skips it and reads no log (default: test, else valid)",
      ).choices(["valid", "test", "none"]),
    )
    .addOption(
      group(
        "--on <log>",
        "instead of --part: log to measure calibration on; repeatable, several files are read as one log",
      ).argParser(repeated),
    )
    .addOption(
      group("--bins <n>", "number of equal-count bins in the calibration curve")
        .argParser(wholeOf("--bins", 1))
        .default(undefined, "10"),
    );
}

function optionsOf(flags: Flags): ReportOptions {
  const { out, force = false, on, part, bins, field, names, labels, labelColumn, map, key } = flags;
  const { top, points, against, table, threads, hashKeys } = flags;
  return {
    ...{ out, force, top, points },
    reading: readingOf(flags, threads ?? availableParallelism()),
    ...definedOf({
      on,
      part,
      bins,
      field,
      names,
      labels,
      labelColumn,
      map,
      keys: key,
      against,
      table,
      hashKeys,
    }),
  };
}

function textOf({ out, bytes, absent, seconds }: ReportSummary, quiet: boolean): string {
  const left = quiet ? "" : absent.map((text) => `not shown: ${printable(text)}\n`).join("");
  return `${left}${out}: ${Math.ceil(bytes / 1000).toLocaleString("en")} kB in ${seconds.toFixed(1)} s\n`;
}
