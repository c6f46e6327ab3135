// Which trainer serves which model of `train-fm`, and what reads it back from a run: one line each. A trainer's modules are
// read when it is asked for.

import type { Preprocess } from "../dataset/preprocess.js";
import { parsePreprocess } from "../dataset/preprocess-shape.js";
import { featureCounts, type FeatureSpace } from "../dataset/vocabulary.js";
import type { Run } from "../embedding/run-directory.js";
import type { EmbeddingTable } from "../embedding/table.js";
import { ArtifactError, UsageError } from "../errors.js";
import type { OptimizerState } from "../kernels/fm/state.js";
import type { SteeringFlag } from "../training/controls.js";
import { spaceOf } from "../training/feature-table.js";
import type { Composer } from "../factors/composer.js";
import { crossComposer } from "./fm/ffm/compose.js";
import { readLayout } from "./fm/ffm/layout.js";
import { readFmParameters } from "../factors/artifact.js";
import { fmComposer } from "../factors/compose.js";
import type { FmParameters } from "../factors/model.js";
import { readOptimizerFile } from "../factors/optimizer-file.js";
import type { FmOptions, FmTask, Method, Model } from "./fm/options.js";
import { checkScores } from "../training/run-kinds.js";
import type { Learner, Scorer } from "../training/trained.js";

/** The manifest's name of draws that predict together. */
const DRAWS = "fm-draws";
/** How rows are prepared for a run's model, in model/. */
export const PREPROCESS_FILE = "preprocess.json";

interface Served {
  models: readonly Model[];
  methods: readonly Method[];
  tasks: readonly FmTask[];
  learn: Learner;
  /** what it can be asked beside its options (controls.ts); nothing when absent */
  steering?: readonly SteeringFlag[];
  /** it trains on rows that are read from disk */
  streams?: true;
}

const allSteering: readonly SteeringFlag[] = [
  "--init",
  "--freeze",
  "--keep-state",
  "--metric",
  "--checkpoint-every",
];

const served: readonly Served[] = [
  {
    models: ["fm", "lr"],
    methods: ["adagrad", "sgd", "ftrl", "adam"],
    tasks: ["binary", "regression"],
    learn: async (...given) => (await import("./fm/learn.js")).learnFm(...given),
    steering: allSteering,
    streams: true,
  },
  {
    models: ["ffm"],
    methods: ["adagrad", "sgd", "ftrl", "adam"],
    tasks: ["binary", "regression"],
    learn: async (...given) => (await import("./fm/ffm/learn.js")).learnFfm(...given),
    steering: allSteering,
    streams: true,
  },
  {
    models: ["fm"],
    methods: ["als", "mcmc"],
    tasks: ["binary", "regression"],
    learn: async (...given) => (await import("./fm/mcmc/learn.js")).learnCoordinates(...given),
    // a chain would turn what is frozen; there is no optimizer whose state could be kept
    steering: ["--init", "--metric", "--checkpoint-every"],
  },
  {
    models: ["fm"],
    methods: ["adagrad"],
    tasks: ["ranking"],
    learn: async (...given) => (await import("./ranking/learn.js")).learnRanking(...given),
    // its metrics are its own
    steering: ["--init", "--freeze", "--keep-state", "--checkpoint-every"],
  },
  {
    models: ["fm"],
    methods: ["als"],
    tasks: ["implicit"],
    learn: async (...given) => (await import("./als/learn.js")).learnImplicit(...given),
    // each solution is anew: there is no optimizer whose state could be kept
    steering: ["--init", "--freeze", "--checkpoint-every"],
  },
];

/**
 * The trainer that the options ask for.
 *
 * @param asked flags of steering that were given, and whether rows are on disk
 * @throws {UsageError} no trainer does all of it
 */
export function learnerOf(
  { model, method }: Pick<FmOptions, "model" | "method">,
  task: FmTask,
  { steering, isStored }: { steering: readonly SteeringFlag[]; isStored: boolean },
): Learner {
  const found = served.find(
    (one) => one.models.includes(model) && one.methods.includes(method) && one.tasks.includes(task),
  );
  if (found && isStored && !found.streams)
    throw new UsageError(
      `the dataset is larger than --max-memory, and --model ${model} --method ${method} needs its rows in memory: give it more`,
    );
  const refused = steering.filter((flag) => !found?.steering?.includes(flag));
  if (found && refused.length > 0)
    throw new UsageError(
      `${refused.join(", ")} cannot go with --model ${model} --method ${method} --task ${task}`,
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
  fm: async (...given) => (await import("./fm/learn.js")).readFm(...given),
  [DRAWS]: async (run, space) => (await import("./fm/mcmc/learn.js")).readDraws(run, space),
  lr: async (...given) => (await import("./fm/learn.js")).readFm(...given),
  ffm: async (...given) => (await import("./fm/ffm/learn.js")).readFfm(...given),
  pca: async (...given) => (await import("./pca/learn.js")).readPca(...given),
  net: async (...given) => (await import("./net/model.js")).readNet(...given),
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

/**
 * Reads a run's model back.
 *
 * @param inPlace a table of the same rows to read in place of the run's: what scores it would give
 * @throws {UsageError} the run holds vectors alone, or trees
 * @throws {ArtifactError} no reader knows the run's model, or the run is damaged
 */
export async function readModel(run: Run, inPlace?: EmbeddingTable): Promise<ScoringModel> {
  const { model } = run.manifest;
  const read = Object.hasOwn(readers, model) ? readers[model] : undefined;
  checkScores(run);
  if (!read) {
    const known = Object.keys(readers).join(", ");
    throw new ArtifactError(
      `run '${run.path}' holds a model '${model}', which this program does not know: expected one of ${known}`,
    );
  }
  const { preprocess, table, space } = await readSpace(run);
  return { ...(await read(run, space, inPlace ?? table)), space, preprocess };
}

/** A run's features, and how rows become them. */
export interface RunSpace {
  preprocess: Preprocess;
  table: EmbeddingTable;
  space: FeatureSpace;
}

/** Reads a run's features. @throws {ArtifactError} damaged */
export async function readSpace(run: Run): Promise<RunSpace> {
  const preprocess = await readPreprocess(run);
  const table = await run.readTable();
  return { preprocess, table, space: spaceOf(preprocess, table) };
}

/** How rows were prepared for a run's model. @throws {ArtifactError} damaged */
export async function readPreprocess(run: Run): Promise<Preprocess> {
  return parsePreprocess(await run.readModelFile(PREPROCESS_FILE), `${run.path}/model/${PREPROCESS_FILE}`);
}

/** A factorization machine's parameters over its features; a linear model is one without dimensions. */
export interface FmRun extends RunSpace {
  parameters: FmParameters;
}

/** Reads the parameters of a run of model fm or lr, or those of the table of draws. @throws {ArtifactError} damaged */
export async function readFmModel(run: Run): Promise<FmRun> {
  const found = await readSpace(run);
  return { ...found, parameters: await readFmParameters(run, found.space, found.table) };
}

/** Why a field-aware run's features cannot be added up; undefined where they can. */
export async function whyNotComposed(run: Run, { table, preprocess }: FmRun): Promise<string | undefined> {
  if (run.manifest.model !== "ffm") return undefined;
  if ((await readLayout(run, table)).normalizeRows)
    return "was trained with --normalize-rows, so that each part of a score depends on the whole row";
  return preprocess.itemFields
    ? undefined
    : "has no field of items, between which and the others vectors meet: name the item's column with --item when training";
}

/** How a run's features are composed. @throws {UsageError} they cannot be */
export async function composerOf(run: Run, model: FmRun): Promise<Composer> {
  if (run.manifest.model !== "ffm") return fmComposer(model.parameters);
  const why = await whyNotComposed(run, model);
  if (why !== undefined) throw new UsageError(`run '${run.path}' ${why}`);
  return crossComposer(model.space, model.parameters, model.preprocess.itemFields!);
}

/** An earlier model that another training can go on from. */
export interface EarlierModel extends FmRun {
  /** the options that the training shares with it */
  shared: Partial<Pick<FmOptions, "dim" | "normalizeRows">>;
  /** names of the partner fields whose vectors stand side by side; absent where a feature has one vector */
  blocks?: readonly string[];
  /** what its optimizer kept, where the run has it */
  optimizer?: OptimizerState;
}

/**
 * Reads back what --init goes on from.
 *
 * @param wanted the manifest's name of the model that is to be trained
 * @throws {UsageError} the run holds another
 * @throws {ArtifactError} the run is damaged
 */
export async function readEarlier(run: Run, wanted: string): Promise<EarlierModel> {
  const { model } = run.manifest;
  // of draws their table is taken
  if (model === DRAWS && wanted === "fm") refuseProbit(run, "--init");
  else if (model !== wanted) {
    throw new UsageError(
      `--init '${run.path}' holds a model '${model}', from which a '${wanted}' does not go on: ` +
        `take a run that holds one, or train without --init`,
    );
  }
  const earlier = await readFmModel(run);
  const optimizer = await readOptimizerFile(run, earlier.space.numFeatures);
  const parameters = await unscaled(run, earlier);
  const kept = { ...earlier, parameters, ...(optimizer && { optimizer }) };
  if (model !== "ffm") return { ...kept, shared: model === "lr" ? {} : { dim: earlier.parameters.dim } };
  const { fields: blocks, dim, normalizeRows } = await readLayout(run, earlier.table);
  return { ...kept, shared: { dim, normalizeRows }, blocks };
}

/** The parameters; of draws their mean, whose scores the table has moderated. */
async function unscaled(run: Run, { parameters, space }: FmRun): Promise<FmParameters> {
  if (run.manifest.model !== DRAWS) return parameters;
  const { readEnsemble } = await import("./fm/mcmc/learn.js");
  const { scaledBy } = await import("./fm/mcmc/table-scale.js");
  const { tableScale = 1 } = await readEnsemble(run, space);
  return tableScale === 1 ? parameters : scaledBy(1 / tableScale, parameters);
}

/**
 * The machines that a run predicts by, turned alike: one, or the draws of a chain; and what the scores of their mean were
 * multiplied by to make the table.
 *
 * @throws {UsageError} their scores are no log-odds @throws {ArtifactError} damaged
 */
export async function machinesOf(
  run: Run,
  model: FmRun,
): Promise<{ machines: { parameters: FmParameters; composer: Composer }[]; tableScale: number }> {
  if (run.manifest.model !== DRAWS) {
    const composer = await composerOf(run, model);
    return { machines: [{ parameters: model.parameters, composer }], tableScale: 1 };
  }
  refuseProbit(run, "--fold-in");
  const { readEnsemble } = await import("./fm/mcmc/learn.js");
  const { turnedAlike } = await import("./fm/mcmc/draws.js");
  const { draws, tableScale = 1 } = await readEnsemble(run, model.space);
  const turned = turnedAlike(draws, featureCounts(model.space));
  const machines = turned.map((parameters) => ({ parameters, composer: fmComposer(parameters) }));
  return { machines, tableScale };
}

/** @throws {UsageError} the run's labels go by probit */
function refuseProbit({ path, manifest: { options } }: Run, flag: string): void {
  if (options["link"] === "probit" && options["task"] !== "regression")
    throw new UsageError(
      `${flag}: the scores of run '${path}' are those of a probit link and no log-odds: train it with --link logit`,
    );
}
