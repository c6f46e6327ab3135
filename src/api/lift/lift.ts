// `embed lift`: the same network from a table and from other starts, trained on the same rows by the same budget.
//
//   log ──► examples ──► each arm: its step sizes, by the validation part, on a seed of their own
//                                  └─► trainings of further seeds ──► curves and losses ──► what they come to

import { UsageError } from "../../errors.js";
import { checkOutput, writeFileAtomic } from "../../io/atomic.js";
import { version } from "../../io/package-version.js";
import { checkNetOptions, netOptionsOf, type NetOptions } from "../../trainers/net/options.js";
import { trainArms } from "./arms.js";
import { checkUnseen } from "./leak.js";
import { DEFAULT_PATIENCE, type LiftOptions } from "./options.js";
import { summarizeLift, type LiftArm, type LiftResult } from "./summary.js";
import { keysOf, openTableStart, startFrom } from "../../trainers/net/init.js";
import { checkTaskOf, prepareNet, type PreparedNet } from "../../trainers/net/parts.js";
import { collectWarnings, type Watch } from "../../training/watch.js";
import { Stopwatch } from "../../training/stopwatch.js";
import type { Summary } from "../../training/summary.js";
import { optionsOfTask } from "../../trainers/net/asked.js";

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
  const { out, force, init, keepKeys = false, net: own } = options;
  if (out !== undefined) await checkOutput(out, force, "file");
  checkLiftOptions(options);
  const earlier = await openTableStart(init, own.dim);
  const { seed } = netOptionsOf(own, "logistic");
  const preparing = { seed, beside: out ?? ".", ...(keepKeys && { known: keysOf(earlier) }) };
  const prepared = await prepareNet(paths, { ...options }, preparing, { watch, warn });
  const { examples, dataset, space } = prepared;
  const task = checkTaskOf(examples);
  if (!examples.valid)
    throw new UsageError("lift compares validation losses: give --valid, such as --valid 0.1");
  const isUnchecked = await checkedOrNot(init, prepared, options, warn);
  const start = startFrom(earlier, space, dataset.roles, task);
  for (const text of start.notes) watch.observe({ stage: "note", text });
  for (const text of start.warnings) warn(text);

  const net = { ...optionsOfTask({ patience: DEFAULT_PATIENCE, ...own }, task), dim: earlier.dim };
  const trained = await trainArms(prepared, { table: start.table, net }, options, watch);
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
      found.arms.map(({ arm, validLoss, testLoss, testAuc }) => [
        arm,
        {
          validLoss: validLoss.mean,
          ...(testLoss && { testLoss: testLoss.mean }),
          ...(testAuc && { testAuc: testAuc.mean }),
        },
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
