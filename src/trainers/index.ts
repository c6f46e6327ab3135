// The list of trainers. A trainer's modules are loaded when the trainer, or one of its runs, is used.

import type { Run } from "../table/run-directory.js";
import { ArtifactError, UsageError } from "../base/errors.js";
import type { Capabilities, Model, Models } from "../training/capabilities/model.js";
import type { PredictForeign } from "../training/capabilities/row-predictor.js";
import type { Trainer } from "../training/session/trainer.js";
import type { TransformForeign } from "../training/shared-options/transform-options.js";

/** The exports of a trainer's models.ts. */
interface Home {
  /** the kinds of models that runs of the trainer contain */
  models: Models;
  /** Encodes rows by another program's model file. */
  transformForeign?: TransformForeign;
  /** Predicts rows by another program's model file. */
  foreignPredictor?: PredictForeign;
}

/** A command that trains a model, with the line that summarizes it in the program's help. */
interface TrainerEntry {
  command: string;
  summary: string;
  load: () => Promise<{ trainer: Trainer }>;
  home: () => Promise<Home>;
}

/** Every trainer, in the order of the help. */
export const trainers: readonly TrainerEntry[] = [
  {
    command: "train-fm",
    summary: "train a factorization machine on labels",
    load: async () => await import("./fm/trainer.js"),
    home: async () => await import("./fm/models.js"),
  },
  {
    command: "train-ranking",
    summary: "learn to rank items from events: user and item vectors with pairwise or softmax losses",
    load: async () => await import("./ranking/trainer.js"),
    home: async () => await import("./ranking/models.js"),
  },
  {
    command: "train-two-tower",
    summary: "train a two-tower model: users from their histories, with a sampled softmax over items",
    load: async () => ({ trainer: (await import("./two-tower/trainer.js")).trainerWith(capable) }),
    home: async () => await import("./two-tower/models.js"),
  },
  {
    command: "train-als",
    summary: "factorize the user-item matrix of implicit feedback by alternating least squares",
    load: async () => await import("./als/trainer.js"),
    home: async () => await import("./als/models.js"),
  },
  {
    command: "train-item2vec",
    summary: "learn item vectors from sessions: skip-gram with negative sampling",
    load: async () => await import("./item2vec/trainer.js"),
    home: async () => await import("./item2vec/models.js"),
  },
  {
    command: "train-graph",
    summary: "learn node vectors from an edge list or sessions: DeepWalk, node2vec, LINE, EGES",
    load: async () => await import("./graph/trainer.js"),
    home: async () => await import("./graph/models.js"),
  },
  {
    command: "train-gbdt",
    summary: "train gradient-boosted trees and encode rows by leaf index (GBDT+LR)",
    load: async () => await import("./gbdt/trainer.js"),
    home: async () => await import("./gbdt/models.js"),
  },
  {
    command: "train-pca",
    summary: "compute principal components (PCA, SVD): a baseline for other embeddings",
    load: async () => await import("./pca/trainer.js"),
    home: async () => await import("./pca/models.js"),
  },
  {
    command: "train-net",
    summary:
      "train a neural network on labels (FNN, Wide & Deep, Deep Crossing), optionally from pretrained " +
      "embeddings",
    load: async () => ({ trainer: (await import("./net/trainer.js")).trainerWith(capable) }),
    home: async () => await import("./net/models.js"),
  },
];

/**
 * The trainer of a starter pipeline for a log with labels, and for a log of events alone; `others` is a comment in the
 * pipeline file that names alternatives.
 */
export const firstTrainer: Readonly<Record<"labels" | "events", { command: string; others?: string }>> = {
  labels: { command: "train-fm" },
  events: { command: "train-als", others: "or train-ranking, or train-fm with negatives: 4" },
};

/** Suggested commands for logs on which `embed compare` does not work. */
export const notCompared = {
  classes: "embed train-gbdt LOG --task multiclass",
  edges: "embed train-graph LOG --source COLUMN --target COLUMN",
} as const;

type Named = Pick<Run, "path" | "manifest">;

/** Loads the kinds of models that each command writes; `import` writes runs that have only a table, and `concat` tables of
 * several runs. */
const homes: Readonly<Record<string, () => Promise<Home>>> = {
  ...Object.fromEntries(trainers.map(({ command, home }) => [command, home])),
  import: async () => await import("../training/capabilities/table-model.js"),
  concat: async () => await import("./shared/factor-model/concat-models.js"),
};

/** Returns the trainer of a command; undefined if the command does not train. */
export async function trainerOf(command: string): Promise<Trainer | undefined> {
  const entry = trainers.find((one) => one.command === command);
  return entry && (await entry.load()).trainer;
}

async function modelsOf(command: string): Promise<Models> {
  const home = Object.hasOwn(homes, command) ? homes[command] : undefined;
  return home ? (await home()).models : {};
}

/** Returns the name of the kind of model in the runs of a command that writes one kind. */
export async function modelOfCommand(command: string): Promise<string> {
  return Object.keys(await modelsOf(command))[0]!;
}

/** Returns the run's kind of model; undefined if this version does not know it. */
export async function modelOf({ manifest }: Pick<Run, "manifest">): Promise<Model | undefined> {
  const models = await modelsOf(manifest.command);
  return Object.hasOwn(models, manifest.model) ? models[manifest.model] : undefined;
}

/**
 * Returns a capability of the run's kind of model.
 *
 * @param cannot   says what is impossible without it, as a clause of the message: `cannot be aligned`
 * @param instead says what can be done in its place, as a sentence
 * @throws {UsageError} the kind lacks it; the message gives the reason, if known, and the commands whose runs have it
 * @throws {ArtifactError} this version does not know the model
 */
export async function capable<C extends keyof Capabilities>(
  run: Named,
  name: C,
  cannot: string,
  instead?: string,
): Promise<NonNullable<Capabilities[C]>> {
  const model = await knownModelOf(run);
  const found = model[name];
  if (found !== undefined) return found;
  throw await refusal(run, cannot, (one) => one[name] !== undefined, { why: model.lacks?.[name], instead });
}

/**
 * Returns the error for a capability that the run's kind of model lacks.
 * @param has tells whether a kind of model has the capability
 * @throws the errors of knownModelOf
 */
export async function refusal(
  run: Named,
  cannot: string,
  has: (model: Capabilities) => boolean,
  { why, instead }: { why?: string | undefined; instead?: string | undefined } = {},
): Promise<UsageError> {
  const { holds, command } = await knownModelOf(run);
  return new UsageError(
    `run '${run.path}' holds ${holds} (${command}), which ${cannot}: ${why === undefined ? "" : `${why}; `}use a run of ` +
      `${await commandsWith(has)}${instead === undefined ? "" : `. ${instead}`}`,
  );
}

/** Returns the run's kind of model. @throws {ArtifactError} this version does not know the model */
export async function knownModelOf(run: Named): Promise<Model> {
  const model = await modelOf(run);
  if (model) return model;
  const { path, manifest } = run;
  throw new ArtifactError(`run '${path}' of ${manifest.command} holds an unknown model '${manifest.model}'`);
}

/**
 * Lists the commands whose runs have a capability, with the flag that chooses the model if only some of their models
 * have it.
 */
async function commandsWith(has: (model: Capabilities) => boolean): Promise<string> {
  const kinds: { command: string; can: boolean }[] = [];
  for (const home of Object.values(homes))
    for (const model of Object.values((await home()).models))
      kinds.push({ command: model.command, can: has(model) });
  const base = (command: string) => command.split(" ")[0]!;
  const named = kinds
    .filter(({ can }) => can)
    .map(({ command }) =>
      kinds.every((kind) => kind.can || base(kind.command) !== base(command)) ? base(command) : command,
    );
  const all = [...new Set(named)];
  return all
    .filter((command) => command === base(command) || !all.includes(base(command)))
    .join(", ")
    .replace(/, ([^,]+)$/, " or $1");
}

/** Returns the function that transforms or predicts by another program's model file. */
export async function ofForeign<C extends "transformForeign" | "foreignPredictor">(
  name: C,
): Promise<NonNullable<Home[C]>> {
  for (const home of Object.values(homes)) {
    const found = (await home())[name];
    if (found) return found;
  }
  throw new RangeError("no trainer can read models of other programs");
}
