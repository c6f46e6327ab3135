// A model's output for new rows: numbers with their keys, to be written to a file.

/** Consecutive rows. */
export interface EncodedRows {
  numRows: number;
  /** u32, f64 or, for vectors, f32 [numRows][columns.length]; NaN is missing */
  values: Uint32Array | Float64Array | Float32Array;
  /** returns the key of a row as UTF-8 bytes */
  keyOf: (row: number) => Uint8Array;
  /** f32[numRows], for vectors with biases */
  biases?: Float32Array;
  /** [numRows], for libsvm; 0 if the log has no labels */
  labels: ArrayLike<number>;
  /** true if an empty line follows, which tells the reader that all requested rows are written */
  answers?: true;
}

export interface EncodedRowFormat {
  /** kind of the numbers */
  kind: "leaves" | "features" | "vectors";
  /** true if vectors have no biases */
  unbiased?: true;
  /** name of the key column */
  key: string;
  /** names of the columns of numbers */
  columns: string[];
  /** for leaves: the index of each tree's first leaf among all */
  starts: ArrayLike<number>;
  numRows: number;
}

/** Whether a row has a bias beside its vector. */
export function hasBiases({ kind, unbiased }: EncodedRowFormat): boolean {
  return kind === "vectors" && !unbiased;
}

/**
 * Describes vectors for writing. @param key the column of the rows' keys; undefined: the key column is `row`, with row
 * numbers
 */
export function vectorEncoding(key: string | undefined, dim: number, numRows: number): EncodedRowFormat {
  const columns = Array.from({ length: dim }, (_, d) => `v${d}`);
  return { kind: "vectors", key: key ?? "row", columns, starts: [], numRows };
}

/** Yields rows that are all in memory. */
export async function* once(rows: EncodedRows): AsyncGenerator<EncodedRows> {
  yield rows;
}
