// --keep-state: stores the optimizer state of each parameter in model/optimizer.safetensors, with a row for each of the
// n features of the run's feature space.
//
//   vectors  f32[n, floats per vector]   AdaGrad's sum of squares of each dimension, or Adam's two means and its
//            counters, in the order of kernels/fm/state.ts
//   w        f32[n, floats per weight]   the same for the weight
//   w0       f32[1]                      AdaGrad's sum of squares of the bias

import type { Run } from "../embedding/run-directory.js";
import { safetensorsChunks, TensorFile } from "../embedding/safetensors.js";
import type { OptimizerState } from "../kernels/fm/state.js";

const FILE = "optimizer.safetensors";

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
  return { [FILE]: safetensorsChunks(tensors) };
}

/**
 * Reads a run's optimizer state. Returns undefined if the run was trained without --keep-state.
 *
 * @throws {ArtifactError} damaged
 */
export async function readOptimizerFile(run: Run, numFeatures: number): Promise<OptimizerState | undefined> {
  if (!Object.hasOwn(run.manifest.files, `model/${FILE}`)) return undefined;
  const tensors = await TensorFile.of(run, FILE);
  return {
    vectors: tensors.f32("vectors", [numFeatures, undefined]),
    w: tensors.f32("w", [numFeatures, undefined]),
    w0: tensors.f32("w0", [1])[0]!,
  };
}
