// --keep-state: AdaGrad's sums of squares, in model/optimizer.safetensors, by feature of the run's space.
//
//   centres, contexts   f32[numFeatures, ceil(dim / 16)]   one a slice of 16 dimensions

import type { Run } from "../embedding/run-directory.js";
import { safetensorsChunks } from "../embedding/safetensors.js";
import { TensorFile } from "../embedding/tensor-file.js";
import { OPTIMIZER_FILE } from "./names.js";

export interface Squares {
  centres: Float32Array;
  contexts: Float32Array;
}

/** Both sides changed alike. */
export function ofSquares(
  { centres, contexts }: Squares,
  change: (sums: Float32Array, side: keyof Squares) => Float32Array,
): Squares {
  return { centres: change(centres, "centres"), contexts: change(contexts, "contexts") };
}

/** The file, relative to model/. */
export function optimizerFile(
  { centres, contexts }: Squares,
  numFeatures: number,
): Record<string, readonly Uint8Array[]> {
  const shape = [numFeatures, centres.length / numFeatures];
  const tensors = new Map([
    ["centres", { shape, data: centres }],
    ["contexts", { shape, data: contexts }],
  ]);
  return { [OPTIMIZER_FILE]: safetensorsChunks(tensors) };
}

/** What a run keeps of them; undefined when it was trained without --keep-state. @throws {ArtifactError} damaged */
export async function readOptimizerFile(
  run: Run,
  numFeatures: number,
  dim: number,
): Promise<Squares | undefined> {
  if (!Object.hasOwn(run.manifest.files, `model/${OPTIMIZER_FILE}`)) return undefined;
  const tensors = await TensorFile.of(run, OPTIMIZER_FILE);
  const shape = [numFeatures, Math.ceil(dim / 16)];
  return { centres: tensors.f32("centres", shape), contexts: tensors.f32("contexts", shape) };
}
