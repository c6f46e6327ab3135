// Options of the commands in this folder whose options take no folder of their own.

import { rowFormats } from "../export/row-formats.js";
import { columns, hashedIds } from "../training/shared-options/columns.js";
import {
  badRows,
  engine,
  memory,
  reading,
  threads as threadsOfReading,
} from "../training/shared-options/reading.js";
import { compose, table, threads } from "../training/shared-options/run-options.js";
import { choice, flag, text, texts, whole, withCommon, type Given, type GivenTo } from "../options/table.js";

const group = "Options:";
const MANY = Number.MAX_SAFE_INTEGER;

export const alignOptions = {
  to: text("run", { help: "earlier run to align to, such as store/items/latest", group, required: true }),
  out: text("run", { help: "the run directory to write", group, required: true }),
  force: flag({ help: "replace an existing run", group }),
  ...threads,
} as const;

export type AlignOptions = GivenTo<typeof alignOptions>;

export const diffOptions = {
  field: text("name", { help: "compare only this field", group }),
  k: whole({
    min: 1,
    max: MANY,
    help: "number of nearest neighbors to compare per key",
    group,
    default: 10,
  }),
  top: whole({ min: 0, max: MANY, help: "number of most-moved keys to show", group, default: 5 }),
  ...table,
  ...threads,
} as const;

export type DiffOptions = Given<typeof diffOptions>;

const everyOption = {
  ...columns,
  ...hashedIds,
  ...reading,
  ...engine,
  ...badRows,
  threads: {
    ...threadsOfReading.threads,
    help: "maximum number of threads; the result does not depend on it",
    group: "Reading:",
  },
  out: text("dataset", { help: "dataset directory to write", group: "Output:", required: true }),
  force: flag({ help: "replace an existing dataset", group: "Output:" }),
} as const;

export const encodeOptions = withCommon(everyOption, [
  ...([
    "user",
    "item",
    "label",
    "time",
    "timeFormat",
    "weight",
    "session",
    "fields",
    "numeric",
    "multi",
  ] as const),
  ...(["ignore", "side", "drop", "where", "inputFormat", "delimiter", "header", "onBadRow"] as const),
  ...(["threads", "out", "force"] as const),
]);

export type EncodeOptions = GivenTo<typeof encodeOptions>;

export const neighborsOptions = {
  key: texts("field:key", { help: "key to show neighbors of, such as item:tea-03; repeatable", group }),
  keys: text("file:field", {
    help:
      "file of further keys, such as items.csv:item; the column must be named like the field, or use " +
      "FILE:FIELD=COLUMN",
    group,
  }),
  names: text("file:field:column", {
    help: "show names next to keys, from a file and a column, such as items.csv:item_id:title",
    group,
  }),
  top: whole({ min: 1, max: MANY, help: "number of neighbors to show", group, default: 10 }),
  metric: choice(["cosine", "dot", "l2"], {
    placeholder: "metric",
    help: "similarity to rank by; l2 is the negative Euclidean distance",
    group,
    shown: "cosine; with --index the index's metric",
  }),
  index: text("dir", {
    help: "search this index (from embed index) instead of all rows: faster but approximate, using the index's metric",
    group,
  }),
  ef: whole({
    min: 1,
    max: MANY,
    help: "with --index: size of the search candidate list (HNSW ef); larger is slower and more accurate",
    group,
    shown: "128",
    only: { index: true },
  }),
  ...table,
  ...compose,
  format: choice(rowFormats, {
    placeholder: "format",
    help: "output format; by default from the extension of -o, else csv",
    group,
    not: { json: true },
  }),
  out: text("path", { help: "file to write; - is stdout", group, not: { json: true } }),
  force: flag({ help: "replace an existing output", group, only: { out: true } }),
} as const;

export type NeighborsOptions = Given<typeof neighborsOptions>;

export const reproduceOptions = {
  keep: text("run", { help: "directory for the second run; by default it is removed", group: "Options:" }),
  ...threads,
  engine: {
    ...engine.engine,
    help: "for a run whose log was read through an engine: the database or server to read it from again",
  },
  ...memory,
} as const;

export type ReproduceOptions = Given<typeof reproduceOptions>;
