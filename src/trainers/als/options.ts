// The options of train-als.

import { labels, vocabulary } from "../../training/options/features.js";
import { lists } from "../../training/options/lists.js";
import { everyday, log } from "../../training/options/log.js";
import { engineTraining, memory, threads } from "../../training/options/reading.js";
import { passes } from "../../training/options/passes.js";
import {
  number,
  omit,
  resolved,
  whole,
  type Resolved,
  type Given,
  withCommon,
} from "../../training/options/table.js";
import { output, weekly } from "../../training/options/weekly.js";
import type { DataFacts } from "../../training/session/feature-training.js";

/** All pairs together weigh so many times the events, unless the user says otherwise. */
const UNOBSERVED_TO_OBSERVED = 15;
/** In a dense log that would drown the events. */
const HIGHEST_WEIGHT = 0.5;
const [model, training] = ["Model:", "Training:"] as const;

/** Defaults were chosen on a part of gowalla's training events (docs/algorithms/implicit.md). */
const own = {
  dim: whole({
    min: 1,
    max: 1024,
    help: "embedding dimension",
    group: model,
    default: 64,
    search: { among: () => [16, 32, 64, 128, 256] },
  }),
  /** a: the weight of a pair that is no event */
  unobservedWeight: number({
    min: 0,
    max: 1e6,
    help: "weight of an unobserved user-item pair; observed pairs have weight 1",
    group: model,
    shown: `chosen so that all pairs together weigh ${UNOBSERVED_TO_OBSERVED} times the events`,
    search: { span: 10 },
  }),
  l2Vector: number({
    min: 0,
    max: Number.MAX_VALUE,
    help: "L2 penalty on vectors",
    group: training,
    default: 0.005,
    search: { span: 10 },
  }),
  /** how a row's penalty grows with its events: 0 not at all, 1 in proportion */
  l2Exponent: number({
    min: 0,
    max: 2,
    help: "the L2 penalty of a user or item is scaled by its number of events to this power",
    group: training,
    default: 1,
    search: { among: () => [0.5, 0.75, 1] },
  }),
  epochs: whole({
    min: 1,
    max: 1_000_000_000,
    help: "maximum number of epochs; each epoch solves for all users, then for all items",
    group: training,
    default: (_: object, { stopsEarly }: DataFacts) => (stopsEarly ? 20 : 6),
    shown: "20 with --valid, else 6",
  }),
  ...lists,
  patience: passes.patience,
  seed: { ...passes.seed, help: "random seed for initial vectors and splits" },
  ...threads,
} as const;

/** Every option of the command. */
export const options = withCommon(
  {
    ...log,
    ...omit(vocabulary, "oovDropout"),
    // each solution is anew: there is no optimizer whose state could be kept
    ...omit(weekly, "metric", "keepState"),
    ...engineTraining,
    ...memory,
    positiveFrom: {
      ...labels.positiveFrom,
      help: "for a log with labels: use only rows with a label of x or more as events",
    },
    ...own,
    ...output,
  } as const,
  [
    ...everyday,
    "positiveFrom",
    "minCount",
    "init",
    "dim",
    "unobservedWeight",
    "l2Vector",
    "epochs",
    "seed",
    "patience",
    "k",
  ],
);

export type GivenAls = Given<typeof options>;
/** As the user left them; the weight of the unobserved may be open. */
export type AlsOptions = Resolved<typeof own>;
/** As a training has them. */
export type ImplicitOptions = Omit<AlsOptions, "k" | "metric" | "unobservedWeight"> & {
  unobservedWeight: number;
};

/** What the user set, else the defaults. */
export function alsOptionsOf(given: GivenAls, facts: DataFacts): AlsOptions {
  return resolved(own, given, { ...facts });
}

/** A log; `confidence` is the sum over its events. */
interface Size {
  confidence: number;
  numUsers: number;
  numItems: number;
}

/** The weight of the unobserved for a log of that density. */
export function defaultUnobservedWeight({ confidence, numUsers, numItems }: Size): number {
  const weight = (UNOBSERVED_TO_OBSERVED * confidence) / (numUsers * numItems);
  // three digits, as a user would say it
  return Math.min(HIGHEST_WEIGHT, Number(weight.toPrecision(3)));
}
