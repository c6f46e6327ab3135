// Metrics as people read them.

import { formatTable } from "./terminal.js";
import type { Summary } from "../api/summary.js";

const titles: Record<string, string> = {
  loss: "loss",
  recallAt20: "recall@20",
  ndcgAt20: "NDCG@20",
  logLoss: "log loss",
  normalizedEntropy: "normalized entropy",
  auc: "AUC",
  calibration: "calibration",
  rmse: "RMSE",
  mae: "MAE",
};

/** A line a part, a column a metric. */
export function metricLines(metrics: Summary["metrics"]): string {
  const names = Object.keys(titles).filter((name) => Object.values(metrics).some((part) => name in part));
  if (names.length === 0) return "";
  const head = ["", ...names.map((name) => titles[name]!)];
  const lines = Object.entries(metrics).map(([part, values]) => [
    part,
    ...names.map((name) => (values[name] === undefined ? "" : values[name].toFixed(4))),
  ]);
  return formatTable([head, ...lines]);
}
