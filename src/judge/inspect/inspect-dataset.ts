// `embed inspect DATASET`: reports on an encoded dataset, whose columns have the roles that its encoding gave them.

import { MISSING, keyAt } from "../../log/keys.js";
import { LEFT_OUT } from "../starter/pipeline-starter.js";
import { roleNames, type Column, type Dataset, type KeyColumn, type Roles } from "../../dataset/dataset.js";
import { checkReading } from "../../dataset/encoded/play-roles.js";
import { readEncoded } from "../../dataset/encoded/read.js";
import { skippedNotes } from "../../dataset/steps.js";
import type { ReadOptions } from "../../log/log.js";
import { rowsOfDays, starterFacts, eventsOfRoles, histogram, ShapeCounter } from "./column-shapes.js";
import { weightedText } from "../../log/multi-value-cells.js";
import type { ColumnShape } from "../report/page/log-page.js";
import { KeyFactsCounter } from "./key-facts.js";
import type { InspectedColumn, Inspection, PageFacts } from "./options.js";

export async function inspectDataset(
  path: string,
  {
    firstRows,
    top,
    reading,
    hasPage,
  }: { firstRows: number; top: number; reading: ReadOptions; hasPage: boolean },
): Promise<Inspection & { page?: PageFacts }> {
  const { dataset, description } = await readEncoded(path);
  checkReading(path, description.options.reading, reading);
  const { roles, numRows } = dataset;
  const columns = dataset.columns.map((column, c): InspectedColumn => {
    const { missing, distinct } = description.columns[c]!;
    return {
      name: column.name,
      role: roleOf(column, roles),
      type: column.kind === "number" ? (column.name === roles.time ? "time" : "number") : column.kind,
      why: "as it was encoded",
      distinct: distinct ?? distinctNumbers(column),
      missing,
      first: Array.from({ length: Math.min(firstRows, numRows) }, (_, row) => cellAt(column, row, roles)),
    };
  });
  const warnings = skippedNotes(description.skipped).map((text) => `${text} when it was encoded`);
  if (description.hashKeys)
    warnings.push(`ids are hashed: ${description.hashKeys.columns.join(", ")} (--hash-keys)`);
  const keyFacts = keyFactsOf(dataset, top);
  return {
    rows: numRows,
    steps: description.steps,
    delimiter: "",
    columns,
    ...keyFacts,
    ...starterFacts(dataset, description),
    warnings: [...warnings, ...keyFacts.warnings, ...keyFacts.findings],
    ...(hasPage && { page: pageFacts(dataset, top) }),
  };
}

function pageFacts({ columns, roles, numRows }: Dataset, top: number): PageFacts {
  const shapes = new ShapeCounter(columns.length);
  const coded = columns.map((column) =>
    column.kind === "key" ? column.codes : new Uint32Array(numRows).fill(MISSING),
  );
  shapes.see(
    coded,
    numRows,
    columns.map((column) => (column.kind === "key" ? column.dictionary.size : 0)),
  );
  const textOf = (c: number) => (code: number) => keyAt((columns[c] as KeyColumn).dictionary, code);
  const time = columns.find(({ name }) => name === roles.time);
  const days = time?.kind === "number" ? rowsOfDays(time.values) : [];
  return {
    shapes: columns.map((column, c) => {
      if (column.kind === "key") return shapes.keys(c, textOf(c));
      return column.kind === "number" && column !== time ? shapeOfNumbers(column.values) : undefined;
    }),
    keys: eventsOfRoles(
      shapes,
      roles,
      columns.map(({ name }) => name),
      textOf,
      top,
    ),
    days: [...days].map(([day, rows]) => ({ day, rows })).sort((a, b) => a.day - b.day),
  };
}

function shapeOfNumbers(values: Float64Array): ColumnShape | undefined {
  const rows = new Map<number, number>();
  for (const value of values) if (Number.isFinite(value)) rows.set(value, (rows.get(value) ?? 0) + 1);
  return rows.size === 0 ? undefined : histogram([...rows].map(([value, count]) => ({ value, rows: count })));
}

/** Number of rows of a dataset in which keys and numbers are counted at a time. */
const CHUNK_ROWS = 65_536;

/** Returns u32[values.length]: the lower or the upper 32-bit word of each number. */
function halvesOf(values: Float64Array, half: 0 | 1): Uint32Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, 2 * values.length);
  return Uint32Array.from({ length: values.length }, (_, row) => words[2 * row + half]!);
}

export function keyFactsOf({ columns, roles, numRows }: Dataset, top: number) {
  const counter = new KeyFactsCounter(
    columns.map(({ name, kind }) => (kind === "key" ? name : "")),
    roles,
  );
  const numKeys = columns.map((column) => (column.kind === "key" ? column.dictionary.size : 0));
  for (let first = 0; first < numRows; first += CHUNK_ROWS) {
    const last = Math.min(first + CHUNK_ROWS, numRows);
    const words = columns.map((column) =>
      column.kind === "number"
        ? halvesOf(column.values.subarray(first, last), 0)
        : column.codes.subarray(first, last),
    );
    // a number is counted as two 32-bit words: the lower words are in the number's own column, the upper ones in an
    // additional column
    for (const column of columns)
      if (column.kind === "number") words.push(halvesOf(column.values.subarray(first, last), 1));
    counter.see(words, last - first, numKeys);
  }
  const label = columns.find(({ name }) => name === roles.label);
  const numbers = label?.kind === "number" && {
    name: label.name,
    distinct: distinctNumbers(label),
    present: label.values.reduce((sum, x) => sum + (Number.isNaN(x) ? 0 : 1), 0),
  };
  return counter.found((c) => (columns[c] as KeyColumn).dictionary, top, {}, numbers || undefined);
}

function roleOf({ name, kind }: Column, roles: Roles): string {
  const role = roleNames.find((each) => roles[each] === name);
  if (role !== undefined) return role;
  if (kind === "number") return "numeric";
  return roles.leftOut?.includes(name) ? LEFT_OUT : "field";
}

/** Returns the number of distinct numbers in a column; 0 for a column of keys, which are not counted here. */
function distinctNumbers(column: Column): number {
  if (column.kind !== "number") return 0;
  const sorted = column.values.slice().sort();
  let distinct = 0;
  // stops at the first NaN: NaN is sorted to the end, and does not equal itself
  for (let i = 0; i < sorted.length && sorted[i] === sorted[i]; i++) {
    if (i === 0 || sorted[i] !== sorted[i - 1]) distinct++;
  }
  return distinct;
}

/** Returns a cell as text: a time in ISO 8601, a multi-valued cell with its separators. */
function cellAt(column: Column, row: number, { time }: Roles): string {
  if (column.kind === "number") {
    const x = column.values[row]!;
    if (Number.isNaN(x)) return "";
    return column.name === time ? new Date(x).toISOString() : String(x);
  }
  const code = column.codes[row]!;
  if (code === MISSING) return "";
  if (column.kind === "key") return keyAt(column.dictionary, code);
  const { indptr, values, weights, dictionary, separator } = column;
  return Array.from(values.subarray(indptr[code], indptr[code + 1]), (value, j) =>
    weightedText(keyAt(dictionary, value), weights?.[indptr[code]! + j] ?? 1),
  ).join(separator);
}
