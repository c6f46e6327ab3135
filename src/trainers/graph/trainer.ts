// `embed train-graph`: learns a vector for each node of a graph, from random walks or from its edges.

import {
  RANKS_ONLY,
  type LogTraits,
  type Suits,
  type Trainer,
  type Fit,
  type Plan,
  type Session,
  type TrainingInput,
} from "../../training/session/trainer.js";
import { MISSING } from "../../log/keys.js";
import { graphOf, type EdgeCounts, type Edges, type Graph } from "../../dataset/graph/graph.js";
import type { Dataset } from "../../dataset/dataset.js";
import { releaseColumns } from "../../dataset/stored-columns.js";
import { spaceWith, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { DEFAULT_TABLE } from "../../table/run-directory.js";
import { DataError, UsageError } from "../../base/errors.js";
import { contentsOf, type WrittenRows, skipGramBytes, skipGramDisk } from "../shared/skip-grams/contents.js";
import { countedEvents } from "../shared/skip-grams/sessions.js";
import type { Squares } from "../shared/skip-grams/warm-start.js";
import { fittedSpace, vocabularyOf, type SgnsVocabulary } from "../shared/skip-grams/vocabulary.js";
import { featuresFrom } from "../../training/warm-start/carried-keys.js";
import { unfinishedWarnings, vectorWarnings } from "../../training/warnings/outcome-warnings.js";
import { countUnseen } from "../../training/reading/split-parts.js";
import { unmeasuredWarnings } from "../../training/warnings/training-warnings.js";
import { featuresOfRoles } from "../../training/reading/users-and-items.js";
import { edgeSource, linkedNodes, linkedRows, type EdgeSource } from "./edges.js";
import { egesContents, type CarriedItems } from "./eges/artifact.js";
import {
  acceptSideColumns,
  kindsOf,
  sideReading,
  checkSide,
  sideInformationOf,
  type SideInformation,
} from "./eges/side-information.js";
import { checkSameKinds } from "./eges/warm-start.js";
import { sideBySide, kindOf, kinds, type SideTables } from "./side-tables.js";
import type { GraphInput, GraphModel } from "./learn.js";
import {
  checkGraphOptions,
  edgeColumnsOf,
  graphOptionsOf,
  options,
  epochsOf,
  samplesOf,
  statedOptions,
  type GraphOptions,
  type GivenGraph,
} from "./options.js";
import { openGraphInit, startsOf, type GraphInit } from "./warm-start.js";
import type { Needs } from "../../training/session/needs.js";
import type { VectorsAdd } from "../../table/manifest.js";
import {
  degreeScore,
  tableScore,
  type EdgeScore,
  drawNonEdges,
  edgeMetrics,
  edgePairs,
} from "../../metrics/edges.js";
import { valueOf } from "../../metrics/user-metric.js";
import { vectorsAddOf } from "../../metrics/vectors-add.js";

const command = "train-graph";

const VECTOR_ADVICE =
  "Try more edges or walks (--num-walks), another --method, or --min-count, and check that the edges follow more " +
  "than how many each node has";

export const trainer: Trainer = {
  command,
  description:
    "Learns a vector for each node of a graph with DeepWalk, node2vec, LINE or EGES and writes a run " +
    "directory. The graph is an edge list, or is built from consecutive events in sessions.",
  examples: `
  embed train-graph fixtures/edges.csv -o run --source from --target to --weight weight --dim 16
  embed train-graph fixtures/purchases.csv -o run --user customer_id --item product_id --session-gap 7d --dim 16
`,
  options,
  suits,
  checkpointEvery: 5,
  plan,
};

async function plan(given: GivenGraph): Promise<Plan> {
  checkGraphOptions(given);
  const graphOptions = graphOptionsOf(given);
  const init = await openGraphInit(given, graphOptions, command);
  const edges = edgeColumnsOf(given);
  return {
    seed: graphOptions.seed,
    unlabelled: true,
    init: init?.run,
    reading: edges
      ? {
          ...{ edges, fields: [edges.source, edges.target], infer: false },
          ...(given.hashKeys !== undefined && {
            hashKeysOf: given.hashKeysOf ?? [edges.source, edges.target],
          }),
        }
      : { inSequence: true, mayBeEdges: true, ...(graphOptions.method === "eges" && sideReading(given)) },
    accept(dataset) {
      if (edges) return { dataset, notes: [] };
      if (graphOptions.method !== "eges") return featuresOfRoles(dataset, command, ["item"]);
      const accepted = acceptSideColumns(dataset, given.itemFields);
      if (init?.composed) checkSameKinds(init.composed, kindsOf(accepted.dataset));
      return accepted;
    },
    comparedBy: () => (graphOptions.metric === "auc" ? "edgeAuc" : "pairLoss"),
    needs: graphNeeds({ ...graphOptions, ...(init && { dim: init.dim }) }),
    fit: async (source, session) =>
      await fit(source, session, given, { ...graphOptions, ...(init && { dim: init.dim }) }, init),
  };
}

async function fit(
  source: TrainingInput,
  session: Session,
  given: GivenGraph,
  graphOptions: GraphOptions,
  init: GraphInit | undefined,
): Promise<Fit> {
  const { watch, warn, lap, controls, first } = session;
  const { vocabulary, nodes, side, items, numEdges, edgeAuc, degree, ...input } = await encode(
    source,
    session,
    given,
    graphOptions,
    init,
  );
  lap("encode");

  const standard = {
    ...graphOptions,
    samples: samplesOf(graphOptions, numEdges),
    epochs: epochsOf(graphOptions, degree),
  };
  const used = first ? { ...standard, ...first.options, epochs: Math.max(1, first.bestEpoch) } : standard;
  const { learnGraph } = await import("./learn.js");
  const model = await learnGraph(
    Object.assign(input, {
      ...{ space: vocabulary.space, warn, parts: side?.parts, scheduledEpochs: standard.epochs },
      controls: { ...controls, keepsState: given.keepState ?? false },
    }),
    used,
    (event) => watch.observe({ stage: "epoch", epochs: used.epochs, ...event }),
    watch.signal,
  );
  lap("train");
  return finishedFit(model, { vocabulary, nodes, side, items, edgeAuc }, session);
}

/** What was computed from a log, whose columns have been released from memory. */
interface Encoded extends Pick<GraphInput, "graph" | "valid" | "starts"> {
  vocabulary: SgnsVocabulary;
  nodes: Dataset;
  side: SideInformation | undefined;
  items: CarriedItems | undefined;
  numEdges: number;
  /** mean number of a node's outgoing edges */
  degree: number;
  /** undefined unless the log is an edge list */
  edgeAuc: EdgeAuc | undefined;
}

async function encode(
  { dataset, parts }: TrainingInput,
  { options: how, watch, warn, note, first }: Session,
  given: GivenGraph,
  graphOptions: GraphOptions,
  init: GraphInit | undefined,
): Promise<Encoded> {
  const source = edgeSource(parts, countedEvents(parts.train, how), given);
  for (const text of source.notes) note(text);
  if (!first) for (const text of source.warnings) warn(text);
  const whole = fittedSpace(source.nodes, source.rows, how);
  const { edges, notes } = source.train(whole);
  const linked = linkedSpace(source, whole, edges, how, init !== undefined);
  if (!linked) throw noEdge(dataset, notes);
  const { fitted, rows, alone, numNodes, loops } = linked;
  if (alone > 0) note(`dropped ${alone} ${alone === 1 ? "node" : "nodes"} without an edge to another node`);
  const vocabulary = await vocabularyOf(
    source.nodes,
    rows,
    how,
    init?.sides[0],
    given,
    { note, warn },
    fitted,
  );
  const { space } = vocabulary;
  countUnseen(space, source.parts, watch);
  if (space !== whole) renumber(edges, featuresFrom(whole, space));
  const { graph, counts } = graphOf(space.numFeatures, edges, graphOptions);
  // self-loops of dropped nodes are counted as such; graphOf counted them as edges with a missing node
  counts.missing += counts.loops - loops;
  counts.loops = loops;
  for (const text of [...notes, graphNote(numNodes, graphOptions.directed, counts, given)]) note(text);
  const valid = first ? undefined : source.valid(space);
  if (valid && edgeColumnsOf(given)) for (const text of leakWarnings(graph, valid)) warn(text);
  const auc = valid && edgeColumnsOf(given) ? edgeAucOf(valid, graph, graphOptions.seed) : undefined;
  if (typeof auc === "object") warn(`edgeAuc is undefined on the validation split: ${auc.why}`);
  const side =
    graphOptions.method === "eges"
      ? sideInformationOf(space, { dataset: source.nodes, rows }, graphOptions.aggregate === "attention")
      : undefined;
  if (side) checkSide(side, { note, warn });
  const { starts, items, warnings } = startsOf(init, vocabulary, side, given.freeze !== undefined);
  for (const text of [...warnings, ...(first ? [] : unmeasuredWarnings(source.parts))]) warn(text);
  releaseColumns(dataset);
  return {
    ...{ vocabulary, graph, starts, side, items, numEdges: counts.edges },
    degree: graph.neighbors.length / numNodes,
    nodes: { ...source.nodes, columns: [] },
    edgeAuc: typeof auc === "function" ? auc : undefined,
    valid: parts.valid && !first ? (valid ?? NO_EDGES) : undefined,
  };
}

const NO_EDGES: Edges = { sources: new Uint32Array(), targets: new Uint32Array() };

function finishedFit(
  model: GraphModel,
  { vocabulary, nodes, side, items, edgeAuc }: Omit<Encoded, keyof GraphInput | "numEdges" | "degree">,
  { options: how, warn }: Pick<Session, "options" | "warn">,
): Fit {
  const { epochs, bestEpoch, interrupted, options: used, validated } = model;
  const best = epochs[bestEpoch - 1]!;
  const course = {
    ...{ values: epochs.flatMap((event) => event.validLoss ?? []), better: "lower" as const, name: "loss" },
    losses: epochs.map(({ trainLoss }) => trainLoss),
    ...{ done: epochs.length, most: used.epochs, flag: "--epochs", best: bestEpoch },
  };
  if (!interrupted) for (const text of unfinishedWarnings(course)) warn(text);
  const auc = validated ? edgeAuc?.(tablesOf(model)[DEFAULT_TABLE]!) : undefined;
  const vectorsAdd = auc ? auc.vectorsAdd : model.vectorsAdd;
  for (const text of vectorWarnings(vectorsAdd, VECTOR_ADVICE)) warn(text);
  return {
    evaluated: {
      options: statedOptions(used),
      metrics: {
        train: { pairLoss: best.trainLoss },
        ...(validated && {
          valid: { pairLoss: best.validLoss!, ...(auc && { edgeAuc: auc.edgeAuc }) },
        }),
      },
      ...{ vectorsAdd, epochs, bestEpoch },
    },
    interrupted,
    contents: () =>
      side
        ? egesContents(vocabulary, nodes, how, side, items, model.sides[0]!)
        : contentsOf(kindOf(model.sides), vocabulary, nodes, how, tablesOf(model), squaresOf(model)),
  };
}

/** Undefined if the run does not keep them. */
function squaresOf({ sides }: GraphModel): Squares[] | undefined {
  const kept = sides.flatMap(({ squares }) => squares ?? []);
  return kept.length === sides.length ? kept : undefined;
}

/** Tables that were trained separately are stored beside their concatenation, for warm starts. */
function tablesOf({ sides, options: { dim } }: GraphModel): Record<string, WrittenRows> {
  const tables: readonly SideTables[] = kinds[kindOf(sides)];
  const own = sides.flatMap((side, i) => [
    [tables[i]!.contexts, { dim: side.dim, vectors: side.contexts }] as const,
    [tables[i]!.vectors, { dim: side.dim, vectors: side.vectors }] as const,
  ]);
  return {
    ...(sides.length > 1 && { [DEFAULT_TABLE]: { dim, vectors: sideBySide(sides) } }),
    ...Object.fromEntries(own),
  };
}

interface Linked {
  fitted: FeatureSpace;
  /** u32: rows in which the fitted nodes are counted: all, unless side columns or --init need new counts */
  rows: Uint32Array;
  numNodes: number;
  /** number of dropped nodes */
  alone: number;
  /** number of self-loops, including those of dropped nodes */
  loops: number;
}

/**
 * Drops nodes without an edge to another node; undefined if none remains.
 *
 * @param whole vocabulary of all nodes; edges are given by its features
 * @param isWarm whether there is a run of --init, which needs the number of rows of each key
 */
function linkedSpace(
  { nodes, rows: all }: EdgeSource,
  whole: FeatureSpace,
  edges: Edges,
  how: Session["options"],
  isWarm: boolean,
): Linked | undefined {
  const { isLinked, loops } = linkedNodes(whole.numFeatures, edges);
  const numNodes = isLinked.reduce((sum, is) => sum + is, 0);
  if (numNodes === 0) return undefined;
  const alone = numKeys(whole) - numNodes;
  if (alone === 0) return { fitted: whole, rows: all, numNodes, alone, loops };
  // without side columns, the nodes' counts remain valid, since all rows of a node are kept or dropped together; values
  // of side columns must be counted again
  const hasSides = whole.fields.length > 1;
  const rows = hasSides || isWarm ? linkedRows(whole, nodes, all, isLinked) : all;
  const fitted = hasSides ? fittedSpace(nodes, rows, how) : spaceWith(whole, isLinked);
  return { fitted, rows, numNodes, alone, loops };
}

function noEdge({ inputs }: Dataset, notes: readonly string[]): DataError {
  const left = notes.length === 0 ? "" : ` (${notes.join("; ")})`;
  return new DataError(
    `no edge between two different known nodes remains${left}: check --min-count, and for sessions ` +
      "--session-gap and --min-stay",
    { file: inputs.map(({ path }) => path).join(", ") },
  );
}

/** Renumbers edges in place. @param features u32: new feature of each feature, or MISSING */
function renumber({ sources, targets }: Edges, features: Uint32Array): void {
  for (const ends of [sources, targets])
    for (let e = 0; e < ends.length; e++) if (ends[e] !== MISSING) ends[e] = features[ends[e]!]!;
}

function numKeys({ fields }: FeatureSpace): number {
  const [nodes] = fields;
  return nodes?.kind === "key" ? nodes.keys.size : 0;
}

function graphNote(
  numNodes: number,
  directed: boolean,
  { edges, repeated, loops, missing }: EdgeCounts,
  given: GivenGraph,
): string {
  const isChosen = (given.directed ?? given.undirected) !== undefined;
  const other = directed ? "--undirected treats them as undirected" : "--directed keeps their direction";
  const left = [
    [repeated, "repeated edges summed"],
    [loops, "self-loops dropped"],
    [missing, "edges of rare or unknown keys dropped"],
  ] as const;
  return [
    `the graph has ${numNodes} nodes and ${edges} ${directed ? "directed" : "undirected"} ${edges === 1 ? "edge" : "edges"}`,
    ...(isChosen ? [] : [other]),
    ...left.flatMap(([count, what]) => (count > 0 ? [`${what}: ${count}`] : [])),
  ].join("; ");
}

/** Warns of held-out edges that are also in the training split, in either direction. */
function leakWarnings({ offsets, neighbors }: Graph, { sources, targets }: Edges): string[] {
  let leaked = 0;
  for (let e = 0; e < sources.length; e++) {
    const [u, v] = [sources[e]!, targets[e]!];
    if (u !== MISSING && v !== MISSING && neighbors.subarray(offsets[u], offsets[u + 1]).includes(v))
      leaked++;
  }
  return leaked === 0
    ? []
    : [
        `${leaked} of ${sources.length} held-out edges are also in the training split, repeated or reversed: ` +
          "they do not measure performance on unseen edges",
      ];
}

/** DeepWalk on the steps from item to item. */
function suits({ goal }: LogTraits): Suits {
  return goal === "predictions" ? RANKS_ONLY : { candidates: [{ name: "graph", options: {}, effort: 40 }] };
}

/** Memory: vectors and contexts, the edges while the graph is built, and its arcs with their alias tables. */
function graphNeeds({ dim: given, threads, directed }: GraphOptions): Needs {
  return {
    dim: given,
    advice: "--min-count leaves fewer nodes, and --where fewer edges",
    of({ trainRows, heldOutRows, features, keyBytes }, dim = given) {
      const arcs = (directed ? 1 : 2) * trainRows;
      return {
        memory: skipGramBytes(features, dim, threads) + 24 * trainRows + 24 * arcs + 16 * heldOutRows,
        disk: skipGramDisk(features, dim, keyBytes),
      };
    },
  };
}

/** AUC of cosines between nodes, and its gain over scores by the nodes' degrees in the training graph. */
type EdgeAuc = (nodes: WrittenRows) => { edgeAuc: number; vectorsAdd: VectorsAdd | undefined };

/**
 * Samples the non-edges; must be called while the graph is in memory. Undefined if no held-out edge connects two known
 * nodes; a reason if there are no non-edges. Feature 0 is not a node.
 */
function edgeAucOf(
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
