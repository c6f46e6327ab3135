// Small graphs in compressed sparse rows, for tests of random walks.

import type { WalkGraph } from "../compute/kernels/walks/binding.js";
import { draw } from "../base/numeric/random.js";

/** An edge between two nodes, with its weight; the default weight is 1. */
type Edge = readonly [from: number, to: number, weight?: number | undefined];

/** Creates a graph. @param edges each pair occurs once */
export function graphOf(numNodes: number, edges: readonly Edge[], directed = false): WalkGraph {
  const arcs: Edge[] = directed
    ? [...edges]
    : edges.flatMap(([from, to, weight]): Edge[] => [
        [from, to, weight],
        [to, from, weight],
      ]);
  const sorted = arcs.toSorted((a, b) => a[0] - b[0] || a[1] - b[1]);
  const offsets = new Uint32Array(numNodes + 1);
  for (const [from] of sorted) offsets[from + 1]!++;
  for (let v = 0; v < numNodes; v++) offsets[v + 1]! += offsets[v]!;
  return {
    numNodes,
    offsets,
    neighbors: Uint32Array.from(sorted, ([, to]) => to),
    ...(edges.some(([, , weight]) => weight !== undefined) && {
      weights: Float32Array.from(sorted, ([, , weight]) => weight ?? 1),
    }),
    directed,
  };
}

/** Returns a random graph in which each pair of nodes is an edge with the given probability. */
export function drawnGraph(
  numNodes: number,
  chance: number,
  { directed = false, weighted = false, seed = 1 } = {},
): WalkGraph {
  const edges: Edge[] = [];
  for (let a = 0; a < numNodes; a++) {
    for (let b = directed ? 0 : a + 1; b < numNodes; b++) {
      const drawn = draw(draw(seed, a), b);
      if (a === b || drawn / 2 ** 32 >= chance) continue;
      edges.push(weighted ? [a, b, 0.5 + (draw(drawn, 1) % 7)] : [a, b]);
    }
  }
  return graphOf(numNodes, edges, directed);
}
