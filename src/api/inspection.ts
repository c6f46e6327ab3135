// What `embed inspect` finds.

import type { FoundFacts } from "./log-facts.js";

export interface InspectedColumn {
  name: string;
  /** user, item, label, time, weight, session, numeric or field */
  role: string;
  type: string;
  /** why the role was inferred */
  why: string;
  distinct: number;
  missing: number;
  /** the first rows' cells */
  first: string[];
}

export interface Inspection extends FoundFacts {
  rows: number;
  delimiter: string;
  columns: InspectedColumn[];
  warnings: string[];
}
