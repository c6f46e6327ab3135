// --keep-state: AdaGrad's sums of squares, in model/optimizer.safetensors, by feature of the training's feature space.
//
//   centres, contexts   f32[numFeatures, ceil(dim / 16)]   one number per slice of 16 dimensions
//   attention           f32[numFeatures]                   if centers are composed
//
// If several pairs of tables were trained separately, the names of the second pair's tensors begin with "1.", and so
// on.

import type { Run } from "../embedding/run-directory.js";
import { safetensorsChunks, TensorFile, type Tensor } from "../embedding/safetensors.js";
import { OPTIMIZER_FILE } from "./names.js";

export interface Squares {
  centres: Float32Array;
  contexts: Float32Array;
  /** sums of squares of the attention, for composed centers */
  attention?: Float32Array;
}

/** Applies a function to the sums of squares of the centers, the contexts and the attention. */
export function ofSquares(
  { centres, contexts, attention }: Squares,
  change: (sums: Float32Array, side: keyof Squares) => Float32Array,
): Squares {
  return {
    centres: change(centres, "centres"),
    contexts: change(contexts, "contexts"),
    ...(attention && { attention: change(attention, "attention") }),
  };
}

/** Returns the prefix of the tensor names of the i-th pair of tables. */
function prefixOf(i: number): string {
  return i === 0 ? "" : `${i}.`;
}

/**
 * Returns the file with the optimizer's state, keyed by its path in model/.
 *
 * @param trained sums of squares of each pair of tables that was trained separately
 */
export function optimizerFile(
  trained: readonly Squares[],
  numFeatures: number,
): Record<string, readonly Uint8Array[]> {
  const tensors = new Map<string, Tensor>();
  for (const [i, { centres, contexts, attention }] of trained.entries()) {
    const shape = [numFeatures, centres.length / numFeatures];
    tensors.set(`${prefixOf(i)}centres`, { shape, data: centres });
    tensors.set(`${prefixOf(i)}contexts`, { shape, data: contexts });
    if (attention) tensors.set(`${prefixOf(i)}attention`, { shape: [numFeatures], data: attention });
  }
  return { [OPTIMIZER_FILE]: safetensorsChunks(tensors) };
}

/**
 * Reads a run's sums of squares. Returns undefined if the run was trained without --keep-state.
 *
 * @param dims dimension of each pair of tables that was trained separately
 * @throws {ArtifactError} damaged
 */
export async function readOptimizerFile(
  run: Run,
  numFeatures: number,
  dims: readonly number[],
): Promise<Squares[] | undefined> {
  if (!Object.hasOwn(run.manifest.files, `model/${OPTIMIZER_FILE}`)) return undefined;
  const tensors = await TensorFile.of(run, OPTIMIZER_FILE);
  return dims.map((dim, i) => {
    const shape = [numFeatures, Math.ceil(dim / 16)];
    const attention = `${prefixOf(i)}attention`;
    return {
      centres: tensors.f32(`${prefixOf(i)}centres`, shape),
      contexts: tensors.f32(`${prefixOf(i)}contexts`, shape),
      ...(tensors.has(attention) && { attention: tensors.f32(attention, [numFeatures]) }),
    };
  });
}
