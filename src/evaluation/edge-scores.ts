// Scores of pairs of nodes: how likely an edge from u to v is.
//
//   h, z     rows of the node vectors, and of the context vectors
//
//   dot      h_u . h_v
//   cosine   the dot product of rows scaled to length 1
//   context  h_u . z_v if the graph is directed, otherwise the mean of h_u . z_v and h_v . z_u
//   degrees  the product of the out-degree of u and the in-degree of v: preferential attachment, the baseline

import type { Graph } from "../dataset/graph/graph.js";
import { unitRows } from "../retrieval/nearest.js";

/** Ways to score a pair of nodes by their vectors in a table. */
export const edgeScorings = ["dot", "cosine", "context"] as const;
export type EdgeScoring = (typeof edgeScorings)[number];

/** Function that returns the score of a pair of nodes. */
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
