// Input of the program that makes recommendation lists on an executor, in addition to the files of the run. The users
// are divided into numbered parts, and each task of the job makes the lists of one part.

import type { RecallOptions } from "../api/recall/options.js";
import type { ListsRequest } from "../api/recall/requested-lists.js";

/** Names in the directory of a job: the file with the input of all tasks, and the folder with the files of the run. */
export const [LISTS_FILE, RUN_FOLDER] = ["lists", "run"];

/** The input of all tasks of a job. LISTS_FILE contains it in V8's serialization format. */
export interface ListsJob {
  given: RecallOptions;
  kept: ListsRequest["kept"];
  numParts: number;
}
