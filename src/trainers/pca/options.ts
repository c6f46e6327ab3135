// The options of train-pca.

import { UsageError } from "../../errors.js";
import { labels, vocabulary } from "../../training/options/features.js";
import { everyday, log } from "../../training/options/log.js";
import { threads } from "../../training/options/reading.js";
import {
  choice,
  flag,
  number,
  pick,
  refused,
  resolved,
  text,
  whole,
  type Resolved,
  type Given,
  withCommon,
} from "../../training/options/table.js";
import { output } from "../../training/options/weekly.js";
import { responseOf } from "./response.js";

/** What is decomposed. */
export const matrices = ["interactions", "features", "columns", "cooccurrence"] as const;
export type PcaMatrix = (typeof matrices)[number];

/** What an entry of users x items is made of. */
export const valueKinds = ["counts", "binary", "log1p", "tfidf", "bm25"] as const;
export type ValueKind = (typeof valueKinds)[number];

const [model, training] = ["Model:", "Training:"] as const;
const ofInteractions = { matrix: ["interactions"] } as const;
const ofCooccurrence = { matrix: ["cooccurrence"] } as const;
type Matrix = { matrix: PcaMatrix };

const own = {
  matrix: choice(matrices, {
    placeholder: "matrix",
    help: "users x items; events x one-hot features; a table of numbers; or items that occur together in sessions",
    group: model,
    default: "interactions",
  }),
  values: choice(valueKinds, {
    placeholder: "kind",
    help: "interactions: the value of a pair that has events",
    group: model,
    default: "counts",
    only: ofInteractions,
  }),
  normalize: choice(["none", "degree"], {
    placeholder: "how",
    help: "interactions: degree divides each value by the roots of its row's and its column's sum, and ranks best",
    group: model,
    default: "none",
    only: ofInteractions,
  }),
  /** h of the singular values, as responseOf reads it */
  response: text("filter", {
    help: "with --normalize degree: how strongly each component speaks, ideal, power=P, exp=B or plateau=P; plateau filters before it decomposes, and ranks best",
    group: model,
    default: "ideal",
    only: { normalize: ["degree"] },
  }),
  degreePower: number({
    min: 0,
    max: 1,
    help: "with --normalize degree: an item counts by its events to this power; higher recommends popular items",
    group: model,
    default: ({ response }: { response: string }) => (response.startsWith("plateau") ? 0.4 : 0.5),
    shown: "0.5; plateau: 0.4",
    only: { normalize: ["degree"] },
  }),
  scale: flag({ help: "divide each column by its standard deviation", group: model, default: false }),
  center: flag({
    help: "subtract the mean of each column (always so of --matrix columns)",
    group: model,
    negated: "also",
    default: ({ matrix }: Matrix) => matrix === "columns",
  }),
  whiten: flag({
    help: "vectors of users, events or rows have variance 1 in every dimension",
    group: model,
    default: false,
    only: { matrix: ["interactions", "features", "columns"] },
  }),
  exact: flag({
    help: "decompose the Gram matrix in double precision; its side is at most 1536",
    group: model,
    default: false,
  }),
  dim: whole({
    min: 1,
    max: 4096,
    help: "length of a vector; cut to the rank of the matrix",
    group: model,
    default: 64,
    shown: "64; columns: as many as there are",
  }),
  /** p: users (rows) have the singular values to the power 1 - p, items (columns) to the power p */
  power: number({
    min: 0,
    max: 1,
    help: "items are scaled by the singular values to the power x, users to 1 - x; 0 gives components of length 1",
    group: model,
    default: ({ matrix, whiten }: Matrix & { whiten: boolean }) =>
      whiten ? 1 : matrix === "columns" ? 0 : 0.5,
    shown: "0.5; columns: 0",
  }),
  tolerance: number({
    min: 1e-6,
    max: 0.5,
    help: "the iteration stops when each residual over its squared singular value is below x; singular values err by x squared",
    group: model,
    // the spectrum of a plateau is flat, and what ranks is the space of its components rather than each of them
    default: ({ response }: { response: string }) => (response.startsWith("plateau") ? 0.2 : 0.01),
    shown: "0.01; plateau: 0.2",
  }),
  shift: number({
    min: 1,
    max: 1e6,
    help: "cooccurrence: log x is subtracted from the mutual information, as x negatives would do",
    group: model,
    default: 1,
    only: ofCooccurrence,
  }),
  /** 0 for the whole session */
  window: whole({
    min: 1,
    max: 1e6,
    help: "cooccurrence: counts pairs of events at most n apart, in order of time or else of rows",
    group: model,
    default: 0,
    shown: "the whole session",
    only: ofCooccurrence,
  }),
  seed: whole({
    min: 0,
    max: 0xffffffff,
    help: "random seed of the random start and of splits",
    group: training,
    default: 1,
  }),
  ...threads,
} as const;

/** Every option of the command. */
export const options = withCommon(
  {
    ...log,
    ...vocabulary,
    init: refused(
      "is not for train-pca: components are decided by the log alone, and an earlier run would change nothing; --row-order RUN keeps its rows where they are",
    ),
    oovDropout: refused("hides keys from epochs, and train-pca has none: leave it out"),
    positiveFrom: {
      ...pick(labels, "positiveFrom").positiveFrom,
      help: "for a log with labels: only rows with a label of x or more are events",
      only: { matrix: ["interactions", "cooccurrence"] },
    },
    ...own,
    ...output,
  } as const,
  [...everyday, "label", "positiveFrom", "minCount", "session", "matrix", "values", "dim", "seed"],
);

export type GivenPca = Given<typeof options>;
/** As a decomposition has them. */
export type PcaOptions = Resolved<typeof own>;

/** What the user set, else the defaults. */
export function pcaOptionsOf(given: GivenPca): PcaOptions {
  return resolved(own, given);
}

/** Whether the matrix counts events that happened. */
export function countsEvents({ matrix }: Pick<PcaOptions, "matrix">): boolean {
  return matrix === "interactions" || matrix === "cooccurrence";
}

/** @throws {UsageError} two options do not go together */
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
      `${whiten ? "--whiten" : "--scale"} does not go with --response and --degree-power, which decide how much each component and each item counts`,
    );
  if (whiten && power !== undefined)
    throw new UsageError("--whiten decides how users and items share the singular values: leave out --power");
  if (center && normalize === "degree")
    throw new UsageError(
      "--center and --normalize degree do not go together: the means of a normalised matrix are of no user",
    );
  if (matrix === "columns" && center === false)
    throw new UsageError(
      "--no-center is not for --matrix columns: components of a table about 0 are those of its means",
    );
}
