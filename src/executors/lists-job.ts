// What a part of the lists is given, beside the files of the run.

import type { RecallOptions } from "../api/recall/options.js";
import type { ListsRequest } from "../api/recall/requested-lists.js";

/** The files of a part, beside those of the run. */
export const [LISTS_FILE, RUN_FOLDER] = ["lists", "run"];

/** What a part is given: LISTS_FILE, serialized by V8. */
export interface ListsJob {
  given: RecallOptions;
  kept: ListsRequest["kept"];
  numParts: number;
}
