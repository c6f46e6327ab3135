// The input of the programs that do a command's work on executors, in addition to the files of the run.

import type { PredictOptions } from "../api/predict/options.js";
import type { RecallOptions } from "../api/recall/options.js";
import type { ListsRequest } from "../api/recall/requested-lists.js";
import type { GivenTransform } from "../training/options/transform-options.js";

/**
 * Names in the job directory of an executor: the file with the job, which is the same for all programs of the job, and
 * the folder with the files of the run.
 */
export const [JOB_FILE, RUN_FOLDER] = ["part-job", "run"];

/**
 * Job of `embed recall`: each program makes the lists of ranked items for its share of the users. It reads the number
 * of the share, 0 to numParts - 1, from standard input.
 */
export interface ListsJob {
  command: "recall";
  given: RecallOptions;
  kept: ListsRequest["kept"];
  numParts: number;
}

/**
 * Job of `embed predict` or `embed transform`: each program processes the rows of the log that it reads from standard
 * input, as JSON lines. `named` is the name of the log in messages.
 */
export type RowsJob = { named: string } & (
  | { command: "predict"; given: PredictOptions }
  | { command: "transform"; given: GivenTransform }
);

/** The job of a command on executors. Each program of the job reads it from JOB_FILE, in V8's serialization format. */
export type PartJob = ListsJob | RowsJob;
