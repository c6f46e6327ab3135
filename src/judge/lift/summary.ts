// Summarizes trainings with a table and with other initializations: means over seeds, and the verdict.
//
//   arm        an initialization of the embedding layer (training/warm-start/starts.ts)
//   reached    the first epoch whose validation loss is at most the best loss of the random start with the same seed
//   judged     the loss that decides the verdict: the test loss at the best epoch; without a test split, the least
//              validation loss
//
// Differences are computed for each seed, which removes the effects of the seed's shuffles and initial dense weights.

import { meanInterval, type MeanInterval } from "../../metrics/user-metric.js";
import type { Initialization } from "../../training/session/trainer.js";

export interface LiftTraining {
  seed: number;
  validLosses: readonly number[];
  /** duration of each epoch in seconds */
  seconds: readonly number[];
  /** logistic loss in nats per row, or squared error of clipped scores */
  testLoss?: number;
  /** test AUC; only for a binary label, if the test split has both labels */
  testAuc?: number;
}

/** A pair of learning rates, and its result for a separate seed. */
export interface LiftTrial {
  learningRate: number;
  embeddingLearningRate: number;
  /** least validation loss; null if the training diverged */
  validLoss: number | null;
}

export interface LiftArm {
  arm: Initialization;
  /** all tried pairs of learning rates, in the order of trial */
  trials: readonly LiftTrial[];
  /** the trial with the least validation loss */
  chosen: LiftTrial;
  trainings: readonly LiftTraining[];
}

/** Results of an arm: statistics over its seeds. */
export interface ArmSummary {
  arm: Initialization;
  /** number of seeds that reached the least validation loss of the random start */
  numReached: number;
  /** number of seeds that never reached the random start's least validation loss: right-censored observations */
  numCensored: number;
  /**
   * mean number of epochs until the random start's least validation loss; absent if no seed reached it. A censored seed
   * counts with all its epochs, so with censored seeds the mean is a lower bound (restricted to the length of the
   * training) and has no interval.
   */
  epochsToReach?: MeanInterval;
  /** mean seconds until the random start's least validation loss; for the table, including its own training */
  secondsToReach?: MeanInterval;
  /** validation loss of the best epoch */
  validLoss: MeanInterval;
  testLoss?: MeanInterval;
  testAuc?: MeanInterval;
  /** test AUC minus that of the random start with the same seed; positive is better; absent for the random start */
  aucToRandom?: MeanInterval;
  /** loss on the split `judged` minus the random start's, by seed; negative is better; absent for the random start */
  toRandom?: MeanInterval;
  /** loss on the split `judged` minus the table's, by seed; positive if the table is better; absent for the table */
  toTable?: MeanInterval;
}

export interface LiftResult {
  /** split whose loss decides the verdict */
  judged: "valid" | "test";
  arms: ArmSummary[];
  verdict: "gain" | "no gain" | "loss";
  /** sentences that state the conclusions; the first one is the verdict */
  sentences: string[];
}

/**
 * Summarizes the trainings of each initialization (an arm). All arms must have the same seeds in the same order, and
 * the initializations `table` and `random` must be among them.
 *
 * @param pretraining seconds of the table's own training
 */
export function summarizeLift(arms: readonly LiftArm[], pretraining: number): LiftResult {
  const trainingsOf = (kind: Initialization) => arms.find(({ arm }) => arm === kind)!.trainings;
  const random = trainingsOf("random");
  const table = trainingsOf("table");
  const judged = random.every(({ testLoss }) => testLoss !== undefined) ? "test" : "valid";
  const lossOf = (training: LiftTraining) =>
    judged === "test" ? training.testLoss! : bestOf(training.validLosses);
  const lessThan = (own: readonly LiftTraining[], other: readonly LiftTraining[]) =>
    meanInterval(own.map((training, s) => lossOf(training) - lossOf(other[s]!)));
  const hasAuc = arms.every(({ trainings }) => trainings.every(({ testAuc }) => testAuc !== undefined));
  const summaries = arms.map(({ arm, trainings }): ArmSummary => ({
    arm,
    ...reaching(trainings, random, arm === "table" ? pretraining : 0),
    validLoss: meanInterval(trainings.map(({ validLosses }) => bestOf(validLosses))),
    ...(judged === "test" && { testLoss: meanInterval(trainings.map(({ testLoss }) => testLoss!)) }),
    ...(hasAuc && { testAuc: meanInterval(trainings.map(({ testAuc }) => testAuc!)) }),
    ...(hasAuc &&
      arm !== "random" && {
        aucToRandom: meanInterval(trainings.map(({ testAuc }, s) => testAuc! - random[s]!.testAuc!)),
      }),
    ...(arm !== "random" && { toRandom: lessThan(trainings, random) }),
    ...(arm !== "table" && { toTable: lessThan(trainings, table) }),
  }));
  const { toRandom } = summaries.find(({ arm }) => arm === "table")!;
  const verdict = verdictOf(toRandom!);
  return { judged, arms: summaries, verdict, sentences: sentencesOf(summaries, { judged, verdict }) };
}

/** Returns mean epochs and seconds until the random start's least validation loss; `before` is added to the seconds. */
function reaching(
  trainings: readonly LiftTraining[],
  random: readonly LiftTraining[],
  before: number,
): Pick<ArmSummary, "numReached" | "numCensored" | "epochsToReach" | "secondsToReach"> {
  const observed = trainings.map(({ validLosses, seconds }, s) => {
    const target = bestOf(random[s]!.validLosses);
    const epoch = validLosses.findIndex((loss) => loss <= target) + 1;
    const epochs = epoch > 0 ? epoch : validLosses.length;
    return {
      isReached: epoch > 0,
      epochs,
      seconds: seconds.slice(0, epochs).reduce((sum, x) => sum + x, before),
    };
  });
  const numReached = observed.filter(({ isReached }) => isReached).length;
  const numCensored = observed.length - numReached;
  if (numReached === 0) return { numReached, numCensored };
  const meanOf = (values: readonly number[]): MeanInterval => {
    const interval = meanInterval(values);
    return numCensored > 0 ? { mean: interval.mean } : interval;
  };
  return {
    numReached,
    numCensored,
    epochsToReach: meanOf(observed.map(({ epochs }) => epochs)),
    secondsToReach: meanOf(observed.map(({ seconds }) => seconds)),
  };
}

function bestOf(losses: readonly number[]): number {
  return losses.reduce((least, loss) => Math.min(least, loss), Infinity);
}

function verdictOf({ mean, low = -Infinity, high = Infinity }: MeanInterval): LiftResult["verdict"] {
  if (mean === low && mean === high && mean === 0) return "no gain";
  if (high < 0) return "gain";
  return low > 0 ? "loss" : "no gain";
}

/** A sentence if no start ranks the test rows better than chance does: their differences then mean nothing. */
function learnsNothing(arms: readonly ArmSummary[]): string | undefined {
  const aucs = arms.map(({ testAuc }) => testAuc);
  if (aucs.some((auc) => !auc || (auc.low ?? auc.mean - 0.01) > 0.5)) return undefined;
  const best = aucs.reduce((most, auc) => Math.max(most, auc!.mean), 0);
  return (
    `Nothing was learned: no start ranks the test rows better than chance (AUC ${best.toFixed(4)} at most), so the ` +
    "starts cannot be compared: train what embed compare finds best on this log, and pass its run to --init."
  );
}

function sentencesOf(
  arms: readonly ArmSummary[],
  { judged, verdict }: Pick<LiftResult, "judged" | "verdict">,
): string[] {
  const of = (kind: Initialization) => arms.find(({ arm }) => arm === kind)!;
  const table = of("table");
  const random = of("random");
  const part = judged === "test" ? "test loss" : "best validation loss";
  const difference = signed(table.toRandom!);
  const first = {
    gain: `Gain: the ${part} is lower from the table than from random starts, by ${difference}.`,
    "no gain":
      `No gain: the ${part} does not differ significantly between the table and random starts ` +
      `(${difference}).`,
    loss: `Loss: the ${part} is higher from the table than from random starts, by ${difference}.`,
  }[verdict];
  const sentences = [learnsNothing(arms) ?? first];
  if (verdict === "gain") {
    // if a shuffled table or random rows with the same norms are as good, the gain does not come from the learned
    // vectors
    const equal = arms.filter(
      ({ arm, toTable }) => arm !== "random" && toTable && !((toTable.low ?? -1) > 0),
    );
    if (equal.length > 0)
      sentences.push(
        `It does not differ significantly from ${equal.map(({ arm }) => NAMES[arm]).join(" and ")}: the ` +
          "effect may come from the scale of the initial values, not from what the table learned.",
      );
  }
  const numSeeds = table.numReached + table.numCensored;
  if (table.numReached === 0)
    sentences.push(
      `With the table, none of ${numSeeds} seeds reaches the random start's best validation loss before the training stops.`,
    );
  else {
    const seeds =
      table.numCensored === 0
        ? `all ${numSeeds} seeds`
        : `${table.numReached} of ${numSeeds} seeds; the others stopped before, so these are lower bounds`;
    sentences.push(
      `The table reaches the random start's best validation loss after ${shownReach(table, "epochsToReach")} ` +
        `epochs and ${shownReach(table, "secondsToReach")} s (${seeds}), including the table's own training; the ` +
        `random start takes ${shown(random.epochsToReach!, 1)} epochs and ${shown(random.secondsToReach!, 1)} ` +
        "s.",
    );
  }
  return sentences;
}

const NAMES: Record<Initialization, string> = {
  table: "the table",
  random: "random starts",
  shuffled: "its rows shuffled within fields",
  norms: "random rows of the same norms",
};

/** Formats a mean and half the width of its interval. */
export function shown({ mean, low, high }: MeanInterval, digits: number): string {
  const half = low === undefined || high === undefined ? "" : ` ± ${((high - low) / 2).toFixed(digits)}`;
  return `${mean.toFixed(digits)}${half}`;
}

/** Formats a mean, as `1.2 ± 0.3`, or `≥ 2.4` if seeds are censored. */
export function shownReach(arm: ArmSummary, name: "epochsToReach" | "secondsToReach"): string {
  const text = shown(arm[name]!, 1);
  return arm.numCensored > 0 ? `≥ ${text}` : text;
}

function signed({ mean, low, high }: MeanInterval): string {
  const text = (x: number) => `${x > 0 ? "+" : ""}${x.toFixed(4)}`;
  return low === undefined || high === undefined
    ? text(mean)
    : `${text(mean)}, 95 % interval ${text(low)} to ${text(high)}`;
}
