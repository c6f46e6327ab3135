// Options of commands that read a run instead of a log: its table, and its vectors of items and users.

import { threads as ofTraining } from "./reading.js";
import { choice, text } from "../../options/table.js";

const group = "Options:";

/** Option for the number of threads, under the help heading of commands that read a run. */
export const threads = { threads: { ...ofTraining.threads, group } } as const;

/** Option that selects one of a run's tables. */
export const table = {
  table: text("name", { help: "table to use, for a run with several tables", group }),
} as const;

/** Option of commands that use item vectors. */
export const compose = {
  compose: choice(["item", "none"], {
    help: "vector of an item: item adds the vectors of its side columns, none uses only the item's own row",
    group,
    shown: "item, if the run has side columns",
  }),
} as const;

/** Options for the vector that represents a user when items are ranked. */
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

/** Vector of an item: the sum of the vectors of all its features, or only the row of its id. */
export type Compose = "item" | "none";
