// One training: a training part → vocabulary → examples → model, with its metrics on the other parts.

import type { Dataset } from "../dataset/dataset.js";
import { numericForms } from "../dataset/numeric.js";
import {
  featureCounts,
  fitFeatures,
  hashingOf,
  type EarlierRows,
  type FeatureSpace,
} from "../dataset/vocabulary.js";
import type { KeyHistory } from "../embedding/key-history.js";
import type { Carried, Metrics, Trial } from "../embedding/manifest.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { withOovDropout, withTrainedOov } from "../sampling/oov-dropout.js";
import type { TrainingControls } from "./controls.js";
import type { FmOptions } from "../trainers/fm/options.js";
import { learnerOf } from "../trainers/learners.js";
import type { Start } from "./start.js";
import type { LearnerInput, Trained } from "./trained.js";
import type { Examples } from "./examples.js";
import { checkTask, goOn, type EarlierRun } from "./warm-start.js";
import { metricsOfRows, trainMetrics } from "./part-metrics.js";
import { itemsOfRun, type RunItems } from "./items-of-run.js";
import { nextHistory } from "./key-history.js";
import { countUnseen, type SplitParts } from "./parts.js";
import type { Watch } from "./watch.js";
import { fmOutcomeWarnings } from "./fm-outcome.js";
import { rowOrderNotes } from "./row-order.js";
import { rankingMetricsOfParts } from "./ranking-metrics.js";
import { fmOptionsOf, type TrainFmOptions } from "../trainers/fm/asked.js";
import { examplesOf } from "./training-examples.js";
import { stoppingJudge } from "./stopping-judge.js";
import { search } from "./search.js";
import { fieldWarnings, valueWarnings, widthWarnings } from "./training-warnings.js";
import { steeringFlags } from "./weekly-options.js";

/** What a training reads, and where it goes on. */
export interface TrainingSource {
  dataset: Dataset;
  parts: SplitParts["parts"];
  /** rows that keep their numbers */
  rowOrder: EarlierRows;
  /** the run of --init */
  earlier: EarlierRun | undefined;
}

/** A vocabulary, with what an earlier run gave it. */
interface Fitted {
  space: FeatureSpace;
  history: KeyHistory;
  start?: Start;
  carried?: Carried;
  notes: string[];
}

export interface TrainedParts extends Omit<Fitted, "start" | "notes"> {
  examples: Examples;
  options: FmOptions;
  model: Trained;
  table: EmbeddingTable;
  /** items with their features, where negatives do not keep them already */
  items?: RunItems;
  metrics: Record<string, Metrics>;
  /** settings that were tried, the chosen one first */
  trials?: Trial[];
}

/** How a training tells of itself. */
export interface Telling {
  watch: Watch;
  warn: (text: string) => void;
  /** a stage is done */
  lap: (stage: string) => void;
}

/** Fits the vocabulary of the training part, trains, and measures. */
export async function trainParts(
  source: TrainingSource,
  options: TrainFmOptions,
  { watch, warn, lap }: Telling,
  controls: TrainingControls,
): Promise<TrainedParts> {
  const { dataset, parts, rowOrder, earlier } = source;
  const { start, notes, ...fitted } = fitSpace(source, options, warn);
  const { space, carried } = fitted;
  const told = [rowOrderNotes(space, rowOrder), hashingNotes(space), carriedNotes(carried), notes].flat();
  for (const text of told) watch.observe({ stage: "note", text });
  for (const text of [...fieldWarnings(space), ...valueWarnings(parts.train.dataset)]) warn(text);
  const examples = examplesOf(space, parts, options, watch);
  if (earlier) checkTask(earlier, examples.task);
  const items = itemsOfRun(space, parts.train, examples, options);
  countUnseen(space, parts, watch);
  lap("encode");

  const standard: FmOptions = fmOptionsOf(options, examples.task === "regression" ? "squared" : "logistic");
  Object.assign(standard, earlier?.model.shared);
  for (const text of widthWarnings(space, standard)) warn(text);
  const judge = stoppingJudge(options.metric, examples);
  const { valid, test, ranking } = examples;
  const { oovDropout = 0 } = options;
  const learn = learnerOf(standard, examples.task, {
    steering: steeringFlags(options),
    isStored: examples.train.kind === "stored",
  });
  const input: LearnerInput = {
    space,
    roles: dataset.roles,
    counts: withTrainedOov(featureCounts(space), space, oovDropout),
    train: withOovDropout(examples.train, space, oovDropout, standard.seed),
    ...(valid && { valid }),
    ...(ranking && { ranking }),
    ...(start && { start }),
  };
  const steering = { ...controls, ...(judge && { judge }) };
  const found =
    options.search === undefined
      ? undefined
      : await search(
          {
            trials: options.search,
            standard,
            fixed: [...Object.keys(options.fm), ...(earlier ? ["dim"] : [])],
            examples,
            judge,
            train: (fm) =>
              learn({ ...input, controls: judge ? { judge } : {} }, fm, () => undefined, watch.signal),
          },
          watch,
        );
  if (found) lap("search");
  const fm = found?.options ?? standard;
  const model = await learn(
    { ...input, controls: steering },
    fm,
    (event) => watch.observe({ stage: "epoch", epochs: fm.epochs, ...event }),
    watch.signal,
  );
  lap("train");

  const table = model.table(space);
  const metrics: Record<string, Metrics> = ranking
    ? await rankingMetricsOfParts(model, ranking, fm.threads, watch.signal)
    : { train: trainMetrics(model) };
  for (const [part, rows] of Object.entries({ valid, test })) {
    if (!rows) continue;
    metrics[part] = await metricsOfRows(model, rows, examples, fm.threads);
    if (!model.scoreByTable) continue;
    const byTable = { score: model.scoreByTable };
    metrics[`${part}ByTable`] = await metricsOfRows(byTable, rows, examples, fm.threads);
  }
  for (const text of await fmOutcomeWarnings(model, metrics, examples, fm, judge)) warn(text);
  lap("evaluate");
  const trials = found && { trials: found.trials };
  return { ...fitted, examples, options: fm, model, table, metrics, ...(items && { items }), ...trials };
}

function fitSpace(
  { dataset, parts, rowOrder, earlier }: TrainingSource,
  options: TrainFmOptions,
  warn: (text: string) => void,
): Fitted {
  const { rows } = parts.train;
  const forms = numericForms(options.numeric, dataset.roles.numeric);
  if (!earlier) {
    const space = fitFeatures(dataset, rows, options, { earlier: rowOrder, forms });
    return { space, history: nextHistory(space, dataset), notes: [] };
  }
  const own = fitFeatures(dataset, rows, options, { forms });
  const { warnings, ...goneOn } = goOn(earlier, own, dataset, rows, options, rowOrder);
  for (const text of warnings) warn(text);
  return goneOn;
}

function hashingNotes(space: FeatureSpace): string[] {
  return Object.entries(hashingOf(space)).map(([field, { keys, bits, collisionShare }]) => {
    const share = `${(100 * collisionShare).toFixed(1)} %`;
    return `'${field}': ${keys} keys hashed to ${2 ** bits} rows, ${share} of them share theirs`;
  });
}

function carriedNotes(carried: Carried | undefined): string[] {
  if (!carried) return [];
  const { run, kept, unseen, expired } = carried;
  return [
    `goes on from '${run}': ${kept} keys kept, of which this log lacks ${unseen}; ${carried.new} new, ${expired} expired`,
  ];
}
