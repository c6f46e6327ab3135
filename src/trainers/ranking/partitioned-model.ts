// A ranking model whose users' vectors are in a store: scores rows, ranks items, and writes the table to a run
// directory in batches.

import { forEachPair, type FeatureRows } from "../../dataset/rows.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { TableRows } from "../../embedding/rows.js";
import type { RowRange } from "../../embedding/table.js";
import { fmModelFiles } from "../../factors/artifact.js";
import { optimizerFile } from "../../factors/optimizer-file.js";
import type { Partitions } from "../../kernels/ranking/partitions.js";
import type { EpochEvent } from "../../training/epochs/epoch-loop.js";
import { lateTable } from "../../training/examples/feature-table.js";
import type { Trained } from "../../training/session/feature-training.js";
import type { OptimizerState } from "../../kernels/fm/state.js";
import type { KeptRows, RowPlaces } from "./kept-rows.js";

/** Parameters of the model after one epoch; the users' rows are read from the store. */
export interface PartitionedModel {
  dim: number;
  partitions: Partitions;
  /** number of floats per row */
  stride: number;
  /** vectors, weights and optimizer state of the items, f32[itemRows][stride] */
  itemRows: Float32Array;
  /** f32[n]: weight of each feature */
  w: Float32Array;
  rows: KeptRows;
  places: RowPlaces;
}

/** The trained model, with the course of its training. */
export interface PartitionedResult {
  model: PartitionedModel;
  bestEpoch: number;
  epochs: EpochEvent[];
  interrupted?: boolean;
  optimizer?: OptimizerState | undefined;
}

/** Returns the model in the form of a trained factorization machine. */
export function trainedPartitions({ model, ...found }: PartitionedResult): Trained {
  const { bestEpoch, epochs, interrupted = false, optimizer } = found;
  return {
    ...partitionedScorer(model),
    name: "fm",
    loss: "logistic",
    ...{ epochs, bestEpoch, interrupted },
    table: (space) => partitionedTable(space, model),
    files: (space) => ({
      ...fmModelFiles(space, { ...model, w0: 0 }, vectorReader(model)),
      ...(optimizer && optimizerFile(optimizer, space.numFeatures)),
    }),
  };
}

/** Returns functions that score rows, and that rank items of one feature each for users. */
export function partitionedScorer(model: PartitionedModel): Pick<Required<Trained>, "score" | "rank"> {
  const { dim, w } = model;
  const vectorOf = vectorReader(model);
  const vectorsOf = (rows: FeatureRows): Float32Array => {
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
      queries: vectorsOf(contexts),
      items: vectorsOf(items),
      weights: Float32Array.from(items.ids, (feature) => w[feature]!),
    }),
  };
}

/** Returns the score of a row: sum of x w over its features, plus sum of <v_i, v_j> x_i x_j over their pairs. */
function scoreOf(model: PartitionedModel, rows: FeatureRows, r: number): number {
  const sum = new Float64Array(model.dim);
  const vectorOf = vectorReader(model);
  let [linear, squares] = [0, 0];
  forEachPair(rows, r, (feature, x) => {
    linear += x * model.w[feature]!;
    vectorOf(feature).forEach((v, d) => {
      sum[d]! += x * v;
      squares += (x * v) ** 2;
    });
  });
  return linear + (sum.reduce((all, s) => all + s * s, 0) - squares) / 2;
}

/** Returns the table of all keys, whose vectors are read from the store while the table is written. */
function partitionedTable(space: FeatureSpace, model: PartitionedModel): TableRows {
  const { dim, partitions, w } = model;
  // a field consists of users or of other features
  const rows = lateTable(space, { dim, w }, (range) =>
    partitions.isUser(range.first) ? userVectors(model, range) : itemVectors(model, range),
  );
  return {
    ...rows,
    async *batches(pass) {
      await checkPartitions(model);
      yield* rows.batches(pass);
    },
  };
}

/** Reads every partition once to verify its checksum. @throws {ArtifactError} a partition was truncated or changed */
async function checkPartitions({ partitions, stride, rows, places }: PartitionedModel): Promise<void> {
  const numbers = new Uint32Array(partitions.rows * stride);
  for (let p = 0; p < partitions.count; p++) await rows.read(p, numbers, places);
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

/** Returns a function that reads the vector of one feature; the vector is valid until the next call. */
function vectorReader({
  dim,
  partitions,
  stride,
  itemRows,
  rows,
  places,
}: PartitionedModel): (feature: number) => Float32Array {
  const row = new Float32Array(dim);
  const bits = new Uint32Array(row.buffer);
  return (feature) => {
    if (!partitions.isUser(feature)) {
      const from = partitions.itemRow(feature) * stride;
      return itemRows.subarray(from, from + dim);
    }
    rows.readPart(partitions.partitionOf(feature), partitions.rowOf(feature) * stride, bits, places);
    return row;
  };
}
