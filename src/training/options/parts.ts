// Options that say which events of a log are used, and how it is cut into training, validation and test part.

import { UsageError } from "../../errors.js";
import { choice, custom, list, text, whole } from "./table.js";

const MANY = Number.MAX_SAFE_INTEGER;

/** Training, validation and test part. */
export const split = {
  valid: shareOrFile("validation part"),
  test: shareOrFile("test part"),
  split: choice(["time", "random", "user", "items", "last"], {
    placeholder: "by",
    help: "how the log is split: by time, at random, whole users, whole items (the newest) or each user's last; by default by time where it has one, else at random",
    group: "Training:",
  }),
  splitKey: list("columns", {
    help: "with --split random: the columns that decide a row's part, such as user,item",
    group: "Training:",
  }),
  validLike: text("file", {
    help: "with a share for --valid: hold out that share of each user's items, as popular on average as those of this log",
    group: "Training:",
  }),
  last: whole({
    min: 1,
    max: MANY,
    help: "with --split last: how many of each user's last events, or groups, to hold out",
    group: "Training:",
    shown: "1",
  }),
  group: text("column", {
    help: "with --split last: hold out events of one group together, such as InvoiceNo",
    group: "Training:",
  }),
} as const;

/** Which events are used, and what they count. */
export const events = {
  since: text("when", {
    help: "drop events older than 90d before the newest (h, d, w), or older than a date",
    group: "Reading:",
  }),
  eventWeight: text("column:kind=x,...", {
    help: "weight of each kind of event, such as type:view=1,cart=3,*=0; the column is no feature then",
    group: "Reading:",
  }),
  halfLife: text("span", {
    help: "the weight of a training event halves with every 30d of age (h, d, w)",
    group: "Reading:",
  }),
  maxEventsPerUser: whole({
    min: 1,
    max: MANY,
    help: "keep only the latest n events of each user",
    group: "Reading:",
  }),
} as const;

/** A share in [0, 1), a date, or the path of another log. */
function shareOrFile(help: string) {
  return custom(
    "share, date or file",
    {
      type: "number | string",
      parse(given: string, flagName: string): number | string {
        const x = Number(given);
        if (given.trim() === "" || Number.isNaN(x)) return given;
        if (!(x >= 0 && x < 1))
          throw new UsageError(`${flagName} expects a share in [0, 1) or a file, got '${given}'`);
        return x;
      },
    },
    { help, group: "Training:", default: 0, shown: "none" },
  );
}
