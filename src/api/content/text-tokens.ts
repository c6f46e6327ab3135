// Words of a text as features: each distinct word's bucket of a hash, so that a map has a bounded number of columns.

import { MISSING, keysOf, keyAt } from "../../log/keys.js";
import type { KeyColumn, MultiColumn } from "../../dataset/dataset.js";
import { hashText } from "../../numeric/hash.js";

/** Buckets of a column's words. */
export const TEXT_BUCKETS = 4096;

/** The words of a text: runs of letters and digits, in lower case, each once. */
export function wordsOf(text: string): string[] {
  return [...new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu))];
}

/** A column of texts as one of multi-valued cells: the buckets of their words. A text without words is missing. */
export function textColumn({ name, codes, dictionary }: KeyColumn): MultiColumn {
  const indptr = new Uint32Array(dictionary.size + 1);
  const codeOf = new Map<number, number>();
  const values: number[] = [];
  for (let cell = 0; cell < dictionary.size; cell++) {
    const buckets = new Set(wordsOf(keyAt(dictionary, cell)).map((word) => hashText(word).lo % TEXT_BUCKETS));
    for (const bucket of buckets) {
      if (!codeOf.has(bucket)) codeOf.set(bucket, codeOf.size);
      values.push(codeOf.get(bucket)!);
    }
    indptr[cell + 1] = values.length;
  }
  return {
    kind: "multi",
    name,
    separator: " ",
    codes: codes.map((code) => (code !== MISSING && indptr[code] === indptr[code + 1] ? MISSING : code)),
    indptr,
    values: Uint32Array.from(values),
    dictionary: keysOf([...codeOf.keys()].map((bucket) => `#${bucket}`)),
  };
}
