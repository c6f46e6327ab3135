// `embed train-als`: factorizes the matrix of users and items by alternating least squares, from events alone.

import {
  RANKS_ONLY,
  type LogTraits,
  type Suits,
  type Trainer,
  type Plan,
} from "../../training/session/trainer.js";
import { factorOutcome } from "../shared/factor-model/outcome.js";
import { type FactorStart, factorInit, openFactorInit } from "../shared/factor-model/warm-start.js";
import { UsageError } from "../../base/errors.js";
import { featurePlan, type FeatureModel } from "../../training/session/feature-plan.js";
import { rankingExamples, readCandidates } from "../../training/examples/ranking-examples.js";
import { BEFORE_DATA, type DataFacts } from "../../training/session/feature-training.js";
import { featuresOfRoles } from "../../training/reading/users-and-items.js";
import { alsOptionsOf, options, type AlsOptions, type GivenAls } from "./options.js";
import { alsNeeds } from "./memory.js";

const command = "train-als";

export const trainer: Trainer = {
  command,
  description:
    "Factorizes the user-item matrix of events by alternating least squares, with a small weight on " +
    "unobserved pairs, and writes a run directory with a vector per user and item.",
  examples: `
  embed train-als fixtures/purchases.csv -o run --valid 0.1 --test 0.1
  embed train-als fixtures/clicks.csv -o run --positive-from 1 --dim 32 --test 0.1
`,
  options,
  suits,
  checkpointEvery: 5,
  plan,
};

async function plan(given: GivenAls): Promise<Plan> {
  const onEngine = given.engineTrain === true;
  if (onEngine) checkEngineTraining(given);
  const init = await openFactorInit(given, command);
  // a server returns nothing between epochs, so training cannot stop early
  const optionsFor = (facts: DataFacts) => ({
    ...alsOptionsOf(given, facts),
    ...(onEngine && { patience: 0 }),
    ...(init && { dim: init.parameters.dim }),
  });
  const features: FeatureModel<AlsOptions, FactorStart> = {
    given,
    table: options,
    optionsFor,
    accept: (dataset) => featuresOfRoles(dataset, command, ["user", "item"]),
    async examples(space, parts, session) {
      const { minUsers = 0, ...weighting } = session.options;
      const { seed, threads, k, metric, candidates: file } = optionsFor(BEFORE_DATA);
      const lists = { k, metric };
      const candidates = await readCandidates(file, parts, session);
      const how = { asker: command, seed, threads, minUsers, weighting, lists, candidates };
      return rankingExamples(space, parts, { task: "implicit", ...how }, session.watch);
    },
    learn: onEngine
      ? async (input, own, observe, signal) =>
          (await import("./learn-on-engine.js")).learnOnEngine(input, own, given, observe, signal)
      : async (...args) => (await import("./learn.js")).learnImplicit(...args),
    needs: alsNeeds(optionsFor, given.maxMemory ?? options.maxMemory.default()),
    streams: true,
    readsBefore: true,
    init: factorInit(init, given),
    outcome: factorOutcome,
  };
  return { ...featurePlan(features), unlabelled: true };
}

/** Checks options for a training on a server. @throws {UsageError} MLlib's ALS has no equivalent of an option */
function checkEngineTraining(given: GivenAls): void {
  const { l2Exponent, patience, metric, init, search, checkpointEvery, resume, onInterrupt } = given;
  const reasons: readonly (readonly [string, boolean, string])[] = [
    [
      `--l2-exponent ${l2Exponent}`,
      l2Exponent !== undefined && l2Exponent !== 1,
      "MLlib's penalty is in proportion to a row's events, which is the exponent 1",
    ],
    ["--init", init !== undefined, "MLlib starts every training from random vectors"],
    [
      `--patience ${patience}`,
      (patience ?? 0) > 0,
      "MLlib reports nothing between epochs; --epochs are all trained",
    ],
    ["--metric", metric !== undefined, "it chooses the best epoch, and MLlib returns the last"],
    ["--search", search !== undefined, "it also searches options that MLlib lacks"],
    ["--checkpoint-every", checkpointEvery !== undefined, "MLlib returns nothing between epochs"],
    ["--resume", resume === true, "MLlib returns nothing between epochs"],
    ["--on-interrupt save", onInterrupt === "save", "MLlib returns nothing between epochs"],
  ];
  for (const [flag, isGiven, why] of reasons)
    if (isGiven) throw new UsageError(`${flag} cannot be combined with --engine-train: ${why}`);
}

function suits({ goal }: LogTraits): Suits {
  return goal === "predictions" ? RANKS_ONLY : { candidates: [{ name: "als", options: {}, effort: 3 }] };
}
