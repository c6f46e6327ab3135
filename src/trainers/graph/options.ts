// The options of train-graph (docs/algorithms/graph.md).

import { UsageError } from "../../base/errors.js";
import { commonOptions, gaps } from "../shared/skip-grams/options.js";
import { everyday } from "../../training/shared-options/log.js";
import { threads } from "../../training/shared-options/reading.js";
import { passes } from "../../training/shared-options/passes.js";
import {
  choice,
  custom,
  flag,
  flagNamed,
  list,
  number,
  resolved,
  text,
  whole,
  withCommon,
  type Option,
  type Resolved,
  type Given,
  type SearchRange,
} from "../../options/table.js";
import { output } from "../../training/shared-options/weekly.js";

const [graph, model, training, sequences] = ["Graph:", "Model:", "Training:", "Sequences:"] as const;
const ANY = Number.MAX_VALUE;

/** Restricts an option to methods that learn from walks. */
const WALKED = { method: ["deepwalk", "node2vec", "eges"] } as const;
const NODE2VEC = { method: ["node2vec"] } as const;
const LINE = { method: ["line"] } as const;
const EGES = { method: ["eges"] } as const;

/**
 * Makes an option searchable only if the metric is the AUC of held-out edges: losses depend on how pairs of nodes are
 * sampled, and cannot be compared.
 */
function byAuc(among: readonly number[]): { search: SearchRange } {
  return { search: { among: () => among, when: ({ metric }: { metric: string }) => metric === "auc" } };
}

/** For EGES the setting of its paper. */
function unlessEges(standard: number, ofEges: number) {
  return {
    shown: `${standard}; ${ofEges} with --method eges`,
    default: ({ method }: { method: string }): number => (method === "eges" ? ofEges : standard),
  };
}

type Order = 1 | 2 | "both";
const ORDERS: readonly Order[] = [1, 2, "both"];
const EXPECTED_ORDER = "1, 2 or both";

function orderOf(given: string, flagName: string): Order {
  const order = ORDERS.find((one) => String(one) === given);
  if (order !== undefined) return order;
  throw new UsageError(`${flagName} expects ${EXPECTED_ORDER}, got '${given}'`);
}

const ofGraph = {
  source: text("column", {
    help: "for an edge list: column of the source node",
    group: graph,
    only: { target: true },
  }),
  target: text("column", {
    help: "for an edge list: column of the target node",
    group: graph,
    only: { source: true },
  }),
  directed: flag({ help: "treat edges as directed (default for sessions)", group: graph }),
  undirected: flag({ help: "treat edges as undirected (default for edge lists)", group: graph }),
  ...gaps,
  minStay: text("span", {
    help: "drop events followed by the user's next event within this time, such as 1s (s, m, h, d)",
    group: sequences,
  }),
} as const;

const own = {
  ...ofGraph,
  method: choice(["deepwalk", "node2vec", "line", "eges"], {
    placeholder: "method",
    help:
      "method: deepwalk (uniform random walks), node2vec (walks biased by --p and --q), line (edges) or " +
      "eges (walks and side information)",
    group: model,
    default: "deepwalk",
  }),
  metric: choice(["loss", "auc"], {
    placeholder: "metric",
    help:
      "metric by which --search compares settings: loss of held-out edges, or of an edge list the AUC of held-out " +
      "edges against pairs without one; early stopping always uses the loss",
    group: "From week to week:",
    default: ({ source }: { source?: string }) =>
      source === undefined ? ("loss" as const) : ("auc" as const),
    shown: "auc; for sessions loss",
    only: { search: true },
  }),
  dim: whole({ ...unlessEges(128, 160), min: 1, max: 1024, help: "embedding dimension", group: model }),
  itemFields: list("columns", {
    ...{ only: EGES, group: model, shown: "inferred: columns with one value per item" },
    help: "side columns that describe the item, such as brand,category; each value gets a vector",
  }),
  aggregate: choice(["attention", "mean"], {
    ...{ only: EGES, group: model, default: "attention" },
    help:
      "how to combine the vectors of an item and its --item-fields: learned weights (EGES) or the mean " +
      "(GES)",
  }),
  numWalks: whole({
    ...{ min: 1, max: 1_000_000, ...unlessEges(10, 20), only: WALKED, group: model },
    help: "number of random walks from each node per epoch",
  }),
  walkLength: whole({
    ...{ min: 2, max: 1_000_000, ...unlessEges(80, 10), only: WALKED, group: model },
    ...byAuc([10, 20, 40, 80]),
    help: "maximum number of nodes per walk",
  }),
  window: whole({
    ...{ min: 1, max: 255, ...unlessEges(10, 5), only: WALKED, group: model },
    ...byAuc([2, 3, 5, 10]),
    help: "context window: number of nodes before and after each node of a walk",
  }),
  p: number({
    ...{ min: 1e-6, max: 1e6, default: 1, only: NODE2VEC, group: model },
    ...byAuc([0.25, 0.5, 1, 2, 4]),
    help: "node2vec return parameter: values below 1 make walks more likely to step back",
  }),
  q: number({
    ...{ min: 1e-6, max: 1e6, default: 1, only: NODE2VEC, group: model },
    ...byAuc([0.25, 0.5, 1, 2, 4]),
    help: "node2vec in-out parameter: values below 1 make walks move away from the start",
  }),
  order: custom(
    "1, 2 or both",
    {
      type: '1 | 2 | "both"',
      parse: orderOf,
      complaint: (order) => (ORDERS.includes(order) ? undefined : EXPECTED_ORDER),
    },
    {
      ...{ only: LINE, group: model, shown: "both; 2 for directed edges" },
      help:
        "LINE proximity: first order (1, neighbors), second order (2, common neighbors), or both, with " +
        "half of --dim each",
      default: ({ directed }: { directed: boolean }) => (directed ? 2 : ("both" as const)),
    },
  ),
  samples: whole({
    ...{ min: 1, max: 4_000_000_000, only: LINE, group: training, shown: "100 per edge, at least 1000000" },
    help: "number of edges to sample per epoch, in proportion to their weight",
  }),
  negatives: whole({
    min: 1,
    max: 64,
    help: "number of negatives per context pair",
    group: training,
    default: 5,
  }),
  noiseExponent: number({
    min: -2,
    max: 2,
    help: "exponent of the visit counts of nodes in the noise distribution of negatives; 0 is uniform",
    group: training,
    default: 0.75,
  }),
  epochs: whole({
    min: 1,
    max: 1_000_000,
    help: "maximum number of epochs; each epoch generates new walks",
    group: training,
    shown: "1; with walks up to 4, so that they pass each edge of a node 64 times",
  }),
  learningRate: number({
    min: 1e-6,
    max: ANY,
    help: "initial learning rate (AdaGrad), decayed linearly to 1/10000 of it",
    group: training,
    shown: "0.8, or 0.1 (line: 0.2) if an epoch visits a node more than 500 times",
    search: { span: 4 },
  }),
  patience: passes.patience,
  minDelta: passes.minDelta,
  seed: { ...passes.seed, help: "random seed for initial vectors, walks and sampling" },
  ...threads,
} as const;

export const options = withCommon(
  {
    ...commonOptions,
    ...own,
    ...output,
  } as const,
  [
    ...everyday.filter((name) => name !== "fields" && name !== "numeric"),
    ...(["session", "sessionGap", "weight", "minCount", "init"] as const),
    ...(["source", "target", "directed", "undirected", "method", "dim", "numWalks", "walkLength"] as const),
    ...(["window", "epochs"] as const),
  ],
);

export type GivenGraph = Given<typeof options>;

/** Options with defaults, except those that depend on the graph and may be unset. */
export type GraphOptions = Omit<Resolved<typeof own>, "directed" | "undirected"> & { directed: boolean };
export type TrainedGraphOptions = GraphOptions & { learningRate: number; samples: number; epochs: number };

/** Undefined for sessions. */
export function edgeColumnsOf({
  source,
  target,
}: GivenGraph): { source: string; target: string } | undefined {
  return source === undefined || target === undefined ? undefined : { source, target };
}

export function graphOptionsOf({ directed, undirected, ...given }: GivenGraph): GraphOptions {
  const leadsOneWay = directed ?? (undirected === undefined ? given.source === undefined : !undirected);
  return resolved(own, { ...given, directed: leadsOneWay }) as GraphOptions;
}

/** Edges that LINE samples per epoch. @param numEdges an undirected edge is one */
export function samplesOf({ samples }: Pick<GraphOptions, "samples">, numEdges: number): number {
  return samples ?? Math.max(1_000_000, 100 * numEdges);
}

/**
 * Maximum number of visits of a node per edge in the default number of epochs; chosen on five graphs
 * (docs/experiments/graph.md).
 */
const VISITS_PER_EDGE = 64;
const MOST_EPOCHS = 4;

/** Nodes with more edges need more walks to cover their neighborhood. @param degree mean number of outgoing edges */
export function epochsOf({ epochs, method, numWalks, walkLength }: GraphOptions, degree: number): number {
  if (epochs !== undefined) return epochs;
  // an epoch of LINE has as many pairs as --samples, and EGES has the number of epochs of its paper
  if (method === "line" || method === "eges") return 1;
  const needed = (VISITS_PER_EDGE * degree) / (numWalks * walkLength);
  return Math.min(MOST_EPOCHS, Math.max(1, Math.floor(needed)));
}

/**
 * Smaller if nodes are visited often, because the steps of all visits are summed before AdaGrad's step.
 * @param visits mean number of visits of a node per epoch
 */
export function withLearningRate<O extends Pick<GraphOptions, "learningRate">>(
  options: O,
  visits: number,
  oftenRate: number,
): O & { learningRate: number } {
  return { ...options, learningRate: options.learningRate ?? (visits > 500 ? oftenRate : 0.8) };
}

/** Returns the options that apply to the method, for the run's manifest. */
export function statedOptions(options: GraphOptions): Record<string, unknown> {
  const isOf = ([name]: [string, unknown]) => {
    const only = (own as Readonly<Record<string, Option>>)[name]?.only?.["method"];
    return only === undefined || only === true || only.includes(options.method);
  };
  return Object.fromEntries(Object.entries(options).filter(isOf));
}

const OF_SESSIONS = [
  ...(["user", "item", "session", "sessionGap", "minStay"] as const),
  ...(["maxEventsPerUser", "keepEvents", "dropUsersAbove", "dropUsersAbovePerDay"] as const),
] as const;
/** Columns that are neither nodes, times nor weights. */
const OF_FEATURES = ["fields", "numeric", "multi", "multiWeights", "timeFields"] as const;

export function checkGraphOptions(given: GivenGraph): void {
  const { directed, undirected, session, sessionGap, hashKeysOf } = given;
  if (directed && undirected) throw new UsageError("--directed and --undirected cannot be combined");
  const edges = edgeColumnsOf(given);
  if (edges) {
    for (const name of [...OF_SESSIONS, ...OF_FEATURES])
      if (given[name] !== undefined)
        throw new UsageError(
          `${flagNamed(name)} needs a log of events and cannot be combined with --source and --target, which ` +
            "read an edge list",
        );
    const hashed = [edges.source, edges.target].filter((name) => hashKeysOf?.includes(name) ?? true);
    if (hashed.length < 2)
      throw new UsageError(
        `--hash-keys-of must name both '${edges.source}' and '${edges.target}', because their keys are the ` +
          "same nodes",
      );
  }
  if (session !== undefined && sessionGap !== undefined)
    throw new UsageError("--session-gap and --session cannot be combined");
  const { method, order, dim, directed: leadsOneWay } = graphOptionsOf(given);
  if (method === "eges") checkEges(given);
  if (method !== "line") return;
  if (order !== 2 && leadsOneWay)
    throw new UsageError(
      `--order ${order} needs undirected edges, because first-order proximity has no direction: use --order ` +
        "2 or --undirected",
    );
  if (order === "both" && dim % 2 === 1)
    throw new UsageError(
      `--dim must be even with --order both, got ${dim}: use ${dim + 1}, or --order 1 or 2`,
    );
}

function checkEges(given: GivenGraph): void {
  if (edgeColumnsOf(given))
    throw new UsageError(
      "--method eges needs a log of events and cannot be combined with --source and --target: use another " +
        "--method, or omit them",
    );
  const twice = given.itemFields?.find((name, i, all) => all.indexOf(name) < i);
  if (twice !== undefined) throw new UsageError(`--item-fields names '${twice}' twice`);
}
