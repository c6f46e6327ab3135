// Chooses the vectors that stand for unknown keys in the rows of --reserve, one for each field.
//
//   trained   the row that training made of keys too rare for a row of their own
//   mean      the mean of the field's vectors: for models that rank by cosine or dot product and train no such row
//   zeros     nothing is known of the key: no training key was rare, or the model leaves such keys out of its sums

import { isHole, rowsOf, type EmbeddingTable } from "../embedding/table.js";

/** The kinds of vectors that unknown keys may have. */
export type UnknownVector = "trained" | "mean" | "zeros";

/** Weights and vectors of the out-of-vocabulary rows, one per field. */
export interface OutOfVocabulary {
  /** weights, f32[numFields] */
  weights: Float32Array;
  /** vectors, f32[numFields * dim] */
  vectors: Float32Array;
  /** kind of the vector by field; undefined for a numeric field, which has no keys */
  is: readonly (UnknownVector | undefined)[];
}

/** Texts that messages use for each kind of vector of unknown keys. */
export const unknownVectors: Readonly<Record<UnknownVector, string>> = {
  trained: "the vector that was trained on rare keys",
  mean: "the mean of the field's vectors",
  zeros: "zeros",
};

type UnknownOf = (table: EmbeddingTable) => OutOfVocabulary;

/** Returns zero vectors for the unknown keys of every field. */
export const zerosForUnknown: UnknownOf = (table) => {
  const { dim, fields } = table;
  return {
    weights: new Float32Array(fields.length),
    vectors: new Float32Array(fields.length * dim),
    is: fields.map((field) => (hasKeys(table, field) ? "zeros" : undefined)),
  };
};

/** Returns the mean weight and the mean vector of each field's keys, summed in f64 in the order of the rows. */
export const meansForUnknown: UnknownOf = (table) => {
  const { dim, fields } = table;
  const found = zerosForUnknown(table);
  fields.forEach((field, f) => {
    if (found.is[f] === undefined) return;
    const { first, last } = rowsOf(table, field);
    const sums = new Float64Array(dim);
    let [weight, numKeys] = [0, 0];
    for (let row = first; row < last; row++) {
      if (isHole(table, row)) continue;
      numKeys++;
      weight += table.weights?.[row] ?? 0;
      for (let d = 0; d < dim; d++) sums[d]! += table.vectors[row * dim + d]!;
    }
    found.weights[f] = weight / numKeys;
    for (let d = 0; d < dim; d++) found.vectors[f * dim + d] = sums[d]! / numKeys;
  });
  return { ...found, is: found.is.map((one) => one && "mean") };
};

/**
 * Replaces the kind `trained` by `zeros` for rows of unknown keys that are all zero: no key of their field was rare, so
 * they were not trained.
 */
export function withoutUntrained(found: OutOfVocabulary): OutOfVocabulary {
  const { weights, vectors, is } = found;
  const dim = vectors.length / Math.max(1, is.length);
  const isZero = (f: number): boolean =>
    weights[f] === 0 && vectors.subarray(f * dim, (f + 1) * dim).every((x) => x === 0);
  return { ...found, is: is.map((one, f) => (one === "trained" && isZero(f) ? "zeros" : one)) };
}

/** Whether a field has keys; a numeric field has only one row, whose key is empty. */
export function hasKeys(table: EmbeddingTable, field: string): boolean {
  const { first, last } = rowsOf(table, field);
  return table.keys.offsets[last]! > table.keys.offsets[first]!;
}

/** Returns a phrase that describes the vectors of unknown keys. @param unknown kind of the vector by field */
export function unknownKeysText(unknown: Readonly<Record<string, UnknownVector>>): string {
  const parts = (Object.keys(unknownVectors) as UnknownVector[]).flatMap((kind) => {
    const fields = Object.entries(unknown).flatMap(([field, vector]) => (vector === kind ? [field] : []));
    return fields.length === 0 ? [] : [`${unknownVectors[kind]} (${fields.join(", ")})`];
  });
  return parts.length === 0
    ? "--reserve adds no rows: no field of the table has keys"
    : `unknown keys get ${parts.join("; ")}`;
}
