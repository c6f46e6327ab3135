// Tables evaluated on the edges of a graph that training has not seen: whether their nodes score above those of non-edges.
//
//   held edges, known edges ──► nodes that all runs have ──► as many non-edges ──► a score a pair and run ──► AUC
//
// All runs, and the baseline, are evaluated on the same pairs.

import { keyAt } from "../../../log/keys.js";
import type { KeyColumn } from "../../../dataset/dataset.js";
import { graphOf, type EdgeCounts, type Graph } from "../../../dataset/graph/graph.js";
import { hasArc } from "../../../dataset/graph/graph-facts.js";
import type { EmbeddingTable } from "../../../embedding/table.js";
import type { Run } from "../../../embedding/run-directory.js";
import { DataError, excerpt, UsageError } from "../../../errors.js";
import { compare, type Compared, type Measured } from "../../../evaluation/comparison.js";
import {
  degreeScore,
  tableScore,
  type EdgeScore,
  type EdgeScoring,
} from "../../../evaluation/edge-scores.js";
import {
  drawNonEdges,
  edgeMetrics,
  pairsOf,
  type NonEdgeKind,
  type Pairs,
} from "../../../evaluation/edges.js";
import { contextsOf } from "../../../ranking/table-ranker.js";
import { modelOf } from "../../../trainers/index.js";
import { partsOfRun } from "../../../training/reading/run-parts.js";
import type { Watch } from "../../../training/session/watch.js";
import { leakNotes } from "../../../training/warnings/leaks.js";
import { edgesBetween, keysIn, readEdgeFile, type EdgeFile } from "../../edge-files.js";
import { openTable } from "../../tables.js";
import type { Evaluating } from "../options.js";
import { commonRows, nodesIn, nodesOf, withNewNodes, type Nodes } from "./nodes.js";

/** Share of the held edges that may have an end without a vector, without a warning. */
const FEW_UNKNOWN = 0.05;

export interface EdgesResult {
  compared: Compared[];
  warnings: string[];
  /** held edges evaluated */
  rows: number;
  of: "edges";
  edges: EvaluatedEdges;
  given: Record<string, unknown>;
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
  runs: readonly { run: Run; path: string; name: string }[],
  options: Evaluating,
  watch: Watch,
): Promise<EdgesResult> {
  const { directed = false, seed = 1, bootstrap = 1000, nonEdges: kind = "uniform" } = options;
  const { score: given = "cosine" } = options;
  const scoring = given === "model" ? "cosine" : given;
  if (options.newNodes !== undefined && options.newNodes.length !== runs.length)
    throw new UsageError(
      `--new-nodes needs one file per run, in the order of the runs: got ${options.newNodes.length} files for ` +
        `${runs.length} runs`,
    );
  const { scores, nodes, named } = await scoresOf(runs, options, scoring, watch);
  const first = runs[0]!.run;
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
    of: "edges",
    edges: {
      nodes: nodes.numRows,
      directed,
      score: scoring,
      nonEdges: kind,
      ...(known.graph && { known: known.edges, knownFrom: known.from }),
      leftOut: { unknown: counts.missing, loops: counts.loops, repeated: counts.repeated },
    },
    given: statedOptions(options),
  };
}

function statedOptions(options: Evaluating): Record<string, unknown> {
  const { edges, source, target, directed, knownEdges, nonEdges, newNodes, field, score, table } = options;
  return { edges, source, target, directed, knownEdges, nonEdges, newNodes, field, scoring: score, table };
}

/** Edges that are no non-edges, beside the held ones. */
interface KnownEdges {
  from: "--known-edges" | "training";
  /** absent where there are none to be had */
  graph?: Graph;
  /** of the graph */
  edges?: number;
  /** why there is no graph, where more is to be said than that none was named */
  why?: string | undefined;
}

/** Edges beside the held ones that are no non-edges: those that are named, else those of the first run's training. */
async function knownEdges(
  first: Run,
  nodes: EmbeddingTable,
  read: (flag: string, paths: readonly string[]) => Promise<EdgeFile>,
  options: Evaluating,
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

/**
 * The edges that a run was trained on, read again; undefined where its training was on no list of edges, or the list cannot be read.
 * The manifest's options say which columns they are of, whatever trained it.
 */
async function edgesOfTraining(
  run: Run,
  options: Pick<Evaluating, "reading" | "hashKeys">,
  watch: Watch,
): Promise<{ file?: EdgeFile; why?: string }> {
  const { source, target } = run.manifest.options;
  if (typeof source !== "string" || typeof target !== "string") return {};
  try {
    const { train } = await partsOfRun(
      run,
      options,
      "non-edges are drawn beside the edges of the training",
      watch,
    );
    const { dataset, rows } = train;
    const ofTraining = (column: KeyColumn): KeyColumn => ({
      ...column,
      codes: rows.map((row) => column.codes[row]!),
    });
    return {
      file: {
        dataset,
        source: ofTraining(keysIn(dataset, source)),
        target: ofTraining(keysIn(dataset, target)),
      },
    };
  } catch (error) {
    if (error instanceof UsageError) return { why: error.message };
    throw error;
  }
}

/** A score of pairs for each run; the nodes' keys are those of `nodes`. */
async function scoresOf(
  runs: readonly { path: string }[],
  { field, table, newNodes = [], directed = false }: Evaluating,
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

/** A warning where many are left out, else a note. */
function unknownNote({ dataset }: EdgeFile, { missing }: EdgeCounts, watch: Watch): string[] {
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
function knownNotes({ sources, targets }: Pairs, { graph, from, why }: KnownEdges): string[] {
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
function directionNotes({ manifest, path }: Run, directed: boolean, scoring: EdgeScoring): string[] {
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
function nothingToEvaluate(
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
