// What a command that measures or trains sums up; --json prints it.

import type { Metrics, Trial } from "../embedding/manifest.js";

/** What --json prints. */
export interface Summary {
  command: string;
  version: string;
  out: string;
  seconds: number;
  rows: number;
  options: Record<string, unknown>;
  metrics: Record<string, Metrics>;
  warnings: string[];
  /** of trees: the columns, the greatest gain first */
  importances?: { column: string; splits: number; gain: number }[];
  /** settings that --search tried, the chosen one first */
  search?: Trial[];
}
