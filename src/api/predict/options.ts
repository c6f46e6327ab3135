// What `embed predict` is asked for, and what it sums up.

import type { UnseenCounts } from "../../dataset/rows.js";
import { rowFormats, type RowFormat } from "../../export/row-formats.js";
import type { FurtherLog } from "../../training/reading/open-as-trained.js";
import type { Summary } from "../../training/session/summary.js";

export const predictFormats = rowFormats;

export interface PredictOptions extends Pick<
  FurtherLog,
  "on" | "reading" | "hashKeys" | "maxBad" | "badRows"
> {
  /** columns of the log that are written beside predictions, in this order; the rows' numbers where there are none */
  keep?: readonly string[];
  /** scores as the model has them, before the link that makes probabilities of them and before they are clipped */
  rawScores?: boolean;
  /** by the ending of `out` when absent, else csv */
  format?: RowFormat;
  /** a model file of LightGBM or XGBoost, in place of a run */
  model?: string;
  /** a path; undefined or `-` for `write` */
  out?: string;
  force: boolean;
}

export interface PredictSummary extends Summary {
  /** names of the columns of predictions */
  predictions: string[];
  /** rows that the run's --drop and --where left out, and those that were bad */
  leftOut: { filtered: number; bad: number };
  /** by column: cells, and those whose key training has not seen */
  unknown: Record<string, UnseenCounts>;
}
