// Rotates the vectors of a factorization machine of any trainer. Because <v_i, v_j> = <v_i Q, v_j Q>, one Q applies to
// all rows, including out-of-vocabulary features and every posterior draw.

import { ascending } from "../../../base/numeric/indices.js";
import type { Run } from "../../../table/run-directory.js";
import { safetensorsChunks, TensorFile, type Tensor } from "../../../table/safetensors.js";
import type { EmbeddingTable } from "../../../table/table.js";
import { ArtifactError } from "../../../base/errors.js";
import { wholeRows, type Rotation, type Rotate } from "../../../training/capabilities/rotation.js";

type Tensors = ReadonlyMap<string, Tensor>;
/** Rotates the vectors in a file's tensors, and returns the tensors that it changed. */
export type RotateTensors = (tensors: Tensors, rotate: Rotate) => Map<string, Tensor>;

const rotateUnknown: RotateTensors = (tensors, rotate) => {
  const { shape, data } = rowsIn(tensors, "oovVectors");
  // the tensor has one row per field
  return new Map([["oovVectors", { shape, data: rotate(data, ascending(shape[0]!)) }]]);
};

/** Rotations of the files of model/ that contain vectors of a factorization machine, by file name. */
export const factorFiles: Readonly<Record<string, RotateTensors>> = { "fm.safetensors": rotateUnknown };

/** Returns the vectors and files of a factor model that must be multiplied by the same orthogonal matrix. */
export function factorRotation(run: Run, table: EmbeddingTable): Rotation {
  return { groups: wholeRows(table), files: rotating(run, factorFiles) };
}

/**
 * Returns the function that rotates the vectors in files of a run's folder model/.
 * @param changes for each file name, the function that rotates the file's tensors
 */
export function rotating(run: Run, changes: Readonly<Record<string, RotateTensors>>): Rotation["files"] {
  return async (rotate) => {
    const rotated: Record<string, readonly Uint8Array[]> = {};
    for (const [name, change] of Object.entries(changes)) {
      const { all: tensors } = await TensorFile.of(run, name);
      rotated[name] = safetensorsChunks(new Map([...tensors, ...change(tensors, rotate)]));
    }
    return rotated;
  };
}

/** Returns a tensor with one row per feature or field. @throws {ArtifactError} it has another shape */
export function rowsIn(tensors: Tensors, name: string): { shape: number[]; data: Float32Array } {
  const found = floatsIn(tensors, name);
  if (found.shape.length === 2) return found;
  throw new ArtifactError(`tensor '${name}' of the run's model has ${found.shape.length} dimensions, not 2`);
}

/** Returns a tensor of 32-bit floats. @throws {ArtifactError} it is missing */
export function floatsIn(tensors: Tensors, name: string): { shape: number[]; data: Float32Array } {
  const found = tensors.get(name);
  if (!(found?.data instanceof Float32Array))
    throw new ArtifactError(`the run's model has no tensor '${name}'`);
  return { shape: found.shape, data: found.data };
}
