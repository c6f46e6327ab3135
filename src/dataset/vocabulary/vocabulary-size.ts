// Computes the number of features that a vocabulary will have before it is fitted, for estimates of memory.

import type { Dataset } from "../dataset.js";
import { countKeys } from "./key-counts.js";
import { countValues, featureColumns } from "./vocabulary.js";
import { hashedFields, limitsByField, type VocabularyLimits } from "./vocabulary-limits.js";

/** Number of features of a column, and number of bytes of their keys. */
export interface FieldSize {
  name: string;
  features: number;
  keyBytes: number;
}

/**
 * Returns the features of each column, as `fitFeatures` will find them. The estimate includes keys that --min-users
 * would exclude, and all keys of columns on disk.
 *
 * @param rows u32: rows of the training split
 * @throws {UsageError} the errors of fitFeatures
 */
export function vocabularySize(dataset: Dataset, rows: Uint32Array, limits: VocabularyLimits): FieldSize[] {
  const columns = featureColumns(dataset);
  const categorical = columns.filter(({ kind }) => kind !== "number").map(({ name }) => name);
  const hashed = hashedFields(limits.hash, columns, dataset.roles);
  const limitsOf = limitsByField(limits, categorical, dataset.roles, hashed);
  return columns.map((column) => {
    const { name } = column;
    if (column.kind === "number") return { name, features: 1, keyBytes: name.length };
    const { size, bytes } = column.dictionary;
    const hash = hashed.get(name);
    if (hash) return { name, features: 2 ** hash.bits + 1, keyBytes: 10 * 2 ** hash.bits };
    const { minCount, maxVocab } = limitsOf(name);
    let known = size;
    if (minCount > 1) {
      const events = column.kind === "key" ? countKeys(column, rows) : countValues(column, rows);
      known = events.reduce((sum, count) => sum + (count >= minCount ? 1 : 0), 0);
    }
    const features = Math.min(known, maxVocab) + 1;
    return { name, features, keyBytes: Math.ceil((bytes.length * features) / (size + 1)) };
  });
}
