// The content of a page about a log. Everything is counted before; the page only displays it.

/** A log on a page. */
export interface LogContent {
  /** version of the program */
  version: string;
  paths: readonly string[];
  rows: number;
  columns: readonly LogColumn[];
  /** of the user column and the item column, where there is one */
  keys: readonly EventsOfKeys[];
  duplicates: { rows: number; share: number; exact: boolean };
  /** rows by day since 1970 in UTC, ascending; empty without times */
  days: readonly { day: number; rows: number }[];
  warnings: readonly string[];
}

export interface LogColumn {
  name: string;
  /** user, item, label, time, weight, session, numeric or field; `left out` where it has too few rows a key for a field */
  role: string;
  type: string;
  /** why the role was inferred, or what a field looks like and is not read as */
  why: string;
  distinct: number;
  /** number of empty cells */
  missing: number;
  /** the first rows' cells */
  first: string[];
  shape?: ColumnShape;
}

/** How the cells of a column are distributed. */
export type ColumnShape =
  /** the most frequent keys, and the number of rows with any other */
  | { kind: "keys"; top: readonly { key: string; rows: number }[]; others: number }
  /** a histogram; cells outside of its range count in the first and the last bin */
  | {
      kind: "numbers";
      bins: readonly { from: number; to: number; rows: number }[];
      min: number;
      median: number;
      max: number;
    };

/** How many events the keys of a column have. */
export interface EventsOfKeys {
  role: "user" | "item";
  column: string;
  numKeys: number;
  top: readonly { key: string; rows: number; share: number }[];
  /** keys by number of events, in doubling ranges, ascending; both ends are in the range */
  ranges: readonly { from: number; to: number; keys: number; rows: number }[];
  /** keys with far more events than others, if there are any: more than `least` events */
  heavy?: { least: number; keys: number; percentile: number; limit: number };
}
