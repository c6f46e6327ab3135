// The loss of held-out edges: the same edges and the same noise each time, so that epochs compare.

import { MISSING } from "../../log/keys.js";
import type { Edges } from "../../dataset/graph/graph.js";
import { aliasTable } from "../../numeric/alias.js";
import { valueOf, type UserMetric } from "../../evaluation/user-metric.js";
import { draw } from "../../numeric/random.js";
import { pairLoss, type ScoredVectors } from "../../skip-grams/pair-loss.js";

/** Edges that are looked at, at most; of more every so many-th is. */
const MOST_EDGES = 20_000;
/** Names the noise of held-out edges among the draws of a seed. */
const HELD_OUT = 0x4e1d2;

/** The loss of held-out edges. */
export interface HeldOutEdges {
  of(evaluated: ScoredVectors): number;
  /** what each edge adds to it */
  byEdge: (evaluated: ScoredVectors) => UserMetric;
}

/**
 * Mean over held-out edges of -log σ(h_u z_v) - Σ log σ(-h_u z_n), by weight, in nats; of undirected edges either end is u.
 *
 * @param noise f64[numFeatures], sum 1: chances of the noise
 * @returns undefined where no edge has two known ends
 */
export function heldOutEdges(
  edges: Edges,
  noise: Float64Array,
  { negatives, seed, directed }: { negatives: number; seed: number; directed: boolean },
): HeldOutEdges | undefined {
  const known = knownEdges(edges);
  if (known.length === 0) return undefined;
  const step = Math.ceil(known.length / MOST_EDGES);
  const sampled = known.filter((_, i) => i % step === 0);
  const alias = aliasTable(noise);
  const key = draw(seed, HELD_OUT);
  const byEdge = (evaluated: ScoredVectors): UserMetric => {
    const pairs = pairLoss(evaluated, { noise: alias, negatives, key });
    const [sums, weights] = [new Float64Array(sampled.length), new Float64Array(sampled.length)];
    sampled.forEach((e, i) => {
      const [u, v, weight] = [edges.sources[e]!, edges.targets[e]!, edges.weights?.[e] ?? 1];
      sums[i]! += weight * pairs.loss(u, v);
      if (!directed) sums[i]! += weight * pairs.loss(v, u);
      weights[i] = directed ? weight : 2 * weight;
    });
    return { name: "pairLoss", sums, weights };
  };
  return { of: (evaluated) => valueOf(byEdge(evaluated)), byEdge };
}

/** u32: edges between two known nodes. */
function knownEdges({ sources, targets }: Edges): Uint32Array {
  return Uint32Array.from(sources.keys()).filter(
    (e) => sources[e] !== MISSING && targets[e] !== MISSING && sources[e] !== targets[e],
  );
}
