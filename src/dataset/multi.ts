// Splits multi-valued cells; each distinct cell is split once.

import { encodeKeys, keyAt, type Keys } from "../log/keys.js";
import { DataError, excerpt } from "../base/errors.js";
import { parseWeighted } from "../log/multi-value-cells.js";
import type { MultiColumn, Roles } from "./dataset.js";
import type { Log } from "../log/log.js";
import type { ColumnOptions } from "./roles.js";

/** Settings for splitting the cells of a column. */
export interface CellForm {
  separator: string;
  /** true if values have the form `key:number` */
  weighted?: boolean;
}

/** Returns the settings for splitting a column's cells; undefined if each cell contains one value. */
export function cellFormOf(name: string, { multi, multiWeights }: Roles): CellForm | undefined {
  if (!Object.hasOwn(multi, name)) return undefined;
  return { separator: multi[name]!, ...(multiWeights?.includes(name) && { weighted: true }) };
}

/**
 * Splits a column of whole cells into a multi-valued column. Values are trimmed, and empty ones are dropped. Repeated
 * values count once; if values have numbers, those of repeated values are added, and values with a sum of 0 are
 * dropped.
 *
 * @throws {DataError} a value that must have a number has none (cells of a log are checked row by row before)
 */
export function splitCells(name: string, codes: Uint32Array, cells: Keys, form: CellForm): MultiColumn {
  const codeOf = new Map<string, number>();
  const indptr = new Uint32Array(cells.size + 1);
  const values: number[] = [];
  const weights: number[] = [];
  for (let cell = 0; cell < cells.size; cell++) {
    for (const [text, weight] of splitCell(keyAt(cells, cell), form) ?? badCell(name, keyAt(cells, cell))) {
      if (!codeOf.has(text)) codeOf.set(text, codeOf.size);
      values.push(codeOf.get(text)!);
      weights.push(weight);
    }
    indptr[cell + 1] = values.length;
  }
  return {
    kind: "multi",
    name,
    separator: form.separator,
    codes,
    indptr,
    values: Uint32Array.from(values),
    ...(form.weighted && { weights: Float32Array.from(weights) }),
    dictionary: encodeKeys([...codeOf.keys()]),
  };
}

/** Returns a cell's distinct values with their numbers (1 if they have none); undefined if a number is missing. */
export function splitCell(cell: string, { separator, weighted }: CellForm): Map<string, number> | undefined {
  const values = new Map<string, number>();
  for (const part of cell.split(separator)) {
    const text = part.trim();
    if (text === "") continue;
    const parsed = weighted ? parseWeighted(text) : { key: text, value: 1 };
    if (!parsed) return undefined;
    values.set(parsed.key, weighted ? (values.get(parsed.key) ?? 0) + parsed.value : 1);
  }
  for (const [key, value] of values) if (value === 0) values.delete(key);
  return values;
}

function badCell(name: string, cell: string): never {
  throw new DataError(`column '${name}': expected values with weights (key:number), got ${excerpt(cell)}`);
}

/** Adds the log's list columns to --multi, except columns to which the user gave another role or no role. */
export function withLists(log: Pick<Log, "multi" | "multiWeights">, options: ColumnOptions): ColumnOptions {
  const { user, item, label, time, session, fields, numeric, ignore } = options;
  const taken = new Set([user, item, label, time, session, ...numeric, ...ignore]);
  const lists = Object.entries(log.multi ?? {}).filter(
    ([name]) => !taken.has(name) && (fields ? fields.includes(name) : options.infer),
  );
  const multi = { ...Object.fromEntries(lists), ...options.multi };
  // if roles are inferred, the log itself says which of its list columns have weights (`key:weight`); otherwise the log
  // is read like that of an earlier run, whose options name these columns
  const own = (options.infer ? (log.multiWeights ?? []) : []).filter((name) => Object.hasOwn(multi, name));
  const multiWeights = [...new Set([...(options.multiWeights ?? []), ...own])];
  return { ...options, multi, ...(multiWeights.length > 0 && { multiWeights }) };
}
