// Declares the command `embed evaluate`.

import { evaluateOptions } from "../../api/evaluate/options.js";
import type { Evaluation } from "../../api/evaluate/evaluate.js";
import { printable, UsageError } from "../../errors.js";
import { commandSpec } from "../command-spec.js";
import { comparisonText } from "../comparison.js";
import { formatTable } from "../terminal.js";

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

export const command = commandSpec({
  description:
    "Scores the rows of a log with a run's model, or ranks items for its users, and prints the metrics. " +
    "Several runs and baselines are compared side by side. With --labels it evaluates tables against item " +
    "labels, with --edges against held-out edges of a graph, and with --index it measures the recall of an " +
    "index.",
  arguments: [["[run...]", "run directories; the log is read with the options of the first"]],
  usage: "[options] <run...>",
  examples,
  options: evaluateOptions,
  without: ["format"],
  async call([runs], given, { watch }) {
    const { evaluate } = await import("../../api/evaluate/evaluate.js");
    return await evaluate(runs, given, watch);
  },
  text: (evaluation, { format = "text" }) =>
    evaluation.index ? indexRecallText(evaluation) : comparisonText(evaluation, format),
  verify({ unevaluated = [] }, from) {
    // fails only after the other runs were evaluated, so that a script notices that some runs were not
    if (from === "terminal" && unevaluated.length > 0)
      throw new UsageError(unevaluated.map(({ why }) => why).join("\n"));
  },
});

/** Formats the recall of an index, with its size and times. */
function indexRecallText({ compared, index }: Evaluation): string {
  const lengths = [...new Set(compared.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) =>
    name.startsWith("indexRecallAt"),
  );
  const lines = compared.map(({ name, metrics }) => [
    name,
    ...lengths.map((recall) => metrics[recall]?.toFixed(4) ?? ""),
    whole(metrics["distancesPerQuery"]!),
    whole(metrics["queriesPerSecond"]!),
  ]);
  const titles = lengths.map((name) => name.replace("indexRecallAt", "recall@"));
  const { field, count, of, rows, metric } = index!;
  const drawn = count < of ? ` of ${whole(of)}, drawn` : "";
  return (
    formatTable([["", ...titles, "distances/query", "queries/s"], ...lines]) +
    `${whole(count)} queries: rows of ${printable(field)}${drawn}; ${whole(rows)} rows by ${metric}; recall ` +
    "is relative to exact search\n"
  );
}

function whole(n: number): string {
  return Math.round(n).toLocaleString("en");
}
