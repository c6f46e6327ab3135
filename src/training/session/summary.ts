import type { UnseenCounts } from "../../dataset/rows.js";
import type { Metrics, PartMetrics, SearchedBy, Trial, VectorsAdd } from "../../table/manifest.js";
import type { ReadingStep } from "../../dataset/dataset.js";
import type { StatedNeeds } from "./needs.js";
import type { ThreadsInUse } from "../../compute/threads/thread-choice.js";

export type { PartMetrics };

/** The summary. @typeParam Values type of a split's metrics, among which PCA has lists */
export interface Summary<Values = Metrics> {
  command: string;
  version: string;
  out: string;
  seconds: number;
  /** number of threads in use at the end of a training, which was the fastest one by measurement */
  threads?: ThreadsInUse;
  /** number of rows of the log, without dropped rows */
  rows: number;
  /** number of users that --drop-users-above dropped, and number of their events */
  droppedUsers?: { users: number; events: number };
  /** steps of reading, with the number of rows before and after each */
  steps?: ReadingStep[];
  /** number of rows on which the published model was trained */
  trainedRows?: number;
  /** number of other rows, which were held out and not used for the published model */
  heldOutRows?: number;
  options: Record<string, unknown>;
  metrics: Record<string, Values>;
  /** gain of the vectors over a control without vectors, on the validation split */
  vectorsAdd?: VectorsAdd;
  /** estimated memory and disk of a training, and measured peak memory of the process, in bytes */
  needs?: StatedNeeds & { memoryTaken: number };
  warnings: string[];
  /** for each column of predicted or encoded rows, number of cells, and number of cells whose key has no training events */
  unknown?: Record<string, UnseenCounts>;
  /** columns in descending order of gain, for boosted trees */
  importances?: { column: string; splits: number; gain: number }[];
  /**
   * selected pairs of columns, with the mean reduction of the loss per training row by each pair, for boosted trees
   * with --ctr-pairs
   */
  ctrPairs?: { pair: string; gain?: number }[];
  /**
   * dimension of the vectors, number of rows on which they were fitted, and explained share of the sum of squares, for
   * boosted trees with --dense
   */
  dense?: { dim: number; rows: number; explained: number };
  /** settings that --search tried, from best to worst */
  search?: Trial[];
  searchedBy?: SearchedBy;
}

/** The summary of a training, with metrics by split. */
export type TrainingSummary = Summary<PartMetrics>;
