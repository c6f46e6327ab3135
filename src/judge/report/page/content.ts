// The content of a report page. All values are computed before; the page only displays them.

import type { Manifest } from "../../../table/manifest.js";
import type { MetricsLine, TrialLine } from "../../../table/run-directory.js";
import type { Leaderboard } from "../../../metrics/leaderboard.js";
import type { CurveBin } from "../../../metrics/scored-metrics.js";
import type { ReportedOfModel } from "../../../training/capabilities/model.js";
import type { ShownKey } from "./html.js";

/** A run as a report page shows it, next to other runs. */
export interface ReportedRun extends ReportedOfModel {
  /** name of the run; no other run on the page has the same name */
  name: string;
  path: string;
  manifest: Manifest;
  /** lines of metrics.jsonl: one per epoch, tree, or component */
  lines: readonly MetricsLine[];
  trials?: readonly TrialLine[];
  table?: ReportedTable;
  calibration?: readonly CurveBin[];
  drift?: ReportedDrift;
  gates?: readonly Gate[];
  /** for a name in a store: its versions up to the reported one, the oldest first */
  history?: readonly VersionPoint[];
}

/** The runs of a page, in their order; the position of a run determines its color. */
export type PageRuns = readonly ReportedRun[];

/** A version of a name in a store. */
export interface VersionPoint {
  version: string;
  /** number of rows of the log that the version was trained on */
  rows: number;
  /** time of the newest event that the version was trained on, in milliseconds since 1970 */
  newest?: number;
  metrics: Manifest["metrics"];
  /** number of keys in the field that the page shows */
  keys?: number;
  /** changes since the previous version: keys, and nearest neighbors and displacement of the vectors */
  change?: { gained: number; lost: number; neighborOverlap?: number; median?: number; p90?: number };
}

/** The sections of a report page about a run's embedding table. */
export interface ReportedTable {
  dim: number;
  numRows: number;
  norms: readonly FieldNorms[];
  /** the field that is plotted and whose neighbors are listed */
  field: string;
  rows: number;
  map?: ItemMap;
  neighbors: readonly NeighborList[];
  /** a sentence on how an item's vector is computed, if it is not a row of the table */
  note?: string;
}

export interface FieldNorms {
  field: string;
  /** norms of the vectors, f64[n], ascending */
  norms: Float64Array;
  zeros: number;
  /** a sample of rows for the plot of norm against count; only for the field that is shown */
  byCount?: readonly (ShownKey & { count: number; norm: number })[];
}

/** Items as points on one map, or on two maps with different layouts. */
export interface ItemMap {
  points: readonly MapPoint[];
  layouts: readonly Layout[];
  /** name of the column whose labels determine the points' colors */
  column?: string;
  /** labels that have a color, the same on all maps, with their number of points; points of other labels are gray */
  labels: readonly { label: string; points: number }[];
}

/** The positions of the points of a map. */
export interface Layout {
  /** the first two principal components, or UMAP */
  by: "pca" | "umap";
  /** coordinates of the points, f64[n][2] */
  places: Float64Array;
  /** for principal components: the share of the variance that the plane explains */
  explained?: number;
  /**
   * the share of a point's nearest neighbors in the table that are also among its nearest points on the map, mean over
   * the points; and the number of neighbors
   */
  kept?: { share: number; of: number };
}

export interface MapPoint extends ShownKey {
  count: number;
  /** index of the point's label in the map's labels; absent without a label, or if its label has no color */
  label?: number;
  /** all labels of the point, as written in the file */
  cell?: string;
}

/** The rows that are nearest to one row. */
export interface NeighborList extends ShownKey {
  count: number;
  nearest: readonly (ShownKey & { count: number; similarity: number })[];
}

/** Changes from an earlier table to this one. */
export interface ReportedDrift {
  /** the earlier run as the user named it */
  against: string;
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
  /** number of rows that were compared, if the tables have more rows in common */
  sampled?: number;
  moved: readonly (ShownKey & { displacement: number })[];
}

/** A bound that a table had to satisfy before it was published. */
export interface Gate {
  gate: string;
  bound: string;
  value: number | null;
  previous: number | null;
  /**
   * notCompared: the bound has no previous value to compare with; measured: the gate has no bound; accepted: it failed,
   * and a person accepted the rows
   */
  status: "passed" | "failed" | "notCompared" | "measured" | "accepted";
  message: string;
}

export interface ReportContent {
  version: string;
  runs: PageRuns;
  /** for a page of `embed compare`: everything that was compared, including the runs of the page */
  leaderboard?: Leaderboard;
  /** markup of an invisible element that contains data for other commands */
  handedOver?: string;
  /** the rows that the calibration was measured on, as a phrase such as `the test part` */
  scoredOn?: string;
  /** sentences about sections that the page lacks, and how to get them */
  absent: readonly string[];
}
