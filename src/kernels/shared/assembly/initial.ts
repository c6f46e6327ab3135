// Initial vectors. Each number is a hash of (seed, feature's hash, dimension), so a feature starts from the same vector
// in every vocabulary, on any thread; a longer vector begins with the numbers of a shorter one. Twin:
// ../../../numeric/initial.ts.

import { draw } from "./random";

/** Returns the random key of a feature's initial values. @param hash address of u32[2], the feature's hash */
export function featureKey(seed: u32, hash: usize): u32 {
  return draw(draw(seed, load<u32>(hash)), load<u32>(hash, 4));
}

/** Returns the initial value of one dimension, uniform in [-spread, spread). */
export function firstValue(key: u32, dimension: u32, spread: f32): f32 {
  // the upper 24 bits represent an f32 in [0, 1) exactly
  const unit = <f32>(draw(key, dimension) >>> 8) * <f32>5.9604644775390625e-8;
  return (unit * 2 - 1) * spread;
}
