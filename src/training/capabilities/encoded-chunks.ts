import type { Dataset } from "../../dataset/dataset.js";
import { bindEncoder, type FeatureRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { EncodedRows } from "../../export/encoded-rows.js";
import { keysOfRows } from "../reading/open-as-trained.js";
import { wholeOf } from "../reading/split-parts.js";

const CHUNK_ROWS = 16_384;

/** Encodes rows of a dataset as features. @param all u32: row numbers; every row of the dataset when absent */
export function* featureChunks(
  space: FeatureSpace,
  dataset: Dataset,
  all = wholeOf(dataset).rows,
): Generator<FeatureChunk> {
  const encoder = bindEncoder(space, dataset);
  for (let first = 0; first < all.length; first += CHUNK_ROWS) {
    const part = all.subarray(first, first + CHUNK_ROWS);
    const labels = new Float32Array(part.length);
    yield { first, part, rows: encoder.encode(part, labels), labels };
  }
}

interface FeatureChunk {
  first: number;
  /** u32: indexes of the chunk's rows in the dataset */
  part: Uint32Array;
  rows: FeatureRows;
  /** f32: zeros in place of labels, which the encoding does not read */
  labels: Float32Array;
}

/** Encodes rows as `embed transform` writes them. @param key column that identifies rows @param all as above */
export async function* encodedChunks(
  space: FeatureSpace,
  dataset: Dataset,
  key: string | undefined,
  encode: (rows: FeatureRows, first: number) => ChunkValues | Promise<ChunkValues>,
  all?: Uint32Array,
): AsyncGenerator<EncodedRows> {
  const keyOf = keysOfRows(dataset, key);
  for (const { first, part, rows, labels } of featureChunks(space, dataset, all))
    yield {
      numRows: part.length,
      ...(await encode(rows, first)),
      keyOf: (row) => keyOf(part[row]!),
      labels,
    };
}

type ChunkValues = Pick<EncodedRows, "values" | "biases">;
