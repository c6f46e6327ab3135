// The plan of a trainer whose model uses feature rows: vocabulary, examples, training, metrics, and the run's content.
//
//   splits ──► vocabulary (with keys of the run of --init) ──► examples ──► learn ──► metrics ──► table, model/

import { numericForms } from "../../dataset/numeric.js";
import { isStored, releaseColumns } from "../../dataset/stored-columns.js";
import {
  featureCounts,
  fitFeatures,
  hashingOf,
  type FeatureSpace,
} from "../../dataset/vocabulary/vocabulary.js";
import { fieldsNamed } from "../../dataset/vocabulary/vocabulary-limits.js";
import { HISTORY_FILE, historyChunks } from "../../table/key-history.js";
import type { Carried, Metrics, PartMetrics, VectorsAdd } from "../../table/manifest.js";
import { DEFAULT_TABLE, type Run } from "../../table/run-directory.js";
import { UsageError } from "../../base/errors.js";
import { withOovDropout, withTrainedOov } from "../../dataset/sampling/oov-dropout.js";
import { addedByVectors } from "../warnings/vectors-add.js";
import { preprocessOf } from "./describe-run.js";
import type { GivenTraining } from "../shared-options/log.js";
import { itemsOfRun, type Examples } from "../examples/examples.js";
import { itemFiles, negativeFiles } from "../examples/item-file.js";
import { listMetric } from "../shared-options/passes.js";
import { memory, ROW_SHARE } from "../shared-options/reading.js";
import type { OptionTable } from "../../options/table.js";
import type { StoppingMetricName } from "../shared-options/weekly.js";
import {
  comparedByLabels,
  measureParts,
  stoppingMetricOf,
  validationByUnit,
} from "../split-metrics/split-metrics.js";
import { countUnseen } from "../reading/split-parts.js";
import { unrankedWarnings } from "../warnings/outcome-warnings.js";
import {
  ownVocabulary,
  readRowOrder,
  rowOrderNotes,
  type FittedVocabulary,
  type Vocabulary,
} from "../warm-start/carried-keys.js";
import { preprocessFile } from "../capabilities/run-space.js";
import type { StoppingMetric } from "../epochs/early-stopping.js";
import type { Needs, TrainingSize } from "./needs.js";
import type { Fit, FitContents, Plan, Session, TrainingInput } from "./trainer.js";
import {
  BEFORE_DATA,
  type DataFacts,
  type FeatureOptions,
  type LearnFunction,
  type LearnerInput,
  type ListOptions,
  type Trained,
} from "./feature-training.js";
import { fieldWarnings, valueWarnings } from "../warnings/training-warnings.js";

/** A vocabulary, with initial parameters (of type S) if the training is warm-started. */
export interface WarmVocabulary<S> extends Vocabulary {
  /** @throws {UsageError} the task of the examples differs from that of the run that --init names */
  startFor?(task: Examples["task"]): {
    start: S;
    carried: Carried;
    notes?: readonly string[];
    warnings?: readonly string[];
  };
}

/** Functions and settings of a trainer whose model uses feature rows. @typeParam S initial parameters of a warm start */
export interface FeatureModel<O extends FeatureOptions & object, S> {
  given: GivenTraining;
  table: OptionTable;
  /** stopping metric, if labels are predicted; the loss when absent */
  metric?: StoppingMetricName | undefined;
  /** columns that the trainer's own options name, which are therefore features */
  fields?: readonly string[];
  /** returns the trainer's options, with defaults that depend on the data */
  optionsFor: (facts: DataFacts) => O;
  /** checks the log, and removes features that the trainer does not use */
  accept: NonNullable<Plan["accept"]>;
  examples(
    space: FeatureSpace,
    parts: TrainingInput["parts"],
    session: Session,
  ): Examples | Promise<Examples>;
  learn: LearnFunction<O, S>;
  needs: Needs;
  /** true if the trainer can read its rows from disk during training */
  streams: boolean;
  /** true if the trainer reads its rows only before training, so that they should leave memory to other data */
  readsBefore?: true;
  /** run that --init names, and the function that adds its keys to the vocabulary */
  init?: { run: Run; carry(fitted: FittedVocabulary): WarmVocabulary<S> } | undefined;
  /** returns sentences that warn about the training before it begins */
  doubts?(space: FeatureSpace, options: O): readonly string[];
  outcome(outcome: Outcome<O>): string[];
}

/** Result of a training, from which `outcome` derives warnings. */
export interface Outcome<O> {
  trained: Trained;
  metrics: Record<string, Metrics>;
  examples: Examples;
  options: O;
  stoppingMetric: StoppingMetric | undefined;
  /** improvement over a control without vectors; undefined without a validation split or vectors */
  vectorsAdd: VectorsAdd | undefined;
}

/** Returns the plan of a trainer whose model uses feature rows. */
export function featurePlan<O extends FeatureOptions, S>(
  model: FeatureModel<O, S>,
): Pick<Plan, "seed" | "reading" | "init" | "accept" | "comparedBy" | "needs" | "fit"> {
  const { given, init, fields = [] } = model;
  return {
    seed: model.optionsFor(BEFORE_DATA).seed,
    reading: {
      ...fieldsNamed({ ...given, others: fields }),
      ...(model.readsBefore && { rowMemory: ROW_SHARE * (given.maxMemory ?? memory.maxMemory.default()) }),
    },
    init: init?.run,
    accept: (dataset, options) => model.accept(dataset, options),
    comparedBy: (valid) => comparedBy(valid, model.metric, model.optionsFor(BEFORE_DATA)),
    needs: model.needs,
    fit: (source, session) => fit(model, source, session),
  };
}

/** Vocabulary and examples of a training, which do not depend on search settings, seed and initialization. */
interface Prepared<S> extends Pick<Vocabulary, "space" | "history"> {
  examples: Examples;
  start: S | undefined;
  carried: Carried | undefined;
  items: ReturnType<typeof itemsOfRun>;
  input: Omit<LearnerInput<S>, "controls" | "start">;
}

/** Fits the vocabulary on the training split and creates the examples. */
export async function prepareFeatures<O extends FeatureOptions, S>(
  model: Pick<FeatureModel<O, S>, "examples" | "init" | "streams" | "optionsFor">,
  { dataset, parts }: TrainingInput,
  session: Session,
): Promise<Prepared<S>> {
  const { options, note, warn } = session;
  const rowOrder = await readRowOrder(options.rowOrder);
  const { rows } = parts.train;
  const forms = numericForms(options.numeric, dataset.roles.numeric);
  const fitted = { fitted: fitFeatures(dataset, rows, options, { forms }), dataset, rows, rowOrder };
  const { space, history, ...found }: WarmVocabulary<S> = model.init?.carry(fitted) ?? ownVocabulary(fitted);
  for (const text of [...rowOrderNotes(space, rowOrder), ...hashingNotes(space), ...found.notes]) note(text);
  for (const text of [...found.warnings, ...fieldWarnings(space), ...valueWarnings(dataset)]) warn(text);
  const examples = await model.examples(space, parts, session);
  const begun = found.startFor?.(examples.task);
  for (const text of begun?.notes ?? []) note(text);
  for (const text of begun?.warnings ?? []) warn(text);
  const items = itemsOfRun(space, parts.train, examples, options);
  countUnseen(space, parts, session.watch);
  // rare options read complete columns, which would stay in memory
  releaseColumns(dataset);
  if (examples.train.kind === "stored" && !model.streams)
    throw new UsageError(
      "this training needs all rows in memory, but the dataset is larger than --max-memory: raise --max-memory",
    );
  const { oovDropout = 0 } = options;
  const { seed } = model.optionsFor(BEFORE_DATA);
  const { valid, ranking, task, labelRange } = examples;
  return {
    ...{ space, history, examples, items },
    start: begun?.start,
    carried: begun?.carried,
    input: {
      ...{ space, task, labelRange },
      roles: dataset.roles,
      counts: withTrainedOov(featureCounts(space), space, oovDropout),
      train: withOovDropout(examples.train, space, oovDropout, seed),
      valid,
      ranking,
    },
  };
}

async function fit<O extends FeatureOptions, S>(
  model: FeatureModel<O, S>,
  source: TrainingInput,
  session: Session,
): Promise<Fit> {
  const { given, learn } = model;
  const { watch, warn, lap, first, isTrial } = session;
  const prepared = await prepareFeatures(model, source, session);
  const { space, history, examples, items, start, carried } = prepared;
  lap("encode");

  const options: O = first
    ? { ...(first.options as unknown as O), epochs: first.bestEpoch }
    : model.optionsFor(factsOf(model, prepared));
  for (const text of model.doubts?.(space, options) ?? []) warn(text);
  const stoppingMetric = first || examples.ranking ? undefined : stoppingMetricOf(model.metric, examples);
  const input = { ...prepared.input, start };
  const withMetric = stoppingMetric && { stoppingMetric };
  const keepsState = given.keepState ?? false;
  const trained = await learn(
    {
      ...input,
      controls: { ...session.controls, keepsState, ...withMetric },
      memory: {
        most: session.options.maxMemory ?? memory.maxMemory.default(),
        beside: session.beside,
        isStored: isStored(source.dataset),
      },
      doing: (text) => watch.observe({ stage: "doing", text }),
      note: session.note,
    },
    options,
    (event) => watch.observe({ stage: "epoch", epochs: options.epochs, ...event }),
    watch.signal,
  );
  lap("train");

  const measured = await measureParts(trained, examples, options.threads, watch.signal);
  const { metrics } = measured;
  const vectorsAdd =
    first || isTrial || trained.isWeightsOnly ? undefined : addedByVectors(measured, examples, space);
  for (const text of model.outcome({ trained, metrics, examples, options, stoppingMetric, vectorsAdd }))
    warn(text);
  if (examples.ranking) for (const text of unrankedWarnings(examples.ranking.examples, metrics)) warn(text);
  lap("evaluate");
  const { epochs, bestEpoch, interrupted = false } = trained;
  const { dataset } = source;
  return {
    evaluated: {
      options: { ...options, ...trained.keeps } as unknown as Record<string, unknown>,
      ...{ metrics, vectorsAdd, epochs, bestEpoch },
    },
    interrupted,
    chosen: { ...trained.chosen },
    byUnit: () => Promise.resolve(validationByUnit(measured, examples)),
    contents(): FitContents {
      const { negatives } = examples;
      const hashing = hashingOf(space);
      const preprocess = preprocessOf(space, dataset, examples, session.options, items?.itemFields);
      return {
        model: trained.name,
        tables: { [DEFAULT_TABLE]: trained.table(space), ...trained.moreTables?.(space) },
        files: {
          ...trained.files(space),
          ...preprocessFile(preprocess),
          ...(negatives && negativeFiles(negatives.source)),
          ...(items && itemFiles(items.catalogue)),
          [HISTORY_FILE]: historyChunks(history),
        },
        chosen: { ...trained.chosen },
        manifest: {
          ...(Object.keys(hashing).length > 0 && { hashing }),
          init: carried,
          engine: trained.engine,
        },
      };
    },
  };
}

/** Returns the facts about the data on which defaults may depend. */
export function factsOf<O extends FeatureOptions>(
  { optionsFor }: { optionsFor: (facts: DataFacts) => O },
  { space, examples, start, input }: Pick<Prepared<unknown>, "space" | "examples" | "start" | "input">,
): DataFacts {
  const { patience } = optionsFor(BEFORE_DATA);
  const numFields = space.fields.length;
  const { train, counts } = input;
  return {
    loss: examples.task === "regression" ? "squared" : "logistic",
    numFields,
    stopsEarly: (examples.valid ?? examples.ranking?.validate) !== undefined && patience > 0,
    isWarm: start !== undefined,
    ...(examples.negatives &&
      train.kind === "drawn" && {
        drawnRowsPerKey: (train.numRows * numFields) / counts.filter((count) => count > 0).length,
      }),
    ...(train.kind !== "drawn" && {
      labeled: labeledFacts(train.rows.numRows, keysByField(space, counts)),
    }),
  };
}

/** Returns the facts that are known before the rows are prepared. @param isDrawn whether negatives are sampled */
export function factsOfSize({ trainRows, ofColumn }: TrainingSize, isDrawn = false): DataFacts {
  const labeled = labeledFacts(trainRows, [...ofColumn.values()]);
  return { ...BEFORE_DATA, numFields: ofColumn.size, ...(!isDrawn && { labeled }) };
}

/** @param keys number of keys of each field */
function labeledFacts(rows: number, keys: readonly number[]): NonNullable<DataFacts["labeled"]> {
  const [most = 0, secondMostKeys = 0] = [...keys].sort((a, b) => b - a);
  return { rows, rowsPerKey: rows / Math.max(1, most), secondMostKeys };
}

/** Returns the number of keys of each field among training rows. */
function keysByField({ offsets }: FeatureSpace, counts: Uint32Array): number[] {
  return Array.from(
    offsets.slice(1),
    (end, f) => counts.subarray(offsets[f], end).filter((count) => count > 0).length,
  );
}

function comparedBy(valid: PartMetrics, metric: StoppingMetricName | undefined, options: object): string {
  const { k, metric: list } = options as Partial<ListOptions>;
  return k !== undefined && list !== undefined
    ? listMetric({ k, metric: list })
    : comparedByLabels(valid, metric);
}

function hashingNotes(space: FeatureSpace): string[] {
  return Object.entries(hashingOf(space)).map(([field, { keys, bits, collisionShare }]) => {
    const share = `${(100 * collisionShare).toFixed(1)} %`;
    return `'${field}': ${keys} keys hashed to ${2 ** bits} rows, ${share} of the keys collide`;
  });
}
