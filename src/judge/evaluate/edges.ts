// `embed evaluate --edges`: measures whether held-out edges of a graph have higher scores than pairs of nodes without
// an edge.
//
//   held-out edges, known edges ──► nodes that all runs have ──► as many non-edges ──► scores by run ──► AUC
//
//   nodes: a run's table ──► rows of its node field ──► rows and nodes of --new-nodes ──► nodes that all runs have
//
// All runs and the baseline score the same pairs.

import { keyAt, compareKeys, joinedKeys } from "../../log/keys.js";
import type { KeyColumn } from "../../dataset/dataset.js";
import { graphOf, type EdgeCounts, type Graph } from "../../dataset/graph/graph.js";
import { hasArc } from "../../dataset/graph/graph-facts.js";
import { type EmbeddingTable, isHole, pickRows, rowsOf } from "../../table/table.js";
import type { Run } from "../../table/run-directory.js";
import { DataError, excerpt, UsageError } from "../../base/errors.js";
import { compare, type Measured } from "../../metrics/comparison.js";
import {
  degreeScore,
  tableScore,
  type EdgeScore,
  type EdgeScoring,
  drawNonEdges,
  edgeMetrics,
  edgePairs,
  type NonEdgeKind,
  type Pairs,
} from "../../metrics/edges.js";
import { contextsOf } from "../../use/rank-items/run-ranker.js";
import { modelOf } from "../../trainers/index.js";
import { partsOfRun } from "../../training/reading/run-parts.js";
import type { Watch } from "../../training/session/watch.js";
import { leakNotes } from "../../training/warnings/leaks.js";
import { edgesBetween, keysIn, readEdgeFile, type EdgeFile } from "../../use/content/edge-files.js";
import { openTable, type OpenTable } from "../../use/tables.js";
import type { Evaluating } from "./options.js";
import { TableCollector } from "../../table/import/collector.js";
import { readDelimited } from "../../table/import/delimited.js";
import { defaultReadOptions } from "../../log/log.js";
import { openLog } from "../../log/open.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { rowsOfKeys } from "../../training/split-metrics/ranked-items.js";
import { composeItems } from "../../use/compose.js";

/** Maximum share of held-out edges with an unknown node that is reported in a note; a larger share is a warning. */
const FEW_UNKNOWN = 0.05;

/** Numbers of evaluated and of left-out edges, and how edges are scored. */
export interface EvaluatedEdges {
  nodes: number;
  directed: boolean;
  score: EdgeScoring;
  nonEdges: NonEdgeKind;
  /** number of distinct known edges between the evaluated nodes, and their origin; absent if no edges are known */
  known?: number;
  knownFrom?: "--known-edges" | "training";
  /** number of edges left out because a run lacks a node, both ends are the same, or the edge is repeated */
  leftOut: { unknown: number; loops: number; repeated: number };
}

export async function evaluateEdges(
  runs: readonly { run: Run; path: string; name: string }[],
  options: Evaluating,
  watch: Watch,
) {
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
  const recipe = await (await modelOf(first))?.preprocess?.(first);
  const { keyCase } = recipe?.cells ?? {};
  const reading = { ...options.reading, ...(keyCase && { keyCase }) };
  const read = async (flag: string, paths: readonly string[]) =>
    await readEdgeFile(flag, paths, recipe?.hashKeys, { ...options, reading }, watch);
  const file = await read("--edges", options.edges!);
  const { graph: held, counts } = graphOf(nodes.numRows, edgesBetween(nodes.keys, file), { directed });
  if (counts.edges === 0) throw nothingToEvaluate(file, counts, nodes, named);
  const known = await knownEdges(first, nodes, read, options, watch);
  const graphs = known.graph ? [held, known.graph] : [held];
  const pairs = edgePairs(held);
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
    steps: [...(file.dataset.steps ?? [])],
    of: "edges" as const,
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

interface KnownEdges {
  from: "--known-edges" | "training";
  graph?: Graph;
  edges?: number;
  /** reason why the training edges could not be read; undefined if they were read */
  why?: string | undefined;
}

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
 * Reads the training edges of a run. Returns no edges if the run was not trained on an edge list, or if the list cannot
 * be read. The options in the manifest name the columns, whichever command trained the run.
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

/** Returns a function for each run that scores pairs of nodes; node numbers are rows of `nodes`. */
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

/** Reports the number of edges with unknown nodes, in a warning if their share is above FEW_UNKNOWN, else in a note. */
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

interface Nodes {
  field: string;
  table: EmbeddingTable;
}

/** Items are composed if the run has side columns of items. @param named by default the item field, or the only field */
async function nodesOf(opened: OpenTable, named: string | undefined): Promise<Nodes & { note?: string }> {
  const field = named === undefined ? defaultField(opened) : opened.fieldNamed(named);
  const { table, note, item } = await composeItems(opened, undefined);
  return { ...nodesIn(table, field), ...(note !== undefined && item === field && { note }) };
}

function nodesIn(table: EmbeddingTable, field: string): Nodes {
  const { first, last } = rowsOf(table, field);
  const rows = Array.from({ length: last - first }, (_, i) => first + i).filter((row) => !isHole(table, row));
  return { field, table: pickRows(table, Uint32Array.from(rows)) };
}

function defaultField({ run, table: { fields }, fieldNamed }: OpenTable): string {
  const item = fieldNamed("item");
  if (fields.includes(item)) return item;
  if (fields.length === 1) return fields[0]!;
  throw new UsageError(
    `the table of run '${run.path}' has the fields ${fields.map(excerpt).join(", ")}: name the node field ` +
      "with --field",
  );
}

/**
 * Appends those nodes of a file that the run lacks.
 *
 * @param path CSV as `embed transform` writes it: a key column (with the field's name, or the first one), and one
 *   column per dimension
 */
async function withNewNodes(
  { field, table }: Nodes,
  path: string,
): Promise<{ nodes: Nodes; added: number; known: number }> {
  const log = await openLog([path], { ...defaultReadOptions, format: "csv", delimiter: "," });
  await log.close();
  const keyColumn = log.columns.includes(field) ? field : log.columns[0]!;
  const collector = new TableCollector({ field });
  await readDelimited(path, collector, { keyColumn, delimiter: ",", field });
  const { table: keyed, vectorsOf } = collector.finish(path);
  const file = { ...keyed, vectors: vectorsOf({ first: 0, last: keyed.numRows }) };
  if (file.dim !== table.dim)
    throw new UsageError(
      `--new-nodes: '${path}' has vectors of length ${file.dim} (key '${keyColumn}'), but the run's vectors ` +
        `have length ${table.dim}`,
    );
  const own = rowsOfKeys(table.keys, file.keys);
  const added = pickRows(
    file,
    Uint32Array.from(own.keys()).filter((row) => own[row] === NO_ITEM),
  );
  const nodes = { field, table: appendedNodes(table, added) };
  return { nodes, added: added.numRows, known: file.numRows - added.numRows };
}

/** Returns from each table the rows of the common keys, sorted by the keys' bytes, so that no run decides the order. */
function commonRows(tables: readonly EmbeddingTable[]): EmbeddingTable[] {
  const { keys } = tables[0]!;
  const found = tables.map((table) => rowsOfKeys(table.keys, keys));
  const common = Array.from({ length: keys.size }, (_, row) => row)
    .filter((row) => found.every((rows) => rows[row] !== NO_ITEM))
    .sort((a, b) => compareKeys(keys, a, b));
  return tables.map((table, t) =>
    pickRows(
      table,
      Uint32Array.from(common, (row) => found[t]![row]!),
    ),
  );
}

function appendedNodes(a: EmbeddingTable, b: EmbeddingTable): EmbeddingTable {
  const numRows = a.numRows + b.numRows;
  const vectors = new Float32Array(numRows * a.dim);
  vectors.set(a.vectors);
  vectors.set(b.vectors, a.vectors.length);
  const counts = new Uint32Array(numRows);
  counts.set(a.counts);
  const { weights: _, ...rest } = a;
  return {
    ...rest,
    numRows,
    fieldOf: new Uint32Array(numRows).fill(a.fieldOf[0] ?? 0),
    keys: joinedKeys(a.keys, b.keys),
    counts,
    vectors,
  };
}
