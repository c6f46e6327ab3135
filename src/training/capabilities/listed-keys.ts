// Formats a list of keys for a message.

import { excerpt } from "../../errors.js";

const MOST = 5;

/** Returns a text with the first five keys and the number of the other keys. */
export function listedKeys(keys: readonly string[]): string {
  const rest = keys.length - MOST;
  return `${keys.slice(0, MOST).map(excerpt).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}
