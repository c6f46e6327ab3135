// First values of parameters: each is named by (seed, a hash of what it is for, its place), so that another vocabulary or another
// layer moves none. Twin of the features': ../kernels/shared/assembly/initial.ts.

import { hashText } from "./hash.js";
import { draw } from "./random.js";

/**
 * The stream of a feature.
 *
 * @param hashes u32[numFeatures][2]: names of the features that no new vocabulary changes
 */
export function featureKey(seed: number, hashes: ArrayLike<number>, feature: number): number {
  return draw(draw(seed, hashes[2 * feature]!), hashes[2 * feature + 1]!);
}

/** Number `counter` of a stream, uniform in [-1, 1): 24 bits, which an f32 holds. */
export function firstUnit(key: number, counter: number): number {
  return (draw(key, counter) >>> 8) * 2 ** -23 - 1;
}

/**
 * First weights of a dense layer, by the name of their array.
 *
 * Before tanh or without an activation they are uniform within sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010), before a
 * ReLU within sqrt(6 / inputs) (He et al. 2015).
 *
 * @returns f32[outputs][inputs]
 */
export function firstDenseWeights(
  seed: number,
  name: string,
  { inputs, outputs, activation }: { inputs: number; outputs: number; activation: string },
): Float32Array {
  const within = Math.sqrt(6 / (activation === "relu" ? inputs : inputs + outputs));
  const { lo, hi } = hashText(name);
  const key = featureKey(seed, [lo, hi], 0);
  return Float32Array.from({ length: inputs * outputs }, (_, i) => within * firstUnit(key, i));
}
