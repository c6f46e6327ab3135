// What a page is made of: everything is measured by the time it gets here, and the page only shows it.

import type { Manifest } from "../embedding/manifest.js";
import type { MetricsLine, TrialLine } from "../embedding/run-directory.js";
import type { Leaderboard } from "../evaluation/leaderboard.js";
import type { CurveBin } from "../evaluation/scored-metrics.js";
import type { ShownKey } from "./html.js";

/** A run as it stands side by side with others. */
export interface ReportedRun {
  /** distinct among the runs of a page */
  name: string;
  path: string;
  manifest: Manifest;
  /** metrics.jsonl: epochs, trees, or components */
  lines: readonly MetricsLine[];
  /** settings that --search tried, in that order */
  trials?: readonly TrialLine[];
  /** of boosted trees, the greatest gain first */
  importances?: readonly { column: string; splits: number; gain: number }[];
  shares?: ReportedShares;
  table?: ReportedTable;
  calibration?: readonly CurveBin[];
  drift?: Drift;
  gates?: readonly Gate[];
  /** of a name in a store: its versions up to this one, the oldest first */
  history?: readonly VersionPoint[];
}

/** How much of an item's vector each of its parts makes, by how often items occur. */
export interface ReportedShares {
  /** what items are composed of: the item's own column first */
  parts: readonly string[];
  /** by events of an item, ascending, each of one item at least; without `to` there is no upper bound */
  buckets: readonly {
    from: number;
    to?: number;
    items: number;
    /** one a part, the mean over the bucket's items; they add up to 1 */
    shares: readonly number[];
  }[];
}

/** A version of a name in a store. */
export interface VersionPoint {
  version: string;
  /** of its log */
  rows: number;
  /** milliseconds since 1970 of the newest event that it was trained on */
  newest?: number;
  metrics: Manifest["metrics"];
  /** of the field that the page shows */
  keys?: number;
  /** since the version before */
  change?: { gained: number; lost: number; neighbourOverlap?: number; median?: number; p90?: number };
}

/** What is shown of a run's table. */
export interface ReportedTable {
  dim: number;
  numRows: number;
  /** in the table's order */
  norms: readonly FieldNorms[];
  /** the field that is drawn and whose neighbours are listed */
  field: string;
  /** rows that it has */
  rows: number;
  /** f64[n][2]: its items, or a sample of them, on their first two principal components */
  map?: ItemMap;
  neighbours: readonly NeighbourList[];
  /** what an item's vector is, where it is not its row */
  note?: string;
}

/** Lengths of a field's vectors. */
export interface FieldNorms {
  field: string;
  /** f64[n], ascending */
  norms: Float64Array;
  /** rows of length 0 */
  zeros: number;
  /** rows drawn by their count; of the shown field alone */
  byCount?: readonly (ShownKey & { count: number; norm: number })[];
}

/** Items on one plane or two. */
export interface ItemMap {
  points: readonly MapPoint[];
  layouts: readonly Layout[];
  /** the column that gives colours */
  column?: string;
  /** those that have a colour, the same on all maps, with the points that have it; what is not among them is grey */
  labels: readonly { label: string; points: number }[];
}

/** Where the points of a map are. */
export interface Layout {
  /** the first two principal components, or UMAP */
  by: "pca" | "umap";
  /** f64[n][2], in the order of the points */
  places: Float64Array;
  /** of principal components: share of the squared distances from the mean that the plane keeps */
  explained?: number;
  /** mean share of a point's nearest others in the table that are among its nearest here, of so many */
  kept?: { share: number; of: number };
}

export interface MapPoint extends ShownKey {
  count: number;
  /** index into the labels of the map; absent for others and for none */
  label?: number;
  /** all its labels as the file has them */
  cell?: string;
}

/** The nearest rows of one. */
export interface NeighbourList extends ShownKey {
  count: number;
  nearest: readonly (ShownKey & { count: number; similarity: number })[];
}

/** What changed from an earlier table to this one. */
export interface Drift {
  /** the earlier run as it was named */
  against: string;
  /** neighbours that were compared */
  k: number;
  fields: readonly FieldDrift[];
  /** metrics of the earlier run, by part */
  metrics: Manifest["metrics"];
}

export interface FieldDrift {
  field: string;
  rows: { a: number; b: number; both: number; gained: number; lost: number };
  norms: { a: number; b: number };
  neighbourOverlap?: number;
  displacement?: { mean: number; median: number; p90: number };
  /** f64: of the rows compared; NaN for a zero row */
  byRow?: Float64Array;
  /** rows compared, where there are more of both */
  sampled?: number;
  moved: readonly (ShownKey & { displacement: number })[];
}

/** A bound that a table had to keep to be published. */
export interface Gate {
  gate: string;
  bound: string;
  value: number | null;
  previous: number | null;
  /** notCompared: there was no earlier value; measured: the value has no bound */
  status: "passed" | "failed" | "notCompared" | "measured";
  message: string;
}

/** All that a page shows. */
export interface ReportContent {
  /** of the program */
  version: string;
  runs: readonly ReportedRun[];
  /** of a comparison: all that was compared, the runs of the page among them */
  leaderboard?: Leaderboard;
  /** what calibration was measured on, a phrase such as `the test part` */
  scoredOn?: string;
  /** sentences about what is not shown, and how to have it */
  absent: readonly string[];
}
