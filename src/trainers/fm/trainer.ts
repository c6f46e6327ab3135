// `embed train-fm`: factorization machines, linear models and field-aware factorization machines that predict labels.

import type { Candidate, LogTraits, Suits, Trainer, Plan } from "../../training/session/trainer.js";
import type { Dataset } from "../../dataset/dataset.js";
import { UsageError } from "../../errors.js";
import { factorOutcome, widthWarnings } from "../../factors/outcome.js";
import { type FactorStart, factorInit } from "../../factors/warm-start.js";
import { featurePlan, type FeatureModel } from "../../training/session/feature-plan.js";
import { checkLabels, type ExampleOptions } from "../../training/options/log.js";
import { BEFORE_DATA, type LearnFunction } from "../../training/session/feature-training.js";
import { labelledOrDrawn } from "../../training/examples/training-examples.js";
import { fmNeeds } from "./memory.js";
import { fmOptionsOf, options, withL2, type FmOptions, type GivenFm } from "./options.js";
import { openFmInit } from "./warm-start.js";

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
  // model, method and seed do not depend on the data, so they are determined before the log is read
  const { model, method, seed } = fmOptionsOf(given, BEFORE_DATA);
  const init = await openFmInit(given, command);
  const features: FeatureModel<FmOptions, FactorStart> = {
    given,
    table: options,
    metric: given.metric,
    fields: Object.keys(given.l2Field ?? {}),
    optionsFor: (facts) => ({ ...fmOptionsOf(given, facts), ...init?.shared }),
    accept,
    examples: (space, parts, { options: how, watch }) =>
      labelledOrDrawn(
        space,
        parts,
        {
          ...how,
          ...(given.task && { task: given.task }),
          seed,
          shuffle: given.shuffle ?? true,
          negativeDownsampling: given.negativeDownsampling ?? 1,
        },
        watch,
      ),
    learn: learnerOf(given),
    needs: fmNeeds({ ...fmOptionsOf(given, BEFORE_DATA), ...init?.shared }),
    streams: method !== "als" && method !== "mcmc",
    init: factorInit(init, given),
    doubts: (space, fm) => (model === "fm" ? widthWarnings(space, fm, "--model lr") : []),
    outcome: (outcome) => factorOutcome(outcome, { isChain: method === "mcmc" }),
  };
  return { ...featurePlan(features), unlabelled: (given.negatives ?? 0) > 0 };

  function accept(dataset: Dataset, how: ExampleOptions) {
    checkLabels(dataset.roles, { ...how, ...given }, " or rank with embed train-ranking");
    return { dataset, notes: [] };
  }
}

/** Checks the options. @throws {UsageError} they cannot be combined */
function check(given: GivenFm): void {
  const { model = "fm", method = "adagrad" } = given;
  if (model !== "fm" && (method === "als" || method === "mcmc"))
    throw new UsageError(
      `--method ${method} needs --model fm, got ${model}: use --method adagrad, sgd, ftrl or adam`,
    );
}

/** Returns the trainer of a model and method. */
function learnerOf(given: GivenFm): LearnFunction<FmOptions, FactorStart> {
  const { model = "fm", method = "adagrad" } = given;
  if (method === "als" || method === "mcmc")
    return async (...of) => (await import("./mcmc/learn.js")).learnCoordinates(...of);
  if (model === "ffm") return async (...of) => (await import("./ffm/learn.js")).learnFfm(...of);
  return async (...of) => (await import("./learn.js")).learnFm(...of);
}

/**
 * Returns the models that a comparison of predictions trains; for a comparison of ranked lists, one that samples
 * negatives.
 */
function suits({ goal, task }: LogTraits): Suits {
  if (goal === "lists") return { candidates: [candidate("fm", 10, { negatives: 4 })] };
  return {
    candidates: [
      // a model with weights alone has one bias per key
      { ...candidate("lr", 2, { model: "lr" }), baseline: true },
      { ...candidate("fm", 3, {}), start: "too" },
      candidate("ffm", 15, { model: "ffm" }),
      ...(task === "regression" ? [candidate("fm-mcmc", 12, { method: "mcmc" })] : []),
    ],
  };
}

function candidate(name: string, effort: number, options: GivenFm): Candidate {
  return { name, options, effort };
}
