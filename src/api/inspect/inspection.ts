// What `embed inspect` finds.

import type { KeyFacts } from "../../training/log-facts/key-facts.js";
import type { ColumnShape, LogContent } from "../../report/log-content.js";
import type { FoundFacts } from "./log-facts.js";

export interface InspectedColumn {
  name: string;
  /** user, item, label, time, weight, session, numeric or field; `left out` where it has too few rows a key for a field */
  role: string;
  type: string;
  /** why the role was inferred, or what a field looks like and is not read as */
  why: string;
  distinct: number;
  missing: number;
  /** the first rows' cells */
  first: string[];
}

export interface Inspection extends FoundFacts, KeyFacts {
  rows: number;
  delimiter: string;
  columns: InspectedColumn[];
  warnings: string[];
}

/** What a page has beside the inspection. */
export interface PageFacts extends Pick<LogContent, "keys" | "days"> {
  /** by column */
  shapes: readonly (ColumnShape | undefined)[];
}
