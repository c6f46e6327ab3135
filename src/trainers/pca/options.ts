// The options of train-pca: default, range and help text, declared once.

import { availableParallelism } from "node:os";
import { UsageError } from "../../errors.js";
import { checkRanges, type Declared, threadsOption } from "../../training/check-ranges.js";

/** What is decomposed. */
export const matrices = ["interactions", "features", "columns", "cooccurrence"] as const;
export type PcaMatrix = (typeof matrices)[number];

/** What an entry of users x items is made of. */
export const valueKinds = ["counts", "binary", "log1p", "tfidf", "bm25"] as const;
export type ValueKind = (typeof valueKinds)[number];

export const normalizations = ["none", "degree"] as const;

export interface PcaOptions {
  matrix: PcaMatrix;
  dim: number;
  values: ValueKind;
  normalize: (typeof normalizations)[number];
  /** p: users (rows) have the singular values to the power 1 - p, items (columns) to the power p */
  power: number;
  /** columns are divided by their standard deviation */
  scale: boolean;
  /** vectors of rows have variance 1 in every dimension */
  whiten: boolean;
  /** the mean of each column is taken off */
  center: boolean;
  exact: boolean;
  tolerance: number;
  /** cooccurrence: log(shift) is taken off the pointwise mutual information */
  shift: number;
  /** cooccurrence: events of a session that are at most so many apart; 0 for the whole session */
  window: number;
  seed: number;
  threads: number;
}

type NumberName = "dim" | "power" | "tolerance" | "shift" | "window" | "seed" | "threads";

/** Numbers that a user may set, in the order of the help. */
export const hyperparameters: readonly Declared<NumberName>[] = [
  {
    name: "dim",
    default: "64; columns: as many as there are",
    help: "length of a vector; cut to the rank of the matrix",
    integer: true,
    min: 1,
    max: 4096,
  },
  {
    name: "power",
    default: "0.5; columns: 0",
    help: "items have the singular values to this power, users to 1 less it; 0 gives components of length 1",
    integer: false,
    min: 0,
    max: 1,
  },
  {
    name: "tolerance",
    default: "0.01",
    help: "iteration stops when each residual over its squared singular value is below; these err by its square",
    integer: false,
    min: 1e-6,
    max: 0.5,
  },
  {
    name: "shift",
    default: "1",
    help: "cooccurrence: its logarithm is taken off the mutual information, as so many negatives would",
    integer: false,
    min: 1,
    max: 1e6,
  },
  {
    name: "window",
    default: "the whole session",
    help: "cooccurrence: events that are at most so many apart, by time or else row",
    integer: true,
    min: 1,
    max: 1e6,
  },
  {
    name: "seed",
    default: "1",
    help: "of the random start and of splits",
    integer: true,
    min: 0,
    max: 0xffffffff,
  },
  threadsOption,
];

/** What the user left open. */
export function pcaOptionsOf(told: Partial<PcaOptions> & Pick<PcaOptions, "matrix">): PcaOptions {
  const isColumns = told.matrix === "columns";
  return {
    dim: 64,
    values: "counts",
    normalize: "none",
    power: told.whiten ? 1 : isColumns ? 0 : 0.5,
    scale: false,
    whiten: false,
    center: isColumns,
    exact: false,
    tolerance: 0.01,
    shift: 1,
    window: 0,
    seed: 1,
    threads: availableParallelism(),
    ...told,
  };
}

/** By option: the matrices that it is for. */
const scopes: Partial<Record<keyof PcaOptions, readonly PcaMatrix[]>> = {
  values: ["interactions"],
  normalize: ["interactions"],
  shift: ["cooccurrence"],
  window: ["cooccurrence"],
  whiten: ["interactions", "features", "columns"],
};

/** @throws {UsageError} an option is outside its range, or two do not go together */
export function checkPcaOptions(told: Partial<PcaOptions> & Pick<PcaOptions, "matrix">): void {
  checkRanges(hyperparameters, told);
  for (const [name, allowed] of Object.entries(scopes)) {
    if (told[name as keyof PcaOptions] === undefined || allowed.includes(told.matrix)) continue;
    throw new UsageError(`--${name} is for --matrix ${allowed.join(", ")}, not for ${told.matrix}`);
  }
  if (told.whiten && told.power !== undefined)
    throw new UsageError("--whiten decides how users and items share the singular values: leave out --power");
  if (told.center && told.normalize === "degree")
    throw new UsageError(
      "--center and --normalize degree do not go together: the means of a normalised matrix are of no user",
    );
  if (told.matrix === "columns" && told.center === false)
    throw new UsageError(
      "--no-center is not for --matrix columns: components of a table about 0 are those of its means",
    );
}
