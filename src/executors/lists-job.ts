// The data that each part of the lists receives in addition to the files of the run. A part is the lists of a share of
// the users.

import type { RecallOptions } from "../api/recall/options.js";
import type { ListsRequest } from "../api/recall/requested-lists.js";

/** Name of the file with the data of a part, and name of the folder with the files of the run. */
export const [LISTS_FILE, RUN_FOLDER] = ["lists", "run"];

/** The data of a part, which LISTS_FILE contains as V8 serializes it. */
export interface ListsJob {
  given: RecallOptions;
  kept: ListsRequest["kept"];
  numParts: number;
}
