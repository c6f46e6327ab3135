// Stores a factorization machine in a run directory: its table, and in model/ the parameters that the table does not
// contain.
//
//   embeddings.arrow        a row for each key of each field: vector v, weight w, events
//   model/fm.safetensors    w0 [1]; oovWeights [numFields] and oovVectors [numFields, dim]: the out-of-vocabulary
//                           feature of each field (zero for a numeric field, which has none)

import type { FeatureSpace } from "../dataset/vocabulary/vocabulary.js";
import type { Run } from "../embedding/run-directory.js";
import { safetensorsChunks, TensorFile } from "../embedding/safetensors.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { rowsByFeature } from "../training/examples/feature-table.js";
import type { FmParameters } from "./model.js";
import { readSpace, type RunSpace } from "../training/capabilities/run-space.js";

const MODEL_FILE = "fm.safetensors";

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
export interface OovParameters {
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

/** Reads a run's parameters. @throws {ArtifactError} a tensor is missing, or has another shape */
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

/** Parameters of a factorization machine by feature; the vectors of a linear model have no dimensions. */
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
