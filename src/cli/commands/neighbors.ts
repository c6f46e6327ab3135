// embed neighbors

import { Option, type Command } from "commander";
import type { NeighborFile } from "../../api/neighbor-rows.js";
import type { NeighborsOf, NeighborsOptions } from "../../api/neighbors.js";
import { printable, UsageError } from "../../errors.js";
import { rowFormats } from "../../export/row-formats.js";
import { composeOption } from "../../flags/compose-option.js";
import { repeated, wholeOf } from "../../flags/parsers.js";
import { definedOf } from "../../training/options/defined.js";
import { noted, type Caller } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed neighbors run --key item:tea-03
  embed neighbors run --key item:tea-03 --key item:camera-11 --top 5 --metric dot
  embed index run --field item -o items && embed neighbors run --key item:tea-03 --index items
Example of all keys of a table, with their titles (after embed train-fm fixtures/ratings.csv -o films --label rating):
  embed neighbors films --keys fixtures/items.csv:item --names fixtures/items.csv:item:title -o near.csv
`;

type Flags = Omit<NeighborsOptions, "signal"> &
  Pick<NeighborFile, "format" | "out"> & {
    key?: string[];
    force?: boolean;
    quiet?: boolean;
    json?: boolean;
  };

/** Adds the command. */
export function addNeighbors(program: Command, signal: AbortSignal): Command {
  return program
    .command("neighbors")
    .description("Shows the nearest neighbours of a key within its field.")
    .argument("<run>", "run directory")
    .addHelpText("before", examples)
    .option("--key <field:key>", "key to show neighbours of, such as item:tea-03; repeatable", repeated)
    .option(
      "--keys <file:field>",
      "file of further keys, such as items.csv:item; the column must be named like the field, or use " +
        "FILE:FIELD=COLUMN",
    )
    .option(
      "--names <file:field:column>",
      "show names next to keys, from a file and a column, such as items.csv:item_id:title",
    )
    .addOption(
      new Option("--top <n>", "number of neighbours to show").argParser(wholeOf("--top", 1)).default(10),
    )
    .addOption(
      new Option("--metric <metric>", "similarity to rank by; l2 is the negative Euclidean distance")
        .choices(["cosine", "dot", "l2"])
        .default(undefined, "cosine; with --index the index's metric"),
    )
    .option(
      "--index <dir>",
      "search this index (from embed index) instead of all rows: faster but approximate, using the index's " +
        "metric",
    )
    .addOption(
      new Option(
        "--ef <n>",
        "with --index: size of the search candidate list (HNSW ef); larger is slower and more accurate",
      )
        .argParser(wholeOf("--ef", 1))
        .default(undefined, "128"),
    )
    .option("--table <name>", "table to use, for a run with several tables")
    .addOption(composeOption())
    .addOption(
      new Option("--format <format>", "output format; by default from the extension of -o, else csv").choices(
        rowFormats,
      ),
    )
    .option("-o, --out <path>", "file to write; - is stdout")
    .option("--force", "replace an existing output")
    .option("--quiet", "print only errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (run: string, flags: Flags) => {
      const { json, format, out, force = false } = flags;
      const asRows = (format ?? out) !== undefined;
      if (asRows && json) throw new UsageError("--json cannot be combined with --format or -o");
      const watch = noted(signal, flags.quiet);
      if (asRows || force) {
        const { checkNeighborFile, writeNeighbors } = await import("../../api/neighbor-rows.js");
        await checkNeighborFile({ ...definedOf({ out }), force });
        const file = { ...definedOf({ format, out }), force, named: flags.names !== undefined };
        await writeNeighbors(await callNeighbors(run, flags, { watch }), file, writeResult, signal);
        return;
      }
      const { version } = await import("../../io/package-version.js");
      const found = await callNeighbors(run, flags, { watch });
      if (json) await writeResult(`${JSON.stringify({ command: "neighbors", version, queries: found })}\n`);
      else await writeResult(found.map(textOf).join("\n"));
    });
}

export async function callNeighbors(
  run: string,
  { key = [], quiet: _, json: __, format: ___, out: ____, force: _____, ...options }: Flags,
  { watch: { signal, observe } }: Pick<Caller, "watch">,
): Promise<NeighborsOf[]> {
  const { neighborsOf } = await import("../../api/neighbors.js");
  return await neighborsOf(run, key, { ...options, signal }, (text) => observe({ stage: "note", text }));
}

function textOf({ field, key, name, metric, neighbors }: NeighborsOf): string {
  const title = printable(`${field}:${key}${name === undefined ? "" : `  ${name}`}`);
  if (neighbors.length === 0) return `${title} has no neighbours\n`;
  const hasNames = neighbors.some((row) => row.name !== undefined);
  const lines = neighbors.map((row) => [
    `  ${row.key}`,
    row.similarity.toFixed(4),
    String(row.count),
    ...(hasNames ? [row.name ?? ""] : []),
  ]);
  const head = ["  key", "similarity", "count", ...(hasNames ? ["name"] : [])];
  return `${title} (${metric})\n${formatTable([head, ...lines])}`;
}
