// A model's output for new rows, which is written to a file: a key and numbers per row.

/** Consecutive rows of a model's output. */
export interface EncodedRows {
  numRows: number;
  /** numbers of the rows, [numRows][columns.length]: u32 or f64, or f32 for vectors; NaN represents a missing number */
  values: Uint32Array | Float64Array | Float32Array;
  /** returns the key of a row as UTF-8 bytes */
  keyOf: (row: number) => Uint8Array;
  /** f32[numRows]: biases, if vectors have them */
  biases?: Float32Array;
  /** labels of the rows for libsvm, [numRows]; 0 if the log has no labels */
  labels: ArrayLike<number>;
  /** true if an empty line follows, which tells the reader that the output of all requested rows was written */
  answers?: true;
}

export interface EncodedRowFormat {
  /** what the numbers of a row are: indices of leaves, features, a vector, or codes of codebooks */
  kind: "leaves" | "features" | "vectors" | "codes";
  unbiased?: true;
  key: string;
  columns: string[];
  /** for leaves: index of the first leaf of each tree among the leaves of all trees */
  starts: ArrayLike<number>;
  numRows: number;
}

/** Whether each row has a bias in addition to its vector. */
export function hasBiases({ kind, unbiased }: EncodedRowFormat): boolean {
  return kind === "vectors" && !unbiased;
}

/** @param key name of the key column; undefined: the column is named `row` and contains row numbers */
export function vectorEncoding(key: string | undefined, dim: number, numRows: number): EncodedRowFormat {
  const columns = Array.from({ length: dim }, (_, d) => `v${d}`);
  return { kind: "vectors", key: key ?? "row", columns, starts: [], numRows };
}

export async function* once(rows: EncodedRows): AsyncGenerator<EncodedRows> {
  yield rows;
}
