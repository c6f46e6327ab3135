// embed evaluate

import { Option, type Command } from "commander";
import { availableParallelism } from "node:os";
import type { Evaluation } from "../../api/evaluate/evaluate.js";
import type { EvaluateOptions } from "../../api/evaluate/options.js";
import { UsageError } from "../../errors.js";
import { markCommon } from "../../flags/common.js";
import { addQueryOptions } from "../../flags/query-options.js";
import {
  addBadRowOptions,
  addOutputOptions,
  addHashKeysOption,
  addReadingOptions,
  badRowsOf,
  type BadRowFlags,
  type HashKeysFlags,
  type ReadingFlags,
} from "../../flags/options.js";
import { listOf, numberOf, repeated, taking, wholeOf } from "../../flags/parsers.js";
import { addTable, givenOf } from "../../flags/table-option.js";
import { content, type ContentOptions } from "../../training/options/content-options.js";
import { definedOf } from "../../training/options/defined.js";
import { readingOf } from "../../training/options/reading.js";
import { shareOf } from "../../training/options/table.js";
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
  Omit<EvaluateOptions, "reading"> & { format: ComparisonFormat };

/** Adds the command. */
export function addEvaluate(program: Command, signal: AbortSignal): Command {
  const command = program
    .command("evaluate")
    .description(
      "Scores the rows of a log with a run's model, or ranks items for its users, and prints the metrics. " +
        "Several runs and baselines are compared side by side. With --labels it evaluates tables against item " +
        "labels, with --edges against held-out edges of a graph, and with --index it measures the recall of an " +
        "index.",
    )
    .usage("[options] <run...>")
    .argument("[run...]", "run directories; the log is read with the options of the first")
    .addHelpText("before", examples)
    .option("--on <log>", "log to evaluate on; repeatable, several files are read as one log", repeated)
    .addOption(
      new Option(
        "--part <part>",
        "instead of --on: evaluate on the split held out when the first run was trained",
      ).choices(["valid", "test"]),
    )
    .addOption(
      new Option("--threads <n>", "maximum number of threads; the result does not depend on it").argParser(
        wholeOf("--threads", 1),
      ),
    );
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
        "number of bootstrap samples of users (or items) for confidence intervals; 0 disables them",
      )
        .argParser(wholeOf("--bootstrap", 0))
        .default(undefined, "1000"),
    )
    .addOption(
      new Option(
        "--seed <n>",
        "random seed for --bootstrap, the baseline random, and the items held out by --probe",
      )
        .argParser(wholeOf("--seed", 0))
        .default(undefined, "1"),
    )
    .addOption(
      new Option("--format <format>", "format of the printed table")
        .choices(["text", "markdown"])
        .default("text")
        .helpGroup("Output:"),
    );
  markCommon(command, [
    ...["on", "part", "threads", "ranking", "k", "mask", "repeats", "positive-from", "score", "candidates"],
    ...["fold-in-share", "cold", "baseline", "query", "labels", "neighbors-by", "probe", "edges", "index"],
    ...["content", "curve", "bootstrap", "seed", "format", "force"],
  ]);
  return addOutputOptions(command).action(async (runs: string[], flags: Flags) => {
    const evaluation = await watched(flags, signal, (watch) => callEvaluate(runs, flags, { watch, command }));
    const text = evaluation.index ? indexRecallText : comparisonText;
    await writeResult(flags.json ? `${JSON.stringify(evaluation)}\n` : text(evaluation, flags.format));
    // the others were evaluated, and a script must notice that these were not
    const { unevaluated = [] } = evaluation;
    if (unevaluated.length > 0) throw new UsageError(unevaluated.map(({ why }) => why).join("\n"));
  });
}

export async function callEvaluate(
  runs: string[],
  flags: Flags,
  { watch, command }: Omit<Caller, "write">,
): Promise<Evaluation> {
  if (runs.length === 0)
    throw new UsageError(
      "no run named: baselines need one too, because they read the log with its options and learn from its " +
        "training data",
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
    ...definedOf({ baseline, score, query, queryHalfLife, foldInShare }),
    ...definedOf({ cold }),
    ...(givenOf(command, content) as ContentOptions),
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
    .addOption(group("--curve <file>", "write the calibration curve to this CSV file"))
    .addOption(
      group("--bins <n>", "with --curve: number of equal-count bins")
        .argParser(wholeOf("--bins", 1))
        .default(undefined, "10"),
    )
    .addOption(
      group("--logq", "for a run trained with --negatives: correct scores and counts for negative sampling"),
    );
}

function addRankingOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Ranking:");
  command
    .addOption(group("--ranking", "rank all items for each user and report recall, ndcg, hit rate and mrr"))
    .addOption(
      group(
        "--k <list>",
        "cutoffs K of ranked lists, such as 10,20,50 (default: 20), or numbers of neighbours for " +
          "--neighbors-by (default: 10)",
      ).argParser(wholeNumbers("--k")),
    )
    .addOption(
      group(
        "--mask <log>",
        "log of further events whose items are masked for their users; repeatable",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--repeats <what>",
        "items that a user already has from training: mask removes them from the ranking, allow keeps them",
      ).choices(["mask", "allow"]),
    )
    .addOption(
      group(
        "--fold-in-share <share>",
        "evaluate on users unknown to the runs: the first share of a user's items, such as 0.8, is folded " +
          "in, the rest is held out",
      ).argParser((text: string) => shareOf(text, "--fold-in-share")),
    )
    .addOption(
      group(
        "--cold <list>",
        "evaluate on items not seen in training (--split items), given this many of their events, such as " +
          "0,1,3,10",
      ).argParser(taking("number | string | readonly number[]", eventCounts)),
    )
    .addOption(
      group(
        "--candidates <file>",
        "file of user and item pairs: rank held-out items only among these candidates",
      ),
    )
    .addOption(
      group(
        "--baseline <names>",
        "baselines to compare with: popularity, item-cf, item-knn, rp3beta, slim, user-history, ease, gf-cf, chebycf, random",
      ).argParser(listOf),
    )
    .addOption(
      group("--ease-l2 <x>", "L2 penalty of the baseline ease (default: 500)").argParser(
        numberOf("--ease-l2"),
      ),
    )
    .addOption(
      group(
        "--filter-dim <n>",
        "for the baselines gf-cf and chebycf: number of eigenvectors in the ideal low-pass filter, 0 for " +
          "none (default: 256; chebycf: 512)",
      ).argParser(wholeOf("--filter-dim", 0)),
    )
    .addOption(
      group(
        "--filter-weight <x>",
        "for the baselines gf-cf and chebycf: weight of the ideal low-pass filter (default: 0.3; chebycf: 0.2)",
      ).argParser(numberFrom0("--filter-weight")),
    )
    .addOption(
      group(
        "--filter-flatness <x>",
        "for the baseline chebycf: flatness of the filter's plateau (default: 1.5)",
      ).argParser(numberFrom0("--filter-flatness")),
    )
    .addOption(
      group(
        "--filter-power <x>",
        "for the baseline chebycf: exponent of item degree in the normalization (default: 0.4)",
      ).argParser(numberFrom0("--filter-power")),
    )
    .addOption(
      group(
        "--positive-from <x>",
        "for a log with labels: count only events with a label of x or more",
      ).argParser(numberOf("--positive-from")),
    )
    .addOption(
      group(
        "--score <how>",
        "how items are scored: by the model, by the table's vectors (dot or cosine), or by item vectors " +
          "against context vectors (context)",
      ).choices(["model", "dot", "cosine", "context"]),
    );
  addQueryOptions(command, "Ranking:").addOption(
    group(
      "--table <name>",
      "with --labels, --score dot or cosine: table to use, for a run with several tables",
    ),
  );
}

function addTableOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Tables:");
  command
    .addOption(
      group(
        "--labels <file:field>",
        "file of labels for a field's keys (multi-valued cells as a|b); FILE:FIELD=COLUMN if the key column " +
          "has another name",
      ),
    )
    .addOption(
      group(
        "--neighbors-by <column>",
        "with --labels: label column; measures how often nearest neighbours share a label",
      ),
    )
    .addOption(
      group(
        "--probe <column>",
        "with --labels: label column; measures how well a logistic regression predicts it from the vectors",
      ),
    )
    .addOption(
      group(
        "--probe-train <share>",
        "with --probe: share of items used to train the regression, such as 0.5 or 50% (default: 0.8)",
      ).argParser((text: string) => shareOf(text, "--probe-train")),
    )
    .addOption(
      group(
        "--probe-repeats <n>",
        "with --probe: number of random train/test splits to average over; also prints an interval",
      )
        .argParser(wholeOf("--probe-repeats", 1))
        .default(undefined, "1"),
    )
    .addOption(
      group(
        "--probe-raw",
        "with --probe: use the vectors as they are, as published results do, instead of standardising them",
      ),
    );
}

function addEdgeOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Edges:");
  command
    .addOption(
      group(
        "--edges <file>",
        "file of held-out edges: measures how often they score above non-edges (AUC); repeatable",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--source <column>",
        "with --edges: column of the source node (default: source, else the first column)",
      ),
    )
    .addOption(
      group(
        "--target <column>",
        "with --edges: column of the target node (default: target, else the second column)",
      ),
    )
    .addOption(
      group(
        "--directed",
        "with --edges: treat edges as directed: an edge and its reverse are different pairs",
      ),
    )
    .addOption(
      group(
        "--known-edges <file>",
        "with --edges: file of training edges, excluded from the sampled non-edges; repeatable",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--non-edges <how>",
        "with --edges: how non-edges are sampled: uniformly from all nodes, or from the endpoints of " +
          "held-out edges (default: uniform)",
      ).choices(["uniform", "held-ends"]),
    )
    .addOption(
      group(
        "--new-nodes <file>",
        "with --edges: CSV file of vectors for additional nodes, as written by transform; one file per run",
      ).argParser(repeated),
    )
    .addOption(
      group(
        "--field <name>",
        "with --edges or --index: field to evaluate (default: the item, or the only field)",
      ),
    );
}

function addIndexOptions(command: Command): void {
  const group = (flags: string, help: string) => new Option(flags, help).helpGroup("Indexes:");
  command
    .addOption(
      group(
        "--index <dir>",
        "index of the run's table (from embed index): measures its recall of the --k nearest rows (default: 10)",
      ),
    )
    .addOption(
      group(
        "--ef <list>",
        "with --index: search candidate list sizes (HNSW ef) to measure, such as 32,64 (default: 32,64,128)",
      ).argParser(wholeNumbers("--ef")),
    );
}

/** A number from 0 on. */
function numberFrom0(flag: string): (text: string) => number {
  const parse = numberOf(flag);
  return taking("number", (text) => {
    const x = parse(text);
    if (!(x >= 0)) throw new UsageError(`${flag} expects a number of at least 0, got '${text}'`);
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
