// Options of a catalogue of items: vectors of new items come from what it says of them.

import { columns } from "./options/columns.js";
import { custom, list, number, text, texts, type Told } from "./options/table.js";

const group = "Content:";

/** How many events content counts for, in blends and in how known items are weighed: docs/experiments/cold-start.md. */
export const PRIOR_EVENTS = 20;

/** The catalogue, its columns, and what content weighs beside events. */
export const content = {
  content: texts("file", {
    help: "a catalogue with a row an item, known and new: new items get vectors from its columns; repeat it for several files",
    group,
  }),
  contentKey: text("column", { help: "its column of keys; by default the run's column of items", group }),
  contentFields: list("columns", {
    help: "its columns of categories, in place of all that are none of other kinds",
    group,
  }),
  contentNumeric: list("columns", {
    help: "its columns of numbers; price:log1p and price:bins=20 transform them; by default those with decimals",
    group,
  }),
  contentMulti: custom("column:separator", columns.multi, {
    help: "its columns of several values a cell, with their separator, such as 'genres:|'",
    group,
  }),
  contentText: list("columns", { help: "its columns of text, whose words are hashed", group }),
  contentIgnore: list("columns", { help: "its columns to leave out", group }),
  priorEvents: number({
    min: 0,
    max: Number.MAX_VALUE,
    help: "content counts as many events of an item",
    group,
    default: PRIOR_EVENTS,
  }),
} as const;

export type ContentOptions = Told<typeof content>;
