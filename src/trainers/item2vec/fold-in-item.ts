// Computes the vector of a new item from its contexts, whose vectors are fixed.
//
//   J(h) = Σ_c m_c log(1 + e^(-h·z_c)) + K M E_n log(1 + e^(h·z_n)) + λ/2 |h|²        M = Σ_c m_c
//
//   h    f64[dim], the item as a centre        z   f32[dim], the context vectors of known items
//   m_c  number of times that c is a context of the item, each weighted by its distance
//   K    negatives per context        n  noise, from the run's distribution
//
// J is the training loss of one centre, with the mean over the noise in place of samples, plus a penalty. It is
// strictly convex for λ > 0, so the minimum is unique.

import { foldIn } from "../../factors/fold-in.js";
import { draw } from "../../numeric/random.js";
import { itemAt, noiseDistribution } from "../../sampling/noise-distribution.js";

/**
 * The mean over noise is exact up to this number of items; with more items, it is estimated from this number of
 * samples.
 */
const MOST_NOISE = 4096;
/** Number of the random stream for the samples of noise, which differs from the seed's other streams. */
const FOLD_IN_NOISE = 0xf01d;

/** Fixed context vectors, and the noise distribution, to which each new item is fitted. */
export interface FixedContexts {
  dim: number;
  /** context vectors of the known items, f32[numItems * dim], row-major */
  vectors: Float32Array;
  /** items of the noise, and their probabilities, whose sum is 1 */
  noise: { items: Uint32Array; chances: Float64Array };
}

/** Returns the noise distribution of a run. @param counts u32[numItems]: number of training events of each item */
export function noiseOf(
  counts: Uint32Array,
  { noiseExponent, seed }: { noiseExponent: number; seed: number },
): FixedContexts["noise"] {
  const cumulative = noiseDistribution(counts, noiseExponent);
  const chanceOf = (item: number) => cumulative[item]! - (item > 0 ? cumulative[item - 1]! : 0);
  const all = Uint32Array.from(counts.keys()).filter((item) => counts[item]! > 0);
  if (all.length <= MOST_NOISE) return { items: all, chances: Float64Array.from(all, chanceOf) };
  // stratified sampling reduces the variance: one sample is drawn from each of equal shares of the distribution
  const key = draw(seed, FOLD_IN_NOISE);
  const chanceByItem = new Map<number, number>();
  for (let i = 0; i < MOST_NOISE; i++) {
    const item = itemAt(cumulative, (i + draw(key, i) / 2 ** 32) / MOST_NOISE);
    chanceByItem.set(item, (chanceByItem.get(item) ?? 0) + 1 / MOST_NOISE);
  }
  return { items: Uint32Array.from(chanceByItem.keys()), chances: Float64Array.from(chanceByItem.values()) };
}

/**
 * Returns the vector of a new item, which minimizes the loss J by Newton's method, starting from 0: a logistic
 * regression of contexts against noise.
 *
 * @param masses m_c: how often item c is a context of the new item, weighted by distance; for at least one item
 * @param how.l2 λ, above 0
 * @returns f64[dim]
 */
export function foldInItem(
  { dim, vectors, noise }: FixedContexts,
  masses: ReadonlyMap<number, number>,
  { negatives, l2 }: { negatives: number; l2: number },
): Float64Array {
  const mass = [...masses.values()].reduce((sum, m) => sum + m, 0);
  const numRows = masses.size + noise.items.length;
  const rows = {
    dim,
    phi: new Float64Array(numRows * (1 + dim)),
    offsets: new Float64Array(numRows),
    labels: new Float64Array(numRows).fill(1, 0, masses.size),
    weights: Float64Array.of(...masses.values(), ...noise.chances.map((chance) => negatives * mass * chance)),
  };
  // foldIn also fits a weight, which stays 0 because its column of `phi` is zero
  [...masses.keys(), ...noise.items].forEach((item, row) =>
    rows.phi.set(vectors.subarray(item * dim, (item + 1) * dim), row * (1 + dim) + 1),
  );
  return foldIn(rows, { loss: "logistic", l2Weight: 1, l2Vector: l2 }).subarray(1);
}
