// Adds rows for padding and for out-of-vocabulary keys at the positions that networks expect.
//
//   scheme     padding   out-of-vocabulary
//   keras      0         1                     StringLookup(mask_token=...): mask, then oov, then the vocabulary
//   fuxictr    0         the last              FeatureProcessor: __PAD__ is 0, __OOV__ is vocab_size - 1
//   pytorch    1         0                     torchtext's vocabularies: <unk> is 0, <pad> is 1
//
// The padding row is zero; unknown-keys.ts computes the out-of-vocabulary row. Neither has a key or events. A numeric
// field, which has one row and no keys, gets neither.

import type { EmbeddingTable } from "../embedding/table.js";
import type { OutOfVocabulary, UnknownVector } from "./unknown-keys.js";

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

/** Returns the positions of the reserved rows in a field with the given number of rows. */
export function reservedAmong(numRows: number, scheme: ReserveScheme): { padding: number; unknown: number } {
  const { padding, outOfVocabulary } = reservedRows(scheme);
  return { padding, unknown: outOfVocabulary < 0 ? numRows + outOfVocabulary : outOfVocabulary };
}

/**
 * The description of reserved rows in a file: their numbers within a field, and the kind of each field's
 * out-of-vocabulary row.
 */
export interface ReserveFacts {
  reserve: ReserveScheme;
  padding: number | "last";
  outOfVocabulary: number | "last";
  unknownKeys: Readonly<Record<string, UnknownVector>>;
}

/** Returns the description of an export's reserved rows; undefined if there are none. */
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
