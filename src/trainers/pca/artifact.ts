// Files of a principal component analysis in a run directory: its table, and further tensors in model/.
//
//   embeddings.arrow        a row for each key of each field: its vector, its number of events; its weight if the
//                           matrix was centered
//   model/pca.safetensors   singularValues, explainedVariance [dim]; explainedVarianceRatio [dim], unless filtered;
//                           components [numColumns, dim]: V or, with a filter, the columns' directions behind it;
//                           columnScale, mean [numColumns], if the columns were scaled or centered; and for
//                           interactions rowShares, columnShares [dim]: factors of each dimension of users' and of
//                           items' vectors;
//                           for folding in: rowScale [numUsers], itemUsers [numItems], userEvents [numUsers],
//                           statistics [2]
//
// The columns of the matrix are: for interactions, the items of the table; for features, all features, a field's
// out-of-vocabulary one before its keys; for columns, the numeric columns.

import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import type { Run } from "../../table/run-directory.js";
import { safetensorsChunks, TensorFile, type Tensor } from "../../table/safetensors.js";
import type { EmbeddingTable } from "../../table/table.js";
import { featureTable, rowsByFeature } from "../../training/examples/feature-table.js";
import { storedTable, type StoredVectors } from "../shared/factor-model/stored-vectors.js";
import type { TableRows } from "../../table/rows.js";
import type { Spectrum } from "./decompose.js";
import type { PcaMatrix } from "./options.js";
import { factorScorer } from "../shared/factor-model/trained.js";
import type { Scorer } from "../../training/session/feature-training.js";
import {
  forgettingOf,
  clearRows,
  type Forgetting,
  type ForgetTensors,
} from "../../training/capabilities/forgetting/forgetting.js";
import { ArtifactError } from "../../base/errors.js";
import { floatsIn, rotating, type RotateTensors } from "../shared/factor-model/rotation.js";
import { wholeRows, type Rotation } from "../../training/capabilities/rotation.js";

/** Tensor of a run that was aligned to an earlier run, f32[dim, dim]: all vectors were multiplied by it at the end. */
export const ROTATION = "rotation";

const MODEL_FILE = "pca.safetensors";

/** Names of the models in the manifest. */
export const PCA_MODELS: Record<PcaMatrix, string> = {
  interactions: "pca",
  features: "pca-features",
  columns: "pca-columns",
  cooccurrence: "pca-cooccurrence",
};

export interface PcaModel extends Spectrum {
  dim: number;
  method: "exact" | "lanczos";
  restarts: number;
  /** maximum residual of a component, relative to the squared singular value */
  residual: number;
  /** numbers of rows, columns and entries of the decomposed matrix */
  size: { rows: number; columns: number; entries: number };
  /** f32[numFeatures * dim], row-major: the table's vectors, by feature */
  vectors: Float32Array;
  /** the table's vectors if those of users are in a store; `vectors` is then empty */
  stored?: StoredVectors | undefined;
  /** f32[numFeatures]: weight of each feature, which is added to scores; absent if all are 0 */
  weights?: Float32Array;
  /** further tensors by name in model/pca.safetensors, with which new rows are projected */
  tensors: Record<string, Tensor>;
}

export const vectorTensor = (data: ArrayLike<number>): Tensor => ({
  shape: [data.length],
  data: Float32Array.from(data),
});

export const matrixTensor = (data: Float32Array, dim: number): Tensor => ({
  shape: [data.length / dim, dim],
  data,
});

export function pcaModelFiles(model: PcaModel): Record<string, readonly Uint8Array[]> {
  return { [MODEL_FILE]: safetensorsChunks(allTensors(model)) };
}

function allTensors(model: PcaModel): Map<string, Tensor> {
  const { singularValues, explainedVariance, explainedVarianceRatio, tensors } = model;
  const all = new Map<string, Tensor>(Object.entries(tensors));
  for (const [name, values] of Object.entries({ singularValues, explainedVariance, explainedVarianceRatio }))
    if (values) all.set(name, vectorTensor(values));
  return all;
}

/** Returns the table; it has weights only if the model has them. */
export function pcaTable(
  space: FeatureSpace,
  { dim, vectors, weights, stored }: PcaModel,
): EmbeddingTable | TableRows {
  if (stored) return storedTable(space, { ...stored, w: weights });
  const w = weights ?? new Float32Array(space.numFeatures);
  const { weights: given, ...table } = featureTable(space, { dim, w, vectors });
  return weights ? { ...table, weights: given! } : table;
}

export async function readPcaTensors(run: Run): Promise<PcaTensors> {
  return new PcaTensors(await TensorFile.of(run, MODEL_FILE));
}

/** Returns the tensors of a model that has not been written yet. */
export function pcaTensorsOf(model: PcaModel): PcaTensors {
  return new PcaTensors(new TensorFile(allTensors(model), MODEL_FILE));
}

export class PcaTensors {
  constructor(readonly file: TensorFile) {}

  /** Returns an optional tensor. @throws {ArtifactError} it has another length */
  find(name: string, length: number): Float32Array | undefined {
    return this.file.has(name) ? this.get(name, length) : undefined;
  }

  /** Returns a vector, or a matrix in row-major order. @throws {ArtifactError} no tensor has this name and length */
  get(name: string, length: number): Float32Array {
    const [, columns] = this.file.shapeOf(name);
    const found = this.file.f32(name, columns === undefined ? [length] : [undefined, columns]);
    return found.length === length
      ? found
      : this.file.fail(`tensor '${name}' has ${found.length} numbers, not ${length}`);
  }

  /** Number of components. @throws {ArtifactError} there are none */
  get dim(): number {
    return this.file.f32("singularValues", [undefined]).length;
  }

  itemUsers(length: number): Uint32Array {
    return this.file.u32("itemUsers", [length]);
  }
}

/** The score is <user, item>; for a centered matrix, the item's mean is added. */
export async function readPca(_: Run, space: FeatureSpace, table: EmbeddingTable): Promise<Required<Scorer>> {
  const { dim } = table;
  const w = rowsByFeature(space, table.weights ?? new Float32Array(table.numRows), 1);
  const vectors = rowsByFeature(space, table.vectors, dim);
  return await Promise.resolve(factorScorer({ dim, w0: 0, w, vectors }));
}

/** Sets the rows of removed users, items, features or columns to zero in the tensors of a run. */
const components: ForgetTensors = (tensors, { features, users, items, rows }) => {
  const clear = (name: string, at: Iterable<number>): void => {
    const tensor = tensors.get(name);
    if (tensor) clearRows(tensor, at);
  };
  if (tensors.has("itemUsers")) {
    for (const name of ["components", "columnScale", "mean", "itemUsers"]) clear(name, items);
    for (const name of ["rowScale", "userEvents"]) clear(name, users);
  } else for (const name of ["components", "columnScale", "mean"]) clear(name, features.keys());
  return { dropped: 0, changed: rows.length > 0 };
};

export async function componentForgetting(run: Run): Promise<Forgetting> {
  return await forgettingOf(run, { tensors: { [MODEL_FILE]: components } });
}

/** Stores the rotation matrix in model/, by which transform rotates projected rows. */
const keepRotation: RotateTensors = (tensors, rotate) => {
  const { length: dim } = floatsIn(tensors, "singularValues").data;
  const before = tensors.has(ROTATION)
    ? floatsIn(tensors, ROTATION).data
    : Float32Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0));
  if (before.length !== dim * dim)
    throw new ArtifactError("the run's model has a rotation of the wrong size");
  return new Map([[ROTATION, { shape: [dim, dim], data: rotate(before, new Uint8Array(dim)) }]]);
};

export function componentRotation(run: Run, table: EmbeddingTable): Rotation {
  return { groups: wholeRows(table), files: rotating(run, { [MODEL_FILE]: keepRotation }) };
}
