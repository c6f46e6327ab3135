// Limits on the age of events and on their number per user, applied to the whole log before it is split.

import { ascending } from "../../base/numeric/indices.js";
import { MISSING } from "../../log/keys.js";
import { UsageError } from "../../base/errors.js";
import { parseTime } from "../../log/time.js";
import { columnNamed, rowsWhere, selectRows, timeColumn, type Dataset } from "../dataset.js";

export interface EventLimits {
  /** maximum age of events relative to the newest event (`90d`; units h, d, w), or the date of the oldest event */
  since?: string;
  /** maximum number of events of each user; events without a user are all kept */
  maxEventsPerUser?: number;
  /** selection of the events that are kept of each user; the latest by default */
  keepEvents?: KeepEvents;
}

/** Selection of a user's events: the latest events, or events that are evenly spread over all of the user's events. */
export const keepEvents = ["latest", "spread"] as const;
export type KeepEvents = (typeof keepEvents)[number];

const UNITS: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/**
 * Returns the events that satisfy the limits, in their order, and a note for each limit that dropped events.
 *
 * @throws {UsageError} a limit is invalid, lacks its column, or leaves no event
 */
export function limitEvents(dataset: Dataset, limits: EventLimits): { dataset: Dataset; notes: string[] } {
  const { since, maxEventsPerUser, keepEvents: which = "latest" } = limits;
  const notes: string[] = [];
  let limited = dataset;
  const keep = (rows: Uint32Array, flag: string) => {
    const numLeftOut = limited.numRows - rows.length;
    if (rows.length === 0) throw new UsageError(`${flag} excludes all ${limited.numRows} events`);
    if (numLeftOut === 0) return;
    notes.push(`${numLeftOut} ${numLeftOut === 1 ? "event" : "events"} excluded by ${flag}`);
    limited = selectRows(limited, rows);
  };
  if (since !== undefined) keep(rowsSince(limited, since), `--since ${since}`);
  if (maxEventsPerUser !== undefined)
    keep(someOfUsers(limited, maxEventsPerUser, which), `--max-events-per-user ${maxEventsPerUser}`);
  return { dataset: limited, notes };
}

function rowsSince(dataset: Dataset, since: string): Uint32Array {
  const times = timeColumn(dataset)?.values;
  if (!times) throw new UsageError("--since needs a time column: name it with --time");
  const span = spanMilliseconds(since);
  const newest = times.reduce((latest, time) => Math.max(latest, time), -Infinity);
  const first = span === undefined ? dateOf(since) : newest - span;
  return rowsWhere(dataset.numRows, (row) => times[row]! >= first);
}

/** Returns the milliseconds of a duration such as 90d; undefined for other text. */
export function spanMilliseconds(text: string): number | undefined {
  const span = /^(\d+(?:\.\d+)?)([hdw])$/u.exec(text);
  return span ? Number(span[1]) * UNITS[span[2]!]! : undefined;
}

function dateOf(text: string): number {
  // a number without a unit is probably a duration whose unit the user forgot, not a Unix time
  const time = /^\d+$/u.test(text) ? NaN : parseTime(text);
  if (Number.isNaN(time))
    throw new UsageError(`--since expects a duration such as 90d (h, d, w) or a date, got '${text}'`);
  return time;
}

/** Limits each user to `most` events: the latest, or every n-th by time, including the latest. */
function someOfUsers(dataset: Dataset, most: number, keep: KeepEvents): Uint32Array {
  const { user } = dataset.roles;
  const column = user === undefined ? undefined : columnNamed(dataset, user);
  if (column?.kind !== "key")
    throw new UsageError("--max-events-per-user needs a user column: name it with --user");
  const times = timeColumn(dataset)?.values;
  const order = ascending(dataset.numRows);
  if (times) order.sort((a, b) => times[a]! - times[b]! || a - b);

  const totals = new Uint32Array(column.dictionary.size);
  for (const code of column.codes) if (code !== MISSING) totals[code]!++;
  // to keep the latest events, `sums` counts the dropped events of each user; to spread them, each event adds `most` to
  // the user's sum, and the event is kept if the sum reaches the user's number of events
  const sums = new Float64Array(totals.length);
  const kept = new Uint8Array(dataset.numRows);
  for (const row of order) {
    const code = column.codes[row]!;
    const total = code === MISSING ? 0 : totals[code]!;
    if (total <= most) kept[row] = 1;
    else if (keep === "latest") kept[row] = sums[code]!++ < total - most ? 0 : 1;
    else if ((sums[code]! += most) >= total) {
      sums[code]! -= total;
      kept[row] = 1;
    }
  }
  return rowsWhere(dataset.numRows, (row) => kept[row] === 1);
}
