// Options that say which events of a log are used, and how it is cut into training, validation and test part.

import { keepEvents } from "../../dataset/filters/event-limits.js";
import { UsageError } from "../../errors.js";
import { choice, custom, list, shareOf, text, whole } from "./table.js";

const MANY = Number.MAX_SAFE_INTEGER;

/** Training, validation and test part. */
export const split = {
  valid: shareOrFile("validation split: a share such as 0.1 or 10%, a start date, or a file"),
  test: shareOrFile("test split: a share such as 0.1 or 10%, a start date, or a file"),
  split: choice(["time", "random", "rows", "user", "items", "last"], {
    placeholder: "by",
    help:
      "how to split rows into training, validation and test: by time, at random by cells, at random by row " +
      "number (rows), by user, by item (newest held out), or each user's last events; by default by time if " +
      "there is a time column, else at random",
    group: "Training:",
  }),
  splitKey: list("columns", {
    help:
      "with --split random: keep rows with equal values in these columns in the same split, such as " +
      "user,item",
    group: "Training:",
  }),
  validLike: text("file", {
    help: "with a share for --valid: hold out items whose average popularity matches the items in this log",
    group: "Training:",
  }),
  last: whole({
    min: 1,
    max: MANY,
    help: "with --split last: number of each user's last events, or groups, to hold out",
    group: "Training:",
    shown: "1",
  }),
  group: text("column", {
    help: "with --split last: hold out events with the same value in this column together, such as InvoiceNo",
    group: "Training:",
  }),
} as const;

/** Which events are used, and what they count. */
export const events = {
  since: text("when", {
    help: "drop older events: an age such as 90d before the newest event (h, d, w), or a date",
    group: "Reading:",
  }),
  eventWeight: text("column:kind=x,...", {
    help: "weight of each kind of event, such as type:view=1,cart=3,*=0; the column is not used as a feature",
    group: "Reading:",
  }),
  halfLife: text("span", {
    help: "half-life of a training event's weight, such as 30d (h, d, w)",
    group: "Reading:",
  }),
  maxEventsPerUser: whole({
    min: 1,
    max: MANY,
    help: "keep at most n events of each user, the latest ones unless --keep-events says otherwise",
    group: "Reading:",
  }),
  keepEvents: choice(keepEvents, {
    placeholder: "which",
    help:
      "with --max-events-per-user: keep each user's latest events, or events spread evenly over the user's " +
      "history, so that a split by time holds out the same share of them as of other events",
    group: "Reading:",
    shown: "latest",
    only: { maxEventsPerUser: true },
  }),
} as const;

/** A share in [0, 1), a date, or the path of another log. */
function shareOrFile(help: string) {
  return custom(
    "share, date or file",
    {
      type: "number | string",
      parse(given: string, flagName: string): number | string {
        // `./10%` is a file
        const isShare = given.trim() !== "" && !Number.isNaN(Number(given.trim().replace(/%$/, "")));
        if (!isShare) return given;
        const x = shareOf(given, flagName);
        if (!(x >= 0 && x < 1))
          throw new UsageError(
            `${flagName} expects a share of at least 0 and below 1, such as 0.1 or 10%, a date or a file, ` +
              `got '${given}'`,
          );
        return x;
      },
    },
    { help, group: "Training:", default: 0, shown: "none" },
  );
}
