// The loss of held-out edges: the same edges and the same noise each time, so that epochs compare.

import { MISSING } from "../../dataset/dataset.js";
import type { Edges } from "../../dataset/graph.js";
import { aliasTable } from "../../numeric/alias.js";
import { exp, log } from "../../numeric/exp.js";
import { draw } from "../../numeric/random.js";

/** Edges that are looked at, at most; of more every so many-th is. */
const MOST_EDGES = 20_000;
/** Names the noise of held-out edges among the draws of a seed. */
const HELD_OUT = 0x4e1d2;

/** Vectors to judge: f32[numFeatures * dim] each. */
export interface Judged {
  dim: number;
  vectors: Float32Array;
  contexts: Float32Array;
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
): ((judged: Judged) => number) | undefined {
  const known = knownEdges(edges);
  if (known.length === 0) return undefined;
  const step = Math.ceil(known.length / MOST_EDGES);
  const looked = known.filter((_, i) => i % step === 0);
  const alias = aliasTable(noise);
  const key = draw(seed, HELD_OUT);
  return ({ dim, vectors, contexts }) => {
    const score = (a: number, b: number): number => {
      let sum = 0;
      for (let k = 0; k < dim; k++) sum += vectors[a * dim + k]! * contexts[b * dim + k]!;
      return sum;
    };
    let [loss, mass, drawn] = [0, 0, 0];
    const add = (u: number, v: number, weight: number): void => {
      let pair = softplus(-score(u, v));
      for (let n = 0; n < negatives; n++) pair += softplus(score(u, drawNoise(alias, key, drawn++)));
      loss += weight * pair;
      mass += weight;
    };
    for (const e of looked) {
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

function drawNoise(alias: Uint32Array, key: number, i: number): number {
  const slot = Math.floor((draw(key, 2 * i) / 2 ** 32) * (alias.length / 2));
  return draw(key, 2 * i + 1) <= alias[2 * slot]! ? slot : alias[2 * slot + 1]!;
}

/** log(1 + e^x). */
function softplus(x: number): number {
  return x > 0 ? x + log(1 + exp(-x)) : log(1 + exp(x));
}
