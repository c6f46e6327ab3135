// Builds a graph in compressed rows, from the transitions of sessions or from a list of edges.
//
//   edges ──► self-loops dropped ──► sorted by target, then by source (two counting sorts) ──► repeated ones summed
//         ──► undirected: each edge in both directions, neighbors still ascending
//
// The build creates no object per edge. Its peak memory in addition to the given edges is, for m distinct edges:
// directed 8 m bytes, with weights 12 m; undirected 12 m, with weights 24 m. The given edges are released once they are
// sorted.

import { MISSING } from "../../log/keys.js";
import { DataError } from "../../base/errors.js";
import type { Sequences } from "../sequences/sequences.js";

/** A graph in compressed sparse rows; an undirected edge is stored in both directions. */
export interface Graph {
  /** number of nodes, which are the features of the space */
  numNodes: number;
  /** u32[numNodes + 1]: the arcs of node v are [offsets[v], offsets[v + 1]) */
  offsets: Uint32Array;
  /** u32[numArcs]: targets of the arcs, in ascending order within a node */
  neighbors: Uint32Array;
  /** f32[numArcs]: weight of each arc, above 0; absent if all are 1 */
  weights?: Float32Array;
  directed: boolean;
}

/** A list of edges, in any order. */
export interface Edges {
  /** u32[m] each: source and target node of each edge; an edge with MISSING is dropped */
  sources: Uint32Array;
  targets: Uint32Array;
  /** f32[m]: weight of each edge, finite and above 0; absent if all are 1 */
  weights?: Float32Array;
}

/** Counts of the edges that the build of a graph merged or dropped. */
export interface EdgeCounts {
  /** number of distinct edges in the graph; an undirected edge counts once */
  edges: number;
  /** number of edges that repeat an earlier edge and were added to its weight */
  repeated: number;
  /** number of dropped edges from a node to itself */
  loops: number;
  /** number of dropped edges that lack an end (MISSING) */
  missing: number;
}

/**
 * Builds the graph of the given edges. Weights of repeated edges are summed; in an undirected graph, `b a` repeats `a
 * b`. Self-loops are dropped, as in DeepWalk's code, because a step from a node to itself carries no information about
 * neighbors.
 *
 * The function takes ownership of the edges: it removes their arrays from the object, so that they can be freed during
 * the build.
 *
 * @throws {DataError} the sum of an edge's weights exceeds f32
 */
export function graphOf(
  numNodes: number,
  edges: Edges,
  { directed }: { directed: boolean },
): { graph: Graph; counts: EdgeCounts } {
  const counts: EdgeCounts = { edges: 0, repeated: 0, loops: 0, missing: 0 };
  // buffer for sorting; it later receives the arcs of an undirected graph, which are two per edge
  const room = new Uint32Array((directed ? 1 : 2) * edges.sources.length);
  const half = sortedArcs(numNodes, edges, directed, counts, room);
  edges.sources = edges.targets = new Uint32Array();
  delete edges.weights;
  sumRepeated(half, counts);
  counts.edges = half.neighbors.length;
  return { graph: directed ? half : inBothDirections(half, room), counts };
}

/**
 * Returns arcs sorted by source, then by target, with repeated arcs adjacent; an undirected edge goes from the lower
 * node to the higher.
 *
 * @param room buffer of at least one number per edge, which is overwritten
 */
function sortedArcs(
  numNodes: number,
  edges: Edges,
  directed: boolean,
  counts: EdgeCounts,
  room: Uint32Array,
): Graph {
  const { sources, targets, weights } = edges;

  // counting sort by target: computes where the edges of each target start, then writes the edges
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

  // stable counting sort by source, which keeps the order of targets
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

/** Merges repeated arcs in place and sums their weights. Weights are dropped if all are 1. */
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

/** Adds the reverse of arcs from lower to higher nodes. @param room buffer of two numbers per arc for the neighbors */
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
  // as nodes are visited in ascending order, the arcs from u to lower nodes are complete; the arcs to higher nodes
  // follow them
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

/** Returns the first `end` elements of an array. Copies them if a view would keep a much larger buffer alive. */
function cut<T extends Uint32Array | Float32Array>(numbers: T, end: number): T {
  return (end < numbers.length / 2 ? numbers.slice(0, end) : numbers.subarray(0, end)) as T;
}

/**
 * Creates an edge from each token of a session to the next; its weight is the geometric mean of the weights of the two
 * events, as for pairs of skip-grams.
 *
 * @param sequences sessions, with the square roots of the events' weights if these differ
 * @param into u8, one per token: 1 if edges to this token are created; all are created when absent
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
