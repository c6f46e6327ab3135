// embed index

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { IndexOptions, IndexSummary } from "../../api/hnsw/build.js";
import { printable } from "../../errors.js";
import { composeOption } from "../../flags/compose-option.js";
import { addOutputOptions } from "../../flags/options.js";
import { wholeOf } from "../../flags/parsers.js";
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
      "Builds an HNSW index for nearest-neighbour search over a field's vectors and writes it in hnswlib's " +
        "format, with ids.tsv and index.json. The output does not depend on the number of threads.",
    )
    .argument("<run>", "run directory")
    .addHelpText("before", examples)
    .requiredOption("--field <name>", "field to index: item, user or a column")
    .requiredOption("-o, --out <dir>", "index directory to write")
    .option("--force", "replace an existing index")
    .addOption(
      new Option("--metric <metric>", "similarity used by the index")
        .choices(["cosine", "dot", "l2"])
        .default(undefined, "the similarity that the run's model ranks by, else cosine"),
    )
    .option("--table <name>", "table to use, for a run with several tables")
    .addOption(composeOption())
    .addOption(
      new Option("--m <n>", "maximum links per row in the graph (HNSW M); the lowest level has twice as many")
        .argParser(wholeOf("--m", 1))
        .default(undefined, "16"),
    )
    .addOption(
      new Option(
        "--ef-construction <n>",
        "size of the candidate list during construction (HNSW efConstruction); larger is slower and more " +
          "accurate",
      )
        .argParser(wholeOf("--ef-construction", 1))
        .default(undefined, "200"),
    )
    .addOption(
      new Option("--seed <n>", "random seed for assigning levels")
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
