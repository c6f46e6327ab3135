// The options of train-net.

import { UsageError } from "../../base/errors.js";
import { list as listOf, text as textShape } from "../../base/io/json-shape.js";
import type { NetArch } from "../../compute/kernels/net/shape.js";
import { labels, vocabulary } from "../../training/shared-options/features.js";
import {
  layerSizes,
  choice,
  custom,
  flag,
  flagNamed,
  number,
  omit,
  pick,
  resolved,
  text,
  whole,
  withCommon,
  type Resolved,
  type Given,
} from "../../options/table.js";
import { everyday, log } from "../../training/shared-options/log.js";
import { threads } from "../../training/shared-options/reading.js";
import { passes } from "../../training/shared-options/passes.js";
import { checkRanges } from "../../options/check-given.js";
import { output, weekly } from "../../training/shared-options/weekly.js";
import type { DataFacts } from "../../training/session/feature-training.js";

export const archs = ["fnn", "wide-deep", "deep-crossing"] as const satisfies readonly NetArch[];

/** Value of --init that asks for random initial parameters instead of those of a run. */
export const RANDOM = "random";

/** Properties of the data, and of the table of --init, on which defaults depend. */
interface NetFacts extends DataFacts {
  /** the table was trained on labels, probably of the same rows, so that its vectors overfit these rows */
  knowsLabels?: boolean;
}

const [model, training] = ["Model:", "Training:"] as const;
const ofWideDeep = { arch: ["wide-deep"] } as const;
type Crosses = readonly (readonly [string, string])[];

const network = {
  arch: choice(archs, { placeholder: "network", help: "network architecture", group: model, required: true }),
  /** number of units of each hidden layer; for deep-crossing, number of inner units of each residual unit */
  hidden: custom("sizes", layerSizes(), {
    help: "sizes of the hidden layers; for deep-crossing the inner sizes of the residual units",
    group: model,
    default: [256, 128],
    shown: "256,128",
  }),
  // tanh is best in Zhang et al. 2016, but ReLU is best in our measurements (docs/experiments/networks.md)
  activation: choice(["relu", "tanh"], {
    placeholder: "function",
    help: "activation function of the hidden layers",
    group: model,
    default: "relu",
  }),
  /** pairs of fields whose crosses are features of the wide part */
  cross: custom(
    "a*b",
    {
      ...{ type: "string | readonly string[]", parse: crossOf, repeats: true },
      texts: (pairs: Crosses) => pairs.map(([a, b]) => `${a}*${b}`),
      complaint: (pairs: Crosses) =>
        listOf(listOf(textShape, 2))(pairs, "") === undefined
          ? undefined
          : "pairs of columns, such as device*hour",
    },
    {
      help: "wide-deep: pair of columns whose cross product is a feature of the wide part; repeatable",
      group: model,
      default: [],
      shown: "",
      only: ofWideDeep,
    },
  ),
  embeddingRelu: flag({
    help:
      "deep-crossing: apply ReLU to the embedding layer, as in the paper; sets negative values of a " +
      "pretrained table to 0",
    group: model,
    default: false,
    only: { arch: ["deep-crossing"] },
  }),
  task: choice(["binary", "regression"], {
    placeholder: "task",
    help: "prediction task; by default binary if all labels are 0 or 1, else regression",
    group: model,
  }),
} as const;

const keepKeys = flag({
  help: "with --init: also keep keys that are not in the training split, with the vectors of the table",
  group: model,
});

const learning = {
  freezeEmbeddings: flag({
    help: "with --init: freeze the embedding layer at the table's values",
    group: training,
    default: false,
    only: { init: true },
  }),
  dim: whole({
    min: 1,
    max: 1024,
    help: "embedding dimension",
    group: model,
    default: 16,
    shown: "16; with --init the dimension of the run",
    search: { among: () => [8, 16, 32, 64] },
  }),
  dropout: number({
    min: 0,
    max: 0.95,
    help: "dropout rate of the hidden layers",
    group: model,
    default: 0,
    search: { among: () => [0, 0.1, 0.3, 0.5] },
  }),
  layerNorm: flag({
    help: "layer normalization in the hidden layers, before the activation function",
    group: model,
    default: false,
  }),
  epochs: whole({
    min: 1,
    max: 1_000_000,
    help: "maximum number of passes over the training data",
    group: training,
    default: (_: object, { stopsEarly }: DataFacts) => (stopsEarly ? 100 : 20),
    shown: "100 with --valid, else 20",
  }),
  batchSize: whole({
    min: 1,
    max: 65_536,
    help: "batch size: rows per gradient step",
    group: training,
    default: 256,
  }),
  learningRate: number({
    min: 1e-7,
    max: 10,
    help: "learning rate of the dense layers (Adam)",
    group: training,
    default: 0.001,
    search: { span: 4 },
  }),
  embeddingLearningRate: number({
    min: 1e-7,
    max: 10,
    help: "learning rate of the embedding layer (AdaGrad)",
    group: training,
    default: 0.05,
    search: {
      span: 8,
      when: ({ freezeEmbeddings }: { freezeEmbeddings: boolean }) => !freezeEmbeddings,
    },
  }),
  learningRateDecay: number({
    min: 0.01,
    max: 1,
    help:
      "multiply the learning rates of the dense layers and the embedding layer by this factor after each " +
      "epoch",
    group: training,
    default: 1,
  }),
  averageEpochs: number({
    min: 0,
    max: 1000,
    help:
      "keep and validate a moving average of the parameters, in which parameters of this many epochs ago " +
      "weigh 1/e of the latest; 0 keeps the latest",
    group: training,
    default: 2,
  }),
  clipNorm: number({
    min: 0,
    max: 1e6,
    help: "scale the gradient of a batch's mean loss down to this norm if it is larger; 0 does not clip",
    group: training,
    default: 0,
  }),
  l2: number({
    min: 0,
    max: 1e6,
    help: "L2 penalty on weights of the dense layers, per row",
    group: training,
    default: 0,
  }),
  embeddingL2: number({
    min: 0,
    max: 1e6,
    help: "L2 penalty on embeddings, per row that has the key",
    group: training,
    default: 0,
  }),
  // a table without weights, or with --keep-keys, was probably trained on other rows; the penalty makes its vectors
  // worse, so that its default is 0 (docs/experiments/networks.md)
  keyL2: number({
    min: 0,
    max: 1e6,
    help: "L2 penalty on all embeddings, added to the mean loss; shrinks the embeddings of rare keys more",
    group: training,
    default: ({ embeddingL2 = 0 }: { embeddingL2?: number }, { isWarm, knowsLabels }: NetFacts) => {
      if (embeddingL2 > 0) return 0;
      if (isWarm) return knowsLabels ? 0.001 : 0;
      return 0.005;
    },
    shown:
      "0.005; with --init 0.001, or 0 with --keep-keys or a table without weights; 0 with --embedding-l2",
  }),
  crossBits: whole({
    min: 1,
    max: 24,
    help: "wide-deep: hash the crosses of each pair of columns into 2^n weights",
    group: model,
    default: 18,
    only: { ...ofWideDeep, cross: true },
  }),
  wideLearningRate: number({
    min: 1e-7,
    max: 10,
    help: "wide-deep: learning rate of the wide part (FTRL)",
    group: training,
    default: 0.05,
    only: ofWideDeep,
  }),
  wideL1: number({
    min: 0,
    max: 1e6,
    help: "wide-deep: L1 penalty on weights of the wide part; larger values give sparser weights",
    group: training,
    default: 1,
    only: ofWideDeep,
  }),
  wideL2: number({
    min: 0,
    max: 1e6,
    help: "wide-deep: L2 penalty on weights of the wide part",
    group: training,
    default: 1,
    only: ofWideDeep,
  }),
  patience: passes.patience,
  minDelta: passes.minDelta,
  seed: {
    ...passes.seed,
    help: "random seed for initial vectors and weights, shuffling, dropout and sampling",
  },
  ...threads,
} as const;

const own = { ...network, ...learning };

export const options = withCommon(
  {
    ...log,
    ...vocabulary,
    ...labels,
    ...network,
    init: text("run", {
      help:
        "initialize the embedding layer from the table of a run, matching keys; random initializes it at " +
        "random",
      group: model,
      shown: RANDOM,
    }),
    keepKeys: { ...keepKeys, only: { init: true } },
    ...learning,
    ...pick(weekly, "refit", "checkpointEvery", "search", "resume", "metric", "onInterrupt"),
    ...output,
  } as const,
  [
    ...everyday,
    "label",
    "minCount",
    "negatives",
    "init",
    "arch",
    "hidden",
    "task",
    "dim",
    "epochs",
    "batchSize",
    "learningRate",
    "patience",
  ],
);

/**
 * Options of `lift`, which trains networks from several initializations: dim is that of the table, and `lift` chooses
 * the learning rates of each initialization.
 */
export const liftOptions = {
  ...log,
  ...vocabulary,
  ...labels,
  ...network,
  keepKeys,
  ...omit(learning, "dim", "learningRate", "embeddingLearningRate", "freezeEmbeddings"),
  // from a random initialization, the loss may begin to fall only after several epochs
  patience: { ...learning.patience, default: 5 },
  // initializations are compared by the number of epochs until the best validation loss
  epochs: { ...learning.epochs, default: 40, shown: "40" },
  // parameters are not averaged, since an average lags behind in the first epochs, which the comparison counts
  averageEpochs: { ...learning.averageEpochs, default: 0 },
  // the default of --key-l2 is that of train-net for each initialization, so that `random` is the network that a user
  // would train without a table
  keyL2: { ...learning.keyL2, shown: "as train-net has it for each initialization" },
} as const;

export type GivenNet = Given<typeof options>;
export interface NetOptions extends Omit<Resolved<typeof own>, "task" | "arch" | "hidden" | "cross"> {
  arch: NetArch;
  hidden: readonly number[];
  cross: Crosses;
  loss: "logistic" | "squared";
}

export function netOptionsOf(given: Given<typeof own>, facts: NetFacts): NetOptions {
  const { task: _, ...all } = resolved(own, given, { ...facts });
  return { ...all, arch: all.arch!, loss: facts.loss };
}

export function checkNetOptions(given: GivenNet): void {
  checkRanges(own, given);
  if (given.arch === "deep-crossing" && given.activation === "tanh")
    throw new UsageError(
      "--activation tanh cannot be combined with --arch deep-crossing, whose residual units use ReLU",
    );
  for (const name of ["embeddingLearningRate", "embeddingL2", "keyL2"] as const) {
    if (given.freezeEmbeddings && given[name] !== undefined)
      throw new UsageError(`--freeze-embeddings and ${flagNamed(name)} cannot be combined`);
  }
  if (given.layerNorm && given.hidden?.includes(1))
    throw new UsageError(
      `--layer-norm needs at least 2 units in each hidden layer, got --hidden ${given.hidden.join(",")}: ` +
        "a single unit is normalized to a constant",
    );
  if (given.init !== undefined && given.init !== RANDOM) return;
  if (given.freezeEmbeddings)
    throw new UsageError("--freeze-embeddings needs a pretrained table: set --init RUN");
  if (given.keepKeys) throw new UsageError("--keep-keys needs a pretrained table: set --init RUN");
}

/** Splits a pair such as device*hour at the first star; several pairs are separated by commas or repeated. */
function crossOf(given: string, _: string, previous: Crosses = []): Crosses {
  const parts = given.split(",").filter((part) => part !== "");
  const pairs = parts.map((part): readonly [string, string] => {
    const star = part.indexOf("*");
    const [a, b] = [part.slice(0, star), part.slice(star + 1)];
    if (star < 1 || b === "" || a === b)
      throw new UsageError(`--cross expects two columns, such as device*hour, got '${part}'`);
    return [a, b];
  });
  return [...previous, ...pairs];
}
