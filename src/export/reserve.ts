// Adds rows for padding and for out-of-vocabulary keys at the positions that networks expect.
//
//   scheme     padding   out-of-vocabulary
//   keras      0         1                     StringLookup(mask_token=...): mask, then oov, then the vocabulary
//   fuxictr    0         the last              FeatureProcessor: __PAD__ is 0, __OOV__ is vocab_size - 1
//   pytorch    1         0                     torchtext's vocabularies: <unk> is 0, <pad> is 1
//
// The padding row is zero. Neither has a key or events. A numeric
// field, which has one row and no keys, gets neither.

import { type EmbeddingTable, isHole, rowsOf } from "../table/table.js";

// Chooses the vectors that stand for unknown keys in the rows of --reserve, one for each field.
//
//   trained   the row that training made of keys too rare for a row of their own
//   mean      the mean of the field's vectors: for models that rank by cosine or dot product and train no such row
//   zeros     nothing is known of the key: no training key was rare, or the model leaves such keys out of its sums

/** The kinds of vectors that unknown keys may have. */
export type UnknownVector = "trained" | "mean" | "zeros";

export interface OutOfVocabulary {
  /** weights, f32[numFields] */
  weights: Float32Array;
  /** vectors, f32[numFields * dim] */
  vectors: Float32Array;
  /** kind of the vector by field; undefined for a numeric field, which has no keys */
  is: readonly (UnknownVector | undefined)[];
}

export const unknownVectors: Readonly<Record<UnknownVector, string>> = {
  trained: "the vector that was trained on rare keys",
  mean: "the mean of the field's vectors",
  zeros: "zeros",
};

type UnknownOf = (table: EmbeddingTable) => OutOfVocabulary;

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

export const reserveSchemes = ["keras", "fuxictr", "pytorch"] as const;
export type ReserveScheme = (typeof reserveSchemes)[number];

/** Returns the positions of the reserved rows in a field; -1 denotes the last row. */
export function reservedRows(scheme: ReserveScheme): { padding: number; outOfVocabulary: number } {
  return {
    keras: { padding: 0, outOfVocabulary: 1 },
    fuxictr: { padding: 0, outOfVocabulary: -1 },
    pytorch: { padding: 1, outOfVocabulary: 0 },
  }[scheme];
}

export function reservedAmong(numRows: number, scheme: ReserveScheme): { padding: number; unknown: number } {
  const { padding, outOfVocabulary } = reservedRows(scheme);
  return { padding, unknown: outOfVocabulary < 0 ? numRows + outOfVocabulary : outOfVocabulary };
}

interface ReserveFacts {
  reserve: ReserveScheme;
  padding: number | "last";
  outOfVocabulary: number | "last";
  unknownKeys: Readonly<Record<string, UnknownVector>>;
}

/** Undefined without reserved rows. */
export function reserveFacts({
  reserve,
  unknownKeys = {},
}: Partial<Pick<ReserveFacts, "reserve" | "unknownKeys">>): ReserveFacts | undefined {
  if (!reserve) return undefined;
  const { padding, outOfVocabulary } = reservedRows(reserve);
  const place = (row: number) => (row < 0 ? "last" : row);
  return { reserve, padding: place(padding), outOfVocabulary: place(outOfVocabulary), unknownKeys };
}

/** Returns the description of the reserved rows as metadata with text values; the value of `unknownKeys` is JSON. */
export function reserveMetadata(how: Parameters<typeof reserveFacts>[0]): Record<string, string> | undefined {
  const facts = reserveFacts(how);
  return (
    facts &&
    Object.fromEntries(
      Object.entries(facts).map(([name, fact]: [string, ReserveFacts[keyof ReserveFacts]]) => [
        name,
        typeof fact === "object" ? JSON.stringify(fact) : String(fact),
      ]),
    )
  );
}

/** Placeholders for the padding row and the out-of-vocabulary row in a list of row numbers. */
const [PADDING, UNKNOWN] = [-1, -2];

/** Returns a copy of the table with a row for padding and one for out-of-vocabulary keys in each field of keys. */
export function withReserved(
  table: EmbeddingTable,
  scheme: ReserveScheme,
  unknown: OutOfVocabulary,
): EmbeddingTable {
  const { padding, outOfVocabulary } = reservedRows(scheme);
  const isLast = outOfVocabulary < 0;
  const front = isLast ? [PADDING] : padding === 0 ? [PADDING, UNKNOWN] : [UNKNOWN, PADDING];
  const from: number[] = [];
  const fieldOf: number[] = [];
  const add = (field: number, row: number): void => {
    from.push(row);
    fieldOf.push(field);
  };
  let row = 0;
  for (let f = 0; f < table.fields.length; f++) {
    const reserved = unknown.is[f] !== undefined;
    for (const what of reserved ? front : []) add(f, what);
    for (; row < table.numRows && table.fieldOf[row] === f; row++) add(f, row);
    if (reserved && isLast) add(f, UNKNOWN);
  }
  return gathered(table, from, fieldOf, unknown);
}

function gathered(
  { dim, fields, keys, counts, weights, vectors }: EmbeddingTable,
  from: readonly number[],
  fieldOf: readonly number[],
  unknown: OutOfVocabulary,
): EmbeddingTable {
  const numRows = from.length;
  const offsets = new Uint32Array(numRows + 1);
  const out: EmbeddingTable = {
    dim,
    numRows,
    fields,
    fieldOf: Uint32Array.from(fieldOf),
    // the new rows have empty keys, and the others keep their order, so the bytes of the keys are unchanged
    keys: { size: numRows, bytes: keys.bytes, offsets },
    counts: new Uint32Array(numRows),
    weights: weights && new Float32Array(numRows),
    vectors: new Float32Array(numRows * dim),
  };
  let end = 0;
  for (let i = 0; i < numRows; i++) {
    const row = from[i]!;
    if (row >= 0) {
      end = keys.offsets[row + 1]!;
      out.counts[i] = counts[row]!;
      if (weights) out.weights![i] = weights[row]!;
      out.vectors.set(vectors.subarray(row * dim, (row + 1) * dim), i * dim);
    } else if (row === UNKNOWN) {
      const f = fieldOf[i]!;
      if (weights) out.weights![i] = unknown.weights[f]!;
      out.vectors.set(unknown.vectors.subarray(f * dim, (f + 1) * dim), i * dim);
    }
    offsets[i + 1] = end;
  }
  return out;
}
