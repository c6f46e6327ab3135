import type { ReadingStep } from "../../dataset/dataset.js";
import { columns } from "../../training/shared-options/columns.js";
import { badRows, engine, reading } from "../../training/shared-options/reading.js";
import { flag, text, whole, withCommon, type Given, type GivenTo } from "../../options/table.js";
import type { KeyFacts } from "./key-facts.js";
import type { ColumnShape, LogColumn, LogContent } from "../report/page/log-page.js";
import type { FoundFacts } from "./log-facts.js";

const group = "Options:";
const edgeGroup = "Edges:";

const ofLogs = { not: { source: true, target: true }, why: "these read an edge list" } as const;

const ofReading = { ...reading, ...engine, ...badRows } as const;

/** Options of `embed inspect` for logs. */
export const logOptions = {
  ...ofReading,
  ignore: { ...columns.ignore, ...ofLogs },
  timeFormat: {
    ...columns.timeFormat,
    ...ofLogs,
    help: "format of the time column, such as '%d/%m/%Y %H:%M'",
    group: "Reading:",
  },
  top: whole({
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    help: "number of most frequent users and items to show",
    group,
    default: 5,
    ...ofLogs,
  }),
  html: text("file", {
    help: "also write a page of the columns, their distributions, days, users, items and repeated rows",
    group,
    ...ofLogs,
  }),
  open: flag({
    help: "with --html: show the page in the default browser",
    group,
    only: { html: true },
    not: { ...ofLogs.not, html: ["-"] },
    why: "a browser opens files of logs",
  }),
  writeConfig: text("file", {
    help: "write the inferred columns to a config file that you can edit and pass to training (--config)",
    group,
    ...ofLogs,
  }),
  force: flag({ help: "replace an existing page, config or --bad-rows file", group }),
} as const;

const edges = {
  source: text("column", {
    help: "for an edge list: column of the source node",
    group: edgeGroup,
    only: { target: true },
  }),
  target: text("column", {
    help: "for an edge list: column of the target node",
    group: edgeGroup,
    only: { source: true },
  }),
  weight: text("column", {
    help: "for an edge list: column of the edge weight",
    group: edgeGroup,
    only: { source: true },
  }),
  directed: flag({
    help: "for an edge list: treat edges as directed, so an edge and its reverse are different edges",
    group: edgeGroup,
    only: { source: true },
  }),
} as const;

/** Options of `embed inspect` for edge lists. */
export const edgeOptions = {
  ...ofReading,
  ignore: { ...columns.ignore, ...ofLogs },
  top: logOptions.top,
  force: logOptions.force,
  ...edges,
  source: { ...edges.source, required: true },
  target: { ...edges.target, required: true },
} as const;

/** All options of `embed inspect`, for logs and for edge lists. */
export const inspectOptions = withCommon(
  { ...logOptions, ...edges } as const,
  (Object.keys({ ...logOptions, ...edges }) as (keyof typeof logOptions | keyof typeof edges)[]).filter(
    (name) => !["maxCell", "comment", "dedupeKeep"].includes(name) && !/^engine./.test(name),
  ),
);

export type InspectOptions = Given<typeof logOptions>;
export type InspectEdgesOptions = GivenTo<typeof edgeOptions>;

export type InspectedColumn = Omit<LogColumn, "shape">;

export interface Inspection extends FoundFacts, KeyFacts {
  rows: number;
  /** steps of reading, with the number of rows before and after each */
  steps: ReadingStep[];
  delimiter: string;
  columns: InspectedColumn[];
  warnings: string[];
}

/** Additional properties of a log, which only the HTML page of `embed inspect` shows. */
export interface PageFacts extends Pick<LogContent, "keys" | "days"> {
  shapes: readonly (ColumnShape | undefined)[];
}
