// Metrics as people read them.

import { formatTable } from "./terminal.js";
import type { PartMetrics, Summary } from "../api/summary.js";

const titles: Record<string, string> = {
  logLoss: "log loss",
  normalizedEntropy: "normalized entropy",
  auc: "AUC",
  userAuc: "user AUC",
  calibration: "calibration",
  multiLogLoss: "multi log loss",
  multiError: "multi error",
  rmse: "RMSE",
  mae: "MAE",
  explainedVarianceRatioTotal: "explained variance",
  microF1: "micro F1",
  macroF1: "macro F1",
};

/** A metric's name as people read it. */
export function titleOf(name: string): string {
  return (
    titles[name] ??
    name.replace("At", "@").replace(/^(rare)?sameLabel/i, (_, rare) => `${rare ? "rarer: " : ""}same label `)
  );
}

/** What a training says at its end. */
export function trainedText({
  out,
  rows,
  seconds,
  metrics,
  importances,
  dense,
}: Summary<PartMetrics>): string {
  const kept = dense
    ? `${dense.dim} numbers a row hold ${(100 * dense.explained).toFixed(1)} % of its leaves (--dense, ${dense.rows.toLocaleString("en")} rows)\n`
    : "";
  return `${metricLines(metrics)}${importances ? importanceLines(importances) : ""}${kept}${out}: trained on ${rows.toLocaleString("en")} rows in ${seconds.toFixed(1)} s\n`;
}

/** Columns that are told. */
const TOLD = 5;

/** The columns that gain most, and their share of all gain. */
function importanceLines(importances: NonNullable<Summary["importances"]>): string {
  const total = importances.reduce((sum, { gain }) => sum + gain, 0);
  const used = importances.filter(({ splits }) => splits > 0);
  if (used.length === 0) return "";
  const lines = used
    .slice(0, TOLD)
    .map(({ column, splits, gain }) => [column, `${((100 * gain) / total).toFixed(1)} %`, String(splits)]);
  const rest = used.length > TOLD ? `and ${used.length - TOLD} columns more\n` : "";
  return `${formatTable([["column", "gain", "splits"], ...lines])}${rest}`;
}

/** recallAt20 and the like. */
export function isAtK(name: string): boolean {
  return /^[a-z]+At\d+$/i.test(name);
}

/** A line a part, a column a metric. */
export function metricLines(metrics: Record<string, PartMetrics>): string {
  const known = Object.keys(titles).filter((name) => Object.values(metrics).some((part) => name in part));
  const names = [
    ...new Set([...known, ...Object.values(metrics).flatMap((part) => Object.keys(part).filter(isAtK))]),
  ];
  if (names.length === 0) return "";
  const head = ["", ...names.map(titleOf)];
  const lines = Object.entries(metrics).map(([part, values]) => [
    part,
    ...names.map((name) => (typeof values[name] === "number" ? values[name].toFixed(4) : "")),
  ]);
  return formatTable([head, ...lines]);
}
