// --keep-state: AdaGrad's sums of squares, in model/optimizer.safetensors, by feature of what is trained.
//
//   centres, contexts   f32[numFeatures, ceil(dim / 16)]   one a slice of 16 dimensions
//   attention           f32[numFeatures]                   where centres are composed
//
// Where several tables were trained apart, the names of the second's begin with "1.", and so on.

import type { Run } from "../embedding/run-directory.js";
import { safetensorsChunks, type Tensor } from "../embedding/safetensors.js";
import { TensorFile } from "../embedding/tensor-file.js";
import { OPTIMIZER_FILE } from "./names.js";

export interface Squares {
  centres: Float32Array;
  contexts: Float32Array;
  /** of composed centres */
  attention?: Float32Array;
}

/** All sides changed alike. */
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

/** Names of the tensors of what was trained i-th. */
function prefixOf(i: number): string {
  return i === 0 ? "" : `${i}.`;
}

/** The file, relative to model/. @param trained one for each pair of tables that was trained apart */
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
 * What a run keeps of them; undefined when it was trained without --keep-state.
 *
 * @param dims of each pair of tables that was trained apart
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
