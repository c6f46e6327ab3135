import { rowFormats } from "../../export/row-formats.js";
import { compose, table } from "../../training/options/run-options.js";
import { choice, flag, text, texts, whole, type Given } from "../../training/options/table.js";

const group = "Options:";
const MANY = Number.MAX_SAFE_INTEGER;

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
