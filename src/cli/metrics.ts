// Metrics as people read them.

import { formatTable } from "./terminal.js";
import type { Summary } from "../api/summary.js";

const titles: Record<string, string> = {
  logLoss: "log loss",
  normalizedEntropy: "normalized entropy",
  auc: "AUC",
  calibration: "calibration",
  multiLogLoss: "multi log loss",
  multiError: "multi error",
  rmse: "RMSE",
  mae: "MAE",
};

/** A metric's name as people read it. */
export function titleOf(name: string): string {
  return titles[name] ?? name.replace("At", "@");
}

/** What a training says at its end. */
export function trainedText({ out, rows, seconds, metrics }: Summary): string {
  return `${metricLines(metrics)}${out}: trained on ${rows.toLocaleString("en")} rows in ${seconds.toFixed(1)} s\n`;
}

/** recallAt20 and the like. */
export function isAtK(name: string): boolean {
  return /^[a-z]+At\d+$/i.test(name);
}

/** A line a part, a column a metric. */
export function metricLines(metrics: Summary["metrics"]): string {
  const known = Object.keys(titles).filter((name) => Object.values(metrics).some((part) => name in part));
  const names = [
    ...new Set([...known, ...Object.values(metrics).flatMap((part) => Object.keys(part).filter(isAtK))]),
  ];
  if (names.length === 0) return "";
  const head = ["", ...names.map(titleOf)];
  const lines = Object.entries(metrics).map(([part, values]) => [
    part,
    ...names.map((name) => (values[name] === undefined ? "" : values[name].toFixed(4))),
  ]);
  return formatTable([head, ...lines]);
}
