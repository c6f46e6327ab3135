// What `train-gbdt` is asked to do.

import type { Dataset } from "../../dataset/dataset.js";
import type { EventLimits } from "../../dataset/event-limits.js";
import type { EventWeightOptions } from "../../dataset/event-weights.js";
import type { Manifest } from "../../embedding/manifest.js";
import { UsageError } from "../../errors.js";
import { version } from "../../io/package-version.js";
import {
  checkGbdtOptions,
  defaultGbdtOptions,
  defaultHead,
  type GbdtOptions,
  type HeadOptions,
} from "./options.js";
import type { GbdtTask } from "./preprocess.js";
import type { CtrFlags } from "./ctr.js";
import type { DatasetOptions } from "../../training/read-dataset.js";
import type { SplitFlags } from "../../training/split-options.js";

/** LightGBM's. */
export const DEFAULT_DECAY = 0.9;

export interface TrainGbdtOptions extends DatasetOptions, EventLimits, EventWeightOptions, SplitFlags {
  out: string;
  force: boolean;
  /** what is predicted; by the labels when absent */
  task?: GbdtTask;
  positiveFrom?: number;
  /** a logistic regression on the leaves, with these in place of the defaults; none when absent */
  head?: Partial<HeadOptions>;
  /** an earlier run whose trees come first */
  init?: string;
  /** with init its leaves are fitted anew, without it training is done once more on all rows, for the chosen number of trees */
  refit?: boolean;
  /** share of its value that a leaf keeps when it is fitted anew */
  refitDecay?: number;
  /** iterations between two checkpoints; none when absent */
  checkpointEvery?: number;
  /** go on from the checkpoint that an interrupted training left */
  resume?: boolean;
  /** id columns that become target statistics; none when absent */
  ctr?: CtrFlags;
  /** a column whose keys get a vector each; none when absent */
  entity?: { column: string; dim: number };
  /** singular vectors of the leaves that are kept; none when absent */
  dense?: number;
  /** what the user set; the rest is default */
  gbdt: Partial<GbdtOptions>;
}

/** Every hyperparameter of the trees. @throws {UsageError} one is out of its range */
export function gbdtOptionsOf({ gbdt: told }: TrainGbdtOptions): GbdtOptions {
  const gbdt = { ...defaultGbdtOptions(), ...told };
  checkGbdtOptions(gbdt);
  return gbdt;
}

/** @throws {UsageError} target statistics of a training that goes on */
export function checkCtr({ ctr, init, refit }: TrainGbdtOptions): void {
  if (!ctr) return;
  if (init !== undefined || refit)
    throw new UsageError("--ctr does not go with --init or --refit: its statistics are of one training part");
  if (!(ctr.priorWeight > 0))
    throw new UsageError(`--ctr-prior-weight is a number above 0, got ${ctr.priorWeight}`);
}

/** Those of the head, if there is to be one. @throws {UsageError} one is out of range, or labels are no classes */
export function headOptionsOf({ head: told }: TrainGbdtOptions, task: GbdtTask): HeadOptions | undefined {
  if (!told) return undefined;
  const head = { ...defaultHead, ...told };
  if (task !== "binary") throw new UsageError("--head lr is for labels of 0 and 1");
  if (!(head.l2 >= 0)) throw new UsageError(`--head-l2 is a number from 0 on, got ${head.l2}`);
  if (!(head.l1 >= 0)) throw new UsageError(`--head-l1 is a number from 0 on, got ${head.l1}`);
  if (head.l1 > 0 && head.method !== "ftrl")
    throw new UsageError("--head-l1 goes with --head-method ftrl: L-BFGS is for smooth penalties");
  if (head.crossFit > 1 && told.split !== undefined)
    throw new UsageError(
      "--head-split is the share of one head, and --cross-fit has a head for each fold: use one of them",
    );
  return head;
}

/** Share of its value that a leaf keeps, where leaves are fitted anew. @throws {UsageError} options do not go together */
export function decayOf({ init, refit, refitDecay, head }: TrainGbdtOptions): number | undefined {
  const refits = init !== undefined && refit === true;
  if (refitDecay !== undefined && !refits)
    throw new UsageError("--refit-decay goes with --init RUN --refit: it is about that run's leaves");
  if (refitDecay !== undefined && !(refitDecay >= 0 && refitDecay <= 1))
    throw new UsageError(`--refit-decay is a share in [0, 1], got ${refitDecay}`);
  if (head?.crossFit !== undefined && head.crossFit > 1 && (init !== undefined || refit === true))
    throw new UsageError("--cross-fit grows forests of its own: leave --init and --refit out");
  return refits ? (refitDecay ?? DEFAULT_DECAY) : undefined;
}

/** Every option as it was used; what the manifest and --json state. */
export function resolvedGbdtOptions(
  paths: readonly string[],
  options: TrainGbdtOptions,
  gbdt: Partial<GbdtOptions>,
): Record<string, unknown> {
  const { gbdt: _, out: __, force: ___, reading, unlabelled: ____, infer: _____, ...rest } = options;
  // what changes no byte of the result is none of its options
  const { checkpointEvery: _______, resume: ________, ...told } = rest;
  const { threads: ______, ...readingOptions } = reading;
  return { log: paths, ...told, reading: readingOptions, ...gbdt };
}

/** All that decides a training's bytes, by name: a checkpoint is of the training that has the same. @param init files of its run */
export function gbdtIdentity(
  paths: readonly string[],
  options: TrainGbdtOptions,
  { threads: _, ...gbdt }: GbdtOptions,
  inputs: Dataset["inputs"],
  init: Manifest["files"] | undefined,
): Record<string, unknown> {
  return {
    version,
    ...resolvedGbdtOptions(paths, options, gbdt),
    inputs,
    ...(init && { "run of --init": init }),
  };
}
