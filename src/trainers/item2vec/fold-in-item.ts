// The vector of a new item from what it occurs with, the contexts of the run as they are.
//
//   J(h) = Σ_c m_c log(1 + e^(-h·z_c)) + K M E_n log(1 + e^(h·z_n)) + λ/2 |h|²        M = Σ_c m_c
//
//   h    f64[dim], the item as a centre        z   f32[dim], the contexts of known items, fixed
//   m_c  how often c is a context of the item, each time by the weight of its distance
//   K    negatives a context        n  noise, by the run's distribution
//
// It is what training minimizes for one centre, with the mean over noise in place of draws and a penalty: strictly convex for λ > 0,
// so that there is one answer.

import { foldIn } from "../../factors/fold-in.js";
import { draw } from "../../numeric/random.js";
import { itemAt, noiseDistribution } from "../../sampling/noise-distribution.js";

/** The mean over noise is exact for so many items; for more it is taken over so many of them, drawn by the distribution. */
const MOST_NOISE = 4096;
/** Names these draws among those of a seed. */
const FOLD_IN_NOISE = 0xf01d;

/** What every new item is fitted against. */
export interface FixedContexts {
  dim: number;
  /** f32[numItems * dim], row-major */
  vectors: Float32Array;
  /** items of the noise, and the chance of each; they add up to 1 */
  noise: { items: Uint32Array; chances: Float64Array };
}

/** The noise of a run. @param counts u32[numItems]: events of each item in training */
export function noiseOf(
  counts: Uint32Array,
  { noiseExponent, seed }: { noiseExponent: number; seed: number },
): FixedContexts["noise"] {
  const cumulative = noiseDistribution(counts, noiseExponent);
  const chanceOf = (item: number) => cumulative[item]! - (item > 0 ? cumulative[item - 1]! : 0);
  const all = Uint32Array.from(counts.keys()).filter((item) => counts[item]! > 0);
  if (all.length <= MOST_NOISE) return { items: all, chances: Float64Array.from(all, chanceOf) };
  // one draw in each of equal shares of the distribution, which vary less than free draws
  const key = draw(seed, FOLD_IN_NOISE);
  const drawn = new Map<number, number>();
  for (let i = 0; i < MOST_NOISE; i++) {
    const item = itemAt(cumulative, (i + draw(key, i) / 2 ** 32) / MOST_NOISE);
    drawn.set(item, (drawn.get(item) ?? 0) + 1 / MOST_NOISE);
  }
  return { items: Uint32Array.from(drawn.keys()), chances: Float64Array.from(drawn.values()) };
}

/**
 * The minimum of J, by Newton's method from 0: a logistic regression of contexts against noise.
 *
 * @param masses m_c by item; one at least
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
  // the weight of the machine that foldIn fits has a column of zeros: it stays 0
  [...masses.keys(), ...noise.items].forEach((item, row) =>
    rows.phi.set(vectors.subarray(item * dim, (item + 1) * dim), row * (1 + dim) + 1),
  );
  return foldIn(rows, { loss: "logistic", l2Weight: 1, l2Vector: l2 }).subarray(1);
}
