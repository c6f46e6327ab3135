// Computes the AUC of held-out edges against as many non-edges, as `embed evaluate --edges` does; gates can set bounds
// on it.

import { graphOf, type Edges, type Graph } from "../../dataset/graph/graph.js";
import { UsageError } from "../../errors.js";
import type { VectorsAdd } from "../../embedding/manifest.js";
import {
  degreeScore,
  tableScore,
  type EdgeScore,
  drawNonEdges,
  edgeMetrics,
  edgePairs,
} from "../../evaluation/edges.js";
import { valueOf } from "../../evaluation/user-metric.js";
import { vectorsAddOf } from "../../evaluation/vectors-add.js";
import type { TableRows } from "../../skip-grams/contents.js";

/**
 * Computes the AUC of cosines between nodes, and its gain over the AUC of scores by the nodes' degrees in the training
 * graph.
 */
export type EdgeAuc = (nodes: TableRows) => { edgeAuc: number; vectorsAdd: VectorsAdd | undefined };

/**
 * Samples the non-edges; must be called while the graph is in memory.
 *
 * @param held   held-out edges, as features
 * @param graph graph of the training split; feature 0 is not a node
 * @returns undefined if no held-out edge connects two known nodes; a reason if there are no non-edges
 */
export function edgeAucOf(
  { sources, targets }: Edges,
  graph: Graph,
  seed: number,
): EdgeAuc | { why: string } | undefined {
  const { directed } = graph;
  // passes a new object, because graphOf removes the arrays from its argument
  const { graph: held } = graphOf(graph.numNodes, { sources, targets }, { directed });
  const pairs = edgePairs(held);
  if (pairs.sources.length === 0) return undefined;
  try {
    const nonEdges = drawNonEdges(pairs, [held, graph], { kind: "uniform", seed, firstNode: 1 });
    const byEdge = (score: EdgeScore) =>
      edgeMetrics(score, pairs, nonEdges, [{ ...held, directed: false }])[0]!;
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
