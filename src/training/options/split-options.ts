// What --valid, --test and --split say: shares and dates are cut from the log, anything else is another log.

import type { Roles } from "../../dataset/dataset.js";
import type { SplitBy, SplitOptions } from "../../dataset/splits/split.js";
import { UsageError } from "../../errors.js";
import { parseTime } from "../../log/time.js";

export interface SplitFlags {
  /** a share of the rows, a date from which on rows are in the part, or another log */
  valid: number | string;
  test: number | string;
  split?: SplitBy;
  /** columns that decide a row's part, for a random split */
  splitKey?: string[];
  /** a log: the validation part has items as popular as its items */
  validLike?: string;
  /** events or groups that are left out of each user, for --split last; 1 when absent */
  last?: number;
  /** column of what is a group */
  group?: string;
}

/** Whether a part is cut from the log: a share or a date. `./2011-12-01` is a file. */
export function isCut(part: number | string): boolean {
  return typeof part === "number" || /^\d{4}-\d{2}-\d{2}([T ][\d:.,+-]*Z?)?$/i.test(part);
}

/** Whether rows of the log itself are held out: by a share, a date, or --split last. */
export function holdsOutRows({ valid = 0, test = 0, split }: Partial<SplitFlags>): boolean {
  const cuts = [valid, test].filter(isCut);
  return split === "last" ? cuts.length > 0 : cuts.some((part) => part !== 0);
}

/** What training with the split should know, or none. */
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
 * How a log with these roles is cut.
 *
 * @throws {UsageError} flags that do not go together, or a date that is none
 */
export function splitOptionsOf({ time }: Roles, flags: SplitFlags, seed: number): SplitOptions {
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

/** @throws {UsageError} --valid-like beside what says otherwise which events are held out */
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
