// `embed train-fm`: factorization machines, linear models and field-aware machines of labels.

import type { Dataset } from "../../dataset/dataset.js";
import { UsageError } from "../../errors.js";
import { factorOutcome } from "../../factors/outcome.js";
import { widthWarnings } from "../../factors/width-warnings.js";
import { goOn } from "../../factors/warm-start.js";
import { checkLabels, type ExampleOptions } from "../../training/options/example-options.js";
import { featurePlan, type FeatureModel } from "../../training/session/feature-plan.js";
import type { Start } from "../../training/warm-start/start.js";
import type { Plan } from "../../training/session/plan.js";
import type { Trainer } from "../../training/session/trainer.js";
import { BEFORE_DATA, type Learner } from "../../training/session/feature-training.js";
import { labelledOrDrawn } from "../../training/examples/training-examples.js";
import { checkExpire } from "../../training/warm-start/warm-start.js";
import { openEarlier } from "./init-run.js";
import { fmOptionsOf, options, withL2, type FmOptions, type GivenFm } from "./options.js";
import { checkSharded } from "./shards/check.js";
import { suits } from "./suits.js";

const command = "train-fm";

export const trainer: Trainer = {
  command,
  description:
    "Trains a factorization machine on a log and writes a run directory with a vector for each key of each " +
    "field.",
  examples: `
  embed train-fm fixtures/clicks.csv -o run --valid 0.1 --test 0.1
  embed train-fm fixtures/purchases.csv -o run --negatives 4 --test 0.1
`,
  options,
  suits,
  checkpointEvery: 5,
  plan,
};

async function plan(asGiven: GivenFm): Promise<Plan> {
  const given = withL2(asGiven);
  check(given);
  if (given.engineTrain === true) await checkSharded(given);
  // the data decides none of what is checked
  const { model, method, seed } = fmOptionsOf(given, BEFORE_DATA);
  const earlier = await openEarlier(given, command);
  const features: FeatureModel<FmOptions, Start> = {
    given,
    table: options,
    metric: given.metric,
    fields: Object.keys(given.l2Field ?? {}),
    optionsFor: (facts) => ({ ...fmOptionsOf(given, facts), ...earlier?.shared }),
    accept,
    examples: (space, parts, { options: how, beside, watch }) =>
      labelledOrDrawn(
        space,
        parts,
        {
          ...how,
          ...(given.task && { task: given.task }),
          seed,
          shuffle: given.shuffle ?? true,
          negativeDownsampling: given.negativeDownsampling ?? 1,
          beside,
        },
        watch,
      ),
    learn: learnerOf(given),
    streams: method !== "als" && method !== "mcmc",
    ...(earlier && {
      earlier: { run: earlier.run, goOn: (fitted) => goOn(earlier, fitted, given) },
    }),
    doubts: (space, fm) => (model === "fm" ? widthWarnings(space, fm, "--model lr") : []),
    outcome: (outcome) => factorOutcome(outcome, method === "mcmc"),
  };
  return { ...featurePlan(features), unlabelled: (given.negatives ?? 0) > 0 };

  function accept(dataset: Dataset, how: ExampleOptions) {
    checkLabels(dataset.roles, { ...how, ...given }, " or rank with embed train-ranking");
    return { dataset, notes: [] };
  }
}

/** @throws {UsageError} options that do not go together */
function check(given: GivenFm): void {
  const { model = "fm", method = "adagrad" } = given;
  if (model !== "fm" && (method === "als" || method === "mcmc"))
    throw new UsageError(
      `--method ${method} needs --model fm, got ${model}: use --method adagrad, sgd, ftrl or adam`,
    );
  checkExpire(given);
}

/** How a model is trained by a method. */
function learnerOf(given: GivenFm): Learner<FmOptions, Start> {
  const { model = "fm", method = "adagrad", engineTrain = false } = given;
  if (engineTrain) return async (...of) => (await import("./shards/learn.js")).learnOnShards(given, ...of);
  if (method === "als" || method === "mcmc")
    return async (...of) => (await import("./mcmc/learn.js")).learnCoordinates(...of);
  if (model === "ffm") return async (...of) => (await import("./ffm/learn.js")).learnFfm(...of);
  return async (...of) => (await import("./learn.js")).learnFm(...of);
}
