// The AUC of held-out edges against as many non-edges, as `embed evaluate --edges` measures it: a metric of the validation part, which
// gates can bound.

import { graphOf, type Edges, type Graph } from "../../dataset/graph/graph.js";
import { UsageError } from "../../errors.js";
import type { VectorsAdd } from "../../embedding/manifest.js";
import { degreeScore, tableScore, type EdgeScore } from "../../evaluation/edge-scores.js";
import { drawNonEdges, edgeMetrics, edgePairs } from "../../evaluation/edges.js";
import { valueOf } from "../../evaluation/user-metric.js";
import { vectorsAddOf } from "../../evaluation/vectors-add.js";
import type { TableRows } from "../../skip-grams/contents.js";

/** The AUC by the cosine of nodes, and what they add to it over the degrees of the training part. */
export type EdgeAuc = (nodes: TableRows) => { edgeAuc: number; vectorsAdd: VectorsAdd | undefined };

/**
 * Draws the non-edges while the graph is at hand.
 *
 * @param held held-out edges, as features
 * @param graph of the training part; feature 0 is no node
 * @returns undefined where no held edge has two known ends; the reason where there are no non-edges
 */
export function edgeAucOf(
  { sources, targets }: Edges,
  graph: Graph,
  seed: number,
): EdgeAuc | { why: string } | undefined {
  const { directed } = graph;
  // of another object, as graphOf takes the arrays out of the one that it is given
  const { graph: held } = graphOf(graph.numNodes, { sources, targets }, { directed });
  const pairs = edgePairs(held);
  if (pairs.sources.length === 0) return undefined;
  try {
    const drawn = drawNonEdges(pairs, [held, graph], { kind: "uniform", seed, firstNode: 1 });
    const byEdge = (score: EdgeScore) => edgeMetrics(score, pairs, drawn, [{ ...held, directed: false }])[0]!;
    const alone = byEdge(degreeScore(graph));
    return ({ vectors, dim }) => {
      const model = byEdge(tableScore("cosine", { vectors, dim }, undefined, directed));
      const vectorsAdd = vectorsAddOf({ control: "degrees", units: "edges", model, alone });
      return { edgeAuc: valueOf(model), vectorsAdd };
    };
  } catch (error) {
    if (error instanceof UsageError) return { why: error.message };
    throw error;
  }
}
