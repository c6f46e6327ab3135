// A principal component analysis in a run directory: its table, and in model/ what the table does not hold.
//
//   embeddings.arrow        a row for each key of each field: its vector, its events; its weight where the matrix was centred
//   model/pca.safetensors   singularValues, explainedVariance, explainedVarianceRatio [dim]; components [numColumns, dim]: V;
//                           columnScale, mean [numColumns], where the columns were scaled or centred; and of interactions
//                           rowShares, columnShares [dim]: what a dimension's vectors of users and of items are multiplied by,
//                           rowScale [numUsers], itemUsers [numItems], userEvents [numUsers], statistics [2]: for new users and items
//
// Columns of the matrix are, of interactions, the items of the table; of features, all features, a field's out-of-vocabulary one
// before its keys; of columns, the numeric columns.

import type { FeatureSpace } from "../../dataset/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import { readSafetensors, safetensorsChunks, type Tensor } from "../../embedding/safetensors.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { ArtifactError } from "../../errors.js";
import { featureTable, tableFeatures } from "../../training/feature-table.js";
import type { FmParameters } from "../../factors/model.js";
import { vectorTensor, type PcaModel } from "./model.js";

const MODEL_FILE = "pca.safetensors";

/** The files of model/. */
export function pcaModelFiles(model: PcaModel): Record<string, readonly Uint8Array[]> {
  return { [MODEL_FILE]: safetensorsChunks(allTensors(model)) };
}

function allTensors(model: PcaModel): Map<string, Tensor> {
  const { singularValues, explainedVariance, explainedVarianceRatio, tensors } = model;
  const all = new Map<string, Tensor>(Object.entries(tensors));
  for (const [name, values] of Object.entries({ singularValues, explainedVariance, explainedVarianceRatio }))
    all.set(name, vectorTensor(values));
  return all;
}

/** The table; without weights unless the model has them. */
export function pcaTable(space: FeatureSpace, { dim, vectors, weights }: PcaModel): EmbeddingTable {
  const w = weights ?? new Float32Array(space.numFeatures);
  const { weights: given, ...table } = featureTable(space, { dim, w, vectors });
  return weights ? { ...table, weights: given! } : table;
}

/** What model/ holds. @throws {ArtifactError} damaged */
export async function readPcaTensors(run: Run): Promise<PcaTensors> {
  return tensorsFrom(readSafetensors(await run.readModelFile(MODEL_FILE), MODEL_FILE));
}

/** The same of a model that is in no run yet. */
export function pcaTensorsOf(model: PcaModel): PcaTensors {
  return tensorsFrom(allTensors(model));
}

function tensorsFrom(tensors: Map<string, Tensor>): PcaTensors {
  const find = (name: string): Float32Array | undefined => {
    const data = tensors.get(name)?.data;
    return data instanceof Float32Array ? data : undefined;
  };
  return {
    find,
    get(name) {
      const found = find(name);
      if (!found) throw new ArtifactError(`${MODEL_FILE} has no tensor '${name}'`);
      return found;
    },
    itemUsers() {
      const data = tensors.get("itemUsers")?.data;
      if (!(data instanceof Uint32Array)) throw new ArtifactError(`${MODEL_FILE} has no tensor 'itemUsers'`);
      return data;
    },
  };
}

export interface PcaTensors {
  find(name: string): Float32Array | undefined;
  /** @throws {ArtifactError} there is none of that name */
  get(name: string): Float32Array;
  itemUsers(): Uint32Array;
}

/** Users and items as a machine scores them: <user, item> and, of a centred matrix, the item's mean. */
export function interactionParameters(space: FeatureSpace, table: EmbeddingTable): FmParameters {
  const { dim } = table;
  const w = new Float32Array(space.numFeatures);
  const vectors = new Float32Array(space.numFeatures * dim);
  tableFeatures(space).forEach((feature, row) => {
    w[feature] = table.weights?.[row] ?? 0;
    vectors.set(table.vectors.subarray(row * dim, (row + 1) * dim), feature * dim);
  });
  return { dim, w0: 0, w, vectors };
}
