// embed evaluate

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { Evaluation } from "../../api/evaluate/evaluate.js";
import type { EvaluateOptions } from "../../api/evaluate/options.js";
import { UsageError } from "../../errors.js";
import { addQueryOptions } from "../../flags/query-options.js";
import {
  addBadRowOptions,
  addOutputOptions,
  addHashKeysOption,
  addReadingOptions,
  badRowsOf,
  listOf,
  numberOf,
  repeated,
  taking,
  wholeOf,
  type BadRowFlags,
  type HashKeysFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { addTable, toldOf } from "../../flags/table-option.js";
import { content, type ContentOptions } from "../../training/content-options.js";
import { definedOf } from "../../training/options/log.js";
import { readingOf } from "../../training/options/reading.js";
import { comparisonText, type ComparisonFormat } from "../comparison.js";
import { indexRecallText } from "../index-recall.js";
import { watched, type Caller, type OutputOptions } from "../progress.js";
import { writeResult } from "../terminal.js";

const examples = `
Examples:
  embed evaluate run --on fixtures/clicks.csv
  embed evaluate ranked implicit --part test --baseline popularity,item-cf --k 10,20
  embed evaluate ranked implicit --part test --fold-in-share 0.8 --baseline popularity,item-cf
  embed evaluate cold --part test --cold 0,3 --content fixtures/items.csv --content-multi 'genres:|'
  embed evaluate graph --edges held.csv --known-edges train.csv
  embed evaluate ranked --index items --k 10,100 --ef 100,200
  embed evaluate ratings pca --labels fixtures/items.csv:item --neighbors-by genres --probe genres
`;

/** The flags under the names of the api. */
type Flags = ReadingFlags &
  BadRowFlags &
  OutputOptions &
  HashKeysFlags &
  Omit<EvaluateOptions, "reading" | "baselines" | "scoring"> & {
    baseline?: string[];
    score?: EvaluateOptions["scoring"];
    format: ComparisonFormat;
  };

/** Adds the command. */
export function addEvaluate(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("evaluate")
    .description(
      "Scores the rows of a log with a run's model, or ranks the items for its users, and prints the metrics; several runs " +
        "stand side by side, and beside baselines. With --labels it judges their tables by what items are called, with --edges by edges of a graph; with --index an index by what it finds.",
    )
    .usage("[options] <run...>")
    .argument("[run...]", "run directories; the first says how the log is read")
    .addHelpText("before", examples)
    .option("--on <log>", "the log to measure on; repeat it for several files read as one", repeated)
    .addOption(
      new Option("--part <part>", "in its place: what the first run's training held out").choices([
        "valid",
        "test",
      ]),
    )
    .addOption(new Option("--threads <n>", "threads at most").argParser(wholeOf("--threads", 1)));
  addScoreOptions(command);
  addRankingOptions(command);
  addTable(command, content);
  addTableOptions(command);
  addEdgeOptions(command);
  addIndexOptions(command);
  addBadRowOptions(addReadingOptions(addHashKeysOption(command)));
  command.addOption(
    new Option("--force", "replace an existing --bad-rows or --curve file").helpGroup("Reading:"),
  );
  command
    .addOption(
      new Option(
        "--bootstrap <n>",
        "how often users (of tables: items) are drawn again for the intervals; 0 for none",
      )
        .argParser(wholeOf("--bootstrap", 0))
        .default(undefined, "1000"),
    )
    .addOption(
      new Option(
        "--seed <n>",
        "names these draws, the baseline random, and the items that --probe is judged on",
      )
        .argParser(wholeOf("--seed", 0))
        .default(undefined, "1"),
    )
    .addOption(
      new Option("--format <format>", "of the table")
        .choices(["text", "markdown"])
        .default("text")
        .helpGroup("Output:"),
    );
  return addOutputOptions(command).action(async (runs: string[], flags: Flags) => {
    const evaluation = await watched(flags, signal, (watch) => callEvaluate(runs, flags, { watch, command }));
    const text = evaluation.index ? indexRecallText : comparisonText;
    await writeResult(flags.json ? `${JSON.stringify(evaluation)}\n` : text(evaluation, flags.format));
  });
}

export async function callEvaluate(
  runs: string[],
  flags: Flags,
  { watch, command }: Omit<Caller, "write">,
): Promise<Evaluation> {
  if (runs.length === 0)
    throw new UsageError(
      "name a run: it says how the log is read, for baselines too, which learn from what it was trained on",
    );
  const { evaluate } = await import("../../api/evaluate/evaluate.js");
  const reading = readingOf(flags, flags.threads ?? availableParallelism());
  const { on, part, ranking, k, mask, repeats, candidates, baseline, positiveFrom, score } = flags;
  const { cold } = flags;
  const { foldInShare, query, queryHalfLife, table, probeTrain, probeRepeats, probeRaw } = flags;
  const { edges, source, target, directed, knownEdges, nonEdges, newNodes, field, index, ef } = flags;
  const { filterDim, filterWeight, filterFlatness, filterPower } = flags;
  const { bootstrap, seed, easeL2, labels, neighborsBy, probe, logq, bins, curve, force, hashKeys } = flags;
  const options: EvaluateOptions = {
    ...definedOf({ on, part, ranking, k, mask, repeats, candidates, positiveFrom, table, bootstrap, seed }),
    ...definedOf({ easeL2, labels, neighborsBy, probe, logq, bins, curve, force, hashKeys }),
    ...definedOf({ filterDim, filterWeight, filterFlatness, filterPower }),
    ...definedOf({ baselines: baseline, scoring: score, query, queryHalfLife, foldInShare }),
    ...definedOf({ cold }),
    ...(toldOf(command, content) as ContentOptions),
    ...definedOf({ probeTrain, probeRepeats, probeRaw }),
    ...definedOf({ edges, source, target, directed, knownEdges, nonEdges, newNodes, field, index, ef }),
    reading,
    ...(await badRowsOf(flags)),
  };
  return await evaluate(runs, options, watch);
}

function addScoreOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Scores:");
  command
    .addOption(group("--curve <file>", "write the calibration curve as CSV"))
    .addOption(
      group("--bins <n>", "of equal counts in that curve")
        .argParser(wholeOf("--bins", 1))
        .default(undefined, "10"),
    )
    .addOption(group("--logq", "of drawn negatives: correct scores and counts for how they were drawn"));
}

function addRankingOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Ranking:");
  command
    .addOption(group("--ranking", "rank all items for each user"))
    .addOption(
      group(
        "--k <list>",
        "items a list, such as 10,20,50 (default: 20); of --neighbors-by neighbours (10)",
      ).argParser(wholeNumbers("--k")),
    )
    .addOption(
      group(
        "--mask <log>",
        "leave its items out of its users' lists too; repeat it for several files",
      ).argParser(repeated),
    )
    .addOption(
      group("--repeats <what>", "whether what users have from training may be found again").choices([
        "mask",
        "allow",
      ]),
    )
    .addOption(
      group(
        "--fold-in-share <share>",
        "judge users whom the runs do not know: this share of each one's items, the first, gives the vector, the rest is to be found, such as 0.8",
      ).argParser(numberOf("--fold-in-share")),
    )
    .addOption(
      group(
        "--cold <list>",
        "judge items that training has not seen (--split items), with so many of their events known, such as 0,1,3,10",
      ).argParser(taking("number | string | readonly number[]", eventCounts)),
    )
    .addOption(group("--candidates <file>", "users and items: rank what is held out among these alone"))
    .addOption(
      group(
        "--baseline <names>",
        "popularity, item-cf, user-history, ease, gf-cf, chebycf or random, as contenders",
      ).argParser(listOf),
    )
    .addOption(
      group("--ease-l2 <x>", "penalty of the baseline ease (default: 500)").argParser(numberOf("--ease-l2")),
    )
    .addOption(
      group(
        "--filter-dim <n>",
        "of gf-cf and chebycf: eigenvectors whose ideal filter is added, 0 for none (default: 256; chebycf: 512)",
      ).argParser(wholeOf("--filter-dim", 0)),
    )
    .addOption(
      group("--filter-weight <x>", "of gf-cf and chebycf: its weight (default: 0.3; chebycf: 0.2)").argParser(
        numberFrom0("--filter-weight"),
      ),
    )
    .addOption(
      group("--filter-flatness <x>", "of chebycf: how flat the plateau is (default: 1.5)").argParser(
        numberFrom0("--filter-flatness"),
      ),
    )
    .addOption(
      group(
        "--filter-power <x>",
        "of chebycf: an item counts by its events to this power (default: 0.4)",
      ).argParser(numberFrom0("--filter-power")),
    )
    .addOption(
      group("--positive-from <x>", "the label from which on an event of a rating counts").argParser(
        numberOf("--positive-from"),
      ),
    )
    .addOption(
      group(
        "--score <how>",
        "what runs rank by: the model, the table's vectors alone, or these against the vectors of contexts",
      ).choices(["model", "dot", "cosine", "context"]),
    );
  addQueryOptions(command, "Ranking:").addOption(
    group("--table <name>", "of a run with several tables, for --labels, --score dot and cosine"),
  );
}

function addTableOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Tables:");
  command
    .addOption(
      group(
        "--labels <file:field>",
        "labels of a field's keys, several a cell as a|b; FILE:FIELD=COLUMN where the file's column has another name",
      ),
    )
    .addOption(
      group("--neighbors-by <column>", "its column: what share of the nearest items has a label in common"),
    )
    .addOption(
      group("--probe <column>", "its column: how well logistic regression tells it from the vectors"),
    )
    .addOption(
      group("--probe-train <share>", "of the items that train it, such as 0.5 (default: 0.8)").argParser(
        numberOf("--probe-train"),
      ),
    )
    .addOption(
      group(
        "--probe-repeats <n>",
        "shuffles of the items into both parts: the mean of these, with an interval",
      )
        .argParser(wholeOf("--probe-repeats", 1))
        .default(undefined, "1"),
    )
    .addOption(
      group(
        "--probe-raw",
        "vectors as they are, as published figures have them; else each dimension of deviation 1",
      ),
    );
}

function addEdgeOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Edges:");
  command
    .addOption(
      group(
        "--edges <file>",
        "held-out edges: how often they score above pairs of nodes without an edge; repeat it for several files",
      ).argParser(repeated),
    )
    .addOption(group("--source <column>", "of an edge (default: source, else the first column)"))
    .addOption(group("--target <column>", "of an edge (default: target, else the second column)"))
    .addOption(group("--directed", "an edge and its reverse are two pairs; else one"))
    .addOption(
      group(
        "--known-edges <file>",
        "edges of the training, which are no pairs without an edge; repeat it for several files",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--non-edges <how>",
        "drawn among all nodes, or with the source of one held edge and the target of another (default: uniform)",
      ).choices(["uniform", "held-ends"]),
    )
    .addOption(
      group(
        "--new-nodes <file>",
        "csv of vectors of further nodes, as transform writes them; repeat it for several runs, a file each",
      ).argParser(repeated),
    )
    .addOption(group("--field <name>", "whose keys are the nodes (default: the item, or the only field)"));
}

function addIndexOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Indexes:");
  command
    .addOption(
      group(
        "--index <dir>",
        "an index of the run's table: what share of the nearest --k (default: 10) rows it finds, beside a look at every row",
      ),
    )
    .addOption(
      group(
        "--ef <list>",
        "candidates that its searches remember, such as 32,64 (default: 32,64,128)",
      ).argParser(wholeNumbers("--ef")),
    );
}

/** A number from 0 on. */
function numberFrom0(flag: string): (text: string) => number {
  const parse = numberOf(flag);
  return taking("number", (text) => {
    const x = parse(text);
    if (!(x >= 0)) throw new UsageError(`${flag} expects a number from 0 on, got '${text}'`);
    return x;
  });
}

/** Whole numbers from 0 on, ascending, each once. */
function eventCounts(text: string): number[] {
  return [...new Set(text.split(",").map(wholeOf("--cold", 0)))].sort((a, b) => a - b);
}

/** Whole numbers from 1 on, ascending, each once. */
function wholeNumbers(flag: string): (text: string) => number[] {
  return taking("number | string | readonly number[]", (text) => {
    const numbers = text.split(",").map(wholeOf(flag, 1));
    if (numbers.length === 0) throw new UsageError(`${flag} expects numbers such as 10,20,50`);
    return [...new Set(numbers)].sort((a, b) => a - b);
  });
}
