// Which trainer serves which model of `train-fm`, and what reads it back from a run: one line each.

import type { Preprocess } from "../dataset/preprocess.js";
import type { FeatureSpace } from "../dataset/vocabulary.js";
import type { Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { ArtifactError, UsageError } from "../errors.js";
import { spaceOf } from "./feature-table.js";
import { learnFm, readFm, readLr } from "./fm/learn.js";
import type { FmOptions, FmTask, Method, Model } from "./fm/options.js";
import type { Learner, Scorer } from "./trained.js";

const PREPROCESS_FILE = "preprocess.json";

interface Served {
  models: readonly Model[];
  methods: readonly Method[];
  tasks: readonly FmTask[];
  learn: Learner;
}

const served: readonly Served[] = [
  {
    models: ["fm", "lr"],
    methods: ["adagrad", "sgd", "ftrl", "adam"],
    tasks: ["binary", "regression"],
    learn: learnFm,
  },
];

/** The trainer that the options ask for. @throws {UsageError} no trainer does all of it */
export function learnerOf({ model, method }: Pick<FmOptions, "model" | "method">, task: FmTask): Learner {
  const found = served.find(
    (one) => one.models.includes(model) && one.methods.includes(method) && one.tasks.includes(task),
  );
  if (found) return found.learn;
  const others = served
    .filter((one) => one.models.includes(model) && one.tasks.includes(task))
    .flatMap((one) => one.methods);
  throw new UsageError(
    `no trainer has --model ${model} with --method ${method} for --task ${task}` +
      (others.length > 0 ? `: there is --method ${[...new Set(others)].join(", ")}` : ""),
  );
}

type Reader = (run: Run, space: FeatureSpace, table: EmbeddingTable) => Promise<Scorer>;

/** By the manifest's name of the model. */
const readers: Record<string, Reader> = {
  fm: readFm,
  lr: readLr,
};

/** How rows are prepared for a run's model, as a file of model/. */
export function preprocessFile(preprocess: Preprocess): Record<string, string> {
  return { [PREPROCESS_FILE]: `${JSON.stringify(preprocess, undefined, 2)}\n` };
}

/** A run's model, ready to score logs. */
export interface ScoringModel extends Scorer {
  space: FeatureSpace;
  preprocess: Preprocess;
}

/** Reads a run's model back. @throws {ArtifactError} no reader knows the run's model, or the run is damaged */
export async function readModel(run: Run): Promise<ScoringModel> {
  const { model } = run.manifest;
  const read = Object.hasOwn(readers, model) ? readers[model] : undefined;
  if (!read) {
    const known = Object.keys(readers).join(", ");
    throw new ArtifactError(
      `run '${run.path}' holds a model '${model}' that scores no rows: expected one of ${known}`,
    );
  }
  const preprocess = JSON.parse(
    Buffer.from(await run.readModelFile(PREPROCESS_FILE)).toString("utf8"),
  ) as Preprocess;
  const table = await run.readTable();
  const space = spaceOf(preprocess, table);
  return { ...(await read(run, space, table)), space, preprocess };
}
