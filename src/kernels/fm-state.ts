// What a factorization machine has learned, read and written between two runs of its threads: the norm of V, AdaGrad's
// accumulators, and all of it as bytes for a checkpoint.
//
//   slices   f32[J][n][2][K] or f32[n][J][2][K]   v and its accumulators, by the plan's strides
//   linear   f32[n][2]                            w and its accumulators
//   bias     f32[2]                               w0 and its accumulator, the same on every thread

import type { FmLayout } from "./fm.js";
import type { Arena } from "./memory.js";

/** An accumulator so large that no step moves its parameter by a bit that an f32 holds. */
const FROZEN = 1e38;
/** Byte offset of w0 within a thread's struct. */
const BIAS = 8;

/** Parameters and accumulators as they lie in memory; the same at any number of threads. */
export interface FmState {
  slices: Float32Array;
  linear: Float32Array;
  bias: Float32Array;
}

/** Accumulators by feature. */
export interface FmAccumulators {
  /** f32[numFeatures * dim] */
  vectors: Float32Array;
  /** f32[numFeatures] */
  w: Float32Array;
  w0: number;
}

/** Where the plan says that the parameters lie. */
class Parameters {
  readonly numFeatures: number;
  readonly dim: number;
  readonly K: number;
  readonly slices: Float32Array;
  readonly linear: Float32Array;
  readonly #sliceStride: number;
  readonly #featureStride: number;

  constructor({ memory }: Arena, { plan }: FmLayout) {
    const fields = new Uint32Array(memory.buffer, plan, 10);
    const [, , n, dim, J, K, slices, sliceStride, featureStride, linear] = fields as unknown as number[];
    this.numFeatures = n!;
    this.dim = dim!;
    this.K = K!;
    this.slices = new Float32Array(memory.buffer, slices, J! * n! * 2 * K!);
    this.linear = new Float32Array(memory.buffer, linear, 2 * n!);
    this.#sliceStride = sliceStride! / 4;
    this.#featureStride = featureStride! / 4;
  }

  /** Index into slices of v of a feature and dimension; its accumulator stands K further. */
  at(feature: number, d: number): number {
    return Math.floor(d / this.K) * this.#sliceStride + feature * this.#featureStride + (d % this.K);
  }
}

/** The Frobenius norm of V: the root of the sum of all squares, added in the order of features and dimensions. */
export function vectorNorm(arena: Arena, layout: FmLayout): number {
  const parameters = new Parameters(arena, layout);
  const { numFeatures, dim, K, slices } = parameters;
  let sum = 0;
  for (let feature = 0; feature < numFeatures; feature++) {
    for (let first = 0; first < dim; first += K) {
      const at = parameters.at(feature, first);
      const end = at + Math.min(K, dim - first);
      for (let i = at; i < end; i++) sum += slices[i]! * slices[i]!;
    }
  }
  return Math.sqrt(sum);
}

/** Lets no step move w0, nor w and v of the flagged features. @param frozen u8[numFeatures] */
export function freeze(arena: Arena, layout: FmLayout, frozen: Uint8Array): void {
  const accumulators = readAccumulators(arena, layout);
  const { dim } = new Parameters(arena, layout);
  frozen.forEach((flag, feature) => {
    if (!flag) return;
    accumulators.w[feature] = FROZEN;
    accumulators.vectors.fill(FROZEN, feature * dim, (feature + 1) * dim);
  });
  writeAccumulators(arena, layout, { ...accumulators, w0: FROZEN });
}

/** Copies the accumulators out. */
export function readAccumulators(arena: Arena, layout: FmLayout): FmAccumulators {
  const parameters = new Parameters(arena, layout);
  const { numFeatures, dim, K, slices, linear } = parameters;
  const vectors = new Float32Array(numFeatures * dim);
  for (let feature = 0; feature < numFeatures; feature++) {
    for (let first = 0; first < dim; first += K) {
      const at = parameters.at(feature, first) + K;
      vectors.set(slices.subarray(at, at + Math.min(K, dim - first)), feature * dim + first);
    }
  }
  const w = Float32Array.from({ length: numFeatures }, (_, feature) => linear[2 * feature + 1]!);
  const [, w0] = biasOf(arena, layout.threads[0]!);
  return { vectors, w, w0: w0! };
}

/** Copies accumulators in. */
export function writeAccumulators(arena: Arena, layout: FmLayout, { vectors, w, w0 }: FmAccumulators): void {
  const parameters = new Parameters(arena, layout);
  const { numFeatures, dim, K, slices, linear } = parameters;
  for (let feature = 0; feature < numFeatures; feature++) {
    for (let first = 0; first < dim; first += K) {
      const from = feature * dim + first;
      slices.set(vectors.subarray(from, from + Math.min(K, dim - first)), parameters.at(feature, first) + K);
    }
    linear[2 * feature + 1] = w[feature]!;
  }
  for (const thread of layout.threads) biasOf(arena, thread)[1] = w0;
}

/** A copy of all that training has made. */
export function copyState(arena: Arena, layout: FmLayout): FmState {
  const { slices, linear } = new Parameters(arena, layout);
  // copies in memory of their own: what is shared cannot be written to disk
  return {
    slices: Float32Array.from(slices),
    linear: Float32Array.from(linear),
    bias: Float32Array.from(biasOf(arena, layout.threads[0]!)),
  };
}

/** Puts a copy back. @throws {RangeError} it is of a machine of another shape */
export function restoreState(arena: Arena, layout: FmLayout, state: FmState): void {
  const { slices, linear } = new Parameters(arena, layout);
  if (state.slices.length !== slices.length || state.linear.length !== linear.length)
    throw new RangeError("the state of a machine of another shape");
  slices.set(state.slices);
  linear.set(state.linear);
  for (const thread of layout.threads) biasOf(arena, thread).set(state.bias);
}

function biasOf({ memory }: Arena, thread: number): Float32Array {
  return new Float32Array(memory.buffer, thread + BIAS, 2);
}
