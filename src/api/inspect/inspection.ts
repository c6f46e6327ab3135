// What `embed inspect` finds.

import type { KeyFacts } from "../../training/log-facts/key-facts.js";
import type { ColumnShape, LogColumn, LogContent } from "../../report/log-content.js";
import type { FoundFacts } from "./log-facts.js";

export type InspectedColumn = Omit<LogColumn, "shape">;

export interface Inspection extends FoundFacts, KeyFacts {
  rows: number;
  delimiter: string;
  columns: InspectedColumn[];
  warnings: string[];
}

/** Facts that a page shows beside those of the inspection. */
export interface PageFacts extends Pick<LogContent, "keys" | "days"> {
  /** by column */
  shapes: readonly (ColumnShape | undefined)[];
}
