// A factor model of two fields whose vectors are in a store, perhaps on disk: scores rows, ranks items, and writes the
// table to a run directory in batches.

import { forEachPair, type FeatureRows } from "../../../dataset/rows.js";
import type { FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import type { TableRows } from "../../../table/rows.js";
import type { RowRange } from "../../../table/table.js";
import type { OptimizerState } from "../../../compute/kernels/fm/state.js";
import type { EpochEvent } from "../../../training/epochs/epoch-loop.js";
import { lateTable } from "../../../training/examples/feature-table.js";
import type { Trained } from "../../../training/session/feature-training.js";
import type { Partitions } from "../../../compute/kernels/ranking/partitions.js";
import { fmModelFiles, optimizerFile } from "./artifact.js";
import type { KeptRows, RowPlaces } from "./kept-rows.js";
import type { FmModel } from "./model.js";

/** Parameters of a model, whose vectors are read by feature. */
export interface StoredVectors {
  dim: number;
  /** f32[n]: weight of each feature */
  w: Float32Array;
  /** Returns the vector of a feature, f32[dim], valid until the next call. */
  vectorOf: (feature: number) => Float32Array;
  /** Returns f32[last - first][dim]: the vectors of consecutive features of one field. */
  vectorsOf: (range: RowRange) => Float32Array;
  /** Reads all vectors once, which verifies the store. @throws {ArtifactError} the store was truncated or changed */
  check: () => Promise<void>;
}

export interface StoredResult {
  model: StoredVectors;
  bestEpoch: number;
  epochs: EpochEvent[];
  interrupted?: boolean;
  optimizer?: OptimizerState | undefined;
}

/** Returns the model in the form of a trained factorization machine. @param name name of the model in the manifest */
export function trainedFromStore(
  name: string,
  { model, bestEpoch, epochs, interrupted = false, optimizer }: StoredResult,
  loss: FmModel["loss"],
): Trained {
  return {
    ...storedScorer(model),
    ...{ name, loss, epochs, bestEpoch, interrupted },
    table: (space) => storedTable(space, model),
    files: (space) => ({
      ...fmModelFiles(space, { ...model, w0: 0 }, model.vectorOf),
      ...(optimizer && optimizerFile(optimizer, space.numFeatures)),
    }),
  };
}

/** Scores rows, and ranks items of one feature each for users. */
export function storedScorer(model: StoredVectors): Pick<Required<Trained>, "score" | "rank"> {
  const { dim, w, vectorOf } = model;
  const composed = (rows: FeatureRows): Float32Array => {
    const sums = new Float32Array(rows.numRows * dim);
    for (let r = 0; r < rows.numRows; r++)
      forEachPair(rows, r, (feature) => sums.set(vectorOf(feature), r * dim));
    return sums;
  };
  return {
    score: async (rows) =>
      await Promise.resolve(Float32Array.from({ length: rows.numRows }, (_, r) => scoreOf(model, rows, r))),
    rank: (contexts, items) => ({
      dim,
      queries: composed(contexts),
      items: composed(items),
      weights: Float32Array.from(items.ids, (feature) => w[feature]!),
    }),
  };
}

/** Returns the score of a row: sum of x w over its features, plus sum of <v_i, v_j> x_i x_j over their pairs. */
function scoreOf({ dim, w, vectorOf }: StoredVectors, rows: FeatureRows, r: number): number {
  const sum = new Float64Array(dim);
  let [linear, squares] = [0, 0];
  forEachPair(rows, r, (feature, x) => {
    linear += x * w[feature]!;
    vectorOf(feature).forEach((v, d) => {
      sum[d]! += x * v;
      squares += (x * v) ** 2;
    });
  });
  return linear + (sum.reduce((all, s) => all + s * s, 0) - squares) / 2;
}

/** Returns the table of all keys; vectors are read from the store while the table is written. */
export function storedTable(
  space: FeatureSpace,
  { dim, w, check, vectorsOf }: Omit<StoredVectors, "w" | "vectorOf"> & { w?: Float32Array | undefined },
): TableRows {
  const rows = lateTable(space, { dim, w }, vectorsOf);
  return {
    ...rows,
    async *batches(pass) {
      await check();
      yield* rows.batches(pass);
    },
  };
}

/** Parameters of a ranking model after one epoch; the users' rows are read from the store. */
export interface PartitionedModel {
  dim: number;
  partitions: Partitions;
  /** number of floats in a feature's row: its vector with padding, and its optimizer state */
  stride: number;
  /** f32, `stride` floats per row: the rows of the items */
  itemRows: Float32Array;
  /** f32[numFeatures] */
  w: Float32Array;
  rows: KeptRows;
  places: RowPlaces;
}

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

/** Returns f32[last - first][dim]: the vectors of features that are not users'. */
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

/** Returns f32[last - first][dim]: the vectors of users' features; each partition has a range of rows with some. */
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
