// `embed lift`: the same network from a table and from other starts, trained on the same rows by the same budget.
//
//   log ──► examples ──► each arm: its step sizes, by the validation part, on a seed of their own
//                                  └─► trainings of further seeds ──► curves and losses ──► what they come to

import { DivergedError, UsageError } from "../errors.js";
import { checkOutput, writeFileAtomic } from "../io/atomic.js";
import { version } from "../io/package-version.js";
import { scoreRows, type NetModel } from "../trainers/net/model.js";
import { checkNetOptions, netOptionsOf, type NetOptions } from "../trainers/net/options.js";
import { startKinds, type StartKind, type TableStart } from "../trainers/net/start.js";
import { checkUnseen } from "./lift-leak.js";
import { DEFAULT_PATIENCE, type LiftOptions } from "./lift-options.js";
import {
  summarizeLift,
  type LiftArm,
  type LiftResult,
  type LiftTraining,
  type LiftTrial,
} from "./lift-summary.js";
import { openTableStart, startFrom } from "./net-init.js";
import { checkTaskOf, prepareNet, trainPrepared, type PreparedNet } from "./net-parts.js";
import { metricsOfRows } from "./part-metrics.js";
import { collectWarnings, type Watch } from "./progress.js";
import { Stopwatch } from "./stopwatch.js";
import type { Summary } from "./summary.js";
import { optionsOfTask } from "./train-net-options.js";

/** Seeds below which intervals are wide. */
const FEW_SEEDS = 5;

/** What `lift` gives, and its file holds. */
export interface Lift extends Summary, LiftResult {
  /** seconds of the table's own training */
  pretraining: { run: string; seconds: number };
  /** it was not told whether the table has seen the rows that it is judged by */
  unchecked?: true;
  trained: LiftArm[];
}

/**
 * Trains a network from a run's table and from other starts, and says what the table gains.
 *
 * All but seconds is the same at any number of threads.
 *
 * @throws {UsageError} the table has seen the rows that it would be judged by, or nobody can tell
 * @throws {EmbedError} as train-net
 */
export async function lift(paths: readonly string[], options: LiftOptions, told: Watch): Promise<Lift> {
  const clock = new Stopwatch();
  const { watch, warnings, warn } = collectWarnings(told);
  const { out, force, init, net: own } = options;
  if (out !== undefined) await checkOutput(out, force, "file");
  checkLiftOptions(options);
  const earlier = await openTableStart(init, own.dim);
  const { seed } = netOptionsOf(own, "logistic");
  const prepared = await prepareNet(paths, { ...options }, { seed, beside: out ?? "." }, { watch, warn });
  const { examples, dataset, space } = prepared;
  const task = checkTaskOf(examples);
  if (!examples.valid)
    throw new UsageError("lift compares validation losses: give --valid, such as --valid 0.1");
  const isUnchecked = await checkedOrNot(init, prepared, options, warn);
  const start = startFrom(earlier, space, dataset.roles, task);
  for (const text of start.notes) watch.observe({ stage: "note", text });
  for (const text of start.warnings) warn(text);

  const net = { ...optionsOfTask({ patience: DEFAULT_PATIENCE, ...own }, task), dim: earlier.dim };
  const trained: LiftArm[] = [];
  for (const arm of startKinds)
    trained.push(await trainArm(prepared, { arm, table: start.table, net }, options, watch));
  for (const text of edgeWarnings(trained, options)) warn(text);
  const pretraining = { run: init, seconds: secondsOf(earlier.run.manifest.timings) };
  const found = summarizeLift(trained, pretraining.seconds);
  const result: Lift = {
    command: "lift",
    version,
    out: out ?? "-",
    seconds: clock.seconds(),
    rows: dataset.numRows,
    options: resolvedOptions(paths, options, prepared, net),
    metrics: Object.fromEntries(
      found.arms.map(({ arm, validLoss, testLoss }) => [
        arm,
        { validLoss: validLoss.mean, ...(testLoss && { testLoss: testLoss.mean }) },
      ]),
    ),
    warnings,
    pretraining,
    ...(isUnchecked && { unchecked: true }),
    ...found,
    trained,
  };
  if (out !== undefined) {
    const text = `${JSON.stringify(result, undefined, 2)}\n`;
    await writeFileAtomic(out, [Buffer.from(text)], force, { signal: watch.signal });
  }
  return result;
}

/** @throws {UsageError} what an arm's trainings cannot go by */
function checkLiftOptions({ net, seeds, learningRates, embeddingLearningRates }: LiftOptions): void {
  if (!(Number.isInteger(seeds) && seeds >= 2))
    throw new UsageError(
      `--seeds must be a whole number from 2 on, since an interval needs two, got ${seeds}`,
    );
  if (net.freezeEmbeddings)
    throw new UsageError("--freeze-embeddings cannot go with lift: a random start that stays is no start");
  for (const learningRate of learningRates)
    for (const embeddingLearningRate of embeddingLearningRates)
      checkNetOptions({ ...net, learningRate, embeddingLearningRate });
}

/** Whether it was left unchecked. @throws {UsageError} as checkUnseen, without --unchecked */
async function checkedOrNot(
  init: string,
  prepared: PreparedNet,
  { unchecked = false }: LiftOptions,
  warn: (text: string) => void,
): Promise<boolean> {
  if (!unchecked) {
    await checkUnseen(init, prepared);
    return false;
  }
  warn(`--unchecked: the table of '${init}' may have seen the rows that it is judged by`);
  return true;
}

interface Arm {
  arm: StartKind;
  table: TableStart;
  net: NetOptions;
}

/** Chooses an arm's step sizes, then trains its seeds. */
async function trainArm(
  prepared: PreparedNet,
  { arm, table, net }: Arm,
  { seeds, learningRates, embeddingLearningRates }: LiftOptions,
  watch: Watch,
): Promise<LiftArm> {
  const tell = (text: string): void => watch.observe({ stage: "note", text });
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
      { signal: watch.signal, observe: () => undefined },
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
  };
}

/** Arms whose best step size is the least or the greatest that was tried, and few seeds. */
function edgeWarnings(arms: readonly LiftArm[], { seeds, ...rates }: LiftOptions): string[] {
  const warnings = (["learningRate", "embeddingLearningRate"] as const).flatMap((name) => {
    const tried = rates[`${name}s`];
    const [least, most] = [Math.min(...tried), Math.max(...tried)];
    const at =
      tried.length > 2 ? arms.filter(({ chosen }) => chosen[name] === least || chosen[name] === most) : [];
    const flag = name === "learningRate" ? "--learning-rates" : "--embedding-learning-rates";
    return at.length === 0
      ? []
      : [
          `${at.map(({ arm, chosen }) => `'${arm}' takes ${chosen[name]}`).join(", ")}, an end of ${flag}: a wider list may serve it better`,
        ];
  });
  if (seeds < FEW_SEEDS) warnings.push(`${seeds} seeds: intervals of fewer than ${FEW_SEEDS} are wide`);
  return warnings;
}

/** The table's training, without reading its log and measuring it. */
function secondsOf(timings: Record<string, number>): number {
  return timings["train"] ?? Object.values(timings).reduce((sum, x) => sum + x, 0);
}

/** Every option as it was used. */
function resolvedOptions(
  paths: readonly string[],
  { init, seeds, learningRates, embeddingLearningRates }: LiftOptions,
  { options: data }: PreparedNet,
  net: NetOptions,
): Record<string, unknown> {
  const { reading, unlabelled: _, infer: __, ...rest } = data;
  const { threads: ___, ...readingOptions } = reading;
  const {
    out: ____,
    force: _____,
    net: ______,
    unchecked: _______,
    ...used
  } = rest as unknown as LiftOptions;
  const { learningRate: ________, embeddingLearningRate: _________, ...others } = net;
  return {
    log: paths,
    ...used,
    reading: readingOptions,
    init,
    seeds,
    learningRates,
    embeddingLearningRates,
    ...others,
  };
}
