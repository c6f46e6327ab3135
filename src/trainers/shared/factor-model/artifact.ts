// Stores a factorization machine in a run directory: its table, and in model/ the parameters that the table does not
// contain and, with --keep-state, the optimizer state. n is the number of features of the run's feature space.
//
//   embeddings.arrow        a row for each key of each field: vector v, weight w, events
//   model/fm.safetensors    w0 [1]; oovWeights [numFields] and oovVectors [numFields, dim]: the out-of-vocabulary
//                           feature of each field (zero for a numeric field, which has none)
//   model/optimizer.safetensors
//     vectors  f32[n, floats per vector]   AdaGrad's sum of squares of each dimension, or Adam's two means and its
//              counters, in the order of compute/kernels/fm/state.ts
//     w        f32[n, floats per weight]   the same for the weight
//     w0       f32[1]                      AdaGrad's sum of squares of the bias

import type { FeatureSpace } from "../../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../../table/run-directory.js";
import { safetensorsChunks, TensorFile } from "../../../table/safetensors.js";
import type { EmbeddingTable } from "../../../table/table.js";
import type { OptimizerState } from "../../../compute/kernels/fm/state.js";
import { rowsByFeature } from "../../../training/examples/feature-table.js";
import type { FmParameters } from "./model.js";
import { readSpace, type RunSpace } from "../../../training/capabilities/run-space.js";

const MODEL_FILE = "fm.safetensors";
const OPTIMIZER_FILE = "optimizer.safetensors";

/** Returns the files of model/. @param vectorOf returns f32[dim]: the vector of a feature, valid until the next call */
export function fmModelFiles(
  space: FeatureSpace,
  { dim, w0, w }: Pick<FmParameters, "dim" | "w0" | "w">,
  vectorOf: (feature: number) => Float32Array,
): Record<string, readonly Uint8Array[]> {
  const numFields = space.fields.length;
  const oovWeights = new Float32Array(numFields);
  const oovVectors = new Float32Array(numFields * dim);
  space.fields.forEach((field, f) => {
    if (field.kind === "number") return;
    const feature = space.offsets[f]!;
    oovWeights[f] = w[feature]!;
    oovVectors.set(vectorOf(feature), f * dim);
  });
  const tensors = new Map([
    ["w0", { shape: [1], data: Float32Array.of(w0) }],
    ["oovWeights", { shape: [numFields], data: oovWeights }],
    ["oovVectors", { shape: [numFields, dim], data: oovVectors }],
  ]);
  return { [MODEL_FILE]: [...safetensorsChunks(tensors)] };
}

/** Parameters of a model that its table lacks. */
interface OovParameters {
  /** number of dimensions of the vectors; 0 for a linear model, whose table has its weights as vectors */
  dim: number;
  w0: number;
  /** f32[numFields]: weight of each field's out-of-vocabulary feature, and f32[numFields * dim]: its vector */
  weights: Float32Array;
  vectors: Float32Array;
}

/** Reads the parameters that the table lacks. @throws {ArtifactError} a tensor is missing, or has another shape */
export async function readOov(
  run: Run,
  { fields }: FeatureSpace,
  table: Pick<EmbeddingTable, "dim">,
): Promise<OovParameters> {
  const tensors = await TensorFile.of(run, MODEL_FILE);
  const dim = tensors.shapeOf("oovVectors")[1] === 0 ? 0 : table.dim;
  return {
    ...{ dim, w0: tensors.f32("w0", [1])[0]! },
    weights: tensors.f32("oovWeights", [fields.length]),
    vectors: tensors.f32("oovVectors", [fields.length, dim]),
  };
}

/** @throws {ArtifactError} a tensor is missing, or has another shape */
export async function readFmParameters(
  run: Run,
  space: FeatureSpace,
  table: EmbeddingTable,
): Promise<FmParameters> {
  const { dim, w0, ...oov } = await readOov(run, space, table);
  const w = rowsByFeature(space, table.weights ?? new Float32Array(table.numRows), 1);
  const vectors = rowsByFeature(space, table.vectors, dim);
  space.fields.forEach((field, f) => {
    if (field.kind === "number") return;
    w[space.offsets[f]!] = oov.weights[f]!;
    vectors.set(oov.vectors.subarray(f * dim, (f + 1) * dim), space.offsets[f]! * dim);
  });
  return { dim, w0, w, vectors };
}

/** The vectors of a linear model have no dimensions. */
export interface FmRun extends RunSpace {
  parameters: FmParameters;
}

/**
 * Reads a run's features and parameters. For a run with several posterior draws, these are the parameters in its table.
 *
 * @throws {ArtifactError} damaged
 */
export async function readFmModel(run: Run): Promise<FmRun> {
  const found = await readSpace(run);
  return { ...found, parameters: await readFmParameters(run, found.space, found.table) };
}

/** Returns the file of the optimizer state, under its path in model/. */
export function optimizerFile(
  { vectors, w, w0 }: OptimizerState,
  numFeatures: number,
): Record<string, readonly Uint8Array[]> {
  const widthOf = (data: Float32Array) => data.length / numFeatures;
  const tensors = new Map([
    ["vectors", { shape: [numFeatures, widthOf(vectors)], data: vectors }],
    ["w", { shape: [numFeatures, widthOf(w)], data: w }],
    ["w0", { shape: [1], data: Float32Array.of(w0) }],
  ]);
  return { [OPTIMIZER_FILE]: safetensorsChunks(tensors) };
}

/** Returns undefined if the run was trained without --keep-state. @throws {ArtifactError} damaged */
export async function readOptimizerFile(run: Run, numFeatures: number): Promise<OptimizerState | undefined> {
  if (!Object.hasOwn(run.manifest.files, `model/${OPTIMIZER_FILE}`)) return undefined;
  const tensors = await TensorFile.of(run, OPTIMIZER_FILE);
  return {
    vectors: tensors.f32("vectors", [numFeatures, undefined]),
    w: tensors.f32("w", [numFeatures, undefined]),
    w0: tensors.f32("w0", [1])[0]!,
  };
}
