// Forms of a numeric feature, given by --numeric.
//
//   price           one feature whose value is (x - mean) / deviation
//   price:log1p     one feature, standardized after log(1 + x); suits counts and amounts with a long tail
//   price:bins=20   one-hot: at most 20 ranges that contain equally many numbers of the training split
//
// In each form, an empty cell adds no feature.

import { doublesAt, mapTo } from "../base/numeric/indices.js";
import { MISSING, encodeKeys, type Keys } from "../log/keys.js";
import { DataError, UsageError } from "../base/errors.js";
import { log1p } from "../base/numeric/exp.js";
import type { KeyColumn, NumberColumn } from "./dataset.js";

/** How the numbers of a column become values of features. */
export type NumericForm = { kind: "standard" } | { kind: "log1p" } | { kind: "bins"; bins: number };

const MAX_BINS = 65536;

/**
 * Parses `price`, `price:log1p` or `price:bins=20`; the form follows the last colon, unless a column has the whole text
 * as its name.
 *
 * @throws {UsageError} the text after a column's name is not a form
 */
export function parseNumeric(text: string, columns: readonly string[]): { name: string; form: NumericForm } {
  const colon = text.lastIndexOf(":");
  if (columns.includes(text) || colon < 1) return { name: text, form: { kind: "standard" } };
  const [name, form] = [text.slice(0, colon), text.slice(colon + 1)];
  if (form === "log1p") return { name, form: { kind: "log1p" } };
  const bins = Number(/^bins=(\d{1,6})$/.exec(form)?.[1] ?? NaN);
  if (bins >= 2 && bins <= MAX_BINS) return { name, form: { kind: "bins", bins } };
  throw new UsageError(
    `--numeric expects COLUMN, COLUMN:log1p or COLUMN:bins=N with N between 2 and ${MAX_BINS}, got '${text}'`,
  );
}

/** Returns the form of each numeric column: standardized, log1p or bins. @throws {UsageError} a column is repeated */
export function numericForms(
  texts: readonly string[],
  columns: readonly string[],
): ReadonlyMap<string, NumericForm> {
  const forms = new Map<string, NumericForm>();
  for (const text of texts) {
    const { name, form } = parseNumeric(text, columns);
    if (forms.has(name)) throw new UsageError(`--numeric names column '${name}' twice`);
    forms.set(name, form);
  }
  return forms;
}

/** Returns the column names in the syntax of --numeric, with the form that a text specifies for the column, if any. */
export function withForms(names: readonly string[], texts: readonly string[]): string[] {
  return names.map((name) => texts.find((text) => parseNumeric(text, names).name === name) ?? name);
}

/** Returns log(1 + x) for the numbers x of a column. @throws {DataError} a number is -1 or less */
export function logColumn({ name, values, ...rest }: NumberColumn): NumberColumn {
  const logs = values.map((x) => {
    // the log itself was checked while it was read, so this number comes from a side table
    if (x <= -1) throw new DataError(`column '${name}': log1p needs numbers above -1, got ${x}`);
    return log1p(x);
  });
  return { ...rest, name, values: logs };
}

/**
 * Returns the lower ends of all bins but the first: bin 0 holds numbers below edges[0], bin b >= 1 [edges[b - 1],
 * edges[b]).
 *
 * Edges are numbers of the column; equal edges are merged, so that a frequent number has its own bin and there may be
 * fewer bins than requested.
 *
 * @param rows u32: rows of the training split
 */
export function quantileEdges({ values }: NumberColumn, rows: Uint32Array, bins: number): number[] {
  const known = doublesAt(values, rows)
    .filter((x) => x === x)
    .sort();
  const edges: number[] = [];
  for (let b = 1; b < bins; b++) {
    // adding 0 converts a negative zero to a positive zero
    const edge = known[Math.floor((b * known.length) / bins)]! + 0;
    if (edge > (edges.at(-1) ?? known[0]!)) edges.push(edge);
  }
  return edges;
}

/** Returns the bins' keys `(-inf,1.5)`, `[1.5,3.2)`, ..., `[40,inf)`, in ascending order. */
export function binKeys(edges: readonly number[]): Keys {
  const ends = [...edges.map(String), "inf"];
  return encodeKeys(ends.map((to, b) => `${b === 0 ? "(-inf" : `[${ends[b - 1]}`},${to})`));
}

/** Returns the column as keys: the bin of each number, MISSING if there is none. */
export function binColumn({ name, values }: NumberColumn, edges: readonly number[], keys: Keys): KeyColumn {
  const codes = mapTo(Uint32Array, values, (x) => (Number.isNaN(x) ? MISSING : binOf(x, edges)));
  return { kind: "key", name, codes, dictionary: keys };
}

/** Returns the number of edges that are less than or equal to x. */
function binOf(x: number, edges: readonly number[]): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}
