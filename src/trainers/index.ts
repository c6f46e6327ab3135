// The trainers, one line each: modules load when a trainer, or a run that it wrote, is asked for.

import type { Run } from "../embedding/run-directory.js";
import type { Model, Models } from "../training/model.js";
import { models as tables } from "../training/table-model.js";

type Home = () => Promise<{ models: Models }>;

/** By command: the kinds of models that its runs hold. */
const homes: Readonly<Record<string, Home>> = {
  "train-fm": async () => await import("./fm/models.js"),
  "train-ranking": async () => await import("./ranking/models.js"),
  "train-als": async () => await import("./als/models.js"),
  "train-gbdt": async () => await import("./gbdt/models.js"),
  "train-pca": async () => await import("./pca/models.js"),
  "train-net": async () => await import("./net/models.js"),
  import: async () => await Promise.resolve({ models: tables }),
};

/** What the run's kind of model can do; undefined for a model that this program does not know. */
export async function modelOf({ manifest }: Pick<Run, "manifest">): Promise<Model | undefined> {
  const home = Object.hasOwn(homes, commandOf(manifest)) ? homes[commandOf(manifest)] : undefined;
  const { models } = home ? await home() : { models: {} as Models };
  return Object.hasOwn(models, manifest.model) ? models[manifest.model] : undefined;
}

/** The command under which the trainer stands here: those of events are train-fm's by their task still. */
function commandOf({ command, options: { task } }: Run["manifest"]): string {
  if (command !== "train-fm") return command;
  return task === "ranking" ? "train-ranking" : task === "implicit" ? "train-als" : command;
}
