// A weekly job before any scheduler has it. Paths are absolute and nothing is expected of the environment: cron has no HOME, no
// terminal, and a PATH of /usr/bin:/bin.
//
// No unit locks: `embed run` locks the store itself, and a second writer ends with 75, "try later" (EX_TEMPFAIL).

import type { ScheduleTime } from "./schedule-time.js";

export interface Job {
  /** of lower-case letters, digits and dashes; at most MAX_NAME, and no dash at either end */
  name: string;
  time: ScheduleTime;
  /** absolute paths, without control characters */
  node: string;
  embed: string;
  file: string;
  folder: string;
  log: string;
}

/** With `embed-` before it, no more than the 52 characters of a CronJob's name. */
export const MAX_NAME = 40;

/** Exit codes that trying again does not change: usage, input, configuration, gates, damaged runs. */
export const FINAL = [64, 65, 66, 70, 73, 78, 80, 81, 82];
export const LOCKED = 75;
