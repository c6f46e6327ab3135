// Options of a catalogue of items: vectors of new items come from what it says of them.

import { columns } from "./options/columns.js";
import { custom, list, number, text, texts, type Given } from "./options/table.js";

const group = "Content:";

/** How many events content counts for, in blends and in how known items are weighed: docs/experiments/cold-start.md. */
export const PRIOR_EVENTS = 20;

/** The catalogue, its columns, and what content weighs beside events. */
export const content = {
  content: texts("file", {
    help: "catalogue with a row for each item, known and new: new items get vectors from its columns; repeatable",
    group,
  }),
  contentKey: text("column", {
    help: "with --content: column of the item's key; by default the run's item column",
    group,
  }),
  contentFields: list("columns", {
    help: "with --content: columns of categories; by default all columns that are of no other kind",
    group,
  }),
  contentNumeric: list("columns", {
    help: "with --content: columns of numbers; price:log1p and price:bins=20 transform one; by default those with decimals",
    group,
  }),
  contentMulti: custom("column:separator", columns.multi, {
    help: "columns of --content with several values a cell and what separates them, such as 'genres:|'",
    group,
  }),
  contentText: list("columns", { help: "with --content: columns of text, whose words are hashed", group }),
  contentIgnore: list("columns", { help: "with --content: columns to leave out", group }),
  priorEvents: number({
    min: 0,
    max: Number.MAX_VALUE,
    help: "with --content: weight of the catalogue's prediction, as a number of events of the item",
    group,
    default: PRIOR_EVENTS,
  }),
} as const;

export type ContentOptions = Given<typeof content>;
