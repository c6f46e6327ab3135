// Columns that hold lists by the log's form are multi-valued without being named.

import type { Log } from "../log/log.js";
import type { ColumnOptions } from "./roles.js";

/** The options with the log's lists among --multi, but for columns that the user gave another part or none. */
export function withLists(log: Pick<Log, "multi" | "multiWeights">, options: ColumnOptions): ColumnOptions {
  const { user, item, label, time, session, fields, numeric, ignore } = options;
  const taken = new Set([user, item, label, time, session, ...numeric, ...ignore]);
  const lists = Object.entries(log.multi ?? {}).filter(
    ([name]) => !taken.has(name) && (fields ? fields.includes(name) : options.infer),
  );
  const multi = { ...Object.fromEntries(lists), ...options.multi };
  // a run that was trained without a column's values reads a further log as it read its own
  const own = (options.infer ? (log.multiWeights ?? []) : []).filter((name) => Object.hasOwn(multi, name));
  const multiWeights = [...new Set([...(options.multiWeights ?? []), ...own])];
  return { ...options, multi, ...(multiWeights.length > 0 && { multiWeights }) };
}
