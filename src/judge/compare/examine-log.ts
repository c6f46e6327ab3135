// Examines a log before the trainings: the goal (lists or label predictions), the split, the number of users or rows in
// the test split, and the metrics of a constant prediction.
//
//   log ──► roles, labels ──► goal ──► one split for all trainers ──► test rows, or users with held-out items

import { keyAt } from "../../log/keys.js";
import type { Column, Dataset, ReadingStep, Roles } from "../../dataset/dataset.js";
import { labelsOf, type LabelledTask } from "../../dataset/labels.js";
import { rowWeights } from "../../dataset/sequences/event-weights.js";
import type { SplitFlags } from "../../training/shared-options/split-options.js";
import { DataError, UsageError } from "../../base/errors.js";
import type { Manifest } from "../../table/manifest.js";
import type { Measured } from "../../metrics/comparison.js";
import { scoredMetrics } from "../../metrics/scored-metrics.js";
import { log as ln } from "../../base/numeric/exp.js";
import { eventsOfRows } from "../../dataset/sampling/training-events.js";
import type { ExampleOptions, GivenTraining } from "../../training/shared-options/log.js";
import type { Part } from "../../training/examples/examples.js";
import {
  silently,
  splitCounts,
  splitParts,
  splitSteps,
  type SplitParts,
} from "../../training/reading/split-parts.js";
import { unitsOf } from "../../training/split-metrics/evaluate-scores.js";
import { openParts } from "../../training/session/session.js";
import { adviceOfClasses, classWarnings } from "../../training/warnings/training-warnings.js";
import { notCompared } from "../../trainers/index.js";
import type { Goal, LogTraits } from "../../training/session/trainer.js";
import type { Watch } from "../../training/session/watch.js";
import { rankingProtocol } from "../../use/rank-items/protocol.js";
import { inspect } from "../inspect/inspect.js";
import { keyFactsOf } from "../inspect/inspect-dataset.js";
import type { GivenCompare } from "./options.js";

export interface ExaminedLog {
  traits: LogTraits;
  rows: number;
  steps: ReadingStep[];
  split: Manifest["split"];
  /** options of all trainings that were derived from the log, such as the split */
  decided: GivenTraining;
  /** number of items in the training split; only if recommendation lists are compared */
  items?: number;
  /** metrics of predicting the mean label, over `units` users or rows; only if label predictions are compared */
  constant?: { measured: Measured; units: number };
}

export type Shared = GivenTraining & Required<Pick<GivenTraining, "valid" | "test">> & { seed: number };

interface Opened {
  options: ExampleOptions;
  dataset: Dataset;
  cut: SplitParts;
}

export async function examineLog(
  paths: readonly string[],
  shared: Shared,
  given: GivenCompare,
  watch: Watch,
): Promise<ExaminedLog> {
  const { seed } = shared;
  const open = async (unlabelled: boolean, given: GivenTraining, hear: Watch) => {
    const tell = (stage: "note" | "warning") => (text: string) => hear.observe({ stage, text });
    const plan = { seed, unlabelled, wholeFor: ["compare"] };
    return await openParts(plan, paths, given, { watch: hear, note: tell("note"), warn: tell("warning") });
  };
  const tellFindings = (findings: readonly string[]) => {
    for (const text of findings) watch.observe({ stage: "warning", text });
  };
  const first = await open(false, shared, watch).catch(async (error: unknown) => {
    if (!(error instanceof DataError)) throw error;
    // a finding may be the reason, such as a label that most rows lack
    const inspected = await inspect(
      paths,
      { ...given, badRows: undefined, force: false },
      silently(watch),
    ).catch(() => undefined);
    tellFindings(inspected?.findings ?? []);
    throw adviceOfClasses(error, notCompared.classes);
  });
  tellFindings(keyFactsOf(first.dataset, 0).findings);
  const { goal, ...decided } = comparisonGoal(first.dataset, given);
  // before the split, drops rows whose label is below the threshold, as a training on events does
  const isEvents = goal === "lists" && first.dataset.roles.label !== undefined;
  const opened = isEvents ? await open(true, { ...shared, ...decided }, silently(watch)) : first;
  const { options, dataset } = opened;
  const alike = sharedSplitOptions(opened, goal, given);
  const cut =
    Object.keys(alike).length > 0
      ? await splitParts(dataset, { ...options, ...alike }, seed, silently(watch))
      : opened.cut;
  const { test, valid } = cut.parts;
  if (!test) throw new UsageError("a comparison measures on held-out rows: give --test, such as --test 0.1");
  checkSplit(cut.by, goal);
  if (!valid)
    watch.observe({
      stage: "warning",
      text: "there is no validation split (--valid), so that no training stops early",
    });
  const common = {
    rows: dataset.numRows,
    steps: splitSteps(dataset, cut),
    split: splitCounts(cut),
    decided: { ...decided, ...alike },
  };
  if (goal === "lists") {
    const items = numRankedItems(dataset, cut.parts.train, test, given);
    return { ...common, traits: { goal, roles: dataset.roles }, items };
  }
  const { task, ...constant } = constantPrediction(cut.parts.train, test, options);
  for (const text of classWarnings(dataset, notCompared.classes)) watch.observe({ stage: "warning", text });
  return { ...common, traits: { goal, task, roles: dataset.roles }, constant };
}

function comparisonGoal(
  dataset: Dataset,
  { goal, positiveFrom }: GivenCompare,
): { goal: Goal; positiveFrom?: number } {
  const { roles } = dataset;
  const { user, item, label } = roles;
  const ranks = user !== undefined && item !== undefined;
  const from = positiveFrom === undefined ? {} : { positiveFrom };
  const columns = dataset.columns.map(({ name }) => name).join(", ");
  if (goal === "predictions" && label === undefined)
    throw new UsageError(
      `--goal predictions needs a label: name its column with --label (the columns are ${columns})`,
    );
  if (goal === "lists" && !ranks)
    throw new UsageError(
      `--goal lists ranks items for users: name ${user === undefined ? "the column of the user with --user" : "the column of the item with --item"} (the columns are ${columns})`,
    );
  if (label === undefined) {
    if (positiveFrom !== undefined)
      throw new UsageError(
        "--positive-from is for logs with labels, and no column is one: name it with --label",
      );
    if (ranks) return { goal: "lists" };
    throw new UsageError(
      `nothing to compare trainers by: no column is a label (--label, for predictions), and ${user === undefined ? "none is the user (--user" : "none is the item (--item"}, for lists); the columns are ${columns}. ` +
        `compare has no edge lists: train one with ${notCompared.edges}, and measure it with embed evaluate RUN --edges FILE`,
    );
  }
  const { task } = labelsOf(dataset, positiveFrom);
  const isNumber = labelsOf(dataset).task === "regression";
  if (goal === undefined && ranks && isNumber)
    throw new UsageError(
      `the label '${label}' has more values than two, and '${user}' and '${item}' are a user and an item, so that two comparisons fit: ` +
        `--goal predictions, by the error of the predicted '${label}'; or --goal lists --positive-from N, by the items that a user rates N or higher`,
    );
  if (goal !== "lists") return { goal: "predictions", ...from };
  if (task === "regression")
    throw new UsageError(
      `--goal lists ranks the items that users liked: say from which '${label}' on, --positive-from N (without labels: --ignore ${label})`,
    );
  return { goal, positiveFrom: positiveFrom ?? 1 };
}

function checkSplit(by: string, goal: Goal): void {
  if (by === "items")
    throw new UsageError(
      "--split items holds out items that no training knows: judge them with embed evaluate RUN --cold 0,3",
    );
  if (by === "user" && goal === "lists")
    throw new UsageError(
      "--split user holds out users that no training knows: judge them with embed evaluate RUN --fold-in-share 0.8, or compare by --split time, random or last",
    );
}

/**
 * Returns options with which a random split holds out the same rows for all trainers; none if the requested split does.
 * By default, a hash of a row's cells decides its split, and trainers differ in reading integers as keys or numbers. To
 * compare lists, all events of a user with an item must be in the same split.
 */
function sharedSplitOptions(
  { options, dataset, cut }: Opened,
  goal: Goal,
  { split }: GivenCompare,
): Pick<GivenTraining, "split" | "splitKey"> {
  const { splitKey, validLike, valid, test } = options as SplitFlags;
  const draws = [valid, test].some((part) => typeof part === "number" && part > 0);
  if (cut.by !== "random" || splitKey || validLike !== undefined || !draws) return {};
  const { roles, columns } = dataset;
  if (goal === "lists") return { splitKey: [roles.user!, roles.item!] };
  if (split === undefined) return { split: "rows" };
  const mixed = columns.find((column) => isWholeNumbers(column, roles));
  if (!mixed) return {};
  throw new UsageError(
    `--split random goes by a row's cells, and '${mixed.name}' holds whole numbers, which are keys to one trainer and numbers to another: take --split rows, or name columns that decide with --split-key`,
  );
}

function isWholeNumbers(column: Column, { user, item }: Roles): boolean {
  if (column.kind !== "key" || column.name === user || column.name === item) return false;
  const { dictionary } = column;
  for (let code = 0; code < dictionary.size; code++)
    if (!/^\s*[+-]?\d+\s*$/.test(keyAt(dictionary, code))) return false;
  return true;
}

function numRankedItems(dataset: Dataset, train: Part, test: Part, { repeats }: GivenCompare): number {
  const training = eventsOfRows(dataset, train.rows);
  const { users } = rankingProtocol(training, training.history, test, repeats);
  if (users.length > 0) return training.items.size;
  throw new UsageError(
    `no user of the ${test.rows.length} test rows has a training row and a held-out item to find: cut otherwise, --split last or --split random`,
  );
}

function constantPrediction(
  train: Part,
  test: Part,
  options: ExampleOptions,
): { task: LabelledTask; measured: Measured; units: number } {
  const { positiveFrom, eventWeight } = options;
  const weighting = eventWeight === undefined ? {} : { eventWeight };
  const own = labelsOf(train.dataset, positiveFrom);
  const { task } = own;
  const [weights, ofTest] = [train, test].map(({ dataset, rows }) => rowWeights(dataset, rows, weighting));
  let [sum, total, low, high] = [0, 0, Infinity, -Infinity];
  train.rows.forEach((row, i) => {
    const [weight, label] = [weights?.[i] ?? 1, own.values[row]!];
    sum += weight * label;
    total += weight;
    [low, high] = [Math.min(low, label), Math.max(high, label)];
  });
  const mean = sum / total;
  const { values } = test.dataset === train.dataset ? own : labelsOf(test.dataset, positiveFrom, task);
  const labels = Float32Array.from(test.rows, (row) => values[row]!);
  const score = task === "binary" ? ln(mean / (1 - mean)) : mean;
  const units = unitsOf(test.dataset, test.rows);
  const { metrics, byUser } = scoredMetrics(
    task,
    new Float32Array(labels.length).fill(score),
    labels,
    units,
    {
      ...{ bins: 1, clip: [low, high] as const },
      ...(ofTest && { weights: Float32Array.from(ofTest) }),
    },
  );
  return {
    task,
    measured: { name: "mean label", kind: "baseline", byUser, others: metrics },
    units: units.size,
  };
}
