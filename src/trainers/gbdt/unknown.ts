// How many cells hold a category that training has not seen.

import { columnNamed, MISSING, type Dataset } from "../../dataset/dataset.js";
import { idsOf } from "../../dataset/vocabulary.js";
import type { Vocabularies } from "./scorer.js";

/** A sentence for each column with such cells. @param rows u32; all when absent */
export function unknownCategories(
  dataset: Dataset,
  vocabularies: Vocabularies,
  rows?: Uint32Array,
): string[] {
  return [...vocabularies].flatMap(([name, vocabulary]) => {
    const column = columnNamed(dataset, name);
    if (column.kind !== "key") return [];
    const ids = idsOf(vocabulary, column.dictionary);
    let [cells, unknown] = [0, 0];
    const count = (code: number) => {
      if (code === MISSING) return;
      cells++;
      if (ids[code] === 0) unknown++;
    };
    if (rows) for (const row of rows) count(column.codes[row]!);
    else column.codes.forEach(count);
    if (unknown === 0) return [];
    return [`${unknown} of ${cells} cells of '${name}' hold a category that training has not seen`];
  });
}
