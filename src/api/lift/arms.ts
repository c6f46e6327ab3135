// The trainings of a lift: each arm's step sizes, by the validation part and on a seed of their own, then its seeds.

import { DivergedError } from "../../errors.js";
import { scoreRows, type NetModel } from "../../trainers/net/model.js";
import type { NetOptions } from "../../trainers/net/options.js";
import { startKinds, type StartKind, type TableStart } from "../../trainers/net/start.js";
import type { LiftOptions } from "./options.js";
import type { LiftArm, LiftTraining, LiftTrial } from "./summary.js";
import { trainPrepared, type PreparedNet } from "../../trainers/net/parts.js";
import { metricsOfRows } from "../../training/part-metrics.js";
import type { Watch } from "../../training/watch.js";

/** What all arms have in common. */
interface Network {
  table: TableStart;
  net: NetOptions;
}

/** Tells of each training that has ended; what is left is judged by those before it. */
type Tell = (text: string) => void;

/**
 * Trains all arms, one after another.
 *
 * @throws {DivergedError} no step sizes of an arm lead anywhere
 */
export async function trainArms(
  prepared: PreparedNet,
  network: Network,
  options: LiftOptions,
  { observe, signal }: Pick<Watch, "observe" | "signal">,
): Promise<LiftArm[]> {
  const { seeds, learningRates, embeddingLearningRates } = options;
  const of = startKinds.length * (learningRates.length * embeddingLearningRates.length + seeds);
  const began = performance.now();
  let done = 0;
  const tell: Tell = (text) => {
    done++;
    const secondsLeft = (((performance.now() - began) / 1000) * (of - done)) / done;
    observe({ stage: "training", text, done, of, secondsLeft });
  };
  const trained: LiftArm[] = [];
  for (const arm of startKinds)
    trained.push(await trainArm(prepared, { arm, ...network }, options, { tell, signal }));
  return trained;
}

interface Arm extends Network {
  arm: StartKind;
}

/** Chooses an arm's step sizes, then trains its seeds. */
async function trainArm(
  prepared: PreparedNet,
  { arm, table, net }: Arm,
  { seeds, learningRates, embeddingLearningRates }: LiftOptions,
  { tell, signal }: { tell: Tell; signal: AbortSignal },
): Promise<LiftArm> {
  const train = async (rates: Omit<LiftTrial, "validLoss">, seed: number): Promise<NetModel> =>
    await trainPrepared(
      prepared,
      {
        net: {
          ...net,
          learningRate: rates.learningRate,
          embeddingLearningRate: rates.embeddingLearningRate,
          seed,
        },
        start: { table, kind: arm },
      },
      { signal, observe: () => undefined },
    );
  const trials: LiftTrial[] = [];
  for (const learningRate of learningRates) {
    for (const embeddingLearningRate of embeddingLearningRates) {
      const rates = { learningRate, embeddingLearningRate };
      const validLoss = await train(rates, net.seed).then(bestLoss, whenDiverged);
      trials.push({ ...rates, validLoss });
      tell(
        `${arm}: step sizes ${learningRate} and ${embeddingLearningRate}: ${validLoss === null ? "diverged" : `validation loss ${validLoss.toFixed(5)}`}`,
      );
    }
  }
  const chosen = bestTrial(trials);
  if (!chosen)
    throw new DivergedError(`all trainings of the arm '${arm}' diverged: try smaller --learning-rates`);
  const trainings: LiftTraining[] = [];
  for (let s = 1; s <= seeds; s++) {
    const model = await train(chosen, net.seed + s);
    trainings.push(await trainingOf(prepared, model, { ...net, seed: net.seed + s }));
    const { epochs, bestEpoch } = model;
    tell(
      `${arm}, seed ${net.seed + s}: validation loss ${bestLoss(model).toFixed(5)} in epoch ${bestEpoch} of ${epochs.length}`,
    );
  }
  return { arm, trials, chosen, trainings };
}

function bestLoss({ epochs, bestEpoch }: NetModel): number {
  return epochs[bestEpoch - 1]!.validLoss!;
}

/** @throws whatever else went wrong */
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

async function trainingOf(
  { space, examples }: PreparedNet,
  model: NetModel,
  { seed, threads, loss }: NetOptions,
): Promise<LiftTraining> {
  const { test } = examples;
  const scorer = {
    score: (rows: Parameters<typeof scoreRows>[2]) => scoreRows(space, model, rows, { threads }),
  };
  const metrics = test && (await metricsOfRows(scorer, test, examples, threads));
  const testLoss = metrics && (loss === "logistic" ? metrics["logLoss"] : metrics["rmse"]! ** 2);
  return {
    seed,
    validLosses: model.epochs.map(({ validLoss }) => validLoss!),
    seconds: model.epochs.map(({ seconds }) => seconds),
    ...(testLoss !== undefined && { testLoss }),
    ...(metrics?.["auc"] !== undefined && { testAuc: metrics["auc"] }),
  };
}
