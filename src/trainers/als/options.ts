import { labels, vocabulary } from "../../training/shared-options/features.js";
import { lists, passes } from "../../training/shared-options/passes.js";
import { everyday, log } from "../../training/shared-options/log.js";
import { engineTraining, memory, threads } from "../../training/shared-options/reading.js";
import { number, omit, resolved, whole, type Resolved, type Given, withCommon } from "../../options/table.js";
import { output, weekly } from "../../training/shared-options/weekly.js";
import type { DataFacts } from "../../training/session/feature-training.js";

/** Default ratio of the total weight of all pairs to the total weight of the events. */
const UNOBSERVED_TO_OBSERVED = 15;
/** Maximum default weight of an unobserved pair; in a dense log, a higher weight would outweigh the events. */
const HIGHEST_WEIGHT = 0.5;
/** Training events, and keys of both sides, from which a longer vector ranks better; `most` keys bound the memory. */
const LARGE = { events: 100_000, keys: 1000, most: 1_000_000 } as const;
const [model, training] = ["Model:", "Training:"] as const;

/**
 * Options of the model and its training. Their defaults were best on a part of gowalla's training events
 * (docs/algorithms/implicit.md).
 */
const own = {
  dim: whole({
    min: 1,
    max: 1024,
    help: "embedding dimension",
    group: model,
    default: (_: object, { labeled }: DataFacts) =>
      labeled &&
      labeled.rows >= LARGE.events &&
      labeled.secondMostKeys >= LARGE.keys &&
      labeled.rows / labeled.rowsPerKey <= LARGE.most
        ? 128
        : 64,
    shown: "64; 128 from 100,000 events and 1,000 users and items (up to a million)",
    search: { among: () => [16, 32, 64, 128, 256] },
  }),
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

export const options = withCommon(
  {
    ...log,
    ...omit(vocabulary, "oovDropout"),
    // vectors are solved in closed form, so there is no optimizer state to keep
    ...omit(weekly, "metric", "keepState"),
    ...engineTraining,
    maxMemory: {
      ...memory.maxMemory,
      help: "memory limit for vectors and events, such as 4G; above it, those of users are read from disk",
    },
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
/** Options with defaults applied; `unobservedWeight` may still be undefined. */
export type AlsOptions = Resolved<typeof own>;
export type ImplicitOptions = Omit<AlsOptions, "k" | "metric" | "unobservedWeight"> & {
  unobservedWeight: number;
};

export function alsOptionsOf(given: GivenAls, facts: DataFacts): AlsOptions {
  return resolved(own, given, { ...facts });
}

/** Returns the default weight of unobserved pairs; `confidence` is the sum of the confidences of all events. */
export function defaultUnobservedWeight({
  confidence,
  numUsers,
  numItems,
}: Record<"confidence" | "numUsers" | "numItems", number>): number {
  const weight = (UNOBSERVED_TO_OBSERVED * confidence) / (numUsers * numItems);
  // rounded to three significant digits, as a user would write it
  return Math.min(HIGHEST_WEIGHT, Number(weight.toPrecision(3)));
}
