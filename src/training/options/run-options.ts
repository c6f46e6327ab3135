// Options of commands that read a run instead of a log: its table, and the vectors of items and users.

import { threads as ofTraining } from "./reading.js";
import { choice, text } from "./table.js";

const group = "Options:";

/** The number of threads, under the heading of these commands. */
export const threads = { threads: { ...ofTraining.threads, group } } as const;

/** The choice among a run's tables. */
export const table = {
  table: text("name", { help: "table to use, for a run with several tables", group }),
} as const;

/** The option of commands that use items' vectors. */
export const compose = {
  compose: choice(["item", "none"], {
    help: "vector of an item: item adds the vectors of its side columns, none uses only the item's own row",
    group,
    shown: "item, if the run has side columns",
  }),
} as const;

/** Options of the vector by which a user's items are ranked. */
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

/** An item's vector: the sum of all its features' vectors, or only the row of its id. */
export type Compose = "item" | "none";
