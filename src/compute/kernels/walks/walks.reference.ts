// Random walks in plain TypeScript: the samples of the kernel, and the exact probabilities of a step.

import { draw, permutedAt } from "../../../base/numeric/random.js";
import {
  NO_NODE,
  putArcTables,
  startNodes,
  startTable,
  stepRules,
  weightSums,
  type WalkGraph,
  type WalksShape,
} from "./binding.js";

const arcsOf = ({ offsets, neighbors }: WalkGraph, v: number): Uint32Array =>
  neighbors.subarray(offsets[v], offsets[v + 1]);

const hasArc = (graph: WalkGraph, from: number, to: number): boolean => arcsOf(graph, from).includes(to);

const weightOf = ({ offsets, weights }: WalkGraph, v: number, i: number): number =>
  weights ? weights[offsets[v]! + i]! : 1;

/**
 * Returns node2vec's factor for the weight of the arc v→x of a walk that came to v from t: 1/p for t itself, 1 if x has
 * an arc to t, else 1/q.
 *
 * The direction of the test is that of the authors' code, node2vec.py, get_alias_edge: `G.has_edge(dst_nbr, src)`.
 *
 * Source: Grover and Leskovec 2016 (arXiv:1607.00653), section 3.2.2.
 */
export function alphaOf(
  graph: WalkGraph,
  { p, q }: Pick<WalksShape, "p" | "q">,
  t: number,
  x: number,
): number {
  return x === t ? 1 / p : hasArc(graph, x, t) ? 1 : 1 / q;
}

/**
 * Returns the probability of each neighbor of v as the next node of a walk that came to v from t.
 * @returns f64 by arc of v, sum 1
 */
export function stepChances(
  graph: WalkGraph,
  parameters: Pick<WalksShape, "p" | "q">,
  t: number,
  v: number,
): Float64Array {
  const chances = Float64Array.from(
    arcsOf(graph, v),
    (x, i) => weightOf(graph, v, i) * alphaOf(graph, parameters, t, x),
  );
  const sum = chances.reduce((a, b) => a + b, 0);
  return chances.map((chance) => chance / sum);
}

export interface WalkStream {
  tokens: Uint32Array;
  left: Uint8Array;
  right: Uint8Array;
}

/** Writes the same walks as the kernel, from the same draws. */
export class ReferenceWalks {
  readonly #shape: WalksShape;
  readonly #starts: Uint32Array;
  readonly #startTable: Uint32Array;
  readonly #sums: Float64Array;
  readonly #arcTables: Uint32Array | undefined;
  readonly numWalks: number;

  constructor(shape: WalksShape) {
    const { graph, starts } = shape;
    this.#shape = shape;
    this.#starts = startNodes(graph);
    this.#sums = weightSums(graph);
    this.#startTable = startTable(this.#starts, this.#sums);
    if (graph.weights) {
      this.#arcTables = new Uint32Array(2 * graph.neighbors.length);
      putArcTables(graph, this.#sums, this.#arcTables);
    }
    this.numWalks = "nodes" in starts ? starts.nodes * this.#starts.length : starts.arcs;
  }

  /** Returns walks from .. to - 1. @param key random key of the epoch's walks */
  walks(from: number, to: number, key: number): WalkStream {
    const { length, before, after } = this.#shape;
    const numSlots = (to - from) * length;
    const tokens = new Uint32Array(numSlots).fill(NO_NODE);
    const [left, right] = [new Uint8Array(numSlots), new Uint8Array(numSlots)];
    for (let w = from; w < to; w++) {
      const walk = this.#walk(w, key);
      const slot = (w - from) * length;
      tokens.set(walk, slot);
      walk.forEach((_, i) => {
        left[slot + i] = Math.min(before, i);
        right[slot + i] = Math.min(after, walk.length - 1 - i);
      });
    }
    return { tokens, left, right };
  }

  #walk(w: number, key: number): number[] {
    const { graph, length } = this.#shape;
    const own = draw(key, w);
    const walk = [this.#start(w, key, own)];
    for (let step = 1; step < length; step++) {
      const v = walk.at(-1)!;
      if (arcsOf(graph, v).length === 0) break;
      const t = walk.at(-2);
      walk.push(this.#step(t, v, draw(own, step)));
    }
    return walk;
  }

  #start(w: number, key: number, own: number): number {
    const numStarts = this.#starts.length;
    if ("nodes" in this.#shape.starts)
      return this.#starts[permutedAt(w, this.numWalks, draw(key, NO_NODE)) % numStarts]!;
    const step = draw(own, 0);
    const place = Math.floor((draw(step, 0) * numStarts) / 2 ** 32);
    const [threshold, other] = this.#startTable.subarray(2 * place);
    return this.#starts[draw(step, 1) <= threshold! ? place : other!]!;
  }

  #byWeight(v: number, key: number, counter: number): number {
    const { offsets, neighbors } = this.#shape.graph;
    const degree = offsets[v + 1]! - offsets[v]!;
    const arc = offsets[v]! + Math.floor((draw(key, counter) * degree) / 2 ** 32);
    const [threshold, other] = this.#arcTables?.subarray(2 * arc) ?? [];
    return threshold !== undefined && draw(key, counter + 1) > threshold ? other! : neighbors[arc]!;
  }

  #step(t: number | undefined, v: number, key: number): number {
    const { graph } = this.#shape;
    const rules = stepRules(this.#shape);
    const arcs = arcsOf(graph, v);
    if (t === undefined || !rules.secondOrder) return this.#byWeight(v, key, 0);
    if (arcs.length === 1) return arcs[0]!;

    // a step first tries the arc back to t as a separate candidate, for the part of its factor that exceeds
    // `rules.most`, the bound of rejection sampling; then it samples an arc
    const back = arcs.indexOf(t);
    const extra = back < 0 ? 0 : weightOf(graph, v, back) * rules.folded;
    const folded = Math.floor((2 ** 32 * extra) / (rules.most * this.#sums[v]! + extra));
    for (let attempt = 0; attempt < arcs.length; attempt++) {
      if (draw(key, 4 * attempt) < folded) return t;
      const x = this.#byWeight(v, key, 4 * attempt + 1);
      const most = x === t ? rules.returnMost : hasArc(graph, x, t) ? rules.nearMost : rules.farMost;
      if (draw(key, 4 * attempt + 3) <= most) return x;
    }

    // no candidate was accepted, so the step is sampled from all arcs
    const weights = Array.from(arcs, (x, i) => weightOf(graph, v, i) * alphaOf(graph, this.#shape, t, x));
    const wanted = (draw(key, 0xffffffff) / 2 ** 32) * weights.reduce((a, b) => a + b, 0);
    let sum = 0;
    return arcs[weights.findIndex((weight) => (sum += weight) > wanted)] ?? arcs.at(-1)!;
  }
}
