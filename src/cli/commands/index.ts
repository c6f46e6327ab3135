// embed index

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { IndexOptions, IndexSummary } from "../../api/hnsw/build.js";
import { printable } from "../../errors.js";
import { composeOption } from "../../flags/compose-option.js";
import { addOutputOptions, wholeOf } from "../../flags/options.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples (after embed train-fm fixtures/clicks.csv -o run):
  embed index run --field item -o items
  embed index run --field user -o users --metric cosine --m 24
  embed neighbors run --index items --key item:tea-03
`;

type Flags = OutputOptions & Omit<IndexOptions, "threads"> & { threads?: number };

/** Adds the command. */
export function addIndex(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("index")
    .description(
      "Builds an index of a field's nearest neighbours (HNSW) and writes it as hnswlib reads it, with ids.tsv and index.json. " +
        "The same bytes at any number of threads.",
    )
    .argument("<run>", "run directory")
    .addHelpText("before", examples)
    .requiredOption("--field <name>", "field whose rows are indexed: item, user or a column")
    .requiredOption("-o, --out <dir>", "index directory to write")
    .option("--force", "replace an existing index")
    .addOption(
      new Option("--metric <metric>", "similarity that the index searches by")
        .choices(["cosine", "dot", "l2"])
        .default(undefined, "what the run's model ranks by, else cosine"),
    )
    .option("--table <name>", "which table to use, for a run that has several")
    .addOption(composeOption())
    .addOption(
      new Option("--m <n>", "links of a row in the graph (HNSW M); the lowest level has twice as many")
        .argParser(wholeOf("--m", 1))
        .default(undefined, "16"),
    )
    .addOption(
      new Option(
        "--ef-construction <n>",
        "size of the candidate list while building (HNSW efConstruction); larger is slower and more exact",
      )
        .argParser(wholeOf("--ef-construction", 1))
        .default(undefined, "200"),
    )
    .addOption(
      new Option("--seed <n>", "random seed of the index's levels")
        .argParser(wholeOf("--seed", 0))
        .default(undefined, "1"),
    )
    .addOption(
      new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
        wholeOf("--threads", 1),
      ),
    );
  return addOutputOptions(command).action(async (run: string, flags: Flags) => {
    const summary = await watched(flags, signal, (watch) => callIndex(run, flags, { watch }));
    await writeResult(flags.json ? `${JSON.stringify(summary)}\n` : textOf(summary));
  });
}

export async function callIndex(
  run: string,
  flags: Flags,
  { watch }: Pick<Caller, "watch">,
): Promise<IndexSummary> {
  const { indexRun } = await import("../../api/hnsw/build.js");
  const { json: _, quiet: __, progress: ___, color: ____, logFormat: _____, ...given } = flags;
  return await indexRun(run, { ...given, threads: given.threads ?? availableParallelism() }, watch);
}

function textOf({ rows, index, because, options, out }: IndexSummary): string {
  const { field, metric, dim, biased } = index;
  const { m, efConstruction } = options as { m: number; efConstruction: number };
  const weights = biased ? " and weights" : "";
  return (
    `${rows.toLocaleString("en")} rows of ${printable(field)}, ${dim} dimensions${weights}, by ${metric} (${because}), ` +
    `--m ${m}, --ef-construction ${efConstruction}: ${printable(out)}\n`
  );
}
