// First vectors: each number is named by (seed, hash of the feature, dimension), so that a feature has the same first vector in
// every vocabulary, at every length of vectors, whoever draws it. Twin: ../../../numeric/initial.ts.

import { draw } from "./random";

/** The stream of a feature, whose hash is u32[2]. */
export function featureKey(seed: u32, hash: usize): u32 {
  return draw(draw(seed, load<u32>(hash)), load<u32>(hash, 4));
}

/** Number `dimension` of a stream, uniform in [-spread, spread). */
export function firstValue(key: u32, dimension: u32, spread: f32): f32 {
  // the upper 24 bits are an f32 in [0, 1) exactly
  const unit = <f32>(draw(key, dimension) >>> 8) * <f32>5.9604644775390625e-8;
  return (unit * 2 - 1) * spread;
}
