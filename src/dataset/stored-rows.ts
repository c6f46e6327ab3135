// Encodes feature rows of a dataset on disk, slice by slice, to memory or to a file that a training reads in blocks.

import { UsageError } from "../errors.js";
import type { Dataset } from "./dataset.js";
import { bindEncoder, type FeatureRows, type StoredRows } from "./rows.js";
import { sliceOf } from "./stored-columns.js";
import type { FeatureSpace } from "./vocabulary/vocabulary.js";

/** Number of the dataset's rows that are encoded at a time. */
const SLICE_ROWS = 1 << 18;

/** A file to which numbers are appended, and from which they are read back. */
export interface RowStore {
  append(array: Uint32Array | Float32Array): void;
  read(into: Uint32Array | Float32Array, position: number): void;
}

/** A split to encode. */
export interface StoredPart {
  space: FeatureSpace;
  dataset: Dataset;
  /** rows of the split in ascending order, u32 */
  rows: Uint32Array;
  /** label of each row, f32 */
  labels: Float32Array;
  /** f32: weight of each row; absent if all are 1 */
  weights?: Float32Array;
}

/** Encodes a split into memory. @throws {UsageError} its rows are not in ascending order */
export function encodeStored(part: StoredPart): FeatureRows {
  const slices = [...slicesOf(part)];
  const numPairs = slices.reduce((sum, { ids }) => sum + ids.length, 0);
  const ids = new Uint32Array(numPairs);
  const isGeneral = slices.some(({ indptr }) => indptr);
  const values = isGeneral ? new Float32Array(numPairs) : undefined;
  const indptr = isGeneral ? new Uint32Array(part.rows.length + 1) : undefined;
  let [pair, row] = [0, 0];
  for (const slice of slices) {
    ids.set(slice.ids, pair);
    values?.set(slice.values!, pair);
    if (indptr) indptr.set(endsFrom(slice, pair), row + 1);
    pair += slice.ids.length;
    row += slice.numRows;
  }
  const width = slices[0]?.width ?? 0;
  const { labels } = part;
  return { numRows: row, width, ids, labels, values, indptr };
}

/** Encodes a split into files, which contain the pairs; labels and row offsets are in memory. */
export function storeRows(part: StoredPart, ids: RowStore, values: RowStore): StoredRows {
  const { rows, labels, weights } = part;
  // the offsets are f64, because the number of pairs may exceed a u32
  let indptr: Float64Array | undefined;
  let [pair, row, width] = [0, 0, 0];
  for (const slice of slicesOf(part)) {
    ids.append(slice.ids);
    if (slice.values) values.append(slice.values);
    if (slice.indptr) {
      indptr ??= new Float64Array(rows.length + 1);
      for (let r = 1; r <= slice.numRows; r++) indptr[row + r] = pair + slice.indptr[r]!;
    }
    [pair, row, width] = [pair + slice.ids.length, row + slice.numRows, slice.width];
  }
  const startOf = (r: number) => (indptr ? indptr[r]! : r * width);
  return {
    numRows: rows.length,
    labels,
    weights,
    rowsAt(first, count) {
      const start = startOf(first);
      const own = new Uint32Array(startOf(first + count) - start);
      ids.read(own, 4 * start);
      const block = {
        numRows: count,
        ids: own,
        labels: labels.subarray(first, first + count),
        ...(weights && { weights: weights.subarray(first, first + count) }),
      };
      if (!indptr) return { ...block, width };
      const ownValues = new Float32Array(own.length);
      values.read(ownValues, 4 * start);
      const ends = Uint32Array.from(indptr.subarray(first, first + count + 1), (end) => end - start);
      return { ...block, width: 0, indptr: ends, values: ownValues };
    },
  };
}

/** Returns u32[numRows]: the end of each row's pairs, if the first row begins at `pair`. */
function endsFrom({ indptr }: FeatureRows, pair: number): Uint32Array {
  return indptr!.subarray(1).map((end) => pair + end);
}

/**
 * Yields the split's rows in order, in slices. The slices are dense (one pair per field) if all rows of the split are.
 */
function* slicesOf({ space, dataset, rows, labels }: StoredPart): Generator<FeatureRows> {
  const encoder = bindEncoder(space, dataset);
  const isDense = encoder.isDense(rows);
  let at = 0;
  while (at < rows.length) {
    const from = rows[at]!;
    const to = Math.min(dataset.numRows, from + SLICE_ROWS);
    let end = at + 1;
    while (end < rows.length && rows[end]! < to && rows[end]! > rows[end - 1]!) end++;
    if (end < rows.length && rows[end]! <= rows[end - 1]!) throw unsorted();
    const own = rows.subarray(at, end).map((row) => row - from);
    yield encoder.ofSlice(sliceOf(dataset, from, to), isDense).encode(own, labels.subarray(at, end));
    at = end;
  }
}

function unsorted(): UsageError {
  return new UsageError(
    "a dataset larger than --max-memory must be sorted by time for --split time: sort the log before " +
      "encoding, use --split random, or raise --max-memory",
  );
}
