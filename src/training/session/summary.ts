// The summary of a command that trains or measures; --json prints it.

import type { Metrics, PartMetrics, SearchedBy, Trial, VectorsAdd } from "../../embedding/manifest.js";
import type { DroppedDuplicates } from "../../log/log.js";
import type { StatedNeeds } from "./needs.js";
import type { ThreadsInUse } from "../../workers/thread-choice.js";

export type { PartMetrics };

/** The summary. @typeParam Values metrics of a split; PCA has lists among them */
export interface Summary<Values = Metrics> {
  command: string;
  version: string;
  out: string;
  seconds: number;
  /** threads that worked together at the end of a training; the fastest number, by measurement */
  threads?: ThreadsInUse;
  /** rows of the log, without those that were left out */
  rows: number;
  /** users that --drop-users-above left out, with their events */
  droppedUsers?: { users: number; events: number };
  /** rows that --dedupe-by dropped */
  droppedDuplicates?: DroppedDuplicates;
  /** rows that the published model was trained on */
  trainedRows?: number;
  /** the other rows: held out, and not used for the published model */
  heldOutRows?: number;
  options: Record<string, unknown>;
  metrics: Record<string, Values>;
  /** gain of the vectors on the validation split, over a control without vectors */
  vectorsAdd?: VectorsAdd;
  /** estimated needs of a training, and the measured peak memory of the process, in bytes */
  needs?: StatedNeeds & { memoryTaken: number };
  warnings: string[];
  /** boosted trees: the columns, sorted by descending gain */
  importances?: { column: string; splits: number; gain: number }[];
  /** boosted trees with --ctr-pairs: the chosen pairs, and the mean reduction of the loss per training row by each */
  ctrPairs?: { pair: string; gain?: number }[];
  /**
   * boosted trees with --dense: the vectors' length, number of rows they were fitted on, and explained share of squares
   */
  dense?: { dim: number; rows: number; explained: number };
  /** settings that --search tried, best first */
  search?: Trial[];
  searchedBy?: SearchedBy;
}

/** The summary of a training, with metrics by split. */
export type TrainingSummary = Summary<PartMetrics>;
