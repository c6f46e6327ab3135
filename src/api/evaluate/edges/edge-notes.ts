// What `evaluate --edges` says beside its metrics.

import { keyAt } from "../../../log/keys.js";
import { hasArc } from "../../../dataset/graph/graph-facts.js";
import type { EdgeCounts, Graph } from "../../../dataset/graph/graph.js";
import type { Run } from "../../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import { DataError, excerpt } from "../../../errors.js";
import type { EdgeScoring } from "../../../evaluation/edge-scores.js";
import type { Pairs } from "../../../evaluation/edges.js";
import type { Watch } from "../../../training/session/watch.js";
import type { EdgeFile } from "./edge-files.js";

/** Share of the held edges that may have an end without a vector, without a warning. */
const FEW_UNKNOWN = 0.05;

/** Edges that are no non-edges, beside the held ones. */
export interface KnownEdges {
  from: "--known-edges" | "training";
  /** absent where there are none to be had */
  graph?: Graph;
  /** of the graph */
  edges?: number;
  /** why there is no graph, where more is to be said than that none was named */
  why?: string | undefined;
}

/** A warning where many are left out, else a note. */
export function unknownNote({ dataset }: EdgeFile, { missing }: EdgeCounts, watch: Watch): string[] {
  if (missing === 0) return [];
  const share = missing / dataset.numRows;
  const text =
    `skipped ${missing} of ${dataset.numRows} held-out edges (${(100 * share).toFixed(1)} %) ` +
    "because a run has no vector for one of their nodes";
  if (share > FEW_UNKNOWN) return [text];
  watch.observe({ stage: "note", text });
  return [];
}

/** What is to be said of the edges that non-edges are drawn beside. */
export function knownNotes({ sources, targets }: Pairs, { graph, from, why }: KnownEdges): string[] {
  if (!graph)
    return [
      "the training edges are unknown, so some of them may be sampled as non-edges: pass them with " +
        `--known-edges FILE${why === undefined ? "" : ` (${why})`}`,
    ];
  const seen = sources.reduce((sum, source, e) => sum + (hasArc(graph, source, targets[e]!) ? 1 : 0), 0);
  if (seen === 0) return [];
  const whose = from === "training" ? "training edges of the run" : "edges of --known-edges";
  return [
    `${seen} of ${sources.length} held-out edges are ${whose}: the metrics do not measure performance on ` +
      "unseen edges",
  ];
}

/** Directions that are not evaluated, or cannot be distinguished. */
export function directionNotes({ manifest, path }: Run, directed: boolean, scoring: EdgeScoring): string[] {
  if (!directed)
    return manifest.options["directed"] === true
      ? [
          `run '${path}' was trained on directed edges, but directions are ignored here: evaluate them with ` +
            "--directed",
        ]
      : [];
  return scoring === "context"
    ? []
    : [
        `--score ${scoring} is symmetric, so its direction AUC is 0.5: use --score context to distinguish ` +
          "directions",
      ];
}

/** Why no edge is left. */
export function nothingToEvaluate(
  { source, target, dataset }: EdgeFile,
  { missing, loops }: EdgeCounts,
  nodes: EmbeddingTable,
  field: string,
): DataError {
  const path = dataset.inputs[0]!.path;
  if (missing === 0)
    return new DataError(`'${path}' has no edges between two nodes: all ${loops} rows are self-loops`);
  const own = nodes.numRows > 0 ? `, such as ${excerpt(keyAt(nodes.keys, 0))}` : "";
  const theirs = [source, target].map(({ name, dictionary }) =>
    dictionary.size > 0 ? `${excerpt(keyAt(dictionary, 0))} in '${name}'` : `none in '${name}'`,
  );
  return new DataError(
    `no row of '${path}' connects two of the ${nodes.numRows} nodes that all runs have in '${field}'${own}: ` +
      `its keys are like ${theirs.join(" and ")}. Name its columns with --source and --target, and the node ` +
      "field with --field",
  );
}
