// What a model makes of new rows: numbers with their keys, on their way to a file.

/** Consecutive rows. */
export interface EncodedRows {
  numRows: number;
  /** u32, f64 or, of vectors, f32 [numRows][columns.length]; NaN is missing */
  values: Uint32Array | Float64Array | Float32Array;
  /** the key of a row as UTF-8 bytes */
  keyOf: (row: number) => Uint8Array;
  /** f32[numRows], of vectors with biases */
  biases?: Float32Array;
  /** [numRows], for libsvm; 0 where the log has none */
  labels: ArrayLike<number>;
  /** an empty line follows, which says that all that was asked for is written */
  answers?: true;
}

export interface Encoding {
  /** what the numbers are */
  kind: "leaves" | "features" | "vectors";
  /** vectors have no biases */
  unbiased?: true;
  /** name of the key column */
  key: string;
  /** names of the numbers */
  columns: string[];
  /** leaves: where each tree's leaves start among all */
  starts: ArrayLike<number>;
  numRows: number;
}

/** Whether a row has a bias beside its vector. */
export function hasBiases({ kind, unbiased }: Encoding): boolean {
  return kind === "vectors" && !unbiased;
}

/** What vectors are written as. @param key the column that names the rows; `row`, their number, without one */
export function vectorEncoding(key: string | undefined, dim: number, numRows: number): Encoding {
  const columns = Array.from({ length: dim }, (_, d) => `v${d}`);
  return { kind: "vectors", key: key ?? "row", columns, starts: [], numRows };
}

/** Rows that come at once. */
export async function* once(rows: EncodedRows): AsyncGenerator<EncodedRows> {
  yield rows;
}
