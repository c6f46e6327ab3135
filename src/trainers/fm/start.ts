// A factorization machine that goes on from an earlier one: where each known feature starts, and what takes no step.
//
//   drawn first vectors ──► earlier parameters written over those of known features ──► epochs ──► untouched ones put back
//
// Labels are divided by their deviation while training (train.ts), and so are earlier parameters; what no row moved is put
// back at the end rather than multiplied, so that it is the same bits.

import type { FeatureRates } from "../../kernels/fm/binding.js";
import type { Start } from "../../training/warm-start/start.js";
import type { FmMachine, ParameterRegions } from "../../factors/machine.js";

/**
 * Moves known features from their first draws to where the earlier model had them. A vector that is all zero was never trained
 * and starts as a new one, unless it is frozen; so does one for a partner field that the earlier model had not.
 *
 * @param scratch  regions that are overwritten
 * @param scale    what labels are divided by
 * @param l2Weight of a feature's weight
 */
export async function startFrom(
  machine: FmMachine,
  scratch: ParameterRegions,
  { known, knownBlocks = Uint8Array.of(1), w0, w, vectors, freezes, optimizer }: Start,
  scale: number,
  l2Weight: (feature: number) => number,
): Promise<void> {
  await machine.export(scratch);
  const [allW, allVectors] = [machine.arena.f32(scratch.w), machine.arena.f32(scratch.vectors)];
  const width = vectors.length / known.length / knownBlocks.length;
  const root = Math.sqrt(scale);
  known.forEach((isKnown, feature) => {
    if (!isKnown) return;
    allW[feature] = w[feature]! / scale;
    knownBlocks.forEach((isBlockKnown, block) => {
      const from = (feature * knownBlocks.length + block) * width;
      const vector = vectors.subarray(from, from + width);
      if (!isBlockKnown || (!freezes && vector.every((v) => v === 0))) return;
      for (let d = 0; d < width; d++) allVectors[from + d] = vector[d]! / root;
    });
  });
  await machine.import(scratch);
  machine.bias = w0 / scale;
  if (optimizer) machine.setOptimizer(optimizer, known, knownBlocks);
  machine.alignWeights(l2Weight);
  if (freezes) machine.freezeBias();
}

/** The rates of features under a start that freezes some: these take no step. */
export function freezingRates(
  { known }: Start,
  ratesOf: (feature: number) => FeatureRates,
): (feature: number) => FeatureRates {
  return (feature) => (known[feature] ? { ...ratesOf(feature), factor: 0 } : ratesOf(feature));
}
