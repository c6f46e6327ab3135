// `embed train-net`: a network above an embedding layer, which starts from an earlier run's table or at random.

import { UsageError } from "../../errors.js";
import { withKnown } from "../../dataset/vocabulary/known-keys.js";
import { checkLabels } from "../../training/options/log.js";
import {
  factsOf,
  featurePlan,
  prepareFeatures,
  type FeatureModel,
  type FittedSpace,
  type GoneOn,
} from "../../training/session/feature-plan.js";
import { nextHistory } from "../../training/warm-start/key-history.js";
import type { Capable } from "../../training/capabilities/model.js";
import { metricsOfRows } from "../../training/judging/split-metrics.js";
import type { Starts, StartsPlan, StartSteps, StartKind } from "../../training/warm-start/starts.js";
import type { Trainer } from "../../training/session/trainer.js";
import type { Plan } from "../../training/session/plan.js";
import { BEFORE_DATA } from "../../training/session/feature-training.js";
import { labelledOrDrawn } from "../../training/examples/training-examples.js";
import {
  keysOf,
  openTableStart,
  startFrom,
  type EarlierTable,
} from "../../training/warm-start/table-start.js";
import {
  checkNetOptions,
  liftOptions,
  netOptionsOf,
  options,
  RANDOM,
  type NetOptions,
  type GivenNet,
} from "./options.js";
import { netOutcomeWarnings } from "./outcome.js";
import type { NetStart } from "./start.js";
import { suits } from "./suits.js";

/** The trainer. @param capable finds what a run of any trainer can do: --init takes the vectors of all of them */
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
  starts: { options: liftOptions, plan: (given) => planStarts(given, capable) },
});

type NetFeatures = FeatureModel<NetOptions, NetStart>;

function planOf(model: NetFeatures, given: GivenNet): Plan {
  return { ...featurePlan(model), unlabelled: (given.negatives ?? 0) > 0 };
}

async function modelOf(given: GivenNet, capable: Capable): Promise<NetFeatures> {
  checkNetOptions(given);
  const { init = RANDOM, dim, keepKeys = false, metric, task } = given;
  // a run that does not fit is reported before a long reading
  const table = init === RANDOM ? undefined : await openTableStart(init, dim, capable, "a network");
  const { seed } = netOptionsOf(given, BEFORE_DATA);
  return {
    ...{ given, table: options, metric },
    optionsFor: (facts) => ({ ...netOptionsOf(given, facts), ...(table && { dim: table.dim }) }),
    accept(dataset, how) {
      checkLabels(dataset.roles, { ...how, ...given });
      return { dataset, notes: [] };
    },
    examples(space, parts, { options: how, beside, watch }) {
      const drawing = { seed, shuffle: true, negativeDownsampling: 1, beside };
      return labelledOrDrawn(space, parts, { ...how, ...(task && { task }), ...drawing }, watch);
    },
    learn: async (...given) => (await import("./learn.js")).learnNet(...given),
    streams: true,
    ...(table && {
      earlier: { run: table.run, goOn: (fitted) => spaceOf(table, fitted, keepKeys) },
    }),
    outcome: (outcome) => netOutcomeWarnings(outcome, metric, given.epochs !== undefined),
  };
}

/** The log's own vocabulary, or with --keep-keys the run's too; the layer starts from the run's rows of it. */
function spaceOf(
  table: EarlierTable,
  { fitted, refitted, dataset, rows, rowOrder }: FittedSpace,
  keepsKeys: boolean,
): GoneOn<NetStart> {
  const known = keepsKeys ? keysOf(table)(fitted, dataset.roles) : undefined;
  const space = known
    ? withKnown(fitted, dataset, rows, (name) => known.fields.find((field) => field.name === name), rowOrder)
    : refitted();
  return {
    space,
    history: nextHistory(space, dataset),
    notes: [],
    warnings: [],
    startFor(task) {
      if (task !== "binary" && task !== "regression")
        throw new UsageError(`a network predicts labels, not ${task}`);
      const { table: start, ...found } = startFrom(table, space, dataset.roles, task);
      return { ...found, start: { table: start, kind: "table" } };
    },
  };
}

/** Trainings from the run's table and from other starts, on the same rows. */
async function planStarts(given: Parameters<Starts["plan"]>[0], capable: Capable): Promise<StartsPlan> {
  const { patience = liftOptions.patience.default, epochs = liftOptions.epochs.default } = given;
  const { averageEpochs = liftOptions.averageEpochs.default } = given as GivenNet;
  const whole: GivenNet = { ...given, patience, epochs, averageEpochs };
  const model = await modelOf(whole, capable);
  return {
    ...planOf(model, whole),
    earlier: model.earlier!.run,
    async prepare(source, session) {
      const prepared = await prepareFeatures(model, source, session);
      const { input, examples, start } = prepared;
      const { test } = examples;
      const facts = factsOf(model, prepared);
      const net = model.optionsFor(facts);
      const train = async (kind: StartKind, steps: StartSteps, signal: AbortSignal) => {
        const trained = await model.learn(
          { ...input, start: { table: start!.table, kind } },
          { ...net, ...steps },
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
