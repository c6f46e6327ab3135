// The AUC of held-out edges against as many non-edges, as `embed evaluate --edges` measures it: a metric of the validation part, which
// gates can bound.

import { graphOf, type Edges, type Graph } from "../../dataset/graph.js";
import { UsageError } from "../../errors.js";
import { tableScore } from "../../evaluation/edge-scores.js";
import { drawNonEdges, edgeMetrics, pairsOf } from "../../evaluation/edges.js";
import { valueOf } from "../../evaluation/user-metric.js";
import type { TableRows } from "../../skip-grams/contents.js";

/** The AUC by the cosine of nodes. */
export type EdgeAuc = (nodes: TableRows) => number;

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
  const pairs = pairsOf(held);
  if (pairs.sources.length === 0) return undefined;
  try {
    const drawn = drawNonEdges(pairs, [held, graph], { kind: "uniform", seed, firstNode: 1 });
    return ({ vectors, dim }) => {
      const score = tableScore("cosine", { vectors, dim }, undefined, directed);
      const [auc] = edgeMetrics(score, pairs, drawn, [{ ...held, directed: false }]);
      return valueOf(auc!);
    };
  } catch (error) {
    if (error instanceof UsageError) return { why: error.message };
    throw error;
  }
}
