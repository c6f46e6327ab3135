// Initial values of parameters. Each value is a hash of (seed, purpose, position), so that it does not depend on the
// vocabulary or on other layers. The kernels' version for features is ../../compute/kernels/shared/assembly/random.ts.

import { hashText } from "./hash.js";
import { draw } from "./random.js";

/**
 * Returns the key of a feature's random draws.
 *
 * @param hashes u32[numFeatures][2]: result of `featureHashes`, which does not depend on the vocabulary
 */
export function featureKey(seed: number, hashes: ArrayLike<number>, feature: number): number {
  return draw(draw(seed, hashes[2 * feature]!), hashes[2 * feature + 1]!);
}

/** Returns draw number `counter` of a key, uniform in [-1, 1). It has 24 bits, so that an f32 represents it exactly. */
export function firstUnit(key: number, counter: number): number {
  return (draw(key, counter) >>> 8) * 2 ** -23 - 1;
}

/**
 * Returns initial weights of a dense layer: uniform within sqrt(6 / inputs) before a ReLU (He et al. 2015), else within
 * sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010).
 *
 * @param name name of the weight array; arrays with different names get different weights
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
