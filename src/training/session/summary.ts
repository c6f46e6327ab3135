// What a command that measures or trains sums up; --json prints it.

import type { Metrics, PartMetrics, SearchedBy, Trial, VectorsAdd } from "../../embedding/manifest.js";
import type { DroppedDuplicates } from "../../log/log.js";
import type { StatedNeeds } from "./needs.js";
import type { ThreadsInUse } from "../../workers/thread-choice.js";

export type { PartMetrics };

/** What --json prints. @typeParam Values of a part; of principal components, lists among them */
export interface Summary<Values = Metrics> {
  command: string;
  version: string;
  out: string;
  seconds: number;
  /** of a training whose threads work together: how many did in the end, the fastest number that was measured */
  threads?: ThreadsInUse;
  /** of the log, after what leaves rows out */
  rows: number;
  /** users that --drop-users-above left out, with their events */
  droppedUsers?: { users: number; events: number };
  /** rows that --dedupe-by dropped */
  droppedDuplicates?: DroppedDuplicates;
  /** of a training: the rows of `rows` that the published model was trained on */
  trainedRows?: number;
  /** the others of `rows`: held out, and not seen by the published model */
  heldOutRows?: number;
  options: Record<string, unknown>;
  metrics: Record<string, Values>;
  /** what the vectors add on the validation split, over a control without them */
  vectorsAdd?: VectorsAdd;
  /** of a training: what it was estimated to need before it started, and the memory that the process took at its peak, in bytes */
  needs?: StatedNeeds & { memoryTaken: number };
  warnings: string[];
  /** of trees: the columns, the greatest gain first */
  importances?: { column: string; splits: number; gain: number }[];
  /** of trees with --ctr-pairs: the pairs that were chosen, and the mean loss of a training row that each saves */
  ctrPairs?: { pair: string; gain?: number }[];
  /** of trees with --dense: vectors kept, rows that they were fitted on, share of the squares that they hold */
  dense?: { dim: number; rows: number; explained: number };
  /** settings that --search tried, the best first */
  search?: Trial[];
  searchedBy?: SearchedBy;
}

/** What a training says when it is done, with metrics by part of the log. */
export type TrainingSummary = Summary<PartMetrics>;
