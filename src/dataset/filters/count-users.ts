// Finds the users with more events than the limits allow while a log is read for the first time, so that the second
// reading, which writes rows to disk, can drop them.
//
// Memory: 4 bytes per row for users, 8 for times if a limit is per day, and the distinct values.

import { keyAt, type Keys } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import type { StreamedRows } from "../build.js";
import { MemoryColumns, type ColumnPlan, type ColumnSink } from "../columns.js";
import type { Roles } from "../dataset.js";
import { without, type Where } from "./where.js";
import type { OpenSink } from "../hash-keys.js";
import {
  checkSomeLeft,
  columnsToCount,
  droppedCounts,
  heavyUsers,
  heavyUsersText,
  userLimitFlags,
  type DroppedUsers,
  type UserLimits,
} from "./heavy-users.js";

/** Users with more events than the limits allow, with a row filter that drops them when the log is read again. */
export interface CountedUsers {
  /** filter that drops the users; undefined if no user is above the limits */
  filter?: Where;
  dropped: DroppedUsers;
  /** warning that names the users with most events, unless their ids are hidden */
  warnings: string[];
}

/**
 * Reads the log once and counts the events of each user.
 * @param stream sends all rows to the sink that it opens (streamRows)
 */
export async function countUsers(
  stream: (open: OpenSink) => Promise<StreamedRows>,
  limits: UserLimits,
  hidesIds: boolean,
): Promise<CountedUsers & Omit<StreamedRows, "numRows" | "roles" | "inputs" | "dictionaries">> {
  let at = { user: -1, time: -1 };
  let column = "";
  let cells = new MemoryColumns([]);
  const open = (plans: readonly ColumnPlan[], roles: Roles): ColumnSink => {
    const named = columnsToCount(roles, limits);
    column = named.user;
    const indexOf = (name: string | undefined) => plans.findIndex((plan) => plan.name === name);
    at = { user: indexOf(named.user), time: indexOf(named.time) };
    if (plans[at.user]?.kind !== "key")
      throw new UsageError(`${userLimitFlags(limits)[0]}: the user column '${column}' is not a key column`);
    const counted = [at.user, at.time].filter((i) => i >= 0);
    const memory = (cells = new MemoryColumns(counted.map((i) => plans[i]!)));
    return {
      append: (columns, numRows) =>
        memory.append(
          counted.map((i) => columns[i]!),
          numRows,
        ),
      densities: (asked) => asked.map(() => ({ keys: 0, rows: 0 })),
      rowsWith: () => 0,
    };
  };
  const { dictionaries, numRows, ...read } = await stream(open);
  const keys: Keys = dictionaries[at.user]!;
  const events = {
    users: cells.take(0) as Uint32Array,
    numUsers: keys.size,
    times: at.time < 0 ? undefined : (cells.take(1) as Float64Array),
  };
  const heavy = heavyUsers(events, limits);
  const dropped = droppedCounts(heavy);
  if (heavy.length === 0) return { ...read, dropped, warnings: [] };
  checkSomeLeft(dropped, numRows, limits);
  const names = new Set(heavy.map(({ code }) => keyAt(keys, code)));
  const source = userLimitFlags(limits).join(" and ");
  return {
    ...read,
    filter: without(source, source, { column, texts: [...names], holds: (cell) => names.has(cell) }),
    dropped,
    warnings: [heavyUsersText(heavy, numRows, limits, hidesIds ? undefined : keys)],
  };
}
