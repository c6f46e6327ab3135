// Splits multi-valued cells; each distinct cell is split once.

import { encodeKeys, keyAt, type Keys } from "../log/keys.js";
import { DataError, excerpt } from "../base/errors.js";
import { parseVector, parseWeighted, VECTORS } from "../log/multi-value-cells.js";
import type { MultiColumn, Roles } from "./dataset.js";
import type { Log } from "../log/log.js";
import type { ColumnOptions } from "./roles.js";

/** Settings for splitting the cells of a column. */
export interface CellForm {
  separator: string;
  /** true if values have the form `key:number`, or cells are vectors, whose keys are 0, 1, ... */
  weighted?: boolean;
  /** true if vectors keep their lengths; else each is divided by its own, so that it counts like a category */
  keepsLength?: boolean;
}

export function isVectors(form: { separator?: string | undefined }): boolean {
  return form.separator === VECTORS;
}

/** Returns the settings for splitting a column's cells; undefined if each cell contains one value. */
export function cellFormOf(name: string, { multi, multiWeights }: Roles): CellForm | undefined {
  if (!Object.hasOwn(multi, name)) return undefined;
  const separator = multi[name]!;
  const isWeighted = isVectors({ separator }) || multiWeights?.includes(name) === true;
  return { separator, ...(isWeighted && { weighted: true }) };
}

/**
 * Splits a column of whole cells into a multi-valued column. Values are trimmed, and empty ones are dropped. Repeated
 * values count once; if values have numbers, those of repeated values are added, and values with a sum of 0 are
 * dropped.
 *
 * @param file named by errors
 * @throws {DataError} a value that must have a number has none, or vectors differ in their numbers (cells of a log are
 *   checked row by row before)
 */
export function splitCells(
  name: string,
  codes: Uint32Array,
  cells: Keys,
  form: CellForm,
  file?: string,
): MultiColumn {
  const codeOf = new Map<string, number>();
  const indptr = new Uint32Array(cells.size + 1);
  const values: number[] = [];
  const weights: number[] = [];
  for (let cell = 0; cell < cells.size; cell++) {
    const split = splitCell(keyAt(cells, cell), form);
    if (!split || (isVectors(form) && cell > 0 && split.size !== codeOf.size)) {
      const place = `column '${name}', row ${codes.indexOf(cell) + 1}`;
      const got = split ? `${split.size} numbers` : excerpt(keyAt(cells, cell));
      throw new DataError(
        `${place}: ${splitExpected(form, codeOf.size)}, got ${got}`,
        file === undefined ? undefined : { file },
      );
    }
    for (const [text, weight] of split) {
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
export function splitCell(cell: string, form: CellForm): Map<string, number> | undefined {
  const { separator, weighted } = form;
  if (isVectors(form)) {
    const numbers = parseVector(cell);
    const length = form.keepsLength ? 1 : Math.sqrt(numbers?.reduce((sum, x) => sum + x * x, 0) ?? 1) || 1;
    return numbers && new Map(numbers.map((x, d) => [String(d), x / length]));
  }
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

/** Says what a cell must hold. @param dim length of the first vector */
export function splitExpected(form: CellForm, dim = 0): string {
  if (!isVectors(form)) return "expected values with weights (key:number)";
  return dim > 0
    ? `expected a vector of ${dim} finite numbers, as the first one has`
    : "expected a vector of finite numbers, as in [0.1,-0.5]";
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
