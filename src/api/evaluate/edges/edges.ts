// Tables evaluated on the edges of a graph that training has not seen: whether their nodes score above those of non-edges.
//
//   held edges, known edges ──► nodes that all runs have ──► as many non-edges ──► a score a pair and run ──► AUC
//
// All runs, and the baseline, are evaluated on the same pairs.

import { graphOf } from "../../../dataset/graph/graph.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import { openRun, type Run } from "../../../embedding/run-directory.js";
import { compare, type Compared, type Measured } from "../../../evaluation/comparison.js";
import {
  degreeScore,
  tableScore,
  type EdgeScore,
  type EdgeScoring,
} from "../../../evaluation/edge-scores.js";
import { drawNonEdges, edgeMetrics, pairsOf, type NonEdgeKind } from "../../../evaluation/edges.js";
import { modelOf } from "../../../trainers/index.js";
import { leakNotes } from "../../../training/warnings/leaks.js";
import type { Watch } from "../../../training/session/watch.js";
import { openTable } from "../../tables.js";
import { edgesBetween, edgesOfTraining, readEdgeFile, type EdgeFile } from "./edge-files.js";
import { directionNotes, knownNotes, nothingToEvaluate, unknownNote, type KnownEdges } from "./edge-notes.js";
import { commonRows, nodesIn, nodesOf, withNewNodes, type Nodes } from "./nodes.js";
import type { EvaluateOptions } from "../options.js";
import { contextsOf } from "../table-ranker.js";

export interface EdgesResult {
  compared: Compared[];
  warnings: string[];
  /** held edges evaluated */
  rows: number;
  edges: EvaluatedEdges;
}

/** What was evaluated, and what was left out. */
export interface EvaluatedEdges {
  nodes: number;
  directed: boolean;
  score: EdgeScoring;
  nonEdges: NonEdgeKind;
  /** different edges among these nodes that are known beside the held ones, and from where; absent where none are */
  known?: number;
  knownFrom?: "--known-edges" | "training";
  /** of the rows of --edges: with an end that a run has no vector of, self-loops, those that repeat another */
  leftOut: { unknown: number; loops: number; repeated: number };
}

/**
 * Measures the tables of runs by held edges.
 *
 * @throws {UsageError} a run lacks what is named, or nearly all pairs are edges
 * @throws {DataError} no edge has two ends that all runs know
 */
export async function evaluateEdges(
  runs: readonly { path: string; name: string }[],
  options: EvaluateOptions,
  watch: Watch,
): Promise<EdgesResult> {
  const { directed = false, seed = 1, bootstrap = 1000, nonEdges: kind = "uniform" } = options;
  const scoring = options.scoring === undefined || options.scoring === "model" ? "cosine" : options.scoring;
  const { scores, nodes, named } = await scoresOf(runs, options, scoring, watch);
  const first = await openRun(runs[0]!.path);
  const hashing = (await (await modelOf(first))?.preprocess?.(first))?.hashKeys;
  const read = async (flag: string, paths: readonly string[]) =>
    await readEdgeFile(flag, paths, hashing, options, watch);
  const file = await read("--edges", options.edges!);
  const { graph: held, counts } = graphOf(nodes.numRows, edgesBetween(nodes.keys, file), { directed });
  if (counts.edges === 0) throw nothingToEvaluate(file, counts, nodes, named);
  const known = await knownEdges(first, nodes, read, options, watch);
  const graphs = known.graph ? [held, known.graph] : [held];
  const pairs = pairsOf(held);
  const drawn = drawNonEdges(pairs, graphs, { kind, seed });
  const measured = scores.map((score, r): Measured => {
    watch.signal.throwIfAborted();
    return { name: runs[r]!.name, kind: "run", byUser: edgeMetrics(score, pairs, drawn, graphs), others: {} };
  });
  if (known.graph) {
    const byUser = edgeMetrics(degreeScore(known.graph), pairs, drawn, graphs);
    measured.push({ name: "degrees", kind: "baseline", byUser, others: {} });
  }
  const warnings = [
    ...leakNotes(first, file.dataset, 0, { what: "edges", instead: "" }),
    ...unknownNote(file, counts, watch),
    ...knownNotes(pairs, known),
    ...directionNotes(first, directed, scoring),
  ];
  return {
    compared: compare(measured, counts.edges, { samples: bootstrap, seed }),
    warnings,
    rows: counts.edges,
    edges: {
      nodes: nodes.numRows,
      directed,
      score: scoring,
      nonEdges: kind,
      ...(known.graph && { known: known.edges, knownFrom: known.from }),
      leftOut: { unknown: counts.missing, loops: counts.loops, repeated: counts.repeated },
    },
  };
}

/** Edges beside the held ones that are no non-edges: those that are named, else those of the first run's training. */
async function knownEdges(
  first: Run,
  nodes: EmbeddingTable,
  read: (flag: string, paths: readonly string[]) => Promise<EdgeFile>,
  options: EvaluateOptions,
  watch: Watch,
): Promise<KnownEdges> {
  const { knownEdges: paths, directed = false } = options;
  const from = paths ? "--known-edges" : "training";
  const { file, why } = paths
    ? { file: await read("--known-edges", paths), why: undefined }
    : await edgesOfTraining(first, options, watch);
  if (!file) return { from, why };
  const { graph, counts } = graphOf(nodes.numRows, edgesBetween(nodes.keys, file), { directed });
  return { from, graph, edges: counts.edges };
}

/** A score of pairs for each run; the nodes' keys are those of `nodes`. */
async function scoresOf(
  runs: readonly { path: string }[],
  { field, table, newNodes = [], directed = false }: EvaluateOptions,
  scoring: EdgeScoring,
  watch: Watch,
): Promise<{ scores: EdgeScore[]; nodes: EmbeddingTable; named: Nodes["field"] }> {
  const centres: EmbeddingTable[] = [];
  const contexts: EmbeddingTable[] = [];
  let named = "";
  for (const [r, { path }] of runs.entries()) {
    const opened = await openTable(path, table);
    const { note, ...own } = await nodesOf(opened, field);
    if (note !== undefined) watch.observe({ stage: "note", text: note });
    if (r === 0) {
      named = own.field;
      watch.observe({ stage: "note", text: `nodes are the keys of '${named}'` });
    }
    if (scoring === "context")
      contexts.push(nodesIn(await opened.run.readTable(await contextsOf(opened.run)), own.field).table);
    centres.push((await withFile(own, newNodes[r], watch)).table);
  }
  const rows = commonRows([...centres, ...contexts]);
  const numRuns = runs.length;
  return {
    scores: rows
      .slice(0, numRuns)
      .map((centres, r) => tableScore(scoring, centres, rows[numRuns + r]?.vectors, directed)),
    nodes: rows[0]!,
    named,
  };
}

async function withFile(own: Nodes, path: string | undefined, watch: Watch): Promise<Nodes> {
  if (path === undefined) return own;
  const { nodes, added, known } = await withNewNodes(own, path);
  const rest = known > 0 ? `; ${known} known nodes keep the run's vectors` : "";
  watch.observe({ stage: "note", text: `added ${added} nodes of '${path}'${rest}` });
  return nodes;
}
