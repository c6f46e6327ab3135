// Creates the fields of --time-fields from the time column: key columns named hour, dow, day and month.

import { mapTo } from "../base/numeric/indices.js";
import { encodeKeys } from "../log/keys.js";
import { nearestName, UsageError } from "../base/errors.js";
import { parseTime } from "../log/time.js";
import type { Dataset, KeyColumn, NumberColumn, Roles } from "./dataset.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface TimeField {
  keys: string[];
  /** returns the index of the key for a time in ms since 1970, in local time of the zone */
  keyOf: (ms: number) => number;
}

const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => String(from + i));

const timeFields: Record<string, TimeField> = {
  hour: { keys: upTo(0, 23), keyOf: (ms) => Math.floor(ms / HOUR) - 24 * Math.floor(ms / DAY) },
  dow: {
    // keys are names of days instead of numbers, because tools disagree on the first day of the week and the first
    // number
    keys: ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    // adds 3, because 1970-01-01 was a Thursday
    keyOf: (ms) => (((Math.floor(ms / DAY) + 3) % 7) + 7) % 7,
  },
  day: { keys: upTo(1, 31), keyOf: (ms) => new Date(ms).getUTCDate() - 1 },
  month: { keys: upTo(1, 12), keyOf: (ms) => new Date(ms).getUTCMonth() },
};

export interface TimeFieldOptions {
  /** requested fields among hour, dow, day and month; none by default */
  timeFields?: string[];
  /** UTC offset such as +02:00; UTC by default */
  timeZone?: string;
}

/**
 * Checks the options against the log, and adds the time fields to the roles as features.
 *
 * @returns a function that creates the columns once the time column is read
 * @throws {UsageError} no such field or zone, no time column, or the log has a column of the same name
 */
export function planTimeFields(
  roles: Roles,
  columns: readonly string[],
  { timeFields: names = [], timeZone = "Z" }: TimeFieldOptions,
): (own: readonly { name: string }[]) => KeyColumn[] {
  const zone = -parseTime(`1970-01-01T00:00${timeZone === "UTC" ? "Z" : timeZone}`);
  if (Number.isNaN(zone))
    throw new UsageError(`--time-zone expects an offset such as +02:00, or Z for UTC, got '${timeZone}'`);
  if (names.length === 0) return () => [];
  for (const name of names) {
    if (!Object.hasOwn(timeFields, name)) {
      const near = nearestName(name, Object.keys(timeFields));
      const hint = near === undefined ? "" : `, did you mean '${near}'?`;
      throw new UsageError(
        `--time-fields must be one of ${Object.keys(timeFields).join(", ")}, got '${name}'${hint}`,
      );
    }
    if (columns.includes(name))
      throw new UsageError(
        `--time-fields creates a column '${name}', but the log already has one: omit it, or rename the ` +
          "column of the log",
      );
  }
  const { time } = roles;
  if (time === undefined) throw new UsageError("--time-fields needs a time column: name it with --time");
  roles.fields.push(...new Set(names));
  return (own) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a time column is read as numbers
    const column = own.find(({ name }) => name === time) as NumberColumn;
    return [...new Set(names)].map((name) => timeColumn(column, name, zone));
  };
}

/** Returns the dataset with the requested time fields after its columns. @throws the errors of planTimeFields */
export function withTimeFields(dataset: Dataset, options: TimeFieldOptions): Dataset {
  const roles = { ...dataset.roles, fields: [...dataset.roles.fields] };
  const columns = planTimeFields(
    roles,
    dataset.columns.map(({ name }) => name),
    options,
  );
  return { ...dataset, roles, columns: [...dataset.columns, ...columns(dataset.columns)] };
}

/** Returns the options without the time fields, because the log has no such columns. */
export function ofLog<T extends TimeFieldOptions & { fields?: string[] }>(options: T): T {
  const { fields, timeFields: names = [] } = options;
  return fields ? { ...options, fields: fields.filter((name) => !names.includes(name)) } : options;
}

/** Returns one of --time-fields, such as hour, as a column of keys. @param zone offset in ms, positive east of UTC */
function timeColumn({ values }: NumberColumn, name: string, zone: number): KeyColumn {
  const { keys, keyOf } = timeFields[name]!;
  return {
    kind: "key",
    name,
    codes: mapTo(Uint32Array, values, (ms) => keyOf(ms + zone)),
    dictionary: encodeKeys(keys),
  };
}
