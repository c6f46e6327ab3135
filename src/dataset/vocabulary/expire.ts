// --expire: when a known key that logs lack has been gone for too long.
//
//   8w   by time: its last event is older than 8 weeks before the log's newest event (units h, d, w; never the clock's time)
//   8    by trainings: this is the eighth log in a row without it

import { UsageError } from "../../errors.js";

const UNITS: Record<string, number> = { h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };

/** Whether a key that the log lacks is gone. @param lastSeen milliseconds; undefined when no log had times @param missed logs in a row without it, this one's counted */
export type Expiry = (lastSeen: number | undefined, missed: number) => boolean;

/**
 * @param text   undefined: nothing expires
 * @param newest the time of the log's newest event; undefined when it has none
 * @throws {UsageError} neither a span nor a number of trainings, or a span for a log without times
 */
export function expiryOf(text: string | undefined, newest: number | undefined): Expiry {
  if (text === undefined) return () => false;
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([hdw]?)$/u.exec(text) ?? [];
  if (unit === "" && /^[1-9]\d*$/u.test(text)) return (_, missed) => missed >= Number(text);
  if (!unit || Number(amount) === 0) {
    throw new UsageError(
      `--expire expects a duration such as 8w (h, d, w), or a number of trainings such as 8, got '${text}'`,
    );
  }
  if (newest === undefined) {
    throw new UsageError(
      `--expire ${text} needs a time column: name it with --time, or use a number of trainings, such as ` +
        "--expire 8",
    );
  }
  const oldest = newest - Number(amount) * UNITS[unit]!;
  // a key of which no log knew the time stays, and is aged from the first log with times that holds it
  return (lastSeen) => lastSeen !== undefined && lastSeen < oldest;
}
