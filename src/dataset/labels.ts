// Decides whether labels are classes or numbers, and returns their value for each row.

import { mapTo } from "../base/numeric/indices.js";
import { DataError } from "../base/errors.js";
import { columnNamed, type Dataset, type KeyColumn, type NumberColumn } from "./dataset.js";
import { MISSING, encodeKeys, keyAt } from "../log/keys.js";
import { numbersOf } from "./stored-columns.js";
import { KeyIndex } from "./vocabulary/key-index.js";
import { fitFeatures } from "./vocabulary/vocabulary.js";

/** Task of a model. Logs for "ranking" and "implicit" have no labels: every row is an event that happened. */
export type Task = LabelledTask | "ranking" | "implicit";

export type LabelledTask = "binary" | "regression";

/** Whether the task is to rank items, and is evaluated with ranking metrics. */
export function ranksItems(task: Task | undefined): task is "ranking" | "implicit" {
  return task === "ranking" || task === "implicit";
}

/** A label for each row: u8 if labels are classes, otherwise f32. */
export type LabelArray = Uint8Array | Float32Array;

export interface Labels {
  task: LabelledTask;
  values: LabelArray;
}

/**
 * Returns the labels of all rows. They are binary if `positiveFrom` is given (1 for labels from positiveFrom on, else
 * 0), or if all are 0 or 1, or all -1 or 1 (then -1 becomes 0).
 *
 * @param task the task chosen by the user or an earlier run
 * @throws {DataError} labels do not fit the task
 */
export function labelsOf(dataset: Dataset, positiveFrom?: number, task?: Task): Labels {
  const name = dataset.roles.label!;
  const column = columnNamed(dataset, name);
  if (column.kind !== "number") throw new RangeError(`label column '${name}' was not read as numbers`);
  const { numRows } = dataset;
  if (positiveFrom !== undefined) {
    const values = new Uint8Array(numRows);
    for (const [numbers, first] of numbersOf(column, numRows))
      for (let i = 0; i < numbers.length; i++) values[first + i] = numbers[i]! >= positiveFrom ? 1 : 0;
    return { task: "binary", values };
  }
  const classes = task === "regression" ? undefined : classLabels(column, numRows);
  if (classes) return { task: "binary", values: classes };
  const values = new Float32Array(numRows);
  for (const [numbers, first] of numbersOf(column, numRows)) values.set(numbers, first);
  if (task === undefined || task === "regression") return { task: "regression", values };
  throw notBinary(dataset, name, values);
}

/** Returns u8[numRows]: 1 for the label 1, 0 for the other class; undefined if labels are not of two such classes. */
function classLabels(column: NumberColumn, numRows: number): Uint8Array | undefined {
  const values = new Uint8Array(numRows);
  let low: number | undefined;
  for (const [numbers, first] of numbersOf(column, numRows)) {
    for (let i = 0; i < numbers.length; i++) {
      const label = Math.fround(numbers[i]!);
      if (label === 1) values[first + i] = 1;
      else if (low === undefined && (label === 0 || label === -1)) low = label;
      else if (label !== low) return undefined;
    }
  }
  return values;
}

/**
 * Returns the task that labels suggest: binary classification if all are 0 or 1, or all -1 or 1; otherwise regression.
 */
export function taskOfLabels(values: readonly number[]): LabelledTask {
  const areClasses = (low: number) => values.every((label) => label === 1 || label === low);
  return areClasses(0) || areClasses(-1) ? "binary" : "regression";
}

function notBinary({ inputs, firstOther }: Dataset, column: string, values: Float32Array): DataError {
  const expected = "the task is binary: labels must be 0 and 1 (convert them with --positive-from X)";
  if (firstOther) {
    const { file, line, label } = firstOther;
    return new DataError(`${expected}, got ${label}`, { file, line, column });
  }
  const row = values.findIndex((y) => y !== 0 && y !== 1);
  const file = inputs.map(({ path }) => path).join(", ");
  return new DataError(`${expected}, but row ${row + 1} has ${values[row]}`, { file, column });
}

/** Returns the names of the classes of the given rows by descending frequency, as in a vocabulary. @param rows u32 */
export function classesOf(dataset: Dataset, rows: Uint32Array): string[] {
  const column = namedLabels(dataset);
  const alone = { ...dataset, columns: [column], roles: { fields: [column.name], numeric: [], multi: {} } };
  const [field] = fitFeatures(alone, rows, 1).fields;
  if (field?.kind !== "key") throw new RangeError(`label column '${column.name}' was not read as keys`);
  return Array.from({ length: field.keys.size }, (_, c) => keyAt(field.keys, c));
}

/** Returns f32[numRows]: the index of each row's class; -1 for an unknown class. */
export function classLabelsOf(dataset: Dataset, classes: readonly string[]): Float32Array {
  const { dictionary, codes } = namedLabels(dataset);
  const index = new KeyIndex(encodeKeys(classes));
  const numberOf = mapTo(Int32Array, { length: dictionary.size }, (_, code) => index.find(dictionary, code));
  return mapTo(Float32Array, codes, (code) => (code === MISSING ? -1 : numberOf[code]!));
}

/** Returns the label column as keys. An encoded dataset may store the labels as numbers, which are converted. */
function namedLabels(dataset: Dataset): KeyColumn {
  const column = columnNamed(dataset, dataset.roles.label!);
  if (column.kind === "key") return column;
  if (column.kind !== "number") throw new RangeError(`label column '${column.name}' is multi-valued`);
  const codeOf = new Map<number, number>();
  const codes = mapTo(Uint32Array, column.values, (x) => {
    if (!codeOf.has(x)) codeOf.set(x, codeOf.size);
    return codeOf.get(x)!;
  });
  return { kind: "key", name: column.name, codes, dictionary: encodeKeys([...codeOf.keys()].map(String)) };
}
