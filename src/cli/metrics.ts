// Formats metrics for people.

import { metricNames, titleOf } from "../evaluation/metrics.js";
import { vectorsAddText } from "../evaluation/vectors-add.js";
import { screeTable } from "./scree.js";
import { countText } from "../errors.js";
import { searchLines } from "./search.js";
import { formatTable } from "./terminal.js";
import type { PartMetrics, Summary } from "../training/session/summary.js";

/** Formats the summary at the end of a training. */
export function trainedText(summary: Summary<PartMetrics>): string {
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
    `${searchLines(summary)}${screeTable(summary)}${metricLines(metrics)}${added}${importances ? importanceLines(importances) : ""}` +
    `${kept}${out}: trained on ${shareOfRows(trainedRows, rows)} in ${seconds.toFixed(1)} s${chosen}\n`
  );
}

function shareOfRows(some: number, all: number): string {
  const [part, whole] = [countText(some), countText(all)];
  return some === all ? `${whole} rows` : `${part} of ${whole} rows`;
}

/** Maximum number of columns whose importance is printed. */
const TOLD = 5;

/** Lists the columns with the largest gain, and their share of the total gain. */
function importanceLines(importances: NonNullable<Summary["importances"]>): string {
  const total = importances.reduce((sum, { gain }) => sum + gain, 0);
  const used = importances.filter(({ splits }) => splits > 0);
  if (used.length === 0) return "";
  const lines = used
    .slice(0, TOLD)
    .map(({ column, splits, gain }) => [column, `${((100 * gain) / total).toFixed(1)} %`, String(splits)]);
  const rest = used.length > TOLD ? `and ${used.length - TOLD} more columns\n` : "";
  return `${formatTable([["column", "gain", "splits"], ...lines])}${rest}`;
}

/** Formats one line per split and one column per metric. */
export function metricLines(metrics: Record<string, PartMetrics>): string {
  const names = metricNames(Object.values(metrics));
  if (names.length === 0) return "";
  const head = ["", ...names.map(titleOf)];
  const lines = Object.entries(metrics).map(([part, values]) => [
    part,
    ...names.map((name) => (typeof values[name] === "number" ? values[name].toFixed(4) : "")),
  ]);
  return formatTable([head, ...lines]);
}
