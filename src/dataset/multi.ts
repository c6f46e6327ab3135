// Several-valued cells: each distinct cell is split once.

import { dictionaryOf, keyAt, type Dictionary } from "../log/dictionary.js";
import type { MultiColumn } from "./dataset.js";

/** The column of several-valued cells behind a column of whole cells; values are trimmed, empty ones left out, repeated ones counted once. */
export function splitCells(
  name: string,
  codes: Uint32Array,
  cells: Dictionary,
  separator: string,
): MultiColumn {
  const codeOf = new Map<string, number>();
  const indptr = new Uint32Array(cells.size + 1);
  const values: number[] = [];
  for (let cell = 0; cell < cells.size; cell++) {
    const texts = new Set(
      keyAt(cells, cell)
        .split(separator)
        .map((text) => text.trim()),
    );
    texts.delete("");
    for (const text of texts) {
      if (!codeOf.has(text)) codeOf.set(text, codeOf.size);
      values.push(codeOf.get(text)!);
    }
    indptr[cell + 1] = values.length;
  }
  return {
    kind: "multi",
    name,
    separator,
    codes,
    indptr,
    values: Uint32Array.from(values),
    dictionary: dictionaryOf([...codeOf.keys()]),
  };
}
