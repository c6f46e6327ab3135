// Which trainer serves which model of `train-fm`: one line each. A trainer's modules are read when it is asked for.

import type { Run } from "../embedding/run-directory.js";
import { UsageError } from "../errors.js";
import type { OptimizerState } from "../kernels/fm/state.js";
import type { SteeringFlag } from "../training/controls.js";
import { readLayout } from "./fm/ffm/layout.js";
import { refuseProbit } from "./fm/mcmc/refuse-probit.js";
import type { FmParameters } from "../factors/model.js";
import { readOptimizerFile } from "../factors/optimizer-file.js";
import { readFmModel, type FmRun } from "../factors/run.js";
import type { FmOptions, FmTask, Method, Model } from "./fm/options.js";
import type { Learner } from "../training/trained.js";

/** The manifest's name of draws that predict together. */
const DRAWS = "fm-draws";

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
