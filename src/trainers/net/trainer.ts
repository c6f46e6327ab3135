// `embed train-net`: a network on top of an embedding layer, initialized from an earlier run's table or at random.

import {
  PREDICTS_ONLY,
  type Candidate,
  type LogTraits,
  type Suits,
  type Trainer,
  type Plan,
  type ComparedTrainings,
  type ComparedPlan,
  type TrainingSteps,
  type Initialization,
} from "../../training/session/trainer.js";
import { UsageError } from "../../base/errors.js";
import { checkLabels } from "../../training/shared-options/log.js";
import {
  factsOf,
  featurePlan,
  prepareFeatures,
  type FeatureModel,
  type WarmVocabulary,
  type Outcome,
} from "../../training/session/feature-plan.js";
import type { Capable } from "../../training/capabilities/model.js";
import { metricsOfRows } from "../../training/split-metrics/split-metrics.js";
import { BEFORE_DATA } from "../../training/session/feature-training.js";
import { labelledOrDrawn } from "../../training/examples/training-examples.js";
import {
  checkNetOptions,
  liftOptions,
  netOptionsOf,
  options,
  RANDOM,
  type NetOptions,
  type GivenNet,
  archs,
} from "./options.js";
import type { NetStart } from "./initialization.js";
import { ownVocabulary, type FittedVocabulary } from "../../training/warm-start/carried-keys.js";
import {
  openTableInit,
  startFromTable,
  withTableKeys,
  type TableInit,
} from "../../training/warm-start/table-init.js";
import { factorOutcome } from "../shared/factor-model/outcome.js";
import { tableBytes, type Needs } from "../../training/session/needs.js";

/** @param capable returns the capabilities of any trainer's run, since --init accepts all runs with vectors */
export const trainerWith = (capable: Capable): Trainer => ({
  command: "train-net",
  description:
    "Trains a neural network on top of an embedding layer, initialized from an earlier run's table or at " +
    "random, and writes a run directory with the network and its embedding table.",
  examples:
    "\n  embed train-net fixtures/clicks.csv -o net --arch fnn --valid 0.1 --test 0.1\n  embed " +
    "train-net fixtures/clicks.csv -o net --arch wide-deep --cross device*hour --valid 0.1\n\n  with " +
    "pretrained embeddings:\n  embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1\n  " +
    "embed train-net fixtures/clicks.csv -o net --arch fnn --init run --valid 0.1 --test 0.1\n",
  options,
  suits,
  checkpointEvery: 5,
  plan: async (given: GivenNet) => planOf(await modelOf(given, capable), given),
  compared: { options: liftOptions, plan: (given) => planStarts(given, capable) },
});

type NetFeatures = FeatureModel<NetOptions, NetStart>;

function planOf(model: NetFeatures, given: GivenNet): Plan {
  return { ...featurePlan(model), unlabelled: (given.negatives ?? 0) > 0 };
}

async function modelOf(given: GivenNet, capable: Capable): Promise<NetFeatures> {
  checkNetOptions(given);
  const { init = RANDOM, dim, keepKeys = false, metric, task } = given;
  // the run that --init names is checked before the log is read, which may take long
  const table = init === RANDOM ? undefined : await openTableInit(init, dim, capable, "a network");
  const { seed } = netOptionsOf(given, BEFORE_DATA);
  return {
    ...{ given, table: options, metric },
    optionsFor: (facts) => ({
      // a table with weights was trained on the labels of these rows, unless --keep-keys suggests that it was trained
      // on other rows
      ...netOptionsOf(given, { ...facts, knowsLabels: table?.weights !== undefined && !keepKeys }),
      ...(table && { dim: table.dim }),
    }),
    accept(dataset, how) {
      checkLabels(dataset.roles, { ...how, ...given });
      return { dataset, notes: [] };
    },
    examples(space, parts, { options: how, watch }) {
      const drawing = { seed, shuffle: true, negativeDownsampling: 1 };
      return labelledOrDrawn(space, parts, { ...how, ...(task && { task }), ...drawing }, watch);
    },
    learn: async (...given) => (await import("./train.js")).learnNet(...given),
    needs: netNeeds({ ...netOptionsOf(given, BEFORE_DATA), ...(table && { dim: table.dim }) }),
    streams: false,
    init: table && { run: table.run, carry: (fitted) => vocabularyOf(table, fitted, keepKeys) },
    outcome: (outcome) => netOutcomeWarnings(outcome, given.epochs !== undefined),
  };
}

/** With --keep-keys also the run's keys. Keys of the run start from their vectors in the run. */
function vocabularyOf(
  table: TableInit,
  fitted: FittedVocabulary,
  keepsKeys: boolean,
): WarmVocabulary<NetStart> {
  const vocabulary = keepsKeys ? withTableKeys(table, fitted) : ownVocabulary(fitted);
  return {
    ...vocabulary,
    startFor(task) {
      if (task !== "binary" && task !== "regression")
        throw new UsageError(`a network predicts labels, not ${task}`);
      const { roles } = fitted.dataset;
      const { table: start, ...found } = startFromTable(table, vocabulary.space, roles, { task });
      return { ...found, start: { table: start, kind: "table", fallsBack: true } };
    },
  };
}

/** For `lift`: trainings from the run's table and from other initializations, on the same rows. */
async function planStarts(
  given: Parameters<ComparedTrainings["plan"]>[0],
  capable: Capable,
): Promise<ComparedPlan> {
  const { patience = liftOptions.patience.default, epochs = liftOptions.epochs.default } = given;
  const { averageEpochs = liftOptions.averageEpochs.default } = given as GivenNet;
  const whole: GivenNet = { ...given, patience, epochs, averageEpochs };
  const model = await modelOf(whole, capable);
  return {
    ...planOf(model, whole),
    init: model.init!.run,
    async prepare(source, session) {
      const prepared = await prepareFeatures(model, source, session);
      const { input, examples, start } = prepared;
      const { test } = examples;
      const facts = factsOf(model, prepared);
      const net = model.optionsFor(facts);
      const random = model.optionsFor({ ...facts, isWarm: false });
      if (random.keyL2 !== net.keyL2)
        session.note(
          `'random' is trained with --key-l2 ${random.keyL2}, initializations from a table with ${net.keyL2}: ` +
            "the defaults of train-net",
        );
      const train = async (kind: Initialization, steps: TrainingSteps, signal: AbortSignal) => {
        const trained = await model.learn(
          { ...input, start: { table: start!.table, kind } },
          { ...(kind === "random" ? random : net), ...steps },
          () => undefined,
          signal,
        );
        const { epochs, bestEpoch } = trained;
        const metrics = async () => test && (await metricsOfRows(trained, test, examples, net.threads));
        return { epochs, bestEpoch, test: metrics };
      };
      return { options: { ...net }, seed: net.seed, loss: facts.loss, train };
    },
  };
}

/** Each architecture from random vectors; fnn, which was designed to start from a table, also from tables. */
function suits({ goal }: LogTraits): Suits {
  if (goal === "lists") return PREDICTS_ONLY;
  return { candidates: archs.map(candidate) };
}

function candidate(arch: (typeof archs)[number]): Candidate {
  const options: GivenNet = { arch };
  return {
    name: `net-${arch}`,
    options,
    effort: 30,
    ...(arch === "fnn" && { startOption: "init" satisfies keyof GivenNet }),
  };
}

const CONSTANT_ADVICE =
  "Try a larger --l2 or --dropout, or smaller --hidden layers, and check that the label has the same meaning " +
  "in that split";

const FELL_BACK =
  "no epoch was better on the validation split than the factorization machine of --init: the network predicts as that " +
  "machine does. Fit the table on other rows than the network (months before, with --keep-keys), or train the network " +
  "without --init";

const UNVALIDATED =
  "without a validation split all epochs are trained and the last one is kept, which often overfits: --valid 0.1 " +
  "stops early and keeps the best epoch, and --epochs sets their number";

/** @param hasEpochs whether the user set the number of epochs */
export function netOutcomeWarnings(outcome: Outcome<NetOptions>, hasEpochs: boolean): string[] {
  if (outcome.examples.valid) {
    const course = factorOutcome(outcome, { constantAdvice: CONSTANT_ADVICE });
    return outcome.trained.bestEpoch === 0 ? [FELL_BACK, ...course] : course;
  }
  return hasEpochs || outcome.options.patience === 0 ? [] : [UNVALIDATED];
}

/** Bytes assumed for chunks of rows, batches and buffers of the threads. */
const BUFFERS = 64 << 20;

/**
 * Memory: the embedding layer with AdaGrad's sums, its initial values, the copy of the best epoch and the table; dense
 * layers with Adam's moments and a batch's activations; and the rows.
 */
function netNeeds({ arch, dim: given, hidden, batchSize, crossBits, cross }: NetOptions): Needs {
  return {
    dim: given,
    advice:
      "--min-count, --max-vocab and --hash FIELD:BITS leave fewer features, --hidden and --batch-size make layers smaller",
    of(size, dim = given) {
      const { trainRows, heldOutRows, features, cells, ofColumn } = size;
      const width = arch === "fnn" ? dim + 1 : dim;
      const table = features * (5 * 4 * width + 24);
      const crosses = cross.length > 0 ? 2 ** crossBits : 0;
      const wide = arch === "wide-deep" ? 24 * (features + crosses) : 0;
      const sizes = [width * ofColumn.size, ...hidden];
      const dense = sizes.reduce((sum, inputs, layer) => {
        const outputs = sizes[layer + 1] ?? 1;
        return sum + 4 * (6 * inputs * outputs + 4 * batchSize * (inputs + outputs));
      }, 0);
      const rows = trainRows * (4 * cells + 8);
      const heldOut = heldOutRows * (4 * cells + 16);
      return {
        memory: table + wide + dense + rows + heldOut + BUFFERS,
        disk: 1.2 * tableBytes(size, width),
      };
    },
  };
}
