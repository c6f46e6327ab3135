// The content of a page. Everything is measured before; the page only displays it.

import type { Manifest } from "../embedding/manifest.js";
import type { MetricsLine, TrialLine } from "../embedding/run-directory.js";
import type { Leaderboard } from "../evaluation/leaderboard.js";
import type { CurveBin } from "../evaluation/scored-metrics.js";
import type { ShownKey } from "./html.js";

/** A run on a page with others. */
export interface ReportedRun {
  /** distinct among the runs of a page */
  name: string;
  path: string;
  manifest: Manifest;
  /** metrics.jsonl: epochs, trees, or components */
  lines: readonly MetricsLine[];
  /** settings that --search tried, in that order */
  trials?: readonly TrialLine[];
  /** for boosted trees: columns by descending gain */
  importances?: readonly { column: string; splits: number; gain: number }[];
  shares?: ReportedShares;
  table?: ReportedTable;
  calibration?: readonly CurveBin[];
  drift?: ReportedDrift;
  gates?: readonly Gate[];
  /** for a name in a store: its versions up to this one, the oldest first */
  history?: readonly VersionPoint[];
}

/** The share of each kind of side information in items' vectors, by number of events. */
export interface ReportedShares {
  /** the parts of an item: its own column first */
  parts: readonly string[];
  /** ranges of the number of events, ascending, each with at least one item; without `to` there is no upper bound */
  buckets: readonly {
    from: number;
    to?: number;
    items: number;
    /** one per part, the mean over the range's items; their sum is 1 */
    shares: readonly number[];
  }[];
}

/** A version of a name in a store. */
export interface VersionPoint {
  version: string;
  /** number of rows of its log */
  rows: number;
  /** milliseconds since 1970 of the newest event that it was trained on */
  newest?: number;
  metrics: Manifest["metrics"];
  /** number of keys of the field that the page shows */
  keys?: number;
  /** changes since the version before */
  change?: { gained: number; lost: number; neighborOverlap?: number; median?: number; p90?: number };
}

/** The content shown about a run's table. */
export interface ReportedTable {
  dim: number;
  numRows: number;
  /** in the table's order */
  norms: readonly FieldNorms[];
  /** the field that is plotted and whose neighbors are listed */
  field: string;
  /** number of its rows */
  rows: number;
  /** its items, or a sample of them, on their first two principal components */
  map?: ItemMap;
  neighbors: readonly NeighborList[];
  /** how an item's vector is computed, if it is not its row */
  note?: string;
}

/** Norms of a field's vectors. */
export interface FieldNorms {
  field: string;
  /** f64[n], ascending */
  norms: Float64Array;
  /** number of zero vectors */
  zeros: number;
  /** sample of rows for the plot of norm against count; for the shown field only */
  byCount?: readonly (ShownKey & { count: number; norm: number })[];
}

/** Items in one plane or two. */
export interface ItemMap {
  points: readonly MapPoint[];
  layouts: readonly Layout[];
  /** the column that determines colors */
  column?: string;
  /** labels with a color, the same on all maps, and their number of points; other points are gray */
  labels: readonly { label: string; points: number }[];
}

/** The positions of the points of a map. */
export interface Layout {
  /** the first two principal components, or UMAP */
  by: "pca" | "umap";
  /** f64[n][2], in the order of the points */
  places: Float64Array;
  /** for principal components: share of the squared distances from the mean within the plane */
  explained?: number;
  /** mean share of a point's nearest points in the table that are among its nearest here, and their number */
  kept?: { share: number; of: number };
}

export interface MapPoint extends ShownKey {
  count: number;
  /** index into the labels of the map; absent for other labels and for none */
  label?: number;
  /** all its labels as in the file */
  cell?: string;
}

/** The nearest rows of a row. */
export interface NeighborList extends ShownKey {
  count: number;
  nearest: readonly (ShownKey & { count: number; similarity: number })[];
}

/** Changes from an earlier table to this one. */
export interface ReportedDrift {
  /** the earlier run as the user named it */
  against: string;
  /** number of neighbors that were compared */
  k: number;
  fields: readonly FieldDrift[];
  /** metrics of the earlier run, by split */
  metrics: Manifest["metrics"];
}

export interface FieldDrift {
  field: string;
  rows: { a: number; b: number; both: number; gained: number; lost: number };
  norms: { a: number; b: number };
  neighborOverlap?: number;
  displacement?: { mean: number; median: number; p90: number };
  /** f64: displacement of the compared rows; NaN for a zero row */
  byRow?: Float64Array;
  /** number of rows compared, if both tables have more */
  sampled?: number;
  moved: readonly (ShownKey & { displacement: number })[];
}

/** A bound that a table had to satisfy to be published. */
export interface Gate {
  gate: string;
  bound: string;
  value: number | null;
  previous: number | null;
  /** notCompared: there was no previous value; measured: the value has no bound */
  status: "passed" | "failed" | "notCompared" | "measured";
  message: string;
}

/** The content of a page. */
export interface ReportContent {
  /** version of the program */
  version: string;
  runs: readonly ReportedRun[];
  /** for a comparison: everything that was compared, including the runs of the page */
  leaderboard?: Leaderboard;
  /** markup of an element with data for other commands, which shows nothing */
  handedOver?: string;
  /** the data that calibration was measured on, a phrase such as `the test part` */
  scoredOn?: string;
  /** sentences about what is not shown, and how to get it */
  absent: readonly string[];
}
