// Creates a dataset from plain arrays, for tests.

import { MISSING, encodeKeys } from "../log/keys.js";
import type { Column, Dataset, Roles } from "../dataset/dataset.js";
import { splitCells } from "../dataset/multi.js";

/**
 * Creates a dataset. A column of strings contains keys, where "" is a missing cell, and is split if it is `multi`; a
 * column of numbers is numeric.
 */
export function datasetOf(columns: Record<string, (string | number)[]>, roles: Partial<Roles> = {}): Dataset {
  const built = Object.entries(columns).map(([name, cells]): Column => {
    if (typeof cells[0] === "number")
      return { kind: "number", name, values: Float64Array.from(cells as number[]) };
    const keys = [...new Set(cells.filter((cell) => cell !== ""))] as string[];
    const codeOf = new Map<string | number, number>([...keys.entries()].map(([code, key]) => [key, code]));
    const codes = Uint32Array.from(cells, (cell) => codeOf.get(cell) ?? MISSING);
    const separator = roles.multi?.[name];
    if (separator !== undefined) return splitCells(name, codes, encodeKeys(keys), { separator });
    return { kind: "key", name, codes, dictionary: encodeKeys(keys) };
  });
  const fields = built.filter(({ kind }) => kind === "key").map(({ name }) => name);
  const numRows = Object.values(columns)[0]!.length;
  return { numRows, columns: built, roles: { fields, numeric: [], multi: {}, ...roles }, inputs: [] };
}
