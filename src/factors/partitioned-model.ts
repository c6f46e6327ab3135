// Vectors of a ranking model whose users' rows are in a store.

import type { StoredVectors } from "./stored-vectors.js";
import type { KeptRows, RowPlaces } from "./kept-rows.js";
import type { RowRange } from "../embedding/table.js";
import type { Partitions } from "../kernels/ranking/partitions.js";

/** Parameters of the model after one epoch; the users' rows are read from the store. */
export interface PartitionedModel {
  dim: number;
  partitions: Partitions;
  /** number of floats in a feature's row: its vector with padding, and its optimizer state */
  stride: number;
  /** f32, `stride` floats per row: the rows of the items */
  itemRows: Float32Array;
  /** f32[numFeatures]: weight of each feature */
  w: Float32Array;
  rows: KeptRows;
  places: RowPlaces;
}

/** Returns the model's parameters, with functions that read vectors from the store. */
export function vectorsInPartitions(model: PartitionedModel): StoredVectors {
  const { dim, w, partitions, stride, itemRows, rows, places } = model;
  const row = new Float32Array(dim);
  const bits = new Uint32Array(row.buffer);
  return {
    ...{ dim, w },
    vectorOf(feature) {
      if (!partitions.isUser(feature)) {
        const from = partitions.itemRow(feature) * stride;
        return itemRows.subarray(from, from + dim);
      }
      rows.readPart(partitions.partitionOf(feature), partitions.rowOf(feature) * stride, bits, places);
      return row;
    },
    vectorsOf: (range) =>
      partitions.isUser(range.first) ? userVectors(model, range) : itemVectors(model, range),
    async check() {
      const numbers = new Uint32Array(partitions.rows * stride);
      for (let p = 0; p < partitions.count; p++) await rows.read(p, numbers, places);
    },
  };
}

/** Returns the vectors of a range of features that are not users, f32[last - first][dim]. */
function itemVectors(
  { dim, partitions, stride, itemRows }: PartitionedModel,
  { first, last }: RowRange,
): Float32Array {
  const vectors = new Float32Array((last - first) * dim);
  for (let feature = first; feature < last; feature++) {
    const from = partitions.itemRow(feature) * stride;
    vectors.set(itemRows.subarray(from, from + dim), (feature - first) * dim);
  }
  return vectors;
}

/**
 * Returns the vectors of a range of users' features, f32[last - first][dim]; each partition has a range of rows with
 * some of them.
 */
function userVectors(
  { dim, partitions, stride, rows, places }: PartitionedModel,
  { first, last }: RowRange,
): Float32Array {
  const vectors = new Float32Array((last - first) * dim);
  for (let p = 0; p < partitions.count; p++) {
    const range = partitions.rowsBetween(p, first, last);
    if (range.first >= range.last) continue;
    const bits = new Uint32Array((range.last - range.first) * stride);
    rows.readPart(p, range.first * stride, bits, places);
    const numbers = new Float32Array(bits.buffer);
    for (let row = range.first; row < range.last; row++) {
      const feature = partitions.featureOf(p, row);
      if (feature === undefined || feature < first || feature >= last) continue;
      const from = (row - range.first) * stride;
      vectors.set(numbers.subarray(from, from + dim), (feature - first) * dim);
    }
  }
  return vectors;
}
