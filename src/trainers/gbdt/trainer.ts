import {
  PREDICTS_ONLY,
  type LogTraits,
  type Suits,
  type Trainer,
  type Fit,
  type Plan,
  type Session,
  type TrainingInput,
  type FitContents,
} from "../../training/session/trainer.js";
import type { Dataset } from "../../dataset/dataset.js";
import { UsageError } from "../../base/errors.js";
import type { Evaluated } from "../../training/epochs/checkpoint.js";
import { comparedByLabels } from "../../training/split-metrics/split-metrics.js";
import { labelWarnings } from "../../training/warnings/training-warnings.js";
import { ctrColumns, ctrOf, withCtr, idColumnWarnings, idLikeColumns } from "./target-statistics/ctr.js";
import type { ChosenPair } from "./target-statistics/ctr-pairs.js";
import type { TargetStatistics } from "./target-statistics/target-statistics.js";
import {
  entityTable,
  leafVectors,
  leafVectorFiles,
  type LeafFit,
  type LeafVectors,
} from "./leaf-heads/leaf-vectors.js";
import { fitModel, type ModelJob, type FittedModel } from "./fit.js";
import { likeInit, openForestInit, type ForestInit } from "./warm-start.js";
import { evaluateForest, validationByRow, forestOutcomeWarnings } from "./evaluate-forest.js";
import {
  decayOf,
  gbdtOptionsOf,
  headOptionsOf,
  options,
  type GbdtOptions,
  type GivenGbdt,
} from "./options.js";
import { targetOf } from "./target.js";
import type { Metrics, PartMetrics } from "../../table/manifest.js";
import { DEFAULT_TABLE } from "../../table/run-directory.js";
import type { EmbeddingTable } from "../../table/table.js";
import { readingRecipe } from "../../training/session/describe-run.js";
import type { ExampleOptions } from "../../training/shared-options/log.js";
import { GBDT_MODEL, gbdtModelFiles, leavesTable, LEAVES_TABLE } from "./forest/artifact.js";
import { comparisons } from "./leaf-heads/head.js";
import { byGain, importancesOf } from "./forest/in-words.js";
import { CELL_BYTES, NARROW_CELLS } from "../../compute/kernels/gbdt/binding.js";
import type { Needs } from "../../training/session/needs.js";

const command = "train-gbdt";

export const trainer: Trainer = {
  command,
  description:
    "Trains gradient-boosted trees on a log and writes a run directory with the trees in LightGBM's text " +
    "format and a table of their leaves.",
  examples: `
  embed train-gbdt fixtures/clicks.csv -o trees --valid 0.1 --test 0.1
  embed train-gbdt fixtures/ratings.csv -o trees --label rating --num-trees 50
`,
  options,
  suits,
  round: "tree",
  checkpointEvery: 20,
  plan,
};

async function plan(asGiven: GivenGbdt): Promise<Plan> {
  const gbdt = gbdtOptionsOf(asGiven);
  const decay = decayOf(asGiven);
  const ctr = ctrOf(asGiven);
  const init = await openForestInit(asGiven, command);
  const given = { ...asGiven, ...likeInit(init, asGiven) };
  const { task, positiveFrom, entity } = given;
  return {
    seed: gbdt.seed,
    init: init?.run,
    reading: {
      integersAreNumbers: true,
      labelIsName: task === "multiclass",
      ids: [...(ctr ? ctrColumns(ctr) : []), ...(entity === undefined ? [] : [entity])],
      positiveFrom,
    },
    accept(dataset: Dataset) {
      if (dataset.roles.label === undefined)
        throw new UsageError("no label column found: name it with --label");
      return { dataset, notes: [] };
    },
    comparedBy: (valid) => comparedByLabels(valid, asGiven.metric),
    choosesRounds: (source) => choice(source, given, gbdt),
    needs: gbdtNeeds(gbdt),
    fit: async (source, session) => await fit(source, session, { given, gbdt, decay, ctr, init }),
  };
}

/** Training rows per leaf below which trees overfit soon. */
const FEW_ROWS_PER_LEAF = 1000;

/** The number of trees is chosen if rows are few, or target statistics may reveal labels of training rows. */
function choice({ dataset, parts: { train } }: TrainingInput, given: GivenGbdt, gbdt: GbdtOptions) {
  const isFew = train.rows.length < FEW_ROWS_PER_LEAF * gbdt.numLeaves;
  const hasStatistics = (given.ctr ?? given.ctrPairs) !== undefined;
  if (!isFew && !hasStatistics) return undefined;
  const ids = hasStatistics ? [] : idLikeColumns(dataset, train.rows);
  return { rival: ids.length > 0 ? { ctr: ids, ctrPairs: "auto" as const } : undefined };
}

/** Checked before the log is read. */
interface Decided {
  given: GivenGbdt;
  gbdt: GbdtOptions;
  decay: number | undefined;
  ctr: ReturnType<typeof ctrOf>;
  init: ForestInit | undefined;
}

/** Choices that the first training made from the data, and that its refit reuses. */
interface Kept {
  /** chosen by --ctr-pairs */
  pairs?: ChosenPair[] | undefined;
  /** number of iterations of each forest of --cross-fit */
  forestTrees?: number[] | undefined;
}

async function fit(
  { dataset, parts: asGiven, cut }: TrainingInput,
  { options: how, watch, warn, note, lap, controls, first }: Session,
  { given, gbdt, decay, ctr, init }: Decided,
): Promise<Fit> {
  const { task } = given;
  idColumnWarnings(dataset, cut.train.rows, [...how.numeric, ...(given.ctr ?? [])]).forEach(warn);
  labelWarnings(dataset, { ...how, ...(task && { task }) }).forEach(warn);
  const target = targetOf(asGiven.train, { ...how, ...(task && { task }) }, init?.preprocess);
  const kept = first?.keeps as Kept | undefined;
  const flags = ctr && { ...ctr, chosen: kept?.pairs };
  const { parts, statistics, pairs } = await withCtr(asGiven, target, flags, {
    ...{ threads: gbdt.threads, seed: gbdt.seed, signal: watch.signal },
    ...{ note, warn },
  });
  const head = headOptionsOf(given, target.task);
  const numTrees = first ? Math.max(1, first.bestEpoch) : gbdt.numTrees;
  const job: ModelJob = {
    prediction: target,
    gbdt: first ? { ...gbdt, numTrees, patience: 0 } : gbdt,
    ...{ head, init, decay, watch, warn, note, lap },
    forestTrees: kept?.forestTrees,
  };
  const model = await fitModel(parts, job, controls);
  const { epochs, bestEpoch, interrupted } = model.grown;
  const { valid, test } = parts;
  const { metrics, vectorsAdd } = await evaluateForest(
    model,
    target,
    { valid, test },
    gbdt.threads,
    note,
    parts.train,
  );
  for (const text of forestOutcomeWarnings(model, metrics, vectorsAdd, parts.valid, gbdt)) warn(text);
  lap("evaluate");
  return {
    evaluated: {
      options: { ...gbdt, numTrees, task },
      ...{ metrics, vectorsAdd, epochs, bestEpoch },
      keeps: { pairs, forestTrees: model.forestTrees } satisfies Kept,
    },
    interrupted,
    byUnit: () => validationByRow(model, target, valid, gbdt.threads),
    async contents(evaluated: Evaluated) {
      const { entity, dim = 16, dense: numDense } = given;
      const { train } = parts;
      const { grown } = model;
      const { seed, threads } = gbdt;
      const entities =
        entity === undefined
          ? undefined
          : await entityTable(grown, train, entity, { dim, seed, threads }, watch);
      const dense =
        numDense === undefined
          ? undefined
          : await leafVectors(grown, train, { dim: numDense, seed, threads }, watch);
      return gbdtContents({
        ...{ dataset, options: how, gbdt, job, model, statistics, pairs, entities, dense },
        metrics: evaluated.metrics,
        labels: target.labelled(cut.train).labels,
      });
    },
  };
}

/** With users or items, also trees in which their mean labels replace ids. */
function suits({ goal, roles: { user, item, fields } }: LogTraits): Suits {
  if (goal === "lists") return PREDICTS_ONLY;
  const ctr = [user, item].filter((name) => name !== undefined && fields.includes(name)) as string[];
  const byRates: GivenGbdt = { ctr };
  return {
    candidates: [
      { name: "gbdt", options: {}, effort: 4 },
      ...(ctr.length > 0 ? [{ name: "gbdt-ctr", options: byRates, effort: 5 }] : []),
    ],
  };
}

interface GbdtOutcome {
  dataset: Dataset;
  options: ExampleOptions;
  gbdt: GbdtOptions;
  job: ModelJob;
  model: FittedModel;
  /** target statistics, from which the added columns are computed for new rows */
  statistics: TargetStatistics[];
  /** pairs of columns that --ctr-pairs chose */
  pairs: ChosenPair[] | undefined;
  /** undefined without --entity */
  entities: EmbeddingTable | undefined;
  /** undefined without --dense */
  dense: (LeafVectors & { fit: LeafFit }) | undefined;
  /** of the training that was evaluated, before a refit; and the labels of its training split */
  metrics: Record<string, PartMetrics>;
  labels: Float32Array;
}

function gbdtContents(outcome: GbdtOutcome): FitContents {
  const { dataset, options, gbdt, job, model, pairs, entities, dense } = outcome;
  const { forest, features, columns } = model.grown;
  const { prediction, init, decay } = job;
  const head = model.fitted?.head;
  const preprocess = {
    roles: dataset.roles,
    task: prediction.task,
    ...readingRecipe(options, dataset),
    classes: prediction.classes,
    labelRange: prediction.labelRange,
    columns,
  };
  const carried = init && {
    run: init.run.path,
    trees: init.forest.trees.length,
    refitDecay: decay,
  };
  const metrics = outcome.metrics as Record<string, Metrics>;
  return {
    model: GBDT_MODEL,
    tables: {
      ...(entities && { [DEFAULT_TABLE]: entities }),
      [LEAVES_TABLE]: leavesTable(forest, head),
    },
    files: {
      ...gbdtModelFiles(forest, features, gbdt, preprocess, head, outcome.statistics),
      ...(dense && leafVectorFiles(dense)),
    },
    manifest: {
      init: carried,
      normalizedEntropy: head && comparisons(metrics, outcome.labels),
      dense: dense?.fit,
    },
    summary: {
      ctrPairs: pairs,
      dense: dense?.fit,
      importances: byGain(importancesOf(forest)),
    },
  };
}

/** Bytes per leaf in a run: splits, values and categories. */
const LEAF = 200;

/**
 * Memory: the bins of the rows, stored by row and by column, with gradients, scores and the order of rows; and the
 * histograms of each leaf and thread. Key columns are not copied.
 */
function gbdtNeeds({ numLeaves, numTrees, threads }: GbdtOptions): Needs {
  return {
    advice: "--where and --ignore leave fewer rows and columns, and --num-leaves fewer histograms",
    of({ trainRows, heldOutRows, cells, features, keyBytes }) {
      const histograms = (numLeaves + threads) * NARROW_CELLS * CELL_BYTES * cells;
      const rows = trainRows * (2 * cells + 44) + heldOutRows * (cells + 24);
      return { memory: histograms + rows, disk: numTrees * numLeaves * LEAF + 24 * features + keyBytes };
    },
  };
}
