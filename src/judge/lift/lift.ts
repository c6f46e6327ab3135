// `embed lift`: trains the same network from a table and from other initializations, on the same rows and with the same
// budget. An arm is one of these initializations.
//
//   log ──► examples ──► each arm: learning rates with the least validation loss for a separate seed
//                                  └─► trainings with the other seeds ──► curves and losses ──► summary and verdict

import { UsageError, DivergedError } from "../../base/errors.js";
import { checkOutput, writeFileAtomic } from "../../base/io/atomic.js";
import { version } from "../../base/io/package-version.js";
import { resolvedOptions } from "../../training/session/describe-run.js";
import { definedOf, omit, resolved, withCommon, type OptionTable } from "../../options/table.js";
import { engine, engineTraining } from "../../training/shared-options/reading.js";
import { openParts } from "../../training/session/session.js";
import {
  type ComparedTrainings,
  initializations,
  type Initialization,
  type ComparedTraining,
  type PreparedTrainings,
} from "../../training/session/trainer.js";
import { Stopwatch, collectWarnings, type Watch } from "../../training/session/watch.js";
import type { Summary } from "../../training/session/summary.js";
import { trainers } from "../../trainers/index.js";
import { checkUnseen } from "./leak.js";
import { liftCommon, liftOwn, type LiftOptions } from "./options.js";
import {
  summarizeLift,
  type LiftArm,
  type LiftResult,
  type LiftTraining,
  type LiftTrial,
} from "./summary.js";

const FEW_SEEDS = 5;

/** Result of `embed lift`, which is also written to its output file. */
export interface Lift extends Summary, LiftResult {
  /** path of the table's run, and duration of its training in seconds */
  pretraining: { run: string; seconds: number };
  /** true if the table may have been trained on rows of the evaluation, because that was not checked */
  unchecked?: true;
  trained: LiftArm[];
}

/**
 * Trains networks initialized with a run's table and networks with other initializations, and reports the gain of the
 * table. All results except times are the same for any number of threads.
 *
 * @throws {UsageError} the table was trained on rows of the evaluation, or this cannot be determined
 * @throws {EmbedError} as the training of a network
 */
export async function lift(
  paths: readonly string[],
  given: LiftOptions & Readonly<Record<string, unknown>>,
  watching: Watch,
): Promise<Lift> {
  const clock = new Stopwatch();
  const { watch, warnings, warn } = collectWarnings(watching);
  const note = (text: string) => watch.observe({ stage: "note", text });
  const { init, unchecked = false } = given;
  const { out, force = false, format: _, ...own } = resolved(liftOwn, given);
  if (out !== undefined) await checkOutput(out, force, "file");
  const compared = await comparedTrainings();
  const table = liftTable(compared);
  const trainings = Object.fromEntries(
    Object.entries(given).filter(([name]) => name === "init" || !Object.hasOwn(liftOwn, name)),
  ) as Parameters<ComparedTrainings["plan"]>[0];
  const plan = await compared.plan(trainings);
  const { options, dataset, cut } = await openParts(plan, paths, trainings, { watch, warn, note });
  if (!cut.parts.valid)
    throw new UsageError("lift needs a validation split: set --valid, such as --valid 0.1");
  if (unchecked)
    warn(`--unchecked: the table of '${init}' may have been trained on the rows that it is evaluated on`);
  else await checkUnseen(init, { dataset, parts: cut.parts, options });
  const prepared = await plan.prepare(
    { dataset, parts: cut.parts, cut: cut.parts },
    { options, given: trainings, watch, warn, note, beside: out ?? ".", lap: () => undefined, controls: {} },
  );
  const trained = await trainArms(prepared, own, watch);
  for (const text of edgeWarnings(trained, own)) warn(text);
  const pretraining = { run: init, seconds: secondsOf(plan.init.manifest.timings) };
  const found = summarizeLift(trained, pretraining.seconds);
  const result: Lift = {
    command: "lift",
    version,
    out: out ?? "-",
    seconds: clock.seconds(),
    rows: dataset.numRows,
    options: resolvedOptions(paths, options, table, trainings, { ...prepared.options, ...own }),
    metrics: Object.fromEntries(
      found.arms.map(({ arm, validLoss, testLoss, testAuc }) => [
        arm,
        definedOf({ validLoss: validLoss.mean, testLoss: testLoss?.mean, testAuc: testAuc?.mean }),
      ]),
    ),
    warnings,
    pretraining,
    ...(unchecked && { unchecked: true }),
    ...found,
    trained,
  };
  if (out !== undefined) {
    const text = `${JSON.stringify(result, undefined, 2)}\n`;
    await writeFileAtomic(out, [Buffer.from(text)], force, { signal: watch.signal });
  }
  return result;
}

/** Returns the trainings of the trainer that can initialize a network with a table; there is only one such trainer. */
export async function comparedTrainings(): Promise<ComparedTrainings> {
  for (const { load } of trainers) {
    const { compared } = (await load()).trainer;
    if (compared) return compared;
  }
  throw new RangeError("no trainer starts from a table");
}

/** Returns the options of `embed lift`: those of the trainer of networks, and its own. */
export function liftTable({ options }: ComparedTrainings): OptionTable {
  // leaves out the options for a database server: checking for leakage would read the run's log through it once more
  const own = { ...omit(options, ...Object.keys({ ...engine, ...engineTraining })), ...liftOwn };
  const names = Object.entries(own).map(([name, option]) => [name, { ...option, common: undefined }]);
  return withCommon(Object.fromEntries(names) as OptionTable, liftCommon);
}

/** Warns about initializations whose best learning rate is the first or last candidate, and about few seeds. */
function edgeWarnings(arms: readonly LiftArm[], { seeds, ...rates }: LiftPlan): string[] {
  const warnings = (["learningRate", "embeddingLearningRate"] as const).flatMap((name) => {
    const tried = rates[`${name}s`];
    const [least, most] = [Math.min(...tried), Math.max(...tried)];
    const at =
      tried.length > 2 ? arms.filter(({ chosen }) => chosen[name] === least || chosen[name] === most) : [];
    const flag = name === "learningRate" ? "--learning-rates" : "--embedding-learning-rates";
    return at.length === 0
      ? []
      : [
          `${at.map(({ arm, chosen }) => `'${arm}' takes ${chosen[name]}`).join(", ")}, at the end of ` +
            `${flag}: try a wider range`,
        ];
  });
  if (seeds < FEW_SEEDS)
    warnings.push(`${seeds} seeds: intervals with fewer than ${FEW_SEEDS} seeds are wide`);
  return warnings;
}

/** Returns the seconds of the table's training; without reading and measuring if their durations are recorded. */
function secondsOf(timings: Record<string, number>): number {
  return timings["train"] ?? Object.values(timings).reduce((sum, x) => sum + x, 0);
}

/** The number of trainings per arm, each with its own seed, and the candidates for the arm's learning rates. */
interface LiftPlan {
  seeds: number;
  learningRates: readonly number[];
  embeddingLearningRates: readonly number[];
}

type Tell = (text: string) => void;

/** Runs the trainings of all arms, one after another. @throws {DivergedError} all learning rates of an arm diverge */
async function trainArms(
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
