// What `evaluate --edges` says beside its metrics.

import { keyAt } from "../../log/keys.js";
import { hasArc } from "../../dataset/graph-facts.js";
import type { EdgeCounts, Graph } from "../../dataset/graph.js";
import type { Run } from "../../embedding/run-directory.js";
import type { EmbeddingTable } from "../../embedding/table.js";
import { DataError, excerpt } from "../../errors.js";
import type { EdgeScoring } from "../../evaluation/edge-scores.js";
import type { Pairs } from "../../evaluation/edges.js";
import type { Watch } from "../../training/watch.js";
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
  const text = `${missing} of ${dataset.numRows} held edges (${(100 * share).toFixed(1)} %) have an end that a run has no vector of, and are left out`;
  if (share > FEW_UNKNOWN) return [text];
  watch.observe({ stage: "note", text });
  return [];
}

/** What is to be said of the edges that non-edges are drawn beside. */
export function knownNotes({ sources, targets }: Pairs, { graph, from, why }: KnownEdges): string[] {
  if (!graph)
    return [
      `the edges of the training are not known here, so that some may be among the non-edges: name them with --known-edges FILE${why === undefined ? "" : ` (${why})`}`,
    ];
  const seen = sources.reduce((sum, source, e) => sum + (hasArc(graph, source, targets[e]!) ? 1 : 0), 0);
  if (seen === 0) return [];
  const whose = from === "training" ? "edges that the run was trained on" : "edges of --known-edges";
  return [
    `${seen} of ${sources.length} held edges are ${whose}: these are no metrics of edges that training has not seen`,
  ];
}

/** Directions that are not evaluated, or cannot be distinguished. */
export function directionNotes({ manifest, path }: Run, directed: boolean, scoring: EdgeScoring): string[] {
  if (!directed)
    return manifest.options["directed"] === true
      ? [
          `run '${path}' was trained on directed edges, and directions are left out here: --directed judges them`,
        ]
      : [];
  return scoring === "context"
    ? []
    : [
        `--score ${scoring} scores both directions of a pair alike, so that its direction AUC is 0.5: --score context tells them apart`,
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
    return new DataError(
      `none of the ${loops} rows of '${path}' is an edge between two nodes: all are self-loops`,
    );
  const own = nodes.numRows > 0 ? `, such as ${excerpt(keyAt(nodes.keys, 0))}` : "";
  const theirs = [source, target].map(({ name, dictionary }) =>
    dictionary.size > 0 ? `${excerpt(keyAt(dictionary, 0))} in '${name}'` : `none in '${name}'`,
  );
  return new DataError(
    `no row of '${path}' joins two of the ${nodes.numRows} nodes that all runs have in '${field}'${own}: its keys are such as ${theirs.join(" and ")}. ` +
      "Name its columns with --source and --target, and the field of the nodes with --field",
  );
}
