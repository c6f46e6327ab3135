// A graph in compressed rows, from the transitions of sessions or from a list of edges.
//
//   edges ──► self-loops left out ──► ordered by target, then by source (two counting sorts) ──► repeated ones summed
//         ──► undirected: each edge in both directions, neighbours still ascending
//
// No object an edge. Peak memory beside the given edges, for m of them of which none repeats: directed 8 m bytes, with weights 12 m;
// undirected 12 m, with weights 24 m. The given ones are let go once they are sorted.

import { MISSING } from "../../log/keys.js";
import { DataError } from "../../errors.js";
import type { Sequences } from "../sequences/sequences.js";

/** A graph in compressed rows; an undirected edge stands in both directions. */
export interface Graph {
  /** features of the space */
  numNodes: number;
  /** u32[numNodes + 1]: the arcs of node v are [offsets[v], offsets[v + 1]) */
  offsets: Uint32Array;
  /** u32[numArcs]: ascending within a node */
  neighbors: Uint32Array;
  /** f32[numArcs], above 0; absent when all weigh 1 */
  weights?: Float32Array;
  directed: boolean;
}

/** Edges one after another, in any order. */
export interface Edges {
  /** u32[m] each: nodes, or MISSING: such an edge is left out */
  sources: Uint32Array;
  targets: Uint32Array;
  /** f32[m], finite and above 0; absent when each counts 1 */
  weights?: Float32Array;
}

/** What became of the edges. */
export interface EdgeCounts {
  /** different ones that the graph has, an undirected one counted once */
  edges: number;
  /** beside the first of each, summed into it */
  repeated: number;
  /** from a node to itself: left out */
  loops: number;
  /** with an end that is MISSING: left out */
  missing: number;
}

/**
 * The graph of some edges. Repeated ones are summed: undirected, `a b` repeats `b a`. Self-loops are left out, as DeepWalk's code
 * does: a walk that stays teaches that a node is near itself.
 *
 * The edges are given up: their arrays are taken out of the object, so that nothing holds them while the graph is made.
 *
 * @throws {DataError} the weights of an edge add up to more than f32 holds
 */
export function graphOf(
  numNodes: number,
  edges: Edges,
  { directed }: { directed: boolean },
): { graph: Graph; counts: EdgeCounts } {
  const counts: EdgeCounts = { edges: 0, repeated: 0, loops: 0, missing: 0 };
  // what sorts undirected edges by target holds the arcs of both directions afterwards
  const room = new Uint32Array((directed ? 1 : 2) * edges.sources.length);
  const half = sortedArcs(numNodes, edges, directed, counts, room);
  edges.sources = edges.targets = new Uint32Array();
  delete edges.weights;
  sumRepeated(half, counts);
  counts.edges = half.neighbors.length;
  return { graph: directed ? half : inBothDirections(half, room), counts };
}

/**
 * Arcs by source, then by target, repeated ones side by side; of undirected edges from the lower node to the higher.
 *
 * @param room u32[m] at least; overwritten
 */
function sortedArcs(
  numNodes: number,
  edges: Edges,
  directed: boolean,
  counts: EdgeCounts,
  room: Uint32Array,
): Graph {
  const { sources, targets, weights } = edges;

  // edges by target: where each target's begin, then the edges
  const starts = new Uint32Array(numNodes + 1);
  const offsets = new Uint32Array(numNodes + 1);
  for (let e = 0; e < sources.length; e++) {
    const [a, b] = [sources[e]!, targets[e]!];
    if (a === MISSING || b === MISSING) counts.missing++;
    else if (a === b) counts.loops++;
    else {
      const isSwapped = !directed && a > b;
      starts[(isSwapped ? a : b) + 1]!++;
      offsets[(isSwapped ? b : a) + 1]!++;
    }
  }
  for (let v = 0; v < numNodes; v++) {
    starts[v + 1]! += starts[v]!;
    offsets[v + 1]! += offsets[v]!;
  }
  const numArcs = offsets[numNodes]!;
  const byTarget = room.subarray(0, numArcs);
  for (let e = 0; e < sources.length; e++) {
    const [a, b] = [sources[e]!, targets[e]!];
    if (a === MISSING || b === MISSING || a === b) continue;
    byTarget[starts[!directed && a > b ? a : b]!++] = e;
  }

  // then by source: the order of targets stays within each
  const next = offsets.slice();
  const neighbors = new Uint32Array(numArcs);
  const arcWeights = weights && new Float32Array(numArcs);
  for (let i = 0; i < numArcs; i++) {
    const e = byTarget[i]!;
    const [a, b] = [sources[e]!, targets[e]!];
    const isSwapped = !directed && a > b;
    const at = next[isSwapped ? b : a]!++;
    neighbors[at] = isSwapped ? a : b;
    if (arcWeights) arcWeights[at] = weights[e]!;
  }
  return { numNodes, offsets, neighbors, weights: arcWeights, directed };
}

/** Sums repeated arcs in place. Weights that are all 1 are left out. */
function sumRepeated(graph: Graph, counts: EdgeCounts): void {
  const { numNodes, offsets, neighbors } = graph;
  let { weights } = graph;
  let [to, from, isPlain] = [0, 0, true];
  for (let v = 0; v < numNodes; v++) {
    const end = offsets[v + 1]!;
    while (from < end) {
      const target = neighbors[from]!;
      let sum = weights ? weights[from]! : 1;
      const first = from++;
      for (; from < end && neighbors[from] === target; from++) sum += weights ? weights[from]! : 1;
      counts.repeated += from - first - 1;
      if (sum !== 1) weights ??= new Float32Array(neighbors.length).fill(1);
      neighbors[to] = target;
      if (weights) weights[to] = checkedSum(sum);
      if (sum !== 1) isPlain = false;
      to++;
    }
    offsets[v + 1] = to;
  }
  graph.neighbors = cut(neighbors, to);
  if (weights && !isPlain) graph.weights = cut(weights, to);
  else delete graph.weights;
}

function checkedSum(sum: number): number {
  if (Math.fround(sum) < Infinity) return sum;
  throw new DataError(
    `the weights of an edge sum to ${sum}, which overflows a 32-bit float: divide all weights by the same ` +
      "number",
  );
}

/** Arcs from lower to higher nodes, with those back. @param room u32[2 arcs] at least, which holds the neighbours then */
function inBothDirections({ numNodes, offsets, neighbors, weights }: Graph, room: Uint32Array): Graph {
  const all = new Uint32Array(numNodes + 1);
  for (let u = 0; u < numNodes; u++) {
    all[u + 1]! += offsets[u + 1]! - offsets[u]!;
    for (let i = offsets[u]!; i < offsets[u + 1]!; i++) all[neighbors[i]! + 1]!++;
  }
  for (let v = 0; v < numNodes; v++) all[v + 1]! += all[v]!;
  const next = all.slice();
  const both = cut(room, all[numNodes]!);
  const bothWeights = weights && new Float32Array(both.length);
  const put = (from: number, to: number, i: number) => {
    const at = next[from]!++;
    both[at] = to;
    if (bothWeights) bothWeights[at] = weights[i]!;
  };
  // a node's lower neighbours have put themselves before its turn comes, in ascending order; then its higher ones follow
  for (let u = 0; u < numNodes; u++) {
    for (let i = offsets[u]!; i < offsets[u + 1]!; i++) {
      put(u, neighbors[i]!, i);
      put(neighbors[i]!, u, i);
    }
  }
  return {
    ...{ numNodes, offsets: all, neighbors: both },
    weights: bothWeights,
    directed: false,
  };
}

/** The first numbers of an array; a copy where that frees much of it. */
function cut<T extends Uint32Array | Float32Array>(numbers: T, end: number): T {
  return (end < numbers.length / 2 ? numbers.slice(0, end) : numbers.subarray(0, end)) as T;
}

/**
 * From each token of a session to the next: an edge that counts the geometric mean of its two events, as pairs of skip-grams do.
 *
 * @param sequences with the square roots of what their events count, where they do not count alike
 * @param into u8, one a token: only steps into those that are 1; all when absent
 */
export function transitionsOf(
  {
    numSessions,
    offsets,
    tokens,
    weights,
  }: Pick<Sequences, "numSessions" | "offsets" | "tokens"> & { weights?: Float32Array },
  into?: Uint8Array,
): Edges {
  const most = tokens.length - numSessions;
  const [sources, targets] = [new Uint32Array(most), new Uint32Array(most)];
  const own = weights && new Float32Array(most);
  let m = 0;
  for (let s = 0; s < numSessions; s++)
    for (let i = offsets[s]! + 1; i < offsets[s + 1]!; i++) {
      if (into && into[i] === 0) continue;
      [sources[m], targets[m]] = [tokens[i - 1]!, tokens[i]!];
      if (own) own[m] = weights[i - 1]! * weights[i]!;
      m++;
    }
  return {
    ...{ sources: cut(sources, m), targets: cut(targets, m) },
    ...(own && { weights: cut(own, m) }),
  };
}
