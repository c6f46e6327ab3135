// Options of an item catalogue, from whose columns vectors of new items are predicted.

import { columns } from "./columns.js";
import { custom, list, number, text, texts, whole, type Given } from "../../options/table.js";

const group = "Content:";

/**
 * Default weight of a vector that is predicted from content, as a number of events of the item. It also weights known
 * items when the prediction is fitted; see docs/experiments/cold-start.md.
 */
export const PRIOR_EVENTS = 20;

const needs = { only: { content: true } } as const;

/** Options for the catalogue, its columns, and the weight of content relative to events. */
export const content = {
  content: texts("file", {
    help:
      "catalogue with one row per item, known and new: computes vectors of new items from its columns; " +
      "repeatable",
    group,
  }),
  contentKey: text("column", {
    help: "with --content: column of the item's key; by default the run's item column",
    group,
    ...needs,
  }),
  contentFields: list("columns", {
    help: "with --content: categorical columns; by default all columns of no other kind",
    group,
    ...needs,
  }),
  contentNumeric: list("columns", {
    help:
      "with --content: numeric columns; price:log1p and price:bins=20 transform a column; by default " +
      "columns with decimals",
    group,
    ...needs,
  }),
  contentMulti: custom("column:separator", columns.multi, {
    help: "with --content: multi-valued columns with their separator, such as 'genres:|'",
    group,
    ...needs,
  }),
  contentText: list("columns", {
    help: "with --content: text columns; their words, or characters of scripts without blanks, are hashed",
    group,
    ...needs,
  }),
  contentVectors: list("columns", {
    help: "with --content: columns of vectors; by default lists, or texts such as [0.1,-0.5], of as many numbers",
    group,
    ...needs,
  }),
  contentIgnore: list("columns", { help: "with --content: columns to ignore", group, ...needs }),
  contentEdges: texts("file", {
    help:
      "with --content: edges between items (citations, co-purchases): content is smoothed over neighbors; " +
      "repeatable",
    group,
    ...needs,
  }),
  contentHops: whole({
    min: 1,
    max: 3,
    help: "with --content-edges: hops that content is smoothed over",
    group,
    only: { content: true, contentEdges: true },
    shown: "0 or 1, whichever explains held-out known items better",
  }),
  priorEvents: number({
    min: 0,
    max: Number.MAX_VALUE,
    help: "with --content: weight of the vector predicted from the catalogue, expressed as a number of events",
    group,
    ...needs,
    default: PRIOR_EVENTS,
  }),
} as const;

export type ContentOptions = Given<typeof content>;
