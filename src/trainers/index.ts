// The trainers, one line each: modules load when a trainer, or a run that it wrote, is asked for.

import type { Run } from "../embedding/run-directory.js";
import { ArtifactError, UsageError } from "../errors.js";
import type { Capabilities, Model, Models } from "../training/capabilities/model.js";
import { models as tables } from "../training/capabilities/table-model.js";
import type { PredictForeign } from "../training/capabilities/row-predictor.js";
import type { Trainer } from "../training/session/trainer.js";
import type { TransformForeign } from "../training/options/transform-options.js";

/** What a folder of trainers/ shows. */
interface Home {
  /** the kinds of models that its runs hold */
  models: Models;
  /** Encodes rows by a model file of other programs. */
  transformForeign?: TransformForeign;
  /** Predicts rows by such a file. */
  foreignPredictor?: PredictForeign;
}

/** A command that trains, with one line for the program's help. */
export interface TrainerEntry {
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

/** The trainer to begin with, by what a log holds; `others` says in a comment of a pipeline file what else fits. */
export const firstTrainer: Readonly<Record<"labels" | "events", { command: string; others?: string }>> = {
  labels: { command: "train-fm" },
  events: { command: "train-als", others: "or train-ranking, or train-fm with negatives: 4" },
};

/** Commands for logs that no comparison covers. */
export const notCompared = {
  classes: "embed train-gbdt LOG --task multiclass",
  edges: "embed train-graph LOG --source COLUMN --target COLUMN",
} as const;

type Named = Pick<Run, "path" | "manifest">;

/** By command: what its runs hold; what `import` writes is a table alone. */
const homes: Readonly<Record<string, () => Promise<Home>>> = {
  ...Object.fromEntries(trainers.map(({ command, home }) => [command, home])),
  import: async () => await Promise.resolve({ models: tables }),
};

/** The trainer of a command; undefined for a command that trains nothing. */
export async function trainerOf(command: string): Promise<Trainer | undefined> {
  const entry = trainers.find((one) => one.command === command);
  return entry && (await entry.load()).trainer;
}

/** What the run's kind of model can do; undefined for a model that this program does not know. */
export async function modelOf({ manifest }: Pick<Run, "manifest">): Promise<Model | undefined> {
  const home = Object.hasOwn(homes, manifest.command) ? homes[manifest.command] : undefined;
  const { models } = home ? await home() : { models: {} as Models };
  return Object.hasOwn(models, manifest.model) ? models[manifest.model] : undefined;
}

/**
 * A capability of the run's kind of model.
 *
 * @param cannot  what cannot be done without it, a clause of the message: `cannot be aligned`
 * @param instead a sentence on what can be done in its place
 * @throws {UsageError} it lacks it; says why where the model knows, and which commands' runs have it
 * @throws {ArtifactError} this program does not know the model
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

/** The refusal of what the run's kind of model lacks. @param has whether another kind has it @throws as knownModelOf */
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

/** As modelOf. @throws {ArtifactError} this program does not know the model */
export async function knownModelOf(run: Named): Promise<Model> {
  const model = await modelOf(run);
  if (model) return model;
  const { path, manifest } = run;
  throw new ArtifactError(`run '${path}' of ${manifest.command} holds an unknown model '${manifest.model}'`);
}

/** Commands whose runs have a capability: with the flag that chooses the model where only some of them have it. */
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

/** What a trainer makes of model files of other programs. */
export async function ofForeign<C extends "transformForeign" | "foreignPredictor">(
  name: C,
): Promise<NonNullable<Home[C]>> {
  for (const home of Object.values(homes)) {
    const found = (await home())[name];
    if (found) return found;
  }
  throw new RangeError("no trainer can read models of other programs");
}
