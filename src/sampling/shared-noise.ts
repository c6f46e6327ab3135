// How negatives that a batch shares are drawn, and by how much each item's score is corrected for it.

import { aliasTable } from "../numeric/alias.js";
import { log } from "../numeric/exp.js";
import { noiseDistribution, type Noise } from "./noise-distribution.js";

/** How negatives are drawn, and what follows of it. */
export interface SharedNoiseOptions {
  /** uniform draws need no table */
  noise: Noise;
  /** drawn a batch */
  negatives: number;
  /** a batch's own items are negatives too */
  inBatch: boolean;
  batchSize: number;
  /** whether scores are corrected */
  logQ: boolean;
}

/** What a kernel takes of it. */
export interface SharedNoise {
  /** u32[I][2] of the alias method; absent for the uniform distribution */
  alias?: Uint32Array;
  /** f32[I]: log of each item's chance among the negatives; absent where all are the same, or no score is corrected by it */
  logNoise?: Float32Array;
}

/** @param counts u32[I]: events of each item */
export function sharedNoise(counts: Uint32Array, how: SharedNoiseOptions): SharedNoise {
  const drawn = how.noise === "uniform" ? undefined : chancesOf(noiseDistribution(counts, how.noise));
  const chances = how.logQ ? amongNegatives(drawn, counts, how) : undefined;
  return {
    ...(drawn && { alias: aliasTable(drawn) }),
    ...(chances && { logNoise: Float32Array.from(chances, (chance) => log(chance)) }),
  };
}

function chancesOf(cumulative: Float64Array): Float64Array {
  return cumulative.map((end, i) => end - (i === 0 ? 0 : cumulative[i - 1]!));
}

/**
 * Each item's chance of being a negative: a mixture of draws and of a batch's own items; undefined where all are the same, as they
 * cancel. Source: Yang et al. 2020 (doi:10.1145/3366424.3386195), eq. 4.
 *
 * @param drawn f64[I]: undefined for uniform draws
 */
function amongNegatives(
  drawn: Float64Array | undefined,
  counts: Uint32Array,
  { negatives, inBatch, batchSize }: SharedNoiseOptions,
): Float64Array | undefined {
  if (!inBatch) return drawn;
  const events = counts.reduce((sum, count) => sum + count, 0);
  const own = batchSize / (batchSize + negatives);
  return Float64Array.from(
    counts,
    (count, i) => (own * count) / events + (1 - own) * (drawn ? drawn[i]! : 1 / counts.length),
  );
}
