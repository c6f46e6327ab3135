// The input of a program that runs a part of a command on an executor, in addition to the files of the run.

import type { PredictOptions } from "../api/predict/options.js";
import type { RecallOptions } from "../api/recall/options.js";
import type { ListsRequest } from "../api/recall/requested-lists.js";
import type { GivenTransform } from "../training/options/transform-options.js";

/** Names in the directory of a part: the file with the input of all parts, and the folder with the files of the run. */
export const [JOB_FILE, RUN_FOLDER] = ["part-job", "run"];

/** Makes the lists of a share of the users; the part reads its number. */
export interface ListsJob {
  command: "recall";
  given: RecallOptions;
  kept: ListsRequest["kept"];
  numParts: number;
}

/** Predicts or transforms the rows that the part reads, as JSON lines. `named` is the name of the log in messages. */
export type RowsJob = { named: string } & (
  { command: "predict"; given: PredictOptions } | { command: "transform"; given: GivenTransform }
);

/** The input of a part. JOB_FILE contains it in V8's serialization format. */
export type PartJob = ListsJob | RowsJob;
