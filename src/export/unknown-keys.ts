// Chooses the vectors that stand for unknown keys in the rows of --reserve, one for each field.
//
//   trained   the row that training made of keys too rare for a row of their own
//   mean      the mean of the field's vectors: for models that rank by cosine or dot product and train no such row
//   zeros     nothing is known of the key: no training key was rare, or the model leaves such keys out of its sums

import { isHole, rowsOf, type EmbeddingTable } from "../embedding/table.js";

/** The kind of an unknown key's vector. */
export type UnknownVector = "trained" | "mean" | "zeros";

/** The out-of-vocabulary features of fields. */
export interface OutOfVocabulary {
  /** f32[numFields] */
  weights: Float32Array;
  /** f32[numFields * dim] */
  vectors: Float32Array;
  /** by field; undefined for a field without keys, which has no unknown ones */
  is: readonly (UnknownVector | undefined)[];
}

/** The kinds in words, for messages: `the mean of its field's vectors`. */
export const unknownVectors: Readonly<Record<UnknownVector, string>> = {
  trained: "the vector that was trained on rare keys",
  mean: "the mean of the field's vectors",
  zeros: "zeros",
};

type UnknownOf = (table: EmbeddingTable) => OutOfVocabulary;

/** Returns zeros for the unknown keys of every field. */
export const zerosForUnknown: UnknownOf = (table) => {
  const { dim, fields } = table;
  return {
    weights: new Float32Array(fields.length),
    vectors: new Float32Array(fields.length * dim),
    is: fields.map((field) => (hasKeys(table, field) ? "zeros" : undefined)),
  };
};

/** Returns the means of the weights and vectors of each field's keys, added up in f64 in the order of the rows. */
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

/** Marks trained rows that are all zero, because no key of their field was rare, as zeros. */
export function withoutUntrained(found: OutOfVocabulary): OutOfVocabulary {
  const { weights, vectors, is } = found;
  const dim = vectors.length / Math.max(1, is.length);
  const isZero = (f: number): boolean =>
    weights[f] === 0 && vectors.subarray(f * dim, (f + 1) * dim).every((x) => x === 0);
  return { ...found, is: is.map((one, f) => (one === "trained" && isZero(f) ? "zeros" : one)) };
}

/** Whether a field has keys; a numeric field has a single row with an empty key. */
export function hasKeys(table: EmbeddingTable, field: string): boolean {
  const { first, last } = rowsOf(table, field);
  return table.keys.offsets[last]! > table.keys.offsets[first]!;
}

/** Says in a sentence what unknown keys get. @param unknown by field */
export function unknownKeysText(unknown: Readonly<Record<string, UnknownVector>>): string {
  const parts = (Object.keys(unknownVectors) as UnknownVector[]).flatMap((kind) => {
    const fields = Object.entries(unknown).flatMap(([field, vector]) => (vector === kind ? [field] : []));
    return fields.length === 0 ? [] : [`${unknownVectors[kind]} (${fields.join(", ")})`];
  });
  return parts.length === 0
    ? "--reserve adds no rows: no field of the table has keys"
    : `unknown keys get ${parts.join("; ")}`;
}
