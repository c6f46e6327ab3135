// The result of `embed inspect`.

import type { KeyFacts } from "../../training/log-facts/key-facts.js";
import type { ColumnShape, LogColumn, LogContent } from "../../report/log-page.js";
import type { FoundFacts } from "./log-facts.js";

export type InspectedColumn = Omit<LogColumn, "shape">;

export interface Inspection extends FoundFacts, KeyFacts {
  rows: number;
  delimiter: string;
  columns: InspectedColumn[];
  warnings: string[];
}

/** Additional properties of a log, which only the HTML page of `embed inspect` shows. */
export interface PageFacts extends Pick<LogContent, "keys" | "days"> {
  /** distribution of the cells of each column */
  shapes: readonly (ColumnShape | undefined)[];
}
