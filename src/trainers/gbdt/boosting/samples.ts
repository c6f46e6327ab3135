// Samples of rows and columns on which a tree is grown. Draws are hashes of (seed, tree, row).
//
//   bagging   a share of the rows, sampled anew every baggingFreq trees
//   goss      the rows with the greatest |g h| and a sample of the others, whose gradients are multiplied so that they
//             represent all others; not used in the first 1 / learningRate iterations
//
// Source: Ke et al. 2017 (LightGBM), algorithm 2, and goss.hpp of LightGBM 4. Deviation: other rows are sampled
// independently, so their number varies around otherRate n.

import { draw, permutation } from "../../../base/numeric/random.js";
import type { GbdtMachine } from "./machine.js";
import type { GbdtOptions } from "../options.js";

export interface Sample {
  /** undefined if all rows are used */
  bagged?: number;
  /** maximum factor by which the gradients of a sampled row were multiplied */
  amplified: number;
}

const ALL: Sample = { amplified: 1 };

export function isSampled({ boosting, baggingFraction, baggingFreq }: GbdtOptions): boolean {
  return boosting === "goss" || (baggingFreq > 0 && baggingFraction < 1);
}

/** Samples rows if a new sample is due; called after the gradients were computed. @param iteration from 1 */
export function drawRows(
  machine: GbdtMachine,
  options: GbdtOptions,
  iteration: number,
  before: Sample | undefined,
): Sample {
  if (!isSampled(options)) return ALL;
  if (options.boosting === "goss")
    return iteration <= Math.trunc(1 / options.learningRate) ? ALL : drawGoss(machine, options, iteration);
  const since = (iteration - 1) % options.baggingFreq;
  if (before && since > 0) return before;
  return drawBag(machine, options, iteration - since);
}

/** The rows are in ascending order. */
function drawBag(machine: GbdtMachine, { baggingFraction, seed }: GbdtOptions, iteration: number): Sample {
  const key = draw(draw(seed, 0xba9), iteration);
  const bound = baggingFraction * 2 ** 32;
  const rows = new Uint32Array(machine.layout.numTrain);
  let n = 0;
  for (let row = 0; row < rows.length; row++) if (draw(key, row) < bound) rows[n++] = row;
  machine.setBag(rows.subarray(0, n));
  return { bagged: n, amplified: 1 };
}

function drawGoss(machine: GbdtMachine, options: GbdtOptions, iteration: number): Sample {
  const { topRate, otherRate, seed } = options;
  const { numTrain } = machine.layout;
  const sizes = machine.gradientSizes();
  const least = atRank(sizes, Math.max(1, Math.floor(numTrain * topRate)));
  let numTop = 0;
  for (const size of sizes) if (size >= least) numTop++;

  // other rows are sampled with a probability that gives about otherRate of all rows
  const numOthers = numTrain - numTop;
  const share = Math.min(1, Math.floor(numTrain * otherRate) / numOthers);
  const amplified = share > 0 ? 1 / share : 1;
  const key = draw(draw(seed, 0x6055), iteration);
  const bound = share * 2 ** 32;
  const rows = new Uint32Array(numTrain);
  const sampledOthers = new Uint32Array(numTrain);
  let [n, d] = [0, 0];
  for (let row = 0; row < numTrain; row++) {
    const isTop = sizes[row]! >= least;
    if (!isTop && !(draw(key, row) < bound)) continue;
    rows[n++] = row;
    if (!isTop) sampledOthers[d++] = row;
  }
  machine.setBag(rows.subarray(0, n));
  machine.amplify(sampledOthers.subarray(0, d), amplified);
  return { bagged: n, amplified };
}

/** The k-th greatest of nonnegative numbers, k from 1, by counting the upper, then the lower half of their bits. */
export function atRank(sizes: Float32Array, k: number): number {
  // nonnegative floats have the order of their bits
  const bits = new Uint32Array(sizes.buffer, sizes.byteOffset, sizes.length);
  const counts = new Uint32Array(65_536);
  for (const b of bits) counts[b >>> 16]!++;
  let left = k;
  let high = 65_535;
  for (; high > 0 && counts[high]! < left; high--) left -= counts[high]!;
  counts.fill(0);
  for (const b of bits) if (b >>> 16 === high) counts[b & 0xffff]!++;
  let low = 65_535;
  for (; low > 0 && counts[low]! < left; low--) left -= counts[low]!;
  return new Float32Array(Uint32Array.of(((high << 16) | low) >>> 0).buffer)[0]!;
}

/** u8 by column: whether a tree may split on it; undefined for all. @param tree number of the tree, from 1 */
export function drawColumns(
  { featureFraction, seed }: GbdtOptions,
  numFeatures: number,
  tree: number,
): Uint8Array | undefined {
  if (featureFraction === 1) return undefined;
  const kept = Math.max(1, Math.round(featureFraction * numFeatures));
  const features = new Uint8Array(numFeatures);
  for (const f of permutation(numFeatures, draw(draw(seed, 0xfea), tree)).subarray(0, kept)) features[f] = 1;
  return features;
}
