// Parses --valid, --test and --split. Shares and dates split the log; any other value is the path of another log.

import type { Roles } from "../../dataset/dataset.js";
import type { SplitBy, DatasetSplitOptions } from "../../dataset/splits/split.js";
import { UsageError } from "../../base/errors.js";
import { parseTime } from "../../log/time.js";
import { keepEvents } from "../../dataset/filters/event-limits.js";
import { choice, custom, list, shareOf, text, whole } from "../../options/table.js";

export interface SplitFlags {
  /** share of the rows, date of the first row in the split, or path of another log */
  valid: number | string;
  test: number | string;
  split?: SplitBy;
  /** columns whose cells determine the split of a row, for a random split */
  splitKey?: string[];
  /** path of a log, whose items the items of the validation split should resemble in popularity */
  validLike?: string;
  /** number of events, or groups of events, that are held out per user, for --split last; 1 when absent */
  last?: number;
  group?: string;
}

/** Whether a split is cut from the log, by a share or a date. `./2011-12-01` is a path. */
export function isCut(part: number | string): boolean {
  return typeof part === "number" || /^\d{4}-\d{2}-\d{2}([T ][\d:.,+-]*Z?)?$/i.test(part);
}

/** Whether rows of the log itself are held out: by a share, a date, or --split last. */
export function holdsOutRows({ valid = 0, test = 0, split }: Partial<SplitFlags>): boolean {
  const cuts = [valid, test].filter(isCut);
  return split === "last" ? cuts.length > 0 : cuts.some((part) => part !== 0);
}

export function splitWarnings(by: string): string[] {
  if (by === "last")
    return [
      "--split last: training rows include events of other users that are later than the held-out events; " +
        "--split time avoids this",
    ];
  if (by === "items")
    return [
      "--split items: held-out items have no training rows, so training cannot validate on them: evaluate " +
        "them with embed evaluate RUN --part test --cold 0,3 --content CATALOGUE",
    ];
  return [];
}

/**
 * Converts the user's options to options for splitting a log whose columns have these roles.
 *
 * @throws {UsageError} options that cannot be combined, or an invalid date
 */
export function splitOptionsOf({ time }: Roles, flags: SplitFlags, seed: number): DatasetSplitOptions {
  const { valid, test, splitKey, last, group, validLike } = flags;
  if (validLike !== undefined) checkLike(flags);
  const dates = {
    ...(isDate(valid) && { validFrom: dateOf("--valid", valid) }),
    ...(isDate(test) && { testFrom: dateOf("--test", test) }),
  };
  const usual =
    validLike !== undefined || splitKey || (time === undefined && Object.keys(dates).length === 0)
      ? "random"
      : "time";
  const by = flags.split ?? usual;
  if (by !== "last" && (last !== undefined || group !== undefined))
    throw new UsageError("--last and --group need --split last");
  if (by === "last" && [valid, test].some((part) => typeof part === "number" && part > 0))
    throw new UsageError(
      "--split last takes no shares: --last sets the number of test events per user, and the same number " +
        "before them are validation",
    );
  const without = (["valid", "test"] as const).filter((part) => !isCut(flags[part]));
  return {
    by,
    valid: typeof valid === "number" ? valid : 0,
    test: typeof test === "number" ? test : 0,
    seed,
    ...dates,
    key: splitKey,
    ...(by === "last" && { last: { last: last ?? 1, without, group } }),
  };
}

function checkLike({ valid, test, split = "random", splitKey }: SplitFlags): void {
  if (!(typeof valid === "number" && valid > 0))
    throw new UsageError(
      "--valid-like needs a share for --valid, such as 0.1: it selects which items are held out, and --valid " +
        "how many",
    );
  if (split !== "random" || isDate(test))
    throw new UsageError(
      "--valid-like holds out random items of users and cannot be combined with " +
        (isDate(test) ? "a date for --test" : `--split ${split}`),
    );
  if (splitKey)
    throw new UsageError(
      "--valid-like cannot be combined with --split-key: it holds out all events of a user and an item together",
    );
}

function isDate(part: number | string): part is string {
  return typeof part === "string" && isCut(part);
}

function dateOf(flag: string, text: string): number {
  const milliseconds = parseTime(text);
  if (!Number.isNaN(milliseconds)) return milliseconds;
  throw new UsageError(
    `${flag} expects a share, a date such as 2011-12-01 or 2011-12-01T06:00Z, or a file (./${text}), got '${text}'`,
  );
}

const MANY = Number.MAX_SAFE_INTEGER;

/** Options for the training, validation and test split. */
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

/** Options that select events and set their weights. */
export const events = {
  since: text("when", {
    help: "drop older events: an age such as 90d before the newest event (h, d, w), or a date",
    group: "Reading:",
  }),
  eventWeight: text("column:kind=x,...", {
    help: "weight of each kind of event, such as type:view=1,cart=3,*=0 (0 drops the rows); the column is not used as a feature",
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

function shareOrFile(help: string) {
  return custom(
    "share, date or file",
    {
      type: "number | string",
      parse(given: string, flagName: string): number | string {
        // a text such as `./10%` is a path, not a share
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
