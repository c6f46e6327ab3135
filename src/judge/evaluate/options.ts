// Options of `embed evaluate`. Each option names the modes in which it may be set; the object of the evaluation decides
// the mode.

import { baselineNames, needsRepeats } from "../../metrics/baselines/baselines.js";
import type { FurtherLog } from "../../training/reading/open-as-trained.js";
import { hashedIds } from "../../training/shared-options/columns.js";
import { content } from "../../training/shared-options/content-options.js";
import { badRows, reading } from "../../training/shared-options/reading.js";
import { query, table, threads } from "../../training/shared-options/run-options.js";
import {
  BELOW_1,
  choice,
  custom,
  flag,
  list,
  number,
  pick,
  share,
  text,
  texts,
  whole,
  wholeOf,
  withCommon,
  type About,
  type Given,
  type OptionTable,
} from "../../options/table.js";

export const modes = {
  scores: "scored rows",
  ranking: "a ranking (--ranking)",
  cold: "new items (--cold)",
  labels: "labels of items (--labels)",
  edges: "held-out edges (--edges)",
  index: "an index (--index)",
} as const;
type Mode = keyof typeof modes;

const MANY = Number.MAX_SAFE_INTEGER;
const anyNumber = { min: -Number.MAX_VALUE, max: Number.MAX_VALUE } as const;
const fromZero = { min: 0, max: Number.MAX_VALUE } as const;
const withinShares = { min: Number.MIN_VALUE, max: BELOW_1 } as const;

function forModes<T extends OptionTable>(given: T, ...own: readonly Mode[]): T {
  return Object.fromEntries(
    Object.entries(given).map(([name, option]) => [name, { ...option, for: own }]),
  ) as T;
}

/** Defines an option of comma-separated integers of at least `min`; parsed to distinct numbers in ascending order. */
function numbers<const S extends About<number[]>>(min: number, spec: S) {
  const isOne = (x: unknown) => Number.isInteger(x) && (x as number) >= min;
  return custom(
    "list",
    {
      type: "number | string | readonly number[]",
      parse: (given: string, flagName: string) =>
        distinct(given.split(",").map((one) => wholeOf(one, flagName, min))),
      complaint: (value: number[]) =>
        Array.isArray(value) && value.length > 0 && value.every(isOne)
          ? undefined
          : `integers of at least ${min}`,
    },
    spec,
  );
}

/** Returns the distinct numbers in ascending order. */
export function distinct(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

const group = "Options:";
const ofLog = forModes(
  {
    on: texts("log", {
      help: "log to evaluate on; repeatable, several files are read as one log",
      group,
      not: { part: true },
    }),
    part: choice(["valid", "test"], {
      placeholder: "part",
      help: "instead of --on: evaluate on the split held out when the first run was trained",
      group,
    }),
  },
  ...(["scores", "ranking", "cold"] as const),
);

const prefixes = {
  dims: numbers(1, {
    help: "also evaluate the first dimensions of the vectors after rotation to principal axes, such as 8,16,32",
    group,
    for: ["scores", "ranking"],
    not: { score: ["dot", "cosine", "context"], foldInShare: true },
    why: "it evaluates the model with cut vectors",
  }),
} as const;

const ofScores = forModes(
  {
    curve: text("file", { help: "write the calibration curve to this CSV file", group: "Scores:" }),
    bins: whole({
      min: 1,
      max: MANY,
      help: "with --curve: number of equal-count bins",
      group: "Scores:",
      shown: "10",
      only: { curve: true },
    }),
    logq: flag({
      help: "for a run trained with --negatives: correct scores and counts for negative sampling",
      group: "Scores:",
    }),
  },
  "scores",
);

const rankingGroup = "Ranking:";
const FILTERS = { baseline: ["gf-cf", "chebycf"] };
const ofRanking = {
  ranking: flag({
    help: "rank all items for each user and report the metrics of lists",
    group: rankingGroup,
    for: ["ranking", "cold"],
  }),
  k: numbers(1, {
    help:
      "cutoffs K of ranked lists, such as 10,20,50 (default: 20), or numbers of neighbors for " +
      "--neighbors-by (default: 10)",
    group: rankingGroup,
    for: ["ranking", "cold", "labels", "index"],
  }),
  mask: texts("log", {
    help: "log of further events whose items are masked for their users; repeatable",
    group: rankingGroup,
    for: ["ranking"],
  }),
  repeats: choice(["mask", "allow"], {
    help: "items that a user already has from training: mask removes them from the ranking, allow keeps them",
    group: rankingGroup,
    for: ["ranking"],
    not: { foldInShare: true },
    why: "folded-in items are always masked",
  }),
  foldInShare: share({
    ...withinShares,
    help:
      "evaluate on users unknown to the runs: the first share of a user's items, such as 0.8, is folded " +
      "in, the rest is held out",
    group: rankingGroup,
    for: ["ranking"],
    not: { score: ["context"], baseline: baselineNames.filter(needsRepeats), on: ["-"] },
    why: "it ranks by folded-in vectors, masks folded-in items, and reads the log once per run",
  }),
  cold: numbers(0, {
    help:
      "evaluate on items not seen in training (--split items), given this many of their events, such as " +
      "0,1,3,10",
    group: rankingGroup,
    for: ["cold"],
    not: { score: ["context"], on: ["-"] },
    why: "it ranks by rows of users and items, and reads the log more than once",
  }),
  candidates: text("file", {
    help: "file of user and item pairs: rank held-out items only among these candidates",
    group: rankingGroup,
    for: ["ranking"],
  }),
  baseline: list("names", {
    help: `baselines to compare with: ${baselineNames.join(", ")}`,
    group: rankingGroup,
    for: ["ranking"],
  }),
  easeL2: number({
    ...fromZero,
    help: "L2 penalty of the baseline ease",
    group: rankingGroup,
    for: ["ranking"],
    only: { baseline: ["ease"] },
    shown: "500",
  }),
  filterDim: whole({
    min: 0,
    max: MANY,
    help:
      "for the baselines gf-cf and chebycf: number of eigenvectors in the ideal low-pass filter, 0 for " +
      "none (default: 256; chebycf: 512)",
    group: rankingGroup,
    for: ["ranking"],
    only: FILTERS,
  }),
  filterWeight: number({
    ...fromZero,
    help: "for the baselines gf-cf and chebycf: weight of the ideal low-pass filter (default: 0.3; chebycf: 0.2)",
    group: rankingGroup,
    for: ["ranking"],
    only: FILTERS,
  }),
  filterFlatness: number({
    ...fromZero,
    help: "for the baseline chebycf: flatness of the filter's plateau",
    group: rankingGroup,
    for: ["ranking"],
    only: { baseline: ["chebycf"] },
    shown: "1.5",
  }),
  filterPower: number({
    ...fromZero,
    help: "for the baseline chebycf: exponent of item degree in the normalization",
    group: rankingGroup,
    for: ["ranking"],
    only: { baseline: ["chebycf"] },
    shown: "0.4",
  }),
  positiveFrom: number({
    ...anyNumber,
    help: "for a log with labels: count only events with a label of x or more",
    group: rankingGroup,
    for: ["ranking", "cold"],
  }),
  score: choice(["model", "dot", "cosine", "context"], {
    placeholder: "how",
    help:
      "how items are scored: by the model, by the table's vectors (dot or cosine), or by item vectors " +
      "against context vectors (context)",
    group: rankingGroup,
    for: ["ranking", "cold", "edges"],
  }),
  query: {
    ...query.query,
    group: rankingGroup,
    for: ["ranking"],
    only: { score: ["cosine", "dot", "context"] },
    not: { foldInShare: true },
    why: "folded-in vectors are the queries",
  },
  queryHalfLife: { ...query.queryHalfLife, group: rankingGroup, for: ["ranking"], only: { query: true } },
  table: {
    ...table.table,
    help: "with --labels, --score dot or cosine: table to use, for a run with several tables",
    group: rankingGroup,
    for: ["ranking", "labels", "edges"],
    onlyAny: { score: ["dot", "cosine"], labels: true, edges: true },
    not: { score: ["context"], foldInShare: true },
    why: "these vectors are not of one table",
  },
} as const;

const ofLabels = forModes(
  {
    labels: text("file:field", {
      help:
        "file of labels for a field's keys (multi-valued cells as a|b); FILE:FIELD=COLUMN if the key column " +
        "has another name",
      group: "Tables:",
      onlyAny: { neighborsBy: true, probe: true },
    }),
    neighborsBy: text("column", {
      help: "with --labels: label column; measures how often nearest neighbors share a label",
      group: "Tables:",
      only: { labels: true },
    }),
    probe: text("column", {
      help: "with --labels: label column; measures how well a logistic regression predicts it from the vectors",
      group: "Tables:",
      only: { labels: true },
    }),
    probeTrain: share({
      ...withinShares,
      help: "with --probe: share of items used to train the regression, such as 0.5 or 50%",
      group: "Tables:",
      only: { probe: true },
      shown: "0.8",
    }),
    probeRepeats: whole({
      min: 1,
      max: MANY,
      help: "with --probe: number of random train/test splits to average over; also prints an interval",
      group: "Tables:",
      only: { probe: true },
      shown: "1",
    }),
    probeRaw: flag({
      help: "with --probe: use the vectors as they are, as published results do, instead of standardizing them",
      group: "Tables:",
      only: { probe: true },
    }),
  },
  "labels",
);

const ofEdges = forModes(
  {
    edges: texts("file", {
      help: "file of held-out edges: measures how often they score above non-edges (AUC); repeatable",
      group: "Edges:",
      not: { score: ["model"] },
      why: "it evaluates vectors; use --score dot, cosine or context",
    }),
    source: text("column", {
      help: "with --edges: column of the source node",
      group: "Edges:",
      only: { target: true },
      shown: "source, else the first column",
    }),
    target: text("column", {
      help: "with --edges: column of the target node",
      group: "Edges:",
      only: { source: true },
      shown: "target, else the second column",
    }),
    directed: flag({
      help: "with --edges: treat edges as directed: an edge and its reverse are different pairs",
      group: "Edges:",
    }),
    knownEdges: texts("file", {
      help: "with --edges: file of training edges, excluded from the sampled non-edges; repeatable",
      group: "Edges:",
    }),
    nonEdges: choice(["uniform", "held-ends"], {
      placeholder: "how",
      help:
        "with --edges: how non-edges are sampled: uniformly from all nodes, or from the endpoints of " +
        "held-out edges",
      group: "Edges:",
      shown: "uniform",
    }),
    newNodes: texts("file", {
      help: "with --edges: CSV file of vectors for additional nodes, as written by transform; one file per run",
      group: "Edges:",
      not: { score: ["context"] },
      why: "new nodes have no context vectors",
    }),
    field: text("name", {
      help: "with --edges: field to evaluate",
      group: "Edges:",
      shown: "the item, or the only field",
    }),
  },
  "edges",
);

const ofIndex = forModes(
  {
    index: text("dir", {
      help: "index of the run's table (from embed index): measures its recall of the --k nearest rows (default: 10)",
      group: "Indexes:",
    }),
    ef: numbers(1, {
      help: "with --index: search candidate list sizes (HNSW ef) to measure, such as 32,64 (default: 32,64,128)",
      group: "Indexes:",
    }),
  },
  "index",
);

/** Modes that read a log or draw random samples: all except `index`. */
const allButIndex = ["scores", "ranking", "cold", "labels", "edges"] as const;

export const evaluateOptions = withCommon(
  {
    ...ofLog,
    ...prefixes,
    ...threads,
    ...ofScores,
    ...ofRanking,
    ...forModes(content, "cold"),
    ...ofLabels,
    ...ofEdges,
    ...ofIndex,
    ...forModes(pick(hashedIds, "hashKeys"), ...allButIndex),
    ...reading,
    maxBad: { ...badRows.maxBad, for: ["scores", "ranking", "cold", "edges"] },
    badRows: { ...badRows.badRows, for: ["scores", "ranking", "cold"] },
    force: flag({ help: "replace an existing --bad-rows or --curve file", group: "Reading:" }),
    bootstrap: whole({
      min: 0,
      max: MANY,
      help: "number of bootstrap samples of users (or items) for confidence intervals; 0 disables them",
      group,
      for: allButIndex,
      shown: "1000",
    }),
    seed: whole({
      min: 0,
      max: MANY,
      help: "random seed for --bootstrap, the baseline random, and the items held out by --probe",
      group,
      shown: "1",
    }),
    format: choice(["text", "markdown"], {
      placeholder: "format",
      help: "format of the printed table",
      group: "Output:",
      default: "text",
    }),
  } as const,
  [
    ...(["on", "part", "threads", "ranking", "k", "mask", "repeats", "positiveFrom", "score"] as const),
    ...(["candidates", "foldInShare", "cold", "baseline", "query", "labels", "neighborsBy"] as const),
    ...(["probe", "edges", "index", "content", "curve", "bootstrap", "seed", "format", "force"] as const),
  ],
);

export type EvaluateOptions = Given<typeof evaluateOptions>;

/** The options that the user set; those for reading logs are converted to the form that a log reader takes. */
export type Evaluating = Omit<EvaluateOptions, "badRows"> & Pick<FurtherLog, "reading" | "badRows">;
