// Computes the loss of held-out sessions, with the same pairs of centre and context and the same noise each time, so
// that epochs are comparable.

import { softplus } from "../../numeric/exp.js";
import { NO_MARKET } from "../../kernels/sgns/binding.js";
import { draw } from "../../numeric/random.js";
import { sumOf } from "../../numeric/indices.js";
import type { UserMetric } from "../../evaluation/user-metric.js";
import type { Item2vecOptions } from "./options.js";
import { pairLoss, type ScoredVectors } from "../../skip-grams/pair-loss.js";
import type { HeldOutSequences } from "../../skip-grams/sessions.js";
import type { Beside } from "./sessions.js";

/** Maximum number of centres that are evaluated; if there are more, every n-th is used. */
const MOST_CENTRES = 20_000;
/** Number of the random stream for the noise of held-out pairs, which differs from the seed's other streams. */
const HELD_OUT = 0x4e1d0;
/** Number of the random stream for negatives from markets. */
const MARKETS = 0x4e1d1;

/** Computes the loss of vectors and contexts, f32[numFeatures * dim] each. */
export interface SkipGramLoss {
  of(evaluated: ScoredVectors): number;
  /** computes the loss of each session */
  bySession: (evaluated: ScoredVectors) => UserMetric;
}

/**
 * Computes the mean over held-out centres of -sum of w_d (log σ(h z_c) + Σ log σ(-h z_n)), in nats, for the centre's
 * vector h, its contexts c at distances d with weights w_d, and noise n; z are context vectors. Centres are weighted by
 * their events' weights, pairs by both events' weights. Goals, rejections and market negatives count as in training.
 *
 * @param noise alias table (numeric/alias) by feature
 */
export function heldOutLoss(
  valid: HeldOutSequences,
  noise: Uint32Array,
  {
    window,
    direction,
    negatives,
    seed,
  }: Pick<Item2vecOptions, "negatives" | "seed"> & { window: number; direction: "both" | "after" },
  beside?: Pick<Beside, "pairs" | "valid">,
): SkipGramLoss {
  const { offsets, tokens, weights, numSessions, isHeldOut } = valid;
  const numHeldOut = isHeldOut.reduce((sum, is) => sum + is, 0);
  const step = Math.max(1, Math.ceil(numHeldOut / MOST_CENTRES));
  const key = draw(seed, HELD_OUT);
  const pairsOf = beside && pairsBeside(beside, draw(seed, MARKETS));
  const bySession = (evaluated: ScoredVectors): UserMetric => {
    const pairs = pairLoss(evaluated, { noise, negatives, key });
    const [sums, masses] = [new Float64Array(numSessions), new Float64Array(numSessions)];
    let seen = 0;
    for (let session = 0; session < numSessions; session++) {
      const [first, end] = [offsets[session]!, offsets[session + 1]!];
      for (let i = first; i < end; i++) {
        if (!isHeldOut[i] || seen++ % step !== 0) continue;
        const counts = weights ? weights[i]! ** 2 : 1;
        masses[session]! += counts;
        const from = direction === "after" ? i + 1 : Math.max(first, i - window);
        for (let j = from; j <= Math.min(end - 1, i + window); j++) {
          if (j === i) continue;
          const ofPair = weights ? weights[i]! * weights[j]! : 1;
          const weight = (ofPair * (window - Math.abs(i - j) + 1)) / window;
          sums[session]! += weight * pairs.loss(tokens[i]!, tokens[j]!);
        }
        for (const [context, weight] of pairsOf?.(tokens[i]!, session, i) ?? [])
          sums[session]! +=
            counts * Math.abs(weight) * softplus(-Math.sign(weight) * pairs.score(tokens[i]!, context));
      }
    }
    const seenOnly = (_: number, session: number) => masses[session]! > 0;
    return { name: "pairLoss", sums: sums.filter(seenOnly), weights: masses.filter(seenOnly) };
  };
  return {
    of: (evaluated) => {
      const { sums, weights } = bySession(evaluated);
      return sumOf(sums) / (sumOf(weights!) || 1);
    },
    bySession,
  };
}

/**
 * Returns a function from a centre to its contexts in addition to the window, with weights; the weights of negatives
 * are below 0.
 */
function pairsBeside(
  { pairs: { markets }, valid }: Pick<Beside, "pairs" | "valid">,
  key: number,
): (centre: number, session: number, position: number) => [context: number, weight: number][] {
  return (centre, session, position) => {
    const found: [number, number][] = [];
    if (valid) {
      const { ends, rows, weights } = valid.lists;
      const list = valid.ofSession[session]!;
      for (let k = ends[list]!; k < ends[list + 1]!; k++) found.push([rows[k]!, weights[k]!]);
    }
    const market = markets?.of[centre] ?? NO_MARKET;
    if (markets && market !== NO_MARKET) {
      const [from, size] = [markets.ends[market]!, markets.ends[market + 1]! - markets.ends[market]!];
      const own = draw(key, position);
      for (let k = 0; k < markets.drawn; k++)
        found.push([markets.rows[from + Math.floor((draw(own, k) / 2 ** 32) * size)]!, -1]);
    }
    return found.filter(([context, weight]) => weight > 0 || context !== centre);
  };
}
