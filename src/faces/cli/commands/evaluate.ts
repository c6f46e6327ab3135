import { SAMPLED_ORDER } from "../../../training/reading/candidates.js";
import { evaluateOptions } from "../../../judge/evaluate/options.js";
import type { Evaluation } from "../../../judge/evaluate/evaluate.js";
import { printable, UsageError } from "../../../base/errors.js";
import { commandSpec } from "../command-spec.js";
import { formatTable, stepLines } from "../terminal.js";
import { metricText, titleOf } from "../../../metrics/metrics.js";

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
    const { evaluate } = await import("../../../judge/evaluate/evaluate.js");
    return await evaluate(runs, given, watch);
  },
  text: (evaluation, { format = "text" }) =>
    evaluation.index ? indexRecallText(evaluation) : comparisonText(evaluation, format),
  notes: ({ steps }) => stepLines(steps),
  verify({ unevaluated = [] }, from) {
    // fails only after the other runs were evaluated, so that a script notices that some runs were not
    if (from === "terminal" && unevaluated.length > 0)
      throw new UsageError(unevaluated.map(({ why }) => why).join("\n"));
  },
});

function indexRecallText({ compared, index }: Evaluation): string {
  const lengths = [...new Set(compared.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) =>
    name.startsWith("indexRecallAt"),
  );
  const lines = compared.map(({ name, metrics }) => [
    name,
    ...lengths.map((recall) => metrics[recall]?.toFixed(4) ?? ""),
    formatCount(metrics["distancesPerQuery"]!),
    formatCount(metrics["queriesPerSecond"]!),
  ]);
  const titles = lengths.map((name) => name.replace("indexRecallAt", "recall@"));
  const { field, count, of, rows, metric } = index!;
  const drawn = count < of ? ` of ${formatCount(of)}, drawn` : "";
  return (
    formatTable([["", ...titles, "distances/query", "queries/s"], ...lines]) +
    `${formatCount(count)} queries: rows of ${printable(field)}${drawn}; ${formatCount(rows)} rows by ${metric}; recall ` +
    "is relative to exact search\n"
  );
}

function formatCount(n: number): string {
  return Math.round(n).toLocaleString("en");
}

type ComparisonFormat = "text" | "markdown";

/** Formats runs and baselines: one line each, one column per metric, and one table per length of lists. */
function comparisonText(evaluation: Evaluation, format: ComparisonFormat): string {
  if (evaluation.cold) return coldText(evaluation, evaluation.cold, format);
  const { rows, users, edges, of: unit = "rows" } = evaluation;
  const blocks = metricsByTable(evaluation).map((names) => metricTable(evaluation, names, format));
  const said = [`${formatCount(rows)} ${unit}`];
  if (edges) {
    const { nodes, directed, score, nonEdges, known } = edges;
    const beside = known === undefined ? "" : `, ${formatCount(known)} known edges excluded`;
    said.push(
      `the same number of non-edges (${nonEdges}) among ${formatCount(nodes)} nodes${beside}`,
      directed ? "directed" : "undirected",
      `by ${score}`,
    );
  }
  if (users) {
    const { foldIn } = users;
    said.push(
      foldIn
        ? `${formatCount(users.judged)} new users evaluated, ${formatCount(foldIn.foldedIn)} of their items folded ` +
            `in and ${formatCount(foldIn.heldOut)} held out`
        : `${formatCount(users.judged)} users evaluated, ${formatCount(users.withoutHeldOut)} without a held-out item`,
    );
    const { query, queryHalfLife: span } = evaluation.options;
    const weighted = typeof span === "string" ? ` --query-half-life ${span}` : "";
    if (typeof query === "string") said.push(`ranked by --query ${query}${weighted}`);
    const { candidates } = users;
    if (candidates)
      said.push(
        `${formatCount(candidates.masked)} of ${formatCount(candidates.listed)} candidates masked`,
        SAMPLED_ORDER,
      );
  }
  return `${blocks.join("\n")}${format === "markdown" ? "\n" : ""}${said.join(", ")}\n${legend(evaluation, format)}${unevaluatedLine(evaluation)}`;
}

function unevaluatedLine({ unevaluated = [] }: Evaluation): string {
  if (unevaluated.length === 0) return "";
  return `not evaluated: ${unevaluated.map(({ name }) => name).join(", ")}: trained on these rows (--refit)\n`;
}

/** Formats the metrics of new items: one table for each number of events per new item that the models may use. */
function coldText(
  evaluation: Evaluation,
  cold: NonNullable<Evaluation["cold"]>,
  format: ComparisonFormat,
): string {
  const blocks = cold.map(({ events, items, toFind, users, pairs, compared }) => {
    const own = { ...evaluation, compared };
    const tables = metricsByTable(own).map((names) => metricTable(own, names, format));
    return (
      `${formatCount(items)} new items with ${formatCount(events)} known ${events === 1 ? "event" : "events"} each: ` +
      `${formatCount(users)} users evaluated, ${formatCount(pairs)} held-out pairs of ${formatCount(toFind)} ` +
      `items\n${format === "markdown" ? "\n" : ""}${tables.join("\n")}`
    );
  });
  const all = { ...evaluation, compared: cold.flatMap(({ compared }) => compared) };
  return `${blocks.join("\n")}${format === "markdown" ? "\n" : ""}${legend(all, format)}${unevaluatedLine(evaluation)}`;
}

/** Returns the names of the metrics of each table: first those without a K, then those of each K. */
function metricsByTable({ compared }: Evaluation): string[][] {
  const names = [...new Set(compared.flatMap(({ metrics }) => Object.keys(metrics)))];
  const lengths = [...new Set(names.map((name) => /At(\d+)$/.exec(name)?.[1]))];
  return lengths.map((k) => names.filter((name) => /At(\d+)$/.exec(name)?.[1] === k));
}

function metricTable({ compared }: Evaluation, names: readonly string[], format: ComparisonFormat): string {
  const cell = (contender: Evaluation["compared"][number], name: string): string => {
    const value = contender.metrics[name];
    if (value === undefined) return "";
    const interval = contender.intervals[name];
    const half = interval ? ` ±${metricText(name, (interval.high - interval.low) / 2)}` : "";
    const text = `${metricText(name, value)}${half}`;
    if (contender.bestIn.includes(name)) return format === "markdown" ? `**${text}**` : `${text} *`;
    const toBest = contender.toBest[name];
    return toBest && toBest.low <= 0 && toBest.high >= 0 ? `${text} ~` : text;
  };
  const measured = compared.filter(({ metrics }) => names.some((name) => Object.hasOwn(metrics, name)));
  const lines = [
    ["", ...names.map(titleOf)],
    ...measured.map((contender) => [contender.name, ...names.map((name) => cell(contender, name))]),
  ];
  if (format === "text") return formatTable(lines);
  const [head, ...body] = lines.map(
    (line) => `| ${line.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`,
  );
  return [head, `| --- |${" ---: |".repeat(names.length)}`, ...body].map((line) => `${line}\n`).join("");
}

function legend({ compared, of, shuffles }: Evaluation, format: ComparisonFormat): string {
  const names = new Set(compared.flatMap(({ intervals }) => Object.keys(intervals)));
  const hasIntervals = names.size > 0;
  const parts: string[] = [];
  const probed = shuffles === undefined ? 0 : ["microF1", "macroF1"].filter((name) => names.has(name)).length;
  if (names.size > probed)
    parts.push(
      `±: half-width of the 95 % bootstrap interval over ${of ?? "users (over rows of a log without users)"}`,
    );
  if (probed > 0)
    parts.push(`± of F1: half-width of the 95 % t interval over ${shuffles} random splits of the items`);
  if (compared.length > 1) {
    parts.push(format === "markdown" ? "bold: the best" : "*: the best");
    if (hasIntervals)
      parts.push(
        "~: not significantly different from the best: the interval of the paired difference over " +
          `${of ?? "users"} contains 0`,
      );
  }
  return parts.length > 0 ? `${parts.join("; ")}\n` : "";
}
