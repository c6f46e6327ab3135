// What `train-gbdt` is asked to do.

import type { EventLimits } from "../dataset/event-limits.js";
import type { EventWeightOptions } from "../dataset/event-weights.js";
import { UsageError } from "../errors.js";
import {
  checkGbdtOptions,
  defaultGbdtOptions,
  defaultHead,
  type GbdtOptions,
  type HeadOptions,
} from "../trainers/gbdt/options.js";
import type { GbdtTask } from "../trainers/gbdt/preprocess.js";
import type { DatasetOptions } from "./read-dataset.js";
import type { SplitFlags } from "./split-options.js";

export interface TrainGbdtOptions extends DatasetOptions, EventLimits, EventWeightOptions, SplitFlags {
  out: string;
  force: boolean;
  /** what is predicted; by the labels when absent */
  task?: GbdtTask;
  positiveFrom?: number;
  /** a logistic regression on the leaves, with these in place of the defaults; none when absent */
  head?: Partial<HeadOptions>;
  /** what the user set; the rest is default */
  gbdt: Partial<GbdtOptions>;
}

/** Every hyperparameter of the trees. @throws {UsageError} one is out of its range */
export function gbdtOptionsOf({ gbdt: told }: TrainGbdtOptions): GbdtOptions {
  const gbdt = { ...defaultGbdtOptions(), ...told };
  checkGbdtOptions(gbdt);
  return gbdt;
}

/** Those of the head, if there is to be one. @throws {UsageError} one is out of range, or labels are no classes */
export function headOptionsOf({ head: told }: TrainGbdtOptions, task: GbdtTask): HeadOptions | undefined {
  if (!told) return undefined;
  const head = { ...defaultHead, ...told };
  if (task !== "binary") throw new UsageError("--head lr is for labels of 0 and 1");
  if (!(head.l2 >= 0)) throw new UsageError(`--head-l2 is a number from 0 on, got ${head.l2}`);
  return head;
}

/** Every option as it was used; what the manifest and --json state. */
export function resolvedGbdtOptions(
  paths: readonly string[],
  options: TrainGbdtOptions,
  gbdt: GbdtOptions,
): Record<string, unknown> {
  const { gbdt: _, out: __, force: ___, reading, unlabelled: ____, infer: _____, ...rest } = options;
  const { threads: ______, ...readingOptions } = reading;
  return { log: paths, ...rest, reading: readingOptions, ...gbdt };
}
