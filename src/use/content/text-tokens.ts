// Tokens of a text as features: each distinct token is hashed to a bucket, so that the number of columns is bounded.
//
//   words                     runs of letters, digits and their marks
//   scripts without blanks    (Chinese, Japanese, Thai, ...) each character with its marks, and each pair of adjacent
//                             characters. Intl.Segmenter finds words there, but its dictionary changes with the version
//                             of Node, and the vectors would too; on planted titles it explains no more
//                             (docs/experiments/cold-start.md)

import { MISSING, encodeKeys, keyAt } from "../../log/keys.js";
import type { KeyColumn, MultiColumn } from "../../dataset/dataset.js";
import { hashText } from "../../base/numeric/hash.js";

const TEXT_BUCKETS = 4096;

const WORDS = /[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu;
const SCRIPTS =
  "\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}ー\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}";
/** Matches runs of characters of scripts without blanks between words, and the runs of other characters. */
const RUNS = new RegExp(`(?<unspaced>[${SCRIPTS}][${SCRIPTS}\\p{M}]*)|[^${SCRIPTS}]+`, "gu");
/** Matches a character together with the combining marks that follow it. */
const CHARACTERS = /.\p{M}*/gu;

/** Returns the distinct tokens of a text in lower case; compatible forms of a character are unified (NFKC). */
export function textTokens(text: string): string[] {
  const tokens = new Set<string>();
  for (const word of text.normalize("NFKC").toLowerCase().match(WORDS) ?? []) {
    for (const { 0: run, groups } of word.matchAll(RUNS)) {
      if (groups!["unspaced"] === undefined) {
        tokens.add(run);
        continue;
      }
      const characters = run.match(CHARACTERS)!;
      characters.forEach((character, i) => {
        tokens.add(character);
        if (i > 0) tokens.add(characters[i - 1]! + character);
      });
    }
  }
  return [...tokens];
}

/** Converts a column of texts to multi-valued cells of bucket numbers. A text without tokens becomes a missing cell. */
export function textColumn({ name, codes, dictionary }: KeyColumn): MultiColumn {
  const indptr = new Uint32Array(dictionary.size + 1);
  const codeOf = new Map<number, number>();
  const values: number[] = [];
  for (let cell = 0; cell < dictionary.size; cell++) {
    const tokens = textTokens(keyAt(dictionary, cell));
    for (const bucket of new Set(tokens.map((token) => hashText(token).lo % TEXT_BUCKETS))) {
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
    dictionary: encodeKeys([...codeOf.keys()].map((bucket) => `#${bucket}`)),
  };
}
