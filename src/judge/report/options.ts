import type { CurveBin } from "../../metrics/scored-metrics.js";
import type { Leaderboard } from "../../metrics/leaderboard.js";
import type { ReadOptions } from "../../log/log.js";
import { hashedIds } from "../../training/shared-options/columns.js";
import { reading } from "../../training/shared-options/reading.js";
import { table, threads } from "../../training/shared-options/run-options.js";
import {
  choice,
  custom,
  flag,
  pick,
  text,
  texts,
  whole,
  wholeOf,
  withCommon,
  type GivenTo,
  type Resolved,
} from "../../options/table.js";

const group = "Options:";
const map = "Map and neighbors:";
const calibration = "Calibration:";
const output = "Output:";
const MANY = Number.MAX_SAFE_INTEGER;
/** Maximum number of keys on a map; a page with more keys would open slowly. */
const MOST_POINTS = 5000;

export const reportOptions = withCommon(
  {
    out: text("file", { help: "page to write; - is stdout", group: output, required: true }),
    format: choice(["html", "markdown"], {
      placeholder: "format",
      help: "form of the page; markdown is a model card of one run, with the front matter of model hubs",
      group: output,
      default: "html",
    }),
    force: flag({ help: "replace an existing page", group: output, default: false }),
    open: flag({
      help: "show the page in the default browser once it is written",
      group: output,
      not: { out: ["-"], format: ["markdown"] },
      why: "a browser opens files of HTML",
    }),
    against: text("run", { help: "earlier run to measure drift against", group }),
    ...threads,
    field: text("name", { help: "field to draw on the map; by default the item", group: map }),
    names: texts("file:field:column", {
      help:
        "show names beside keys, from a table of a field's keys and a column, such as items.csv:item_id:title; " +
        "repeatable, once a field; by default items are named by a title or name in a side table or a small log",
      group: map,
    }),
    labels: text("file:field", {
      help: "file with labels of the keys on the map; FILE:FIELD=COLUMN if the key column has another name",
      group: map,
      only: { labelColumn: true },
    }),
    labelColumn: text("column", {
      help: "with --labels: column to color the map by (multi-valued cells as a|b)",
      group: map,
      only: { labels: true },
    }),
    key: texts("field:key", {
      help: "key to list neighbors of; repeatable; by default the most frequent keys",
      group: map,
    }),
    top: whole({ min: 1, max: MANY, help: "number of neighbors to list per key", group: map, default: 8 }),
    map: choice(["both", "pca", "umap"], {
      placeholder: "method",
      help: "maps to draw: the plane of the first two principal components, UMAP, or both",
      group: map,
      default: "both",
    }),
    points: custom(
      "n",
      { type: "number", parse: (given: string) => Math.min(MOST_POINTS, wholeOf(given, "--points", 10)) },
      {
        help: "maximum number of keys on the map; a hash selects them if there are more",
        group: map,
        default: 2000,
      },
    ),
    table: { ...table.table, group: map },
    part: choice(["valid", "test", "none"], {
      placeholder: "part",
      help: "held-out split for calibration; none skips it and reads no log (default: test, else valid)",
      group: calibration,
    }),
    on: texts("log", {
      help: "instead of --part: log to measure calibration on; repeatable, several files are read as one log",
      group: calibration,
    }),
    bins: whole({
      min: 1,
      max: MANY,
      help: "number of equal-count bins in the calibration curve",
      group: calibration,
      shown: "10",
    }),
    ...pick(hashedIds, "hashKeys"),
    ...reading,
  } as const,
  [
    ...([
      "out",
      "format",
      "force",
      "open",
      "against",
      "threads",
      "field",
      "names",
      "labels",
      "labelColumn",
      "key",
      "top",
    ] as const),
    ...(["map", "points", "table", "part", "on"] as const),
  ],
);

export type GivenReport = GivenTo<typeof reportOptions>;

/** Inputs of a page that only commands other than `embed report` pass, such as `embed compare`. */
export interface ReportSources {
  /** receives the page; when absent, the page is written to a file */
  write?: ((page: Uint8Array) => Promise<void>) | undefined;
  leaderboard?: Leaderboard;
  /** calibration curves that were already measured, by path of the run; if present, runs are not scored again */
  curves?: Readonly<Record<string, readonly CurveBin[]>>;
  /** HTML element with data that another command reads from the page */
  handedOver?: string;
  /** versions of each run's name in the store, up to the run itself, in ascending order; by the run's path */
  history?: ReadonlyMap<string, readonly { version: string; path: string }[]>;
  reading?: ReadOptions;
}

export type ReportOptions = Resolved<typeof reportOptions> & ReportSources & { reading: ReadOptions };

/** Summary of the command; --json prints it. */
export interface ReportSummary {
  command: "report";
  version: string;
  out: string;
  seconds: number;
  bytes: number;
  runs: string[];
  /** sentences on parts that are missing from the page */
  absent: string[];
}
