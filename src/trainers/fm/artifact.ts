// A factorization machine in a run directory: its table, and in model/ what the table does not hold.
//
//   embeddings.arrow        a row for each key of each field: vector v, weight w, events
//   model/fm.safetensors    w0 [1]; oovWeights [numFields] and oovVectors [numFields, dim]: each field's out-of-vocabulary
//                           feature (zero for a numeric field, which has none)
//   model/preprocess.json   dataset/preprocess.ts

import type { Preprocess } from "../../dataset/preprocess.js";
import { featureCounts, featureSpace, type FeatureSpace, type Field } from "../../dataset/vocabulary.js";
import type { Run } from "../../embedding/run-directory.js";
import { readSafetensors, safetensorsChunks } from "../../embedding/safetensors.js";
import { keysOfRows, rowsOf, type EmbeddingTable, type Keys } from "../../embedding/table.js";
import { ArtifactError } from "../../errors.js";
import type { FmParameters } from "./model.js";

const MODEL_FILE = "fm.safetensors";
const PREPROCESS_FILE = "preprocess.json";

/** The features that are rows of the table: all but the out-of-vocabulary ones. */
function tableFeatures({ fields, offsets }: FeatureSpace): Uint32Array {
  return Uint32Array.from(
    fields.flatMap((field, f) => {
      if (field.kind === "number") return [offsets[f]!];
      return Array.from({ length: field.keys.size }, (_, i) => offsets[f]! + 1 + i);
    }),
  );
}

/** The model's table: fields in the space's order, rows by id. */
export function fmTable(space: FeatureSpace, { dim, w, vectors }: FmParameters): EmbeddingTable {
  const features = tableFeatures(space);
  const counts = featureCounts(space);
  const table: EmbeddingTable = {
    dim,
    numRows: features.length,
    fields: space.fields.map(({ name }) => name),
    fieldOf: new Uint32Array(features.length),
    keys: joinKeys(space.fields),
    counts: features.map((feature) => counts[feature]!),
    weights: Float32Array.from(features, (feature) => w[feature]!),
    vectors: new Float32Array(features.length * dim),
  };
  let f = 0;
  features.forEach((feature, row) => {
    while (feature >= space.offsets[f + 1]!) f++;
    table.fieldOf[row] = f;
    table.vectors.set(vectors.subarray(feature * dim, (feature + 1) * dim), row * dim);
  });
  return table;
}

function joinKeys(fields: Field[]): Keys {
  const parts = fields.map((field) =>
    field.kind === "number" ? { size: 1, bytes: new Uint8Array(), offsets: new Uint32Array(2) } : field.keys,
  );
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const offsets = new Uint32Array(size + 1);
  let [row, start] = [0, 0];
  for (const part of parts) {
    for (let i = 1; i <= part.size; i++) offsets[++row] = start + part.offsets[i]!;
    start += part.bytes.length;
  }
  return { size, bytes, offsets };
}

/** The files of model/. */
export function fmModelFiles(
  space: FeatureSpace,
  { dim, w0, w, vectors }: FmParameters,
  preprocess: Preprocess,
): Record<string, readonly Uint8Array[] | string> {
  const numFields = space.fields.length;
  const oovWeights = new Float32Array(numFields);
  const oovVectors = new Float32Array(numFields * dim);
  space.fields.forEach((field, f) => {
    if (field.kind === "number") return;
    const feature = space.offsets[f]!;
    oovWeights[f] = w[feature]!;
    oovVectors.set(vectors.subarray(feature * dim, (feature + 1) * dim), f * dim);
  });
  const tensors = new Map([
    ["w0", { shape: [1], data: Float32Array.of(w0) }],
    ["oovWeights", { shape: [numFields], data: oovWeights }],
    ["oovVectors", { shape: [numFields, dim], data: oovVectors }],
  ]);
  return {
    [MODEL_FILE]: [...safetensorsChunks(tensors)],
    [PREPROCESS_FILE]: `${JSON.stringify(preprocess, undefined, 2)}\n`,
  };
}

export interface FmArtifact {
  space: FeatureSpace;
  parameters: FmParameters;
  preprocess: Preprocess;
}

/** Reads a run's model back. @throws {ArtifactError} the run is of another model, or damaged */
export async function readFm(run: Run): Promise<FmArtifact> {
  if (run.manifest.model !== "fm") {
    throw new ArtifactError(`run '${run.path}' holds a model '${run.manifest.model}', expected 'fm'`);
  }
  const preprocess = JSON.parse(
    Buffer.from(await run.readModelFile(PREPROCESS_FILE)).toString("utf8"),
  ) as Preprocess;
  const tensors = readSafetensors(await run.readModelFile(MODEL_FILE), MODEL_FILE);
  const table = await run.readTable();
  const { dim } = table;
  const space = featureSpace(preprocess.fields.map((recipe) => fieldOf(recipe, table)));

  const tensor = (name: string): Float32Array => {
    const found = tensors.get(name);
    if (!found || !(found.data instanceof Float32Array))
      throw new ArtifactError(`${MODEL_FILE} has no tensor '${name}'`);
    return found.data;
  };
  const w = new Float32Array(space.numFeatures);
  const vectors = new Float32Array(space.numFeatures * dim);
  tableFeatures(space).forEach((feature, row) => {
    w[feature] = table.weights?.[row] ?? 0;
    vectors.set(table.vectors.subarray(row * dim, (row + 1) * dim), feature * dim);
  });
  space.fields.forEach((field, f) => {
    if (field.kind === "number") return;
    w[space.offsets[f]!] = tensor("oovWeights")[f]!;
    vectors.set(tensor("oovVectors").subarray(f * dim, (f + 1) * dim), space.offsets[f]! * dim);
  });
  return { space, preprocess, parameters: { dim, w0: tensor("w0")[0]!, w, vectors } };
}

function fieldOf(recipe: Preprocess["fields"][number], table: EmbeddingTable): Field {
  if (recipe.kind === "number") return recipe;
  const { first, last } = rowsOf(table, recipe.name);
  const counts = new Uint32Array(last - first + 1);
  counts.set(table.counts.subarray(first, last), 1);
  const keys = keysOfRows(table, { first, last });
  if (recipe.kind === "bins") return { kind: "bins", name: recipe.name, edges: recipe.edges, keys, counts };
  const hash = recipe.kind === "key" && recipe.hash;
  return { kind: recipe.kind, name: recipe.name, keys, counts, ...(hash && { hash }) };
}
