// The loss of held-out sessions: the same pairs and the same noise each time, so that epochs compare.

import { exp, log } from "../../numeric/exp.js";
import { draw } from "../../numeric/random.js";
import type { Item2vecOptions } from "./options.js";
import type { HeldOut } from "./sessions.js";

/** Centres that are looked at, at most; of more every so many-th is. */
const MOST_CENTRES = 20_000;
/** Names the noise of held-out pairs among the draws of a seed. */
const HELD_OUT = 0x4e1d0;

/**
 * Mean over held-out centres of -sum of w_d (log σ(h z_c) + Σ log σ(-h z_n)), w_d the weight of distance d, in nats. Events that count more or
 * less count so as centres, and pairs by both of theirs.
 *
 * @param noise of numeric/alias, by feature
 * @returns a function of f32[numFeatures * dim] centres and contexts
 */
export function heldOutLoss(
  valid: HeldOut,
  noise: Uint32Array,
  {
    window,
    direction,
    negatives,
    dim,
    seed,
  }: Pick<Item2vecOptions, "negatives" | "dim" | "seed"> & { window: number; direction: "both" | "after" },
): (vectors: Float32Array, contexts: Float32Array) => number {
  const { offsets, tokens, weights, numSessions, isHeldOut } = valid;
  const numHeldOut = isHeldOut.reduce((sum, is) => sum + is, 0);
  const step = Math.max(1, Math.ceil(numHeldOut / MOST_CENTRES));
  const key = draw(seed, HELD_OUT);
  return (vectors, contexts) => {
    const score = (a: number, b: number): number => {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += vectors[a * dim + k]! * contexts[b * dim + k]!;
      return sum;
    };
    let [loss, mass, drawn, seen] = [0, 0, 0, 0];
    for (let session = 0; session < numSessions; session++) {
      const [first, end] = [offsets[session]!, offsets[session + 1]!];
      for (let i = first; i < end; i++) {
        if (!isHeldOut[i] || seen++ % step !== 0) continue;
        mass += weights ? weights[i]! ** 2 : 1;
        const from = direction === "after" ? i + 1 : Math.max(first, i - window);
        for (let j = from; j <= Math.min(end - 1, i + window); j++) {
          if (j === i) continue;
          const ofPair = weights ? weights[i]! * weights[j]! : 1;
          const weight = (ofPair * (window - Math.abs(i - j) + 1)) / window;
          let pair = softplus(-score(tokens[i]!, tokens[j]!));
          for (let n = 0; n < negatives; n++)
            pair += softplus(score(tokens[i]!, drawNoise(noise, key, drawn++)));
          loss += weight * pair;
        }
      }
    }
    return loss / (mass || 1);
  };
}

function drawNoise(noise: Uint32Array, key: number, i: number): number {
  const slot = Math.floor((draw(key, 2 * i) / 2 ** 32) * (noise.length / 2));
  return draw(key, 2 * i + 1) <= noise[2 * slot]! ? slot : noise[2 * slot + 1]!;
}

/** log(1 + e^x). */
function softplus(x: number): number {
  return x > 0 ? x + log(1 + exp(-x)) : log(1 + exp(x));
}
