// embed report

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import { printable, UsageError } from "../../errors.js";
import type { ReportOptions, ReportSummary } from "../../api/report/options.js";
import {
  addOutputOptions,
  addHashKeysOption,
  addReadingOptions,
  repeated,
  taking,
  wholeOf,
  type HashKeysFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { definedOf } from "../../training/options/log.js";
import { readingOf } from "../../training/options/reading.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeLine, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1, and with --dim 8 -o other):
  embed report run -o report.html
  embed report run other --key item:tea-03 -o report.html --force
  embed report ratings -o report.html --labels fixtures/items.csv:item --label-column genres --name-column title
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
      "Writes one page of HTML about one or several runs, side by side, that asks for nothing from elsewhere: metrics, learning " +
        "curves, calibration, importances, principal components, a map of the items, neighbours, norms, drift, gates, and the " +
        "manifest's facts.",
    )
    .usage("[options] <run...>")
    .argument(
      "<run...>",
      "run directories; STORE/NAME is the latest version of a store, with the history of those before",
    )
    .addHelpText("before", examples)
    .addOption(
      new Option("-o, --out <file>", "the page to write; - is stdout")
        .helpGroup("Output:")
        .makeOptionMandatory(),
    )
    .addOption(new Option("--force", "replace an existing page").helpGroup("Output:"))
    .option("--against <run>", "an earlier run, which drift is measured from")
    .addOption(new Option("--threads <n>", "threads at most").argParser(wholeOf("--threads", 1)));
  addMapOptions(command);
  addScoreOptions(command);
  addReadingOptions(addHashKeysOption(command));
  return addOutputOptions(command).action(async (runs: string[], flags: Flags) => {
    const toStdout = flags.out === "-";
    if (toStdout && flags.json)
      throw new UsageError("-o - writes the page to stdout, where --json writes too: name a file");
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
    .addOption(group("--field <name>", "the field that is drawn; by default the items'"))
    .addOption(
      group(
        "--labels <file:field>",
        "what its keys are called; FILE:FIELD=COLUMN where the file's column has another name",
      ),
    )
    .addOption(
      group("--label-column <column>", "its column that gives colours, several labels a cell as a|b"),
    )
    .addOption(group("--name-column <column>", "its column that gives names"))
    .addOption(
      group(
        "--key <field:key>",
        "a key whose neighbours are listed; repeat it for several; by default the most frequent",
      ).argParser(repeated),
    )
    .addOption(group("--top <n>", "neighbours a key").argParser(wholeOf("--top", 1)).default(8))
    .addOption(
      group("--points <n>", "keys that are drawn at most, chosen by a hash")
        .argParser(taking("number", pointsOf))
        .default(2000),
    )
    .addOption(group("--table <name>", "of a run with several tables"));
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
        "the held-out part that is scored again; none reads no log (default: test, else valid)",
      ).choices(["valid", "test", "none"]),
    )
    .addOption(
      group("--on <log>", "in its place: a log; repeat it for several files read as one").argParser(repeated),
    )
    .addOption(
      group("--bins <n>", "of equal counts").argParser(wholeOf("--bins", 1)).default(undefined, "10"),
    );
}

function optionsOf(flags: Flags): ReportOptions {
  const { out, force = false, on, part, bins, field, labels, labelColumn, nameColumn, key } = flags;
  const { top, points, against, table, threads, hashKeys } = flags;
  return {
    ...{ out, force, top, points },
    reading: readingOf(flags, threads ?? availableParallelism()),
    ...definedOf({
      on,
      part,
      bins,
      field,
      labels,
      labelColumn,
      nameColumn,
      keys: key,
      against,
      table,
      hashKeys,
    }),
  };
}

function textOf({ out, bytes, absent, seconds }: ReportSummary, quiet: boolean): string {
  const left = quiet ? "" : absent.map((text) => `not on the page: ${printable(text)}\n`).join("");
  return `${left}${out}: ${Math.ceil(bytes / 1000).toLocaleString("en")} kB in ${seconds.toFixed(1)} s\n`;
}
