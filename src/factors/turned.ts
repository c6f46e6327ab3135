// A run's vectors turned by orthogonal matrices without changing what it predicts: which vectors share a rotation, and what of model/
// goes with them.
//
//   FM, ranking, implicit, draws   <v_i, v_j> = <v_i Q, v_j Q>: one Q for all rows, out-of-vocabulary ones and every draw among them
//   FFM                            pairs meet as <v_(i, g), v_(j, f)> for fields f of i, g of j: one Q for both blocks of a pair (f, g)
//   PCA                            one Q; model/ keeps it, to be applied to what transform projects
//
// What reads coordinates one by one cannot be turned: a network's first layer, leaves of trees.

import type { Run } from "../embedding/run-directory.js";
import { safetensorsChunks, type Tensor } from "../embedding/safetensors.js";
import { TensorFile } from "../embedding/tensor-file.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { TABLE_MODEL } from "../embedding/manifest.js";
import { ArtifactError, UsageError } from "../errors.js";
import { readLayout } from "../trainers/fm/ffm/layout.js";
import { PCA_MODELS } from "../trainers/pca/model.js";
import { ROTATION } from "../trainers/pca/project.js";

/** Numbers offset .. offset + width - 1 of the vectors of a field's rows. */
export interface VectorBlock {
  field: string;
  /** of a field-aware run: the field whose features they meet */
  partner?: string;
  offset: number;
  width: number;
}

/** Turns rows. @param fieldOf [rows], indices of the table's fields @returns f32[rows * dim] */
export type Turn = (vectors: Float32Array, fieldOf: ArrayLike<number>) => Float32Array;

/** Why a run cannot be turned, by the manifest's name of its model. */
const reasons: Record<string, string> = {
  gbdt: "holds encodings of leaves: a leaf's number and vector name a tree's split, and trees of two trainings have none in common",
  lr: "holds a linear model: its vectors are weights, which no rotation leaves as they are",
  net: "holds a network, whose first layer reads every coordinate by itself: start it from the earlier run (--init), which keeps them in place",
};

/**
 * The blocks that share a rotation, a list a rotation.
 *
 * @throws {UsageError} no rotation leaves the run's predictions as they are
 */
export async function rotationGroups(run: Run, table: EmbeddingTable): Promise<VectorBlock[][]> {
  const { model } = run.manifest;
  if (model === "ffm") return await pairsOfFields(run, table);
  if (model !== TABLE_MODEL && !Object.hasOwn(files, model)) {
    const reason =
      (Object.hasOwn(reasons, model) && reasons[model]) || `holds a model '${model}' that cannot be turned`;
    throw new UsageError(`run '${run.path}' ${reason}`);
  }
  return [table.fields.map((field) => ({ field, offset: 0, width: table.dim }))];
}

async function pairsOfFields(run: Run, table: EmbeddingTable): Promise<VectorBlock[][]> {
  const { fields, dim: width } = await readLayout(run, table);
  const block = (f: number, g: number): VectorBlock => ({
    field: table.fields[f]!,
    partner: fields[g]!,
    offset: g * width,
    width,
  });
  // features of one several-valued field meet by its own block
  return fields.flatMap((_, f) =>
    fields.slice(f).map((__, i) => (i === 0 ? [block(f, f)] : [block(f, f + i), block(f + i, f)])),
  );
}

type Tensors = ReadonlyMap<string, Tensor>;
/** The tensors of a file that change. */
type TurnTensors = (tensors: Tensors, turn: Turn) => Map<string, Tensor>;

const turnOov: TurnTensors = (tensors, turn) => {
  const { shape, data } = rowsIn(tensors, "oovVectors");
  // a row a field
  return new Map([
    [
      "oovVectors",
      {
        shape,
        data: turn(
          data,
          Uint32Array.from({ length: shape[0]! }, (_, f) => f),
        ),
      },
    ],
  ]);
};

const turnDraws: TurnTensors = (tensors, turn) =>
  new Map(
    [...tensors.keys()]
      .filter((name) => name.endsWith(".vectors"))
      .map((name) => {
        const { shape, data } = rowsIn(tensors, name);
        return [name, { shape, data: turn(data, new Uint8Array(shape[0]!)) }];
      }),
  );

const keepRotation: TurnTensors = (tensors, turn) => {
  const { length: dim } = floats(tensors, "singularValues").data;
  const before = tensors.has(ROTATION)
    ? floats(tensors, ROTATION).data
    : Float32Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0));
  if (before.length !== dim * dim) throw new ArtifactError(`the run's model has a rotation of another size`);
  return new Map([[ROTATION, { shape: [dim, dim], data: turn(before, new Uint8Array(dim)) }]]);
};

const FM_FILE = { "fm.safetensors": turnOov };

/** By model: the files of model/ that hold vectors. */
const files: Record<string, Record<string, TurnTensors>> = {
  fm: FM_FILE,
  ffm: FM_FILE,
  "fm-draws": { ...FM_FILE, "draws.safetensors": turnDraws },
  ...Object.fromEntries(
    Object.values(PCA_MODELS).map((model) => [model, { "pca.safetensors": keepRotation }]),
  ),
};

/** The files of model/ that change, by name. @throws {ArtifactError} damaged */
export async function turnedFiles(run: Run, turn: Turn): Promise<Record<string, readonly Uint8Array[]>> {
  const own = Object.entries(files[run.manifest.model] ?? {});
  const turned: Record<string, readonly Uint8Array[]> = {};
  for (const [name, change] of own) {
    const { all: tensors } = await TensorFile.of(run, name);
    turned[name] = safetensorsChunks(new Map([...tensors, ...change(tensors, turn)]));
  }
  return turned;
}

/** A tensor that has a row a feature or a field. */
function rowsIn(tensors: Tensors, name: string): { shape: number[]; data: Float32Array } {
  const found = floats(tensors, name);
  if (found.shape.length === 2) return found;
  throw new ArtifactError(`tensor '${name}' of the run's model has ${found.shape.length} dimensions, not 2`);
}

function floats(tensors: Tensors, name: string): { shape: number[]; data: Float32Array } {
  const found = tensors.get(name);
  if (!(found?.data instanceof Float32Array))
    throw new ArtifactError(`the run's model has no tensor '${name}'`);
  return { shape: found.shape, data: found.data };
}
