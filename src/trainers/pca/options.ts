import { UsageError } from "../../base/errors.js";
import { labels, vocabulary } from "../../training/shared-options/features.js";
import { everyday, log } from "../../training/shared-options/log.js";
import { memory, threads } from "../../training/shared-options/reading.js";
import {
  choice,
  flag,
  number,
  refused,
  resolved,
  text,
  whole,
  type Resolved,
  type Given,
  withCommon,
} from "../../options/table.js";
import { lists } from "../../training/shared-options/passes.js";
import { output, weekly } from "../../training/shared-options/weekly.js";
import { TRANSITIONS } from "../../dataset/sequences/transitions.js";
import { FLATNESS } from "../../compute/solvers/graph-filter/plateau.js";

const matrices = ["interactions", "features", "columns", "cooccurrence", "transitions"] as const;
export type PcaMatrix = (typeof matrices)[number];

const valueKinds = ["counts", "binary", "log1p", "tfidf", "bm25"] as const;
export type ValueKind = (typeof valueKinds)[number];

const [model, training] = ["Model:", "Training:"] as const;
const ofInteractions = { matrix: ["interactions"] } as const;
const ofCooccurrence = { matrix: ["cooccurrence"] } as const;
const ofTransitions = { matrix: ["transitions"] } as const;
/** Matrices whose components rank items for users. */
const ofLists = { matrix: ["interactions", "transitions"] } as const;
type Matrix = { matrix: PcaMatrix };
type Scaled = Record<"scale" | "center" | "whiten", boolean>;

/** Scaled columns or vectors exclude normalization by degrees. */
function isScaled({ scale, center, whiten }: Scaled): boolean {
  return scale || center || whiten;
}

export interface Response {
  kind: "ideal" | "power" | "exp" | "plateau";
  value?: number;
}

/** Parses `ideal`, `power=0.5`, `exp=2`, `plateau` or `plateau=1.5`. @throws {UsageError} anything else */
export function responseOf(text: string): Response {
  const [, kind, number] = /^(ideal|power|exp|plateau)(?:=(\d+(?:\.\d+)?))?$/u.exec(text) ?? [];
  const value = number === undefined ? undefined : Number(number);
  const needs = kind === "power" || kind === "exp";
  if (kind === undefined || (kind === "ideal" && value !== undefined) || (needs && value === undefined))
    throw new UsageError(
      `--response expects ideal, power=0.5, exp=2 or plateau=1.5 (numbers of at least 0), got '${text}'`,
    );
  if (kind === "plateau") return { kind, value: value ?? FLATNESS };
  return { kind: kind as Response["kind"], value };
}

const own = {
  matrix: choice(matrices, {
    placeholder: "matrix",
    help:
      "matrix to decompose: users x items, events x one-hot features, numeric columns, co-occurrence " +
      "of items in sessions, or transitions from an item to those that users take next",
    group: model,
    default: "interactions",
  }),
  values: choice(valueKinds, {
    placeholder: "kind",
    help: "interactions: value of a pair with events",
    group: model,
    default: "counts",
    only: ofInteractions,
    search: { among: () => valueKinds },
  }),
  scale: flag({
    help: "divide each column by its standard deviation",
    group: model,
    default: false,
    not: ofTransitions,
  }),
  center: flag({
    help: "subtract the mean of each column (always on for --matrix columns)",
    group: model,
    negated: "also",
    default: ({ matrix }: Matrix) => matrix === "columns",
    not: ofTransitions,
  }),
  whiten: flag({
    help: "scale vectors of users, events or rows to variance 1 in every dimension",
    group: model,
    default: false,
    only: { matrix: ["interactions", "features", "columns"] },
  }),
  normalize: choice(["none", "degree"], {
    placeholder: "how",
    help: "interactions: normalization; degree divides each value by the square roots of its row and column sums",
    group: model,
    default: ({ matrix, ...scaled }: Matrix & Scaled) =>
      matrix === "transitions" || (matrix === "interactions" && !isScaled(scaled)) ? "degree" : "none",
    shown:
      "the better one on the validation split or a tenth of the training events (of 1,000 or more, else degree); none with --scale, --center or --whiten",
    only: ofLists,
    search: {
      among: ({ matrix, ...scaled }: Matrix & Scaled) =>
        matrix === "transitions" || isScaled(scaled) ? [] : ["none", "degree"],
    },
  }),
  response: text("filter", {
    help:
      "with --normalize degree: spectral response of the components: ideal, power=P, exp=B or plateau=P; " +
      "plateau filters before decomposing",
    group: model,
    default: "ideal",
    only: { normalize: ["degree"] },
    not: ofTransitions,
    search: { among: ({ matrix }: Matrix) => (matrix === "transitions" ? [] : ["ideal", "plateau"]) },
  }),
  degreePower: number({
    min: 0,
    max: 1,
    help: "with --normalize degree: exponent of item degree; higher values recommend more popular items",
    group: model,
    default: ({ matrix, response }: Matrix & { response: string }) =>
      matrix === "transitions" ? 0.25 : response.startsWith("plateau") ? 0.4 : 0.5,
    shown: "0.5; plateau: 0.4; transitions: 0.25",
    only: { normalize: ["degree"] },
    search: {
      among: ({ matrix }: Matrix) => (matrix === "transitions" ? [0.15, 0.25, 0.35] : [0.3, 0.4, 0.5, 0.6]),
    },
  }),
  exact: flag({
    help: "exact decomposition of the Gram matrix in double precision, for matrices with a side of at most 1536",
    group: model,
    default: false,
  }),
  dim: whole({
    min: 1,
    max: 4096,
    help: "embedding dimension; at most the rank of the matrix",
    group: model,
    default: 64,
    shown: "64; columns: number of columns",
    search: {
      among: ({ matrix }: Matrix) =>
        ofLists.matrix.includes(matrix as "transitions") ? [16, 32, 64, 128, 256, 512] : [],
    },
  }),
  power: number({
    min: 0,
    max: 1,
    help: "scale items by the singular values to the power x and users to 1 - x; 0 gives orthonormal components",
    group: model,
    default: ({ matrix, whiten }: Matrix & { whiten: boolean }) =>
      whiten ? 1 : matrix === "columns" ? 0 : 0.5,
    shown: "0.5; columns: 0",
  }),
  tolerance: number({
    min: 1e-6,
    max: 0.5,
    help:
      "convergence tolerance: stop when each residual divided by its squared singular value is below x; " +
      "singular values have error x squared",
    group: model,
    // with a plateau response most singular values are nearly equal, so single components need not be precise: ranking
    // depends on the space that they span
    default: ({ response }: { response: string }) => (response.startsWith("plateau") ? 0.2 : 0.01),
    shown: "0.01; plateau: 0.2",
  }),
  shift: number({
    min: 1,
    max: 1e6,
    help: "cooccurrence: shift of the mutual information by log x, equivalent to x negatives",
    group: model,
    default: 1,
    only: ofCooccurrence,
  }),
  window: whole({
    min: 1,
    max: 1e6,
    help: "cooccurrence, transitions: count pairs at most n events apart, ordered by time (cooccurrence: or else by row)",
    group: model,
    default: ({ matrix }: Matrix) => (matrix === "transitions" ? TRANSITIONS.window : 0),
    shown: "whole session; transitions: 7",
    only: { matrix: ["cooccurrence", "transitions"] },
  }),
  decay: number({
    min: 0.01,
    max: 1,
    help: "transitions: weight of a pair relative to one that is an event closer",
    group: model,
    default: TRANSITIONS.decay,
    only: ofTransitions,
    search: { among: () => [0.5, 0.65, 0.75, 0.85] },
  }),
  countPower: number({
    min: 0.01,
    max: 1,
    help: "transitions: exponent of the weighted counts",
    group: model,
    default: TRANSITIONS.countPower,
    only: ofTransitions,
    search: { among: () => [0.5, 0.75, 1] },
  }),
  smoothing: number({
    min: 0,
    max: 1e9,
    help: "transitions: number added to an item's row sum; higher values trust rare items less",
    group: model,
    default: TRANSITIONS.smoothing,
    only: ofTransitions,
    search: { among: () => [5, 20, 100] },
  }),
  history: whole({
    min: 1,
    max: 10_000,
    help: "transitions: number of a user's latest events that make the user's vector",
    group: model,
    default: TRANSITIONS.history,
    only: ofTransitions,
  }),
  queryDecay: number({
    min: 0,
    max: 1,
    help: "transitions: weight of an event in the user's vector relative to the next later one",
    group: model,
    default: TRANSITIONS.queryDecay,
    only: ofTransitions,
    search: { among: () => [0.5, 0.7, 0.85] },
  }),
  ties: choice(["basket", "order"], {
    placeholder: "how",
    help:
      "transitions: events with equal times are a basket without order, or are ordered as in the log (also without " +
      "a time column)",
    group: model,
    default: "basket",
    only: ofTransitions,
  }),
  seed: whole({
    min: 0,
    max: 0xffffffff,
    help: "random seed for the initial vectors and splits",
    group: training,
    default: 1,
  }),
  ...threads,
  k: { ...lists.k, only: ofLists },
  candidates: { ...lists.candidates, only: ofLists },
  metric: {
    ...lists.metric,
    help: "metric at K by which --search compares settings",
    only: { search: true, ...ofLists },
  },
} as const;

export const options = withCommon(
  {
    ...log,
    ...vocabulary,
    init: refused(
      "cannot be used with train-pca, because components depend only on the log; use --row-order RUN to keep " +
        "the row order of an earlier run",
    ),
    refit: {
      ...weekly.refit,
      help: "after the metrics are measured, decompose again with all rows, held-out ones too",
    },
    search: { ...weekly.search, only: ofLists },
    maxMemory: {
      ...memory.maxMemory,
      help:
        "memory limit for vectors and events or transitions, such as 4G; above it, those of users, or the " +
        "transitions, are read from disk; without it, transitions have the memory that the events take",
      only: ofLists,
    },
    resume: { ...weekly.resume, help: "resume an interrupted --search", only: { search: true } },
    oovDropout: refused("cannot be used with train-pca, which has no epochs"),
    positiveFrom: {
      ...labels.positiveFrom,
      help: "for a log with labels: use only rows with a label of x or more as events",
      only: { matrix: ["interactions", "cooccurrence", "transitions"] },
    },
    ...own,
    ...output,
  } as const,
  [...everyday, "label", "positiveFrom", "minCount", "session", "matrix", "values", "dim", "seed"],
);

export type GivenPca = Given<typeof options>;
export type PcaOptions = Resolved<typeof own>;

export function pcaOptionsOf(given: GivenPca): PcaOptions {
  return resolved(own, given);
}

export function checkPcaOptions({
  matrix,
  whiten,
  power,
  center,
  scale,
  normalize,
  response,
  degreePower,
}: GivenPca): void {
  if (response !== undefined) responseOf(response);
  const isFiltered = (response ?? "ideal") !== "ideal" || (degreePower ?? 0.5) !== 0.5;
  if (isFiltered && (whiten || scale))
    throw new UsageError(
      `${whiten ? "--whiten" : "--scale"} cannot be combined with --response or --degree-power`,
    );
  if (whiten && power !== undefined) throw new UsageError("--whiten and --power cannot be combined");
  if (center && normalize === "degree")
    throw new UsageError("--center and --normalize degree cannot be combined");
  if (matrix === "columns" && center === false)
    throw new UsageError("--no-center cannot be combined with --matrix columns");
}
