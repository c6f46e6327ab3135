// Whether vectors tell the edges of a graph from pairs of nodes that no edge joins.
//
//   held edges      of a graph that training has not seen: m pairs (u, v)
//   non-edges       m pairs that are neither held nor known edges, each drawn by itself, so that a pair may come twice
//   edge AUC        the chance that a held edge scores above a non-edge, a tie counting half
//   direction AUC   directed: the chance that u -> v scores above v -> u, where only the first is an edge
//
// A directed pair is an ordered one: the reverse of an edge is a non-edge like any other.

import { hasArc } from "../dataset/graph/graph-facts.js";
import type { Graph } from "../dataset/graph/graph.js";
import { UsageError } from "../errors.js";
import { streamOf, uniformAt } from "../numeric/hash.js";
import { aucByUnit } from "./auc.js";
import type { UserMetric } from "./user-metric.js";

/** Pairs of nodes: u32[m] each; of undirected edges the lower node is the source. */
export interface Pairs {
  sources: Uint32Array;
  targets: Uint32Array;
}

/**
 * How the ends of a non-edge are drawn: among all nodes alike, or as they stand in the held edges, the source of one with the target of
 * another. A node then stands in as many non-edges as held edges on average, so that its degree alone says nothing.
 */
export const nonEdgeKinds = ["uniform", "held-ends"] as const;
export type NonEdgeKind = (typeof nonEdgeKinds)[number];

/** Draws in a row that find no pair before we say that there is none. */
const MOST_TRIES = 100_000;

/** The edges of a graph, each once. */
export function edgePairs({ numNodes, offsets, neighbors, directed }: Graph): Pairs {
  const m = directed ? neighbors.length : neighbors.length / 2;
  const [sources, targets] = [new Uint32Array(m), new Uint32Array(m)];
  let e = 0;
  for (let v = 0; v < numNodes; v++) {
    for (let i = offsets[v]!; i < offsets[v + 1]!; i++) {
      if (!directed && neighbors[i]! < v) continue;
      sources[e] = v;
      targets[e++] = neighbors[i]!;
    }
  }
  return { sources, targets };
}

/**
 * As many non-edges as there are held edges.
 *
 * @param graphs held edges, and known ones where there are any; an arc of any of them is no non-edge
 * @param how firstNode: those before it are no nodes
 * @throws {UsageError} nearly all pairs are edges
 */
export function drawNonEdges(
  held: Pairs,
  graphs: readonly Graph[],
  { kind, seed, firstNode = 0 }: { kind: NonEdgeKind; seed: number; firstNode?: number },
): Pairs {
  const { numNodes } = graphs[0]!;
  const m = held.sources.length;
  const [sources, targets] = [new Uint32Array(m), new Uint32Array(m)];
  const stream = streamOf(seed, 0x65646765);
  const below = (n: number, at: number) => Math.floor(uniformAt(stream, at) * n);
  const any = (at: number) => firstNode + below(numNodes - firstNode, at);
  const isUniform = kind === "uniform";
  for (let e = 0, drawn = 0; e < m; e++) {
    const last = drawn + 2 * MOST_TRIES;
    for (;;) {
      if (drawn >= last)
        throw new UsageError(
          `found no non-edge in ${MOST_TRIES} samples: nearly all pairs of the ${numNodes} nodes are edges` +
            (isUniform ? "" : ", or all held-out edges share a node: use --non-edges uniform"),
        );
      const u = isUniform ? any(drawn++) : held.sources[below(m, drawn++)]!;
      const v = isUniform ? any(drawn++) : held.targets[below(m, drawn++)]!;
      if (u === v || graphs.some((graph) => hasArc(graph, u, v))) continue;
      [sources[e], targets[e]] = [u, v];
      break;
    }
  }
  return { sources, targets };
}

/**
 * The metrics of a score; a unit is a held edge, with the non-edge of the same number.
 *
 * @param score of a pair of nodes, not NaN
 * @param graphs as drawNonEdges has them
 */
export function edgeMetrics(
  score: (source: number, target: number) => number,
  held: Pairs,
  nonEdges: Pairs,
  graphs: readonly Graph[],
): UserMetric[] {
  const m = held.sources.length;
  const scores = new Float64Array(2 * m);
  const labels = new Float32Array(2 * m).fill(1, 0, m);
  const of = new Uint32Array(2 * m);
  for (let e = 0; e < m; e++) {
    scores[e] = score(held.sources[e]!, held.targets[e]!);
    scores[m + e] = score(nonEdges.sources[e]!, nonEdges.targets[e]!);
    of[e] = of[m + e] = e;
  }
  const metrics: UserMetric[] = [{ name: "edgeAuc", sums: aucByUnit(scores, labels, { of, size: m })! }];
  if (!graphs[0]!.directed) return metrics;
  const [sums, weights] = [new Float64Array(m), new Float64Array(m)];
  for (let e = 0; e < m; e++) {
    const [u, v] = [held.sources[e]!, held.targets[e]!];
    if (graphs.some((graph) => hasArc(graph, v, u))) continue;
    const back = score(v, u);
    weights[e] = 1;
    sums[e] = scores[e]! > back ? 1 : scores[e] === back ? 0.5 : 0;
  }
  // where every edge goes both ways there is no direction to tell
  return weights.some((weight) => weight > 0)
    ? [...metrics, { name: "directionAuc", sums, weights }]
    : metrics;
}
