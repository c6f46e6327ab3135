// Measures whether vectors distinguish the edges of a graph from pairs of nodes without an edge.
//
//   held edges      held-out edges of a graph: m pairs (u, v)
//   non-edges       m pairs that are neither held-out nor known edges; draws are independent, so that pairs may repeat
//   edge AUC        the probability that a held-out edge scores above a non-edge; ties count half
//   direction AUC   in directed graphs, the probability that u -> v scores above v -> u if only u -> v is an edge
//
// A directed pair is an ordered one: the reverse of an edge is a non-edge like any other.

import { hasArc } from "../dataset/graph/graph-facts.js";
import type { Graph } from "../dataset/graph/graph.js";
import { UsageError } from "../base/errors.js";
import { streamOf, uniformAt } from "../base/numeric/hash.js";
import { aucByUnit } from "./auc.js";
import type { UserMetric } from "./user-metric.js";
import { unitRows } from "../table/retrieval/nearest.js";

/** Pairs of nodes: u32[m] each. In undirected edges, the lower node is the source. */
export interface Pairs {
  sources: Uint32Array;
  targets: Uint32Array;
}

/**
 * Distribution of the ends of non-edges: "uniform" draws all nodes with the same probability; "held-ends" combines the
 * source of a random held-out edge with the target of another. In the latter, a node occurs on average in as many
 * non-edges as held-out edges, so that its degree alone gives no information.
 */
const nonEdgeKinds = ["uniform", "held-ends"] as const;
export type NonEdgeKind = (typeof nonEdgeKinds)[number];

/** Number of consecutive failed draws after which the graph is rejected as too dense. */
const MOST_TRIES = 100_000;

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
 * Draws as many non-edges as there are held-out edges.
 *
 * @param graphs graph of held-out edges, and of known edges if there are any; the non-edges are arcs of neither
 * @param how firstNode: number of the first node, because lower numbers are not nodes
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
 * Returns the metrics of a score. A unit of resampling is a held-out edge with the non-edge of the same number.
 *
 * @param score score of a pair of nodes, not NaN
 * @param graphs same as in drawNonEdges
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
  // directionAuc is undefined if every edge has a reverse edge
  return weights.some((weight) => weight > 0)
    ? [...metrics, { name: "directionAuc", sums, weights }]
    : metrics;
}

// Scores of pairs of nodes: how likely an edge from u to v is.
//
//   h, z     rows of the node vectors, and of the context vectors
//
//   dot      h_u . h_v
//   cosine   the dot product of rows scaled to length 1
//   context  h_u . z_v if the graph is directed, otherwise the mean of h_u . z_v and h_v . z_u
//   degrees  the product of the out-degree of u and the in-degree of v: preferential attachment, the baseline

/** Ways to score a pair of nodes by their vectors in a table. */
const edgeScorings = ["dot", "cosine", "context"] as const;
export type EdgeScoring = (typeof edgeScorings)[number];

export type EdgeScore = (source: number, target: number) => number;

/**
 * Returns the function that scores a pair of nodes by the vectors of a table.
 *
 * @param centres f32[n * dim]
 * @param contexts f32[n * dim], required for the score "context"
 */
export function tableScore(
  scoring: EdgeScoring,
  { vectors, dim }: { vectors: Float32Array; dim: number },
  contexts: Float32Array | undefined,
  directed: boolean,
): EdgeScore {
  if (scoring === "context" && contexts) {
    const forward: EdgeScore = (u, v) => dot(vectors, u, contexts, v, dim);
    return directed ? forward : (u, v) => (forward(u, v) + forward(v, u)) / 2;
  }
  const rows = scoring === "cosine" ? unitRows(vectors, dim) : vectors;
  return (u, v) => dot(rows, u, rows, v, dim);
}

/**
 * Returns the score by preferential attachment, which favors nodes with many edges. Source: Liben-Nowell and Kleinberg
 * 2003 (doi:10.1145/956863.956972), section 3.
 */
export function degreeScore({ numNodes, offsets, neighbors }: Graph): EdgeScore {
  const inDegrees = new Float64Array(numNodes);
  for (const v of neighbors) inDegrees[v]!++;
  return (u, v) => (offsets[u + 1]! - offsets[u]!) * inDegrees[v]!;
}

function dot(a: Float32Array, u: number, b: Float32Array, v: number, dim: number): number {
  let sum = 0;
  for (let d = 0; d < dim; d++) sum += a[u * dim + d]! * b[v * dim + d]!;
  return sum;
}
