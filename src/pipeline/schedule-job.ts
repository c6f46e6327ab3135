// The description of a scheduled job, independent of the scheduler. Paths are absolute and the environment is not used:
// cron provides no HOME, no terminal, and a PATH of /usr/bin:/bin.
//
// No unit locks: `embed run` locks the store itself, and a second writer exits with 75, "try later" (EX_TEMPFAIL).

import { UsageError } from "../errors.js";

export interface Job {
  /** name of the job: lower-case letters, digits and dashes, at most MAX_NAME, without a dash at either end */
  name: string;
  time: ScheduleTime;
  /** absolute paths without control characters, of the programs Node and embed, and of files and a folder */
  node: string;
  embed: string;
  file: string;
  folder: string;
  log: string;
}

/**
 * Maximum length of a name: with the prefix `embed-` it must fit the 52 characters that Kubernetes allows a CronJob.
 */
export const MAX_NAME = 40;

/** Exit codes of errors that a retry does not fix: usage, input, configuration, gates, damaged runs. */
export const FINAL = [64, 65, 66, 70, 73, 78, 80, 81, 82];
export const LOCKED = 75;

export interface ScheduleTime {
  /** day of the week, 0 for Sunday; absent for a daily job */
  day?: number;
  hour: number;
  minute: number;
}

const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const TIME = /^([01]?\d|2[0-3]):([0-5]\d)$/;

/** @throws {UsageError} both of --weekly and --daily or neither are given, or a time is invalid */
export function scheduleTime({ weekly, daily }: { weekly?: string; daily?: string }): ScheduleTime {
  if ((weekly === undefined) === (daily === undefined))
    throw new UsageError("set either --weekly 'sun 03:00' or --daily 03:00");
  if (daily !== undefined) return clockOf(daily, `--daily expects a time such as 03:00, got '${daily}'`);
  const wrong = `--weekly expects a day and a time such as 'sun 03:00', got '${weekly}'`;
  const [name = "", time = "", ...rest] = weekly!.trim().toLowerCase().split(/\s+/);
  const day = DAYS.findIndex((each) => name.length >= 3 && each.startsWith(name));
  if (day < 0 || rest.length > 0) throw new UsageError(wrong);
  return { day, ...clockOf(time, wrong) };
}

function clockOf(text: string, wrong: string): { hour: number; minute: number } {
  const [, hour, minute] = TIME.exec(text.trim()) ?? [];
  if (hour === undefined) throw new UsageError(wrong);
  return { hour: Number(hour), minute: Number(minute) };
}

/** Returns the five time fields of a crontab's line: minute, hour, day of the month, month, day of the week. */
export function cronFields({ day, hour, minute }: ScheduleTime): string {
  return `${minute} ${hour} * * ${day ?? "*"}`;
}

/** Returns the time as a calendar expression of systemd, for OnCalendar. */
export function onCalendar({ day, hour, minute }: ScheduleTime): string {
  const two = (x: number) => String(x).padStart(2, "0");
  const name = day === undefined ? "" : `${DAYS[day]![0]!.toUpperCase()}${DAYS[day]!.slice(1, 3)} `;
  return `${name}*-*-* ${two(hour)}:${two(minute)}:00`;
}
