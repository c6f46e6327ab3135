// Statistics of a graph: degrees, components, nodes without outgoing arcs.

import { ascending, mapTo } from "../../base/numeric/indices.js";
import type { Graph } from "./graph.js";

/** Statistics of one number per node. The median of an even number of nodes is the mean of the two middle numbers. */
export interface Spread {
  min: number;
  median: number;
  mean: number;
  max: number;
}

export interface GraphFacts {
  /** number of linked nodes, which have an edge */
  linked: number;
  /** number of nodes without an edge, which occur only in self-loops or in edges that lack an end */
  isolated: number;
  /** number of distinct neighbors of each linked node; directed graphs count both directions, and mutual edges twice */
  degree: Spread;
  /** out-degrees of linked nodes, for directed graphs */
  outDegree?: Spread;
  inDegree?: Spread;
  /** number of linked nodes without outgoing arcs, at which a walk ends, for directed graphs */
  dangling?: number;
  /** number of arcs whose reverse is also an arc, for directed graphs */
  reciprocated?: number;
  /** number of connected components of linked nodes, ignoring directions */
  components: number;
  /** number of nodes of the largest component */
  largestComponent: number;
}

/**
 * Computes the statistics of a graph in O(E log degree) time, with about 40 bytes per node in addition to the graph.
 */
export function graphFacts(graph: Graph): GraphFacts {
  const { numNodes, offsets, neighbors, directed } = graph;
  const outDegrees = mapTo(Uint32Array, { length: numNodes }, (_, v) => offsets[v + 1]! - offsets[v]!);
  const inDegrees = new Uint32Array(numNodes);
  for (const v of neighbors) inDegrees[v]!++;
  // the graph already stores an undirected edge in both directions, so that its out-degree is its degree
  const degrees = directed ? outDegrees.map((out, v) => out + inDegrees[v]!) : outDegrees;
  const isLinked = (_: number, v: number): boolean => degrees[v]! > 0;
  const linked = degrees.filter(isLinked);
  const { components, largest } = componentsOf(graph, degrees);
  return {
    linked: linked.length,
    isolated: numNodes - linked.length,
    degree: spreadOf(linked),
    ...(directed && {
      outDegree: spreadOf(outDegrees.filter(isLinked)),
      inDegree: spreadOf(inDegrees.filter(isLinked)),
      dangling: outDegrees.reduce((sum, out, v) => sum + (out === 0 && degrees[v]! > 0 ? 1 : 0), 0),
      reciprocated: reciprocated(graph),
    }),
    components,
    largestComponent: largest,
  };
}

/** Whether an arc exists from one node to another, in O(log degree) time. */
export function hasArc({ offsets, neighbors }: Graph, from: number, to: number): boolean {
  let [low, high] = [offsets[from]!, offsets[from + 1]!];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (neighbors[middle]! < to) low = middle + 1;
    else high = middle;
  }
  return low < offsets[from + 1]! && neighbors[low] === to;
}

function reciprocated(graph: Graph): number {
  const { numNodes, offsets, neighbors } = graph;
  let count = 0;
  for (let v = 0; v < numNodes; v++)
    for (let i = offsets[v]!; i < offsets[v + 1]!; i++) if (hasArc(graph, neighbors[i]!, v)) count++;
  return count;
}

/** Returns the statistics of a list of numbers; all are 0 if it is empty. */
export function spreadOf(given: ArrayLike<number>): Spread {
  const numbers = Float64Array.from(given);
  const n = numbers.length;
  if (n === 0) return { min: 0, median: 0, mean: 0, max: 0 };
  const sorted = numbers.sort();
  return {
    min: sorted[0]!,
    median: (sorted[(n - 1) >> 1]! + sorted[n >> 1]!) / 2,
    mean: sorted.reduce((sum, x) => sum + x, 0) / n,
    max: sorted[n - 1]!,
  };
}

/** Computes connected components by union-find with path halving (Tarjan and van Leeuwen 1984). */
function componentsOf(
  { numNodes, offsets, neighbors }: Graph,
  degrees: Uint32Array,
): { components: number; largest: number } {
  const parent = ascending(numNodes);
  const rootOf = (node: number): number => {
    let v = node;
    for (; parent[v] !== v; v = parent[v]!) parent[v] = parent[parent[v]!]!;
    return v;
  };
  const sizes = new Uint32Array(numNodes).fill(1);
  for (let v = 0; v < numNodes; v++)
    for (let i = offsets[v]!; i < offsets[v + 1]!; i++) {
      const [a, b] = [rootOf(v), rootOf(neighbors[i]!)];
      if (a === b) continue;
      const [small, large] = sizes[a]! < sizes[b]! ? [a, b] : [b, a];
      parent[small] = large;
      sizes[large]! += sizes[small]!;
    }
  let [components, largest] = [0, 0];
  for (let v = 0; v < numNodes; v++)
    if (parent[v] === v && degrees[v]! > 0) {
      components++;
      largest = Math.max(largest, sizes[v]!);
    }
  return { components, largest };
}
