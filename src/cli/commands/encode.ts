// embed encode

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { EncodeOptions, EncodeSummary } from "../../api/encode.js";
import { addHashKeysOptions, hashKeysOf, type HashKeysFlags } from "../hash-keys-options.js";
import { addColumnOptions, columnsOf, type ColumnFlags } from "../column-options.js";
import {
  addBadRowOptions,
  addOutputOptions,
  addReadingOptions,
  badRowsOf,
  readingOf,
  wholeOf,
  type BadRowFlags,
  type ReadingFlags,
} from "../options.js";
import { watched, type OutputOptions } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";

const examples = `
Examples:
  embed encode fixtures/clicks.csv -o clicks-dataset
  embed encode fixtures/ratings.csv --side fixtures/items.csv:item_id --multi 'genres:|' -o ratings-dataset
`;

type Flags = ReadingFlags &
  Omit<BadRowFlags, "force"> &
  OutputOptions &
  HashKeysFlags &
  ColumnFlags & { out: string; force?: boolean };

/** Adds the command. */
export function addEncode(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("encode")
    .summary("write a log as an encoded dataset, which training reads in its place")
    .description(
      "Reads a log once and writes an encoded dataset: every other command takes it in the log's place, with the same results.",
    )
    .argument("<log...>", "CSV files, gzipped or not, read as one log; - is stdin")
    .addHelpText("before", examples);
  addBadRowOptions(addReadingOptions(addHashKeysOptions(addColumnOptions(command))));
  const output = (flags: string, help: string) => new Option(flags, help).helpGroup("Output:");
  command
    .addOption(
      new Option("--threads <n>", "threads at most; the result is the same")
        .helpGroup("Reading:")
        .argParser(wholeOf("--threads", 1)),
    )
    .addOption(output("-o, --out <dataset>", "the dataset directory to write").makeOptionMandatory())
    .addOption(output("--force", "replace an existing dataset"));
  return addOutputOptions(command).action(async (paths: string[], flags: Flags) => {
    const { encode } = await import("../../api/encode.js");
    const options = { ...optionsOf(flags), ...(await badRowsOf(flags)) };
    const summary = await watched(flags, signal, (watch) => encode(paths, options, watch));
    if (flags.json) await writeResult(`${JSON.stringify(summary)}\n`);
    else if (!flags.quiet) await writeResult(textOf(summary));
  });
}

function optionsOf(flags: Flags): EncodeOptions {
  return {
    ...columnsOf(flags),
    ...hashKeysOf(flags),
    onBadRow: flags.onBadRow,
    reading: readingOf(flags, flags.threads ?? availableParallelism()),
    out: flags.out,
    force: flags.force ?? false,
  };
}

function textOf({ out, rows, seconds, columns }: EncodeSummary): string {
  const head = ["column", "kind", "distinct", "missing"];
  const lines = columns.map(({ name, kind, distinct, missing }) => [
    name,
    kind,
    distinct === undefined ? "" : String(distinct),
    String(missing),
  ]);
  return `${formatTable([head, ...lines])}${out}: ${rows.toLocaleString("en")} rows in ${seconds.toFixed(1)} s\n`;
}
