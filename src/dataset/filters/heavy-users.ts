// Drops users with more events than a person can have: bots, crawlers, test accounts, or a placeholder for missing
// users. All their events are removed before events are limited by age, limited per user or split.

import { MISSING, keyAt, type Keys } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import { columnNamed, type Dataset, type ReadingStep, rowsWhere, selectRows } from "../dataset.js";
import type { DatasetStep } from "../steps.js";

export interface UserLimits {
  /** maximum number of events of a user; users with more are dropped */
  dropUsersAbove?: number;
  /** maximum number of events of a user on one day (UTC); users with more are dropped */
  dropUsersAbovePerDay?: number;
}

export interface DroppedUsers {
  users: number;
  events: number;
}

/** Returns the users that a step left out; undefined without the step. */
export function droppedUsersOf(steps: readonly ReadingStep[]): DroppedUsers | undefined {
  const one = steps.find(({ step }) => step === "users");
  return one && { users: one.users ?? 0, events: one.before - one.after };
}

export interface HeavyUser {
  code: number;
  events: number;
  /** number of events on the user's busiest day; absent without a daily limit */
  perDay?: number;
}

/** Columns of users (u32 codes or MISSING) and of times (f64 milliseconds; only if a daily limit is set). */
export interface UserEvents {
  users: Uint32Array;
  numUsers: number;
  times: Float64Array | undefined;
}

const DAY = 86_400_000;
const MOST_NAMED = 5;

/** Returns the limit flags that are set, for a message. */
export function userLimitFlags({ dropUsersAbove, dropUsersAbovePerDay }: UserLimits): string[] {
  return [
    ...(dropUsersAbove === undefined ? [] : [`--drop-users-above ${dropUsersAbove}`]),
    ...(dropUsersAbovePerDay === undefined ? [] : [`--drop-users-above-per-day ${dropUsersAbovePerDay}`]),
  ];
}

/** Returns only the options that limit a user's events. */
export function userLimitsOf({ dropUsersAbove, dropUsersAbovePerDay }: UserLimits): UserLimits {
  return { dropUsersAbove, dropUsersAbovePerDay };
}

/** Returns the user, and the time if a limit is per day. @throws {UsageError} a column does not exist */
export function columnsToCount(
  { user, time }: { user?: string; time?: string },
  limits: UserLimits,
): { user: string; time?: string } {
  const [first] = userLimitFlags(limits);
  if (user === undefined) throw new UsageError(`${first} needs a user column: name it with --user`);
  if (limits.dropUsersAbovePerDay === undefined) return { user };
  if (time === undefined)
    throw new UsageError("--drop-users-above-per-day needs a time column: name it with --time");
  return { user, time };
}

/** Returns the step that leaves out users above the limits; none without limits. */
export function userLimitSteps(limits: UserLimits): DatasetStep[] {
  const flags = userLimitFlags(limits);
  const run: DatasetStep["run"] = (dataset) => withoutHeavyUsers(dataset, limits);
  return flags.length === 0 ? [] : [{ step: "users", by: flags.join(" and "), run }];
}

/** Returns the dataset without users above the limits, their number, and a warning that names the most active users. */
export function withoutHeavyUsers(
  dataset: Dataset,
  limits: UserLimits,
): { dataset: Dataset; users: number; warnings: string[] } {
  const named = columnsToCount(dataset.roles, limits);
  const column = columnNamed(dataset, named.user);
  if (column.kind !== "key")
    throw new UsageError(`${userLimitFlags(limits)[0]}: the user column '${named.user}' is not a key column`);
  const times = named.time === undefined ? undefined : columnNamed(dataset, named.time);
  const { codes, dictionary } = column;
  const events = {
    users: codes,
    numUsers: dictionary.size,
    times: times?.kind === "number" ? times.values : undefined,
  };
  const heavy = heavyUsers(events, limits);
  if (heavy.length === 0) return { dataset, users: 0, warnings: [] };
  checkSomeLeft(droppedCounts(heavy), dataset.numRows, limits);
  const isHeavy = new Uint8Array(dictionary.size);
  for (const { code } of heavy) isHeavy[code] = 1;
  const rows = rowsWhere(dataset.numRows, (row) => codes[row] === MISSING || isHeavy[codes[row]!] === 0);
  return {
    dataset: selectRows(dataset, rows),
    users: heavy.length,
    warnings: [heavyUsersText(heavy, dataset.numRows, limits, dictionary)],
  };
}

/** Returns the users who exceed the limits, by descending number of events. */
export function heavyUsers({ users, numUsers, times }: UserEvents, limits: UserLimits): HeavyUser[] {
  const { dropUsersAbove = Infinity, dropUsersAbovePerDay } = limits;
  const events = new Uint32Array(numUsers);
  for (let row = 0; row < users.length; row++) if (users[row] !== MISSING) events[users[row]!]!++;
  const perDay =
    dropUsersAbovePerDay === undefined
      ? undefined
      : busiestDays(users, times!, (user) => events[user]! > dropUsersAbovePerDay);
  const heavy: HeavyUser[] = [];
  for (let code = 0; code < numUsers; code++) {
    const most = perDay?.get(code) ?? 0;
    if (events[code]! <= dropUsersAbove && !(most > dropUsersAbovePerDay!)) continue;
    heavy.push({ code, events: events[code]!, ...(most > 0 && { perDay: most }) });
  }
  return heavy.sort((a, b) => b.events - a.events || a.code - b.code);
}

/** Returns the events on each user's busiest day; `isCounted` is false for users who cannot exceed the limit. */
function busiestDays(
  users: Uint32Array,
  times: Float64Array,
  isCounted: (user: number) => boolean,
): Map<number, number> {
  const byUser = new Map<number, Map<number, number>>();
  for (let row = 0; row < users.length; row++) {
    const user = users[row]!;
    if (user === MISSING || Number.isNaN(times[row]) || !isCounted(user)) continue;
    let days = byUser.get(user);
    if (!days) byUser.set(user, (days = new Map()));
    const day = Math.floor(times[row]! / DAY);
    days.set(day, (days.get(day) ?? 0) + 1);
  }
  return new Map([...byUser].map(([user, days]) => [user, Math.max(...days.values())]));
}

export function droppedCounts(heavy: readonly HeavyUser[]): DroppedUsers {
  return { users: heavy.length, events: heavy.reduce((sum, { events }) => sum + events, 0) };
}

export function checkSomeLeft({ events }: DroppedUsers, numRows: number, limits: UserLimits): void {
  if (events < numRows) return;
  throw new UsageError(`${userLimitFlags(limits).join(" and ")} excludes all ${numRows} events`);
}

/** @param keys keys of the users; undefined if the warning must not name them */
export function heavyUsersText(
  heavy: readonly HeavyUser[],
  numRows: number,
  limits: UserLimits,
  keys: Keys | undefined,
): string {
  const { users, events } = droppedCounts(heavy);
  const count = (n: number, what: string) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
  const share = `${((100 * events) / numRows).toFixed(1)} %`;
  const left =
    `left out ${count(users, "user")} with ${events.toLocaleString("en")} of ${count(numRows, "event")} ` +
    `(${share}) by ${userLimitFlags(limits).join(" and ")}`;
  if (!keys) return left;
  const names = heavy.slice(0, MOST_NAMED).map(({ code, events: all, perDay }) => {
    const day = perDay === undefined ? "" : `, at most ${perDay.toLocaleString("en")} a day`;
    return `'${keyAt(keys, code)}' (${count(all, "event")}${day})`;
  });
  const others = users > MOST_NAMED ? ` and ${(users - MOST_NAMED).toLocaleString("en")} more` : "";
  return `${left}: ${names.join(", ")}${others}`;
}
