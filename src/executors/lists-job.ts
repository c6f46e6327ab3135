// The input of a program that makes one part of the lists on an executor, in addition to the files of the run. A part
// has the lists of a share of the users.

import type { RecallOptions } from "../api/recall/options.js";
import type { ListsRequest } from "../api/recall/requested-lists.js";

/** Names in the directory of a part: the file with the input of all parts, and the folder with the files of the run. */
export const [LISTS_FILE, RUN_FOLDER] = ["lists", "run"];

/** The input of a part. LISTS_FILE contains it in V8's serialization format. */
export interface ListsJob {
  given: RecallOptions;
  kept: ListsRequest["kept"];
  numParts: number;
}
