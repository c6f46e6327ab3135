// Options that say which events of a log are used, and how it is cut into training, validation and test part.

import { UsageError } from "../../errors.js";
import { choice, custom, list, text, whole } from "./table.js";

const MANY = Number.MAX_SAFE_INTEGER;

/** Training, validation and test part. */
export const split = {
  valid: shareOrFile("validation part"),
  test: shareOrFile("test part"),
  split: choice(["time", "random", "user", "last"], {
    placeholder: "by",
    help: "how parts are cut; by time where there is one, else at random",
    group: "Training:",
  }),
  splitKey: list("columns", {
    help: "for random: the columns that decide a row's part, such as user,item",
    group: "Training:",
  }),
  last: whole({
    min: 1,
    max: MANY,
    help: "for last: each user's last events, or groups",
    group: "Training:",
    shown: "1",
  }),
  group: text("column", {
    help: "for last: events of one group stay together, such as InvoiceNo",
    group: "Training:",
  }),
} as const;

/** Which events are used, and what they count. */
export const events = {
  since: text("when", {
    help: "only newer events: 90d before the newest (h, d, w), or a date",
    group: "Reading:",
  }),
  eventWeight: text("column:kind=x,...", {
    help: "what kinds of events count, such as type:view=1,cart=3,*=0; the column is no feature then",
    group: "Reading:",
  }),
  halfLife: text("span", {
    help: "training events count half as much every 30d of age (h, d, w)",
    group: "Reading:",
  }),
  maxEventsPerUser: whole({ min: 1, max: MANY, help: "only each user's latest", group: "Reading:" }),
} as const;

/** A share in [0, 1), a date, or the path of another log. */
function shareOrFile(help: string) {
  return custom(
    "share, date or file",
    {
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
