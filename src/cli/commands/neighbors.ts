// embed neighbors

import { Option, type Command } from "commander";
import type { NeighborsOf, NeighborsOptions } from "../../api/neighbors.js";
import { printable } from "../../errors.js";
import { composeOption } from "../../flags/compose-option.js";
import { repeated, wholeOf } from "../../flags/options.js";
import { noted, type Caller } from "../progress.js";
import { formatTable, writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed neighbors run --key item:tea-03
  embed neighbors run --key item:tea-03 --key item:camera-11 --top 5 --metric dot
  embed index run --field item -o items && embed neighbors run --key item:tea-03 --index items
`;

type Flags = Omit<NeighborsOptions, "signal"> & { key: string[]; quiet?: boolean; json?: boolean };

/** Adds the command. */
export function addNeighbors(program: Command, signal: AbortSignal): Command {
  return program
    .command("neighbors")
    .description("Shows the rows of a field that are nearest to a key's row, the row itself left out.")
    .argument("<run>", "run directory")
    .addHelpText("before", examples)
    .requiredOption(
      "--key <field:key>",
      "key whose nearest neighbours to show, such as item:tea-03; repeatable",
      repeated,
    )
    .addOption(
      new Option("--top <n>", "number of neighbours to show").argParser(wholeOf("--top", 1)).default(10),
    )
    .addOption(
      new Option("--metric <metric>", "similarity to rank by; l2 is minus the Euclidean distance")
        .choices(["cosine", "dot", "l2"])
        .default(undefined, "cosine; of an index its own"),
    )
    .option(
      "--index <dir>",
      "search this index (from embed index) instead of all rows: faster, approximate, by the index's metric",
    )
    .addOption(
      new Option(
        "--ef <n>",
        "with --index: size of the search's candidate list (HNSW ef); larger is slower and more exact",
      )
        .argParser(wholeOf("--ef", 1))
        .default(undefined, "128"),
    )
    .option("--table <name>", "which table to use, for a run that has several")
    .addOption(composeOption())
    .option("--quiet", "print nothing but errors and results")
    .option("--json", "print one JSON object on stdout")
    .action(async (run: string, flags: Flags) => {
      const { version } = await import("../../io/package-version.js");
      const found = await callNeighbors(run, flags, { watch: noted(signal, flags.quiet) });
      if (flags.json)
        await writeResult(`${JSON.stringify({ command: "neighbors", version, queries: found })}\n`);
      else await writeResult(found.map(textOf).join("\n"));
    });
}

export async function callNeighbors(
  run: string,
  { key, quiet: _, json: __, ...options }: Flags,
  { watch: { signal, observe } }: Pick<Caller, "watch">,
): Promise<NeighborsOf[]> {
  const { neighborsOf } = await import("../../api/neighbors.js");
  return await neighborsOf(run, key, { ...options, signal }, (text) => observe({ stage: "note", text }));
}

function textOf({ field, key, metric, neighbors }: NeighborsOf): string {
  if (neighbors.length === 0) return `${printable(`${field}:${key}`)} has no neighbours\n`;
  const lines = neighbors.map((row) => [row.key, row.similarity.toFixed(4), String(row.count)]);
  return `${printable(`${field}:${key}`)}\n${formatTable([["  key", metric, "events"], ...lines.map(([k, ...rest]) => [`  ${k}`, ...rest])])}`;
}
