// A column's keys, with what the log and the roles say of them → warnings about ids that lost digits.

import type { Keys } from "../log/keys.js";
import type { Log } from "../log/log.js";
import { roundedKeyWarnings } from "../log/rounded-keys.js";
import type { ColumnPlan } from "./columns.js";
import type { Roles } from "./dataset.js";

/** @returns none of a column that is not one of keys */
export function keyWarnings(
  { name, kind, isBeside }: ColumnPlan,
  keys: Keys,
  { floats }: Pick<Log, "floats">,
  { user, item }: Pick<Roles, "user" | "item">,
  { hidesText = false }: { hidesText?: boolean },
): string[] {
  if (kind !== "key" || isBeside) return [];
  const isId = name === user || name === item;
  return roundedKeyWarnings(name, keys, { isFloat: floats?.has(name) === true, isId, hidesText });
}
