import { checkpointPath } from "../../../training/epochs/checkpoint.js";
import type { GivenTraining } from "../../../training/shared-options/log.js";
import type { Trainer } from "../../../training/session/trainer.js";
import type { Watch } from "../../../training/session/watch.js";
import { commandSpec, logOrQuery, type CommandSpec } from "../command-spec.js";
import type { Interrupts } from "../interrupts.js";
import { metricNames, titleOf } from "../../../metrics/metrics.js";
import { vectorsAddText } from "../../../metrics/vectors-add.js";
import { countText, flagOf } from "../../../base/errors.js";
import { formatSteps, formatTable } from "../terminal.js";
import type { PartMetrics, Summary } from "../../../training/session/summary.js";
import { searchGain } from "../../../metrics/search-gain.js";

export function trainerCommand(trainer: Trainer): CommandSpec {
  const { description, examples, options, round = "epoch" } = trainer;
  const saves = round === "epoch" ? "the best epoch so far" : `the best number of ${round}s so far`;
  return commandSpec({
    description,
    arguments: [logOrQuery],
    examples: `\nExamples:\n${examples.replace(/^\n/, "")}`,
    options,
    async call([paths], given, { watch }) {
      const { train } = await import("../../../training/session/session.js");
      return await train(trainer, paths, given as GivenTraining & { out: string }, watch);
    },
    steer: (given, interrupts, watch) => steered(given, interrupts, saves, watch),
    text: trainedText,
  });
}

/** Lets a signal finish a training early. @param saves what is saved then, such as `the best epoch so far` */
function steered(
  { checkpointEvery, onInterrupt, out }: GivenTraining & { out?: string },
  interrupts: Interrupts,
  saves: string,
  watch: Watch,
): Watch {
  const written = "no run was written; an existing run is unchanged";
  if (checkpointEvery !== undefined) interrupts.keeps(written, checkpointPath(out!));
  else if (onInterrupt === "save") interrupts.keeps(`there is nothing to save yet: ${written}`);
  if (onInterrupt !== "save") return watch;
  return { ...watch, finishInstead: (finish) => interrupts.finishInstead(saves, finish) };
}

function trainedText(summary: Summary<PartMetrics>): string {
  const {
    out,
    rows,
    trainedRows = rows,
    seconds,
    metrics,
    vectorsAdd,
    importances,
    dense,
    threads,
  } = summary;
  const kept = dense
    ? `dense vectors of length ${dense.dim} explain ${(100 * dense.explained).toFixed(1)} % of the leaves ` +
      `(--dense, ${dense.rows.toLocaleString("en")} rows)\n`
    : "";
  const chosen =
    threads && threads.used < threads.of
      ? ` on ${threads.used} of ${threads.of} threads, the fastest number`
      : "";
  const added = vectorsAdd ? `vectors add: ${vectorsAddText(vectorsAdd)}\n` : "";
  return (
    `${formatSteps(summary.steps ?? [])}${searchLines(summary)}${screeTable(summary)}${metricLines(metrics)}${added}${importances ? importanceLines(importances) : ""}` +
    `${kept}${out}: trained on ${shareOfRows(trainedRows, rows)} in ${seconds.toFixed(1)} s${chosen}\n`
  );
}

function shareOfRows(some: number, all: number): string {
  const [part, whole] = [countText(some), countText(all)];
  return some === all ? `${whole} rows` : `${part} of ${whole} rows`;
}

const MOST_COLUMNS = 5;

function importanceLines(importances: NonNullable<Summary["importances"]>): string {
  const total = importances.reduce((sum, { gain }) => sum + gain, 0);
  const used = importances.filter(({ splits }) => splits > 0);
  if (used.length === 0) return "";
  const lines = used
    .slice(0, MOST_COLUMNS)
    .map(({ column, splits, gain }) => [column, `${((100 * gain) / total).toFixed(1)} %`, String(splits)]);
  const rest = used.length > MOST_COLUMNS ? `and ${used.length - MOST_COLUMNS} more columns\n` : "";
  return `${formatTable([["column", "gain", "splits"], ...lines])}${rest}`;
}

function metricLines(metrics: Record<string, PartMetrics>): string {
  const names = metricNames(Object.values(metrics));
  if (names.length === 0) return "";
  const head = ["", ...names.map(titleOf)];
  const lines = Object.entries(metrics).map(([part, values]) => [
    part,
    ...names.map((name) => (typeof values[name] === "number" ? values[name].toFixed(4) : "")),
  ]);
  return formatTable([head, ...lines]);
}

const MOST_COMPONENTS = 10;
const BAR_WIDTH = 30;

/** Formats the explained variance: one line for each of the first components, then one per doubling of their number. */
function screeTable({ metrics }: Summary<PartMetrics>): string {
  const ratios = metrics["train"]?.["explainedVarianceRatio"];
  if (!Array.isArray(ratios) || ratios.length === 0) return "";
  const numbers = ratios as readonly number[];
  const total: number[] = [];
  for (const x of numbers) total.push((total.at(-1) ?? 0) + x);
  const most = Math.max(...numbers);
  const shown = numbers
    .map((_, d) => d)
    .filter(
      (d) =>
        d < MOST_COMPONENTS || d === numbers.length - 1 || Math.log2((d + 1) / MOST_COMPONENTS) % 1 === 0,
    );
  const lines = shown.map((d) => [
    String(d + 1),
    numbers[d]!.toFixed(4),
    total[d]!.toFixed(4),
    "#".repeat(most > 0 ? Math.max(1, Math.round((BAR_WIDTH * numbers[d]!) / most)) : 0),
  ]);
  return formatTable([["component", "variance", "together", ""], ...lines]);
}

/** Formats one line per setting, the best first; nothing without a search. */
function searchLines({ search: trials, searchedBy }: Pick<Summary, "search" | "searchedBy">): string {
  if (!trials || !searchedBy) return "";
  const all = new Set(trials.flatMap((trial) => Object.keys(trial)));
  const names = [...all].filter((name) => !["epochs", "bestEpoch", "value"].includes(name));
  const titles = names.map((name) => flagOf(name).slice(2).replaceAll("-", " "));
  const lines = trials.map((trial) => [
    ...[...names, "epochs"].map((name) => String(trial[name] ?? "")),
    trial.value === null ? "failed" : trial.value.toFixed(5),
  ]);
  return `${formatTable([[...titles, "epochs", titleOf(searchedBy.metric)], ...lines])}${searchGain(searchedBy, trials.length)}\n\n`;
}
