// Runs the trainings of `embed lift`. For each arm, which is an initialization of the embedding layer, the validation
// split with a separate seed decides the learning rates; then each seed is trained.

import { DivergedError } from "../../errors.js";
import {
  initializations,
  type Initialization,
  type ComparedTraining,
  type PreparedTrainings,
} from "../../training/session/trainer.js";
import type { Watch } from "../../training/session/watch.js";
import type { LiftArm, LiftTraining, LiftTrial } from "./summary.js";

/** The number of trainings per arm, each with its own seed, and the candidates for the arm's learning rates. */
export interface LiftPlan {
  seeds: number;
  learningRates: readonly number[];
  embeddingLearningRates: readonly number[];
}

/** Function that reports the end of a training, with an estimate of the time left. */
type Tell = (text: string) => void;

/**
 * Runs the trainings of all arms, one after another.
 *
 * @throws {DivergedError} all learning rates of an arm diverge
 */
export async function trainArms(
  trainings: PreparedTrainings,
  plan: LiftPlan,
  { observe, signal }: Pick<Watch, "observe" | "signal">,
): Promise<LiftArm[]> {
  const { seeds, learningRates, embeddingLearningRates } = plan;
  const of = initializations.length * (learningRates.length * embeddingLearningRates.length + seeds);
  const began = performance.now();
  let done = 0;
  const tell: Tell = (text) => {
    done++;
    const secondsLeft = (((performance.now() - began) / 1000) * (of - done)) / done;
    observe({ stage: "training", text, done, of, secondsLeft });
  };
  const trained: LiftArm[] = [];
  for (const arm of initializations) trained.push(await trainArm(trainings, arm, plan, { tell, signal }));
  return trained;
}

/** Chooses the learning rates of an arm, and runs its training for each seed. */
async function trainArm(
  trainings: PreparedTrainings,
  arm: Initialization,
  { seeds, learningRates, embeddingLearningRates }: LiftPlan,
  { tell, signal }: { tell: Tell; signal: AbortSignal },
): Promise<LiftArm> {
  const { seed: first, loss } = trainings;
  const train = async ({ learningRate, embeddingLearningRate }: Omit<LiftTrial, "validLoss">, seed: number) =>
    await trainings.train(arm, { learningRate, embeddingLearningRate, seed }, signal);
  const trials: LiftTrial[] = [];
  for (const learningRate of learningRates) {
    for (const embeddingLearningRate of embeddingLearningRates) {
      const rates = { learningRate, embeddingLearningRate };
      const validLoss = await train(rates, first).then(bestLoss, whenDiverged);
      trials.push({ ...rates, validLoss });
      tell(
        `${arm}: learning rates ${learningRate} and ${embeddingLearningRate}: ` +
          (validLoss === null ? "diverged" : `validation loss ${validLoss.toFixed(5)}`),
      );
    }
  }
  const chosen = bestTrial(trials);
  if (!chosen)
    throw new DivergedError(
      `all trainings with initialization '${arm}' diverged: try smaller --learning-rates`,
    );
  const trained: LiftTraining[] = [];
  for (let seed = first + 1; seed <= first + seeds; seed++) {
    const training = await train(chosen, seed);
    trained.push(await summaryOf(training, seed, loss));
    const { epochs, bestEpoch } = training;
    tell(
      `${arm}, seed ${seed}: validation loss ${bestLoss(training).toFixed(5)} in epoch ${bestEpoch} of ${epochs.length}`,
    );
  }
  return { arm, trials, chosen, trainings: trained };
}

function bestLoss({ epochs, bestEpoch }: ComparedTraining): number {
  return epochs[bestEpoch - 1]!.validLoss!;
}

/** Returns null for the error of a training that diverged. @throws any other error */
function whenDiverged(error: unknown): null {
  if (error instanceof DivergedError) return null;
  throw error;
}

function bestTrial(trials: readonly LiftTrial[]): LiftTrial | undefined {
  return trials
    .filter(({ validLoss }) => validLoss !== null)
    .reduce<LiftTrial | undefined>(
      (best, trial) => (best && best.validLoss! <= trial.validLoss! ? best : trial),
      undefined,
    );
}

async function summaryOf(
  training: ComparedTraining,
  seed: number,
  loss: PreparedTrainings["loss"],
): Promise<LiftTraining> {
  const metrics = await training.test();
  const testLoss = metrics && (loss === "logistic" ? metrics["logLoss"] : metrics["rmse"]! ** 2);
  return {
    seed,
    validLosses: training.epochs.map(({ validLoss }) => validLoss!),
    seconds: training.epochs.map(({ seconds }) => seconds),
    testLoss,
    ...(metrics?.["auc"] !== undefined && { testAuc: metrics["auc"] }),
  };
}
