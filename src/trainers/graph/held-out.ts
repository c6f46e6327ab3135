// The loss of held-out edges: the same edges and the same noise each time, so that epochs compare.

import { MISSING } from "../../log/keys.js";
import type { Edges } from "../../dataset/graph.js";
import { aliasTable } from "../../numeric/alias.js";
import { draw } from "../../numeric/random.js";
import { pairLoss, type ScoredVectors } from "../../skip-grams/pair-loss.js";

/** Edges that are looked at, at most; of more every so many-th is. */
const MOST_EDGES = 20_000;
/** Names the noise of held-out edges among the draws of a seed. */
const HELD_OUT = 0x4e1d2;

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
): ((evaluated: ScoredVectors) => number) | undefined {
  const known = knownEdges(edges);
  if (known.length === 0) return undefined;
  const step = Math.ceil(known.length / MOST_EDGES);
  const sampled = known.filter((_, i) => i % step === 0);
  const alias = aliasTable(noise);
  const key = draw(seed, HELD_OUT);
  return (evaluated) => {
    const pairs = pairLoss(evaluated, { noise: alias, negatives, key });
    let [loss, mass] = [0, 0];
    const add = (u: number, v: number, weight: number): void => {
      loss += weight * pairs.loss(u, v);
      mass += weight;
    };
    for (const e of sampled) {
      const [u, v, weight] = [edges.sources[e]!, edges.targets[e]!, edges.weights?.[e] ?? 1];
      add(u, v, weight);
      if (!directed) add(v, u, weight);
    }
    return loss / mass;
  };
}

/** u32: edges between two known nodes. */
function knownEdges({ sources, targets }: Edges): Uint32Array {
  return Uint32Array.from(sources.keys()).filter(
    (e) => sources[e] !== MISSING && targets[e] !== MISSING && sources[e] !== targets[e],
  );
}
