// Options of commands that read a run, not a log: its table, and what its vectors stand for.

import { threads as ofTraining } from "./reading.js";
import { choice, text } from "./table.js";

const group = "Options:";

/** How many threads do the work. */
export const threads = { threads: { ...ofTraining.threads, group } } as const;

/** One of several tables. */
export const table = {
  table: text("name", { help: "table to use, for a run with several tables", group }),
} as const;

/** Of commands that read an item's vector. */
export const compose = {
  compose: choice(["item", "none"], {
    help: "vector of an item: item adds the vectors of its side columns, none uses only the item's own row",
    group,
    shown: "item, if the run has side columns",
  }),
} as const;

/** What vectors rank a user's items by. */
export const query = {
  query: text("what", {
    help:
      "query vector of a user: user (the user's row), history (mean of the user's items), last (the last " +
      "item) or last:N (default: user if the table has users, else history)",
    group,
  }),
  queryHalfLife: text("span", {
    help:
      "with --query history or last:N: half-life of an item's weight, in time before the user's latest " +
      "event, such as 30d",
    group,
  }),
} as const;

/** What an item's vector is: the sum over all its features, or the row of its id. */
export type Compose = "item" | "none";
