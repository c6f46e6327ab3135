// Rotating components: model/ keeps the matrix, which is applied to what transform projects.

import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { ArtifactError } from "../../errors.js";
import { floatsIn, rotating, type RotateTensors } from "../../factors/rotation.js";
import { wholeRows, type Rotation } from "../../training/capabilities/rotation.js";
import { ROTATION } from "./project.js";

const keepRotation: RotateTensors = (tensors, rotate) => {
  const { length: dim } = floatsIn(tensors, "singularValues").data;
  const before = tensors.has(ROTATION)
    ? floatsIn(tensors, ROTATION).data
    : Float32Array.from({ length: dim * dim }, (_, i) => (i % (dim + 1) === 0 ? 1 : 0));
  if (before.length !== dim * dim)
    throw new ArtifactError("the run's model has a rotation of the wrong size");
  return new Map([[ROTATION, { shape: [dim, dim], data: rotate(before, new Uint8Array(dim)) }]]);
};

/** The rotation of a run of components. */
export function componentRotation(run: Run, table: EmbeddingTable): Rotation {
  return { groups: wholeRows(table), files: rotating(run, { "pca.safetensors": keepRotation }) };
}
