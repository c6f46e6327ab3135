// The content of a page about a log. All numbers are computed before; the page only displays them.

/** The content of a page about a log. */
export interface LogContent {
  /** version of the program that writes the page */
  version: string;
  paths: readonly string[];
  rows: number;
  columns: readonly LogColumn[];
  /** events per key of the user column and of the item column, if the log has such columns */
  keys: readonly EventsOfKeys[];
  duplicates: { rows: number; share: number; exact: boolean };
  /** rows by day since 1970 in UTC, ascending; empty without times */
  days: readonly { day: number; rows: number }[];
  warnings: readonly string[];
}

export interface LogColumn {
  name: string;
  /**
   * user, item, label, time, weight, session, numeric or field; `left out` for a column with too few rows per key to be
   * a field
   */
  role: string;
  type: string;
  /** reason for the inferred role; for a field, the type that its cells resemble but are not read as */
  why: string;
  distinct: number;
  /** number of empty cells in the column */
  missing: number;
  /** cells of the column in the first rows of the log */
  first: string[];
  shape?: ColumnShape;
}

/** The distribution of the cells of a column. */
export type ColumnShape =
  /** the most frequent keys, and the number of rows that have another key */
  | { kind: "keys"; top: readonly { key: string; rows: number }[]; others: number }
  /** a histogram; cells outside of its range count in the first and the last bin */
  | {
      kind: "numbers";
      bins: readonly { from: number; to: number; rows: number }[];
      min: number;
      median: number;
      max: number;
    };

/** The distribution of the number of events over the keys of a column. */
export interface EventsOfKeys {
  role: "user" | "item";
  column: string;
  numKeys: number;
  top: readonly { key: string; rows: number; share: number }[];
  /**
   * number of keys in ranges of the number of events, ascending; each range is twice as long as the one before and
   * includes both ends
   */
  ranges: readonly { from: number; to: number; keys: number; rows: number }[];
  /** keys with unusually many events, more than `least`; absent if there are none */
  heavy?: { least: number; keys: number; percentile: number; limit: number };
}
