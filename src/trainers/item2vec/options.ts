// The options of train-item2vec (docs/algorithms/item2vec.md).

import { UsageError } from "../../base/errors.js";
import { everyday } from "../../training/shared-options/log.js";
import { threads } from "../../training/shared-options/reading.js";
import { passes } from "../../training/shared-options/passes.js";
import {
  choice,
  custom,
  flag,
  list,
  number,
  resolved,
  text,
  whole,
  withCommon,
  wholeOf,
  type Resolved,
  type SearchRange,
  type Given,
} from "../../options/table.js";
import { commonOptions, gaps } from "../shared/skip-grams/options.js";
import { output } from "../../training/shared-options/weekly.js";

const [model, training, sequences, goals] = ["Model:", "Training:", "Sequences:", "Goals:"] as const;
const weekToWeek = "From week to week:";
const ANY = Number.MAX_VALUE;

/** Maximum number of tokens on each side of a centre for --window session; it is stored in a u8. */
const LONGEST_WINDOW = 255;

/**
 * Makes an option searchable only if the metric is recall: losses with other windows or noise are means over other
 * pairs of centre and context, and cannot be compared.
 */
function byRecall(among: (options: { tokens?: readonly string[] }) => readonly number[]): SearchRange {
  return { among, when: ({ metric }: { metric: string }) => metric === "recall" };
}

const ofSequences = {
  ...gaps,
  minLength: whole({
    min: 2,
    max: 1_000_000,
    help: "drop sessions with fewer than n events",
    group: sequences,
    default: 2,
  }),
  maxLength: whole({
    min: 2,
    max: 1_000_000_000,
    help: "split sessions longer than n events",
    group: sequences,
    default: 10_000,
  }),
  tokens: list("columns", {
    help:
      "columns to embed in one space, such as user,item,category; an event contributes its keys in this " +
      "order; by default only the item",
    group: sequences,
  }),
  keepRepeats: flag({
    help: "keep consecutive events with the same item (or --tokens); by default repeats are dropped",
    group: sequences,
    default: false,
  }),
} as const;

/** Contexts and negatives in addition to the window. */
const ofGoals = {
  goal: text("expression", {
    help:
      "goal events of sessions, such as 'event = \"booking\"'; their items are contexts of every item in " +
      "the session",
    group: goals,
  }),
  goalWeight: whole({
    min: 1,
    max: 100,
    help: "number of times an epoch visits a session with a goal",
    group: goals,
    shown: "1",
    only: { goal: true },
  }),
  reject: text("expression", {
    help:
      "rejection events, such as 'event = \"rejection\"'; their items are negatives of every item in the " +
      "session instead of contexts",
    group: goals,
  }),
  negativesWithin: text("column", {
    help: "market column of the item: adds negatives sampled from items with the same value",
    group: goals,
  }),
  marketNegatives: whole({
    min: 1,
    max: 64,
    help: "number of additional negatives from the item's market (--negatives-within)",
    group: goals,
    shown: "5",
    only: { negativesWithin: true },
  }),
} as const;

const own = {
  ...ofSequences,
  ...ofGoals,
  dim: whole({ min: 1, max: 1024, help: "embedding dimension", group: model, default: 64 }),
  window: custom(
    "n",
    { type: 'number | "session"', parse: windowOf, complaint: windowComplaint },
    {
      help:
        "context window: number of events before and after an item, with all their --tokens; session " +
        "uses all events of the session",
      group: model,
      default: 5,
      search: byRecall(({ tokens = ["item"] }) =>
        [2, 3, 5, 10, 20].filter((window) => window * tokens.length <= LONGEST_WINDOW),
      ),
    },
  ),
  windowDirection: choice(["both", "after"], {
    help: "use contexts on both sides of an item, or only those that follow it",
    group: model,
    default: "both",
  }),
  negatives: whole({
    min: 1,
    max: 64,
    help: "number of negatives per context pair",
    group: training,
    default: 5,
    search: byRecall(() => [2, 5, 10, 20]),
  }),
  noiseExponent: number({
    min: -2,
    max: 2,
    help: "exponent of the noise distribution for negatives, over item frequency; 0 is uniform",
    group: training,
    default: 0.75,
    search: byRecall(() => [-1, -0.5, 0, 0.25, 0.5, 0.75, 1]),
  }),
  subsample: number({
    min: 0,
    max: 1,
    help:
      "subsampling threshold: randomly drops events of items above this share of all events (word2vec's " +
      "sample); 0 disables it",
    group: training,
    default: 0,
    search: byRecall(() => [0, 0.0001, 0.001, 0.01]),
  }),
  epochs: whole({
    min: 1,
    max: 1_000_000,
    help: "maximum number of passes over the sessions",
    group: training,
    default: 5,
  }),
  learningRate: number({
    min: 1e-6,
    max: ANY,
    help: "initial learning rate (AdaGrad), decayed linearly to 1/10000 of it",
    group: training,
    shown: "0.8, or 0.2 if items have more than 500 events",
    search: { span: 4 },
  }),
  patience: passes.patience,
  minDelta: passes.minDelta,
  metric: choice(["loss", "recall"], {
    placeholder: "metric",
    help:
      "metric for early stopping and --search: loss on held-out pairs, or recall, the share of held-out items among " +
      "the --k nearest of the preceding item",
    group: weekToWeek,
    default: (_: unknown, { searches }: { searches?: boolean }) => (searches ? "recall" : "loss"),
    shown: "loss; with --search recall",
  }),
  k: whole({
    min: 1,
    max: 1000,
    help: "with --metric recall: cutoff K",
    group: weekToWeek,
    default: 20,
    only: { metric: ["recall"] },
  }),
  seed: { ...passes.seed, help: "random seed for initial vectors, shuffling and sampling" },
  ...threads,
} as const;

export const options = withCommon(
  {
    ...commonOptions,
    ...own,
    ...output,
  } as const,
  [
    ...everyday,
    "session",
    "sessionGap",
    "positiveFrom",
    "minCount",
    "init",
    "dim",
    "window",
    "negatives",
    "epochs",
  ],
);

export type GivenItem2vec = Given<typeof options>;
/** Options with defaults, except the learning rate, which may be unset. */
export type Item2vecOptions = Resolved<typeof own>;
export type TrainedOptions = Item2vecOptions & { learningRate: number };

export function item2vecOptionsOf(given: GivenItem2vec): Item2vecOptions {
  return resolved(own, given, { searches: given.search !== undefined });
}

/** Returns the number of tokens on each side of a centre; --window counts events, each of which has several tokens. */
export function windowSize({
  window,
  tokens = ["item"],
}: Pick<Item2vecOptions, "window" | "tokens">): number {
  return window === "session" ? LONGEST_WINDOW : window * tokens.length;
}

export function stoppingMetricOf({ metric, k }: Pick<Item2vecOptions, "metric" | "k">) {
  return metric === "recall"
    ? { name: `recallAt${k}` as const, better: "higher" as const }
    : { name: "validLoss" as const, better: "lower" as const };
}

/** Smaller if rows are updated often, because the steps of all updates are summed before AdaGrad's step. */
export function withLearningRate(options: Item2vecOptions, eventsAnItem: number): TrainedOptions {
  return { learningRate: eventsAnItem > 500 ? 0.2 : 0.8, ...options };
}

function windowOf(given: string, flagName: string): number | "session" {
  return given === "session" ? given : wholeOf(given, flagName, 1);
}

function windowComplaint(window: number | "session"): string | undefined {
  const isRight =
    window === "session" || (Number.isInteger(window) && window >= 1 && window <= LONGEST_WINDOW);
  return isRight ? undefined : `an integer from 1 to ${LONGEST_WINDOW}, or session`;
}

export function checkItem2vecOptions(given: GivenItem2vec): void {
  const { session, sessionGap } = given;
  const { window, tokens = ["item"] } = item2vecOptionsOf(given);
  if (windowSize({ window, tokens }) > LONGEST_WINDOW)
    throw new UsageError(
      `--window must be at most ${Math.floor(LONGEST_WINDOW / tokens.length)} with ${tokens.length} ` +
        `--tokens, got ${window}: a window holds at most ${LONGEST_WINDOW} tokens per side (or use --window ` +
        "session)",
    );
  const [twice] = tokens.filter((name, i) => tokens.indexOf(name) < i);
  if (twice !== undefined) throw new UsageError(`--tokens names '${twice}' twice`);
  if (session !== undefined && sessionGap !== undefined)
    throw new UsageError("--session-gap and --session cannot be combined");
}
