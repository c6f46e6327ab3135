// How many cells hold a category that training has not seen.

import { MISSING } from "../../log/keys.js";
import { columnNamed, type Dataset } from "../../dataset/dataset.js";
import type { UnseenCounts } from "../../dataset/rows.js";
import { idsOf } from "../../dataset/vocabulary/vocabulary.js";
import type { Vocabularies } from "./forest/scorer.js";

/** A sentence for each column with such cells. @param rows u32; all when absent */
export function unknownCategories(
  dataset: Dataset,
  vocabularies: Vocabularies,
  rows?: Uint32Array,
): string[] {
  return Object.entries(countUnknown(dataset, vocabularies, rows))
    .filter(([, { unseen }]) => unseen > 0)
    .map(
      ([name, { cells, unseen }]) =>
        `${unseen} of ${cells} cells of '${name}' hold categories not seen in training`,
    );
}

/** By categorical column: its cells, and those of them. @param rows u32; all when absent */
export function countUnknown(
  dataset: Dataset,
  vocabularies: Vocabularies,
  rows?: Uint32Array,
): Record<string, UnseenCounts> {
  return Object.fromEntries(
    [...vocabularies].flatMap(([name, vocabulary]): [string, UnseenCounts][] => {
      const column = columnNamed(dataset, name);
      if (column.kind !== "key") return [];
      const ids = idsOf(vocabulary, column.dictionary);
      const counts = { cells: 0, unseen: 0 };
      const count = (code: number) => {
        if (code === MISSING) return;
        counts.cells++;
        if (ids[code] === 0) counts.unseen++;
      };
      if (rows) for (const row of rows) count(column.codes[row]!);
      else column.codes.forEach(count);
      return [[name, counts]];
    }),
  );
}
