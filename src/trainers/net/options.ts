// The options of train-net: default, range and help text, declared once.

import { availableParallelism } from "node:os";
import { flagOf, UsageError } from "../../errors.js";
import type { NetArch } from "../../kernels/net/shape.js";
import { checkRanges, type Declared, threadsOption } from "../../training/check-ranges.js";

/** The network above the embedding layer. */
export const archs: readonly NetArch[] = ["fnn", "wide-deep", "deep-crossing"];

export const activations = ["tanh", "relu"] as const;

/** Labels of 0 and 1, or any numbers. */
export const netTasks = ["binary", "regression"] as const;

/** What is known of a network before its data: the network itself, and what the user set. */
export type ToldNetOptions = Partial<NetOptions> & Pick<NetOptions, "arch">;

export interface NetOptions {
  arch: NetArch;
  /** numbers a vector of the embedding layer */
  dim: number;
  /** outputs of the hidden layers; deep-crossing: inner sizes of the residual units */
  hidden: readonly number[];
  activation: (typeof activations)[number];
  dropout: number;
  epochs: number;
  batchSize: number;
  /** of the dense layers, by Adam */
  learningRate: number;
  /** of the embedding layer, by AdaGrad */
  embeddingLearningRate: number;
  freezeEmbeddings: boolean;
  /** on weights of the dense layers */
  l2: number;
  /** wide-deep: pairs of fields whose crosses are features of the wide part */
  cross: readonly (readonly [string, string])[];
  /** each pair's crosses share 2^crossBits weights by their hash */
  crossBits: number;
  /** wide-deep: the wide part, by FTRL */
  wideLearningRate: number;
  wideL1: number;
  wideL2: number;
  /** deep-crossing: the embedding layer's ReLU */
  embeddingRelu: boolean;
  patience: number;
  minDelta: number;
  seed: number;
  threads: number;
  loss: "logistic" | "squared";
}

type NumberName =
  | "dim"
  | "dropout"
  | "epochs"
  | "batchSize"
  | "learningRate"
  | "embeddingLearningRate"
  | "l2"
  | "crossBits"
  | "wideLearningRate"
  | "wideL1"
  | "wideL2"
  | "patience"
  | "minDelta"
  | "seed"
  | "threads";

/** Numbers that a user may set, in the order of the help. */
export const hyperparameters: readonly Declared<NumberName>[] = [
  {
    name: "dim",
    default: "16; with --init the run's",
    help: "numbers a vector of the embedding layer",
    integer: true,
    min: 1,
    max: 1024,
  },
  {
    name: "dropout",
    default: "0",
    help: "share of a hidden layer's outputs that a training step leaves out",
    integer: false,
    min: 0,
    max: 0.95,
  },
  {
    name: "epochs",
    default: "20",
    help: "passes over the training rows, at most",
    integer: true,
    min: 1,
    max: 1_000_000,
  },
  {
    name: "batchSize",
    default: "256",
    help: "rows of a step",
    integer: true,
    min: 1,
    max: 65_536,
  },
  {
    name: "learningRate",
    default: "0.001",
    help: "step size of the dense layers, by Adam",
    integer: false,
    min: 1e-7,
    max: 10,
  },
  {
    name: "embeddingLearningRate",
    default: "0.05",
    help: "step size of the embedding layer, by AdaGrad",
    integer: false,
    min: 1e-7,
    max: 10,
  },
  {
    name: "l2",
    default: "0",
    help: "L2 on weights of the dense layers, a row",
    integer: false,
    min: 0,
    max: 1e6,
  },
  {
    name: "crossBits",
    default: "18",
    help: "wide-deep: the crosses of a pair of columns share 2^n weights by their hash",
    integer: true,
    min: 1,
    max: 24,
  },
  {
    name: "wideLearningRate",
    default: "0.05",
    help: "wide-deep: step size of the wide part, by FTRL",
    integer: false,
    min: 1e-7,
    max: 10,
  },
  {
    name: "wideL1",
    default: "1",
    help: "wide-deep: L1 on its weights; greater leaves fewer of them",
    integer: false,
    min: 0,
    max: 1e6,
  },
  {
    name: "wideL2",
    default: "1",
    help: "wide-deep: L2 on its weights",
    integer: false,
    min: 0,
    max: 1e6,
  },
  {
    name: "patience",
    default: "2",
    help: "epochs without a better validation loss before stopping; 0 never stops early",
    integer: true,
    min: 0,
    max: 1_000_000,
  },
  {
    name: "minDelta",
    default: "0",
    help: "what an epoch must be better by to count for --patience",
    integer: false,
    min: 0,
    max: Number.MAX_VALUE,
  },
  {
    name: "seed",
    default: "1",
    help: "of first vectors and weights, shuffles, dropout and draws",
    integer: true,
    min: 0,
    max: 0xffffffff,
  },
  threadsOption,
];

/** What the user left open. @param told the network is always chosen */
export function netOptionsOf(told: ToldNetOptions, loss: NetOptions["loss"]): NetOptions {
  return {
    dim: 16,
    hidden: [256, 128],
    // Zhang et al. 2016 found tanh best; Cheng et al. 2016 and Shan et al. 2016 have ReLU
    activation: told.arch === "fnn" ? "tanh" : "relu",
    dropout: 0,
    epochs: 20,
    batchSize: 256,
    learningRate: 0.001,
    embeddingLearningRate: 0.05,
    freezeEmbeddings: false,
    l2: 0,
    cross: [],
    crossBits: 18,
    wideLearningRate: 0.05,
    wideL1: 1,
    wideL2: 1,
    embeddingRelu: false,
    patience: 2,
    minDelta: 0,
    seed: 1,
    threads: availableParallelism(),
    loss,
    ...told,
  };
}

/** By option: the network that it is for. */
const scopes: Partial<Record<keyof NetOptions, NetArch>> = {
  cross: "wide-deep",
  crossBits: "wide-deep",
  wideLearningRate: "wide-deep",
  wideL1: "wide-deep",
  wideL2: "wide-deep",
  embeddingRelu: "deep-crossing",
};

/** Outputs of a hidden layer, at most. */
const MAX_HIDDEN = 8192;
/** Hidden layers, at most. */
const MAX_LAYERS = 16;

/** @throws {UsageError} an option is outside its range, or not for the network */
export function checkNetOptions(told: ToldNetOptions): void {
  checkRanges(hyperparameters, told);
  for (const [name, arch] of Object.entries(scopes)) {
    const key = name as keyof NetOptions;
    if (told[key] === undefined || arch === told.arch) continue;
    throw new UsageError(`${flagOf(name)} is for --arch ${arch}, not for ${told.arch}`);
  }
  if (told.crossBits !== undefined && !told.cross?.length)
    throw new UsageError("--cross-bits goes with --cross a*b");
  if (told.arch === "deep-crossing" && told.activation === "tanh")
    throw new UsageError("--activation tanh is not for --arch deep-crossing: its residual units have ReLU");
  if (told.freezeEmbeddings && told.embeddingLearningRate !== undefined)
    throw new UsageError(
      "--freeze-embeddings leaves --embedding-learning-rate without use: take one of them",
    );
  const { hidden = [1] } = told;
  if (hidden.length === 0 || hidden.length > MAX_LAYERS || !hidden.every(isSize))
    throw new UsageError(
      `--hidden expects 1 to ${MAX_LAYERS} sizes from 1 to ${MAX_HIDDEN}, such as 256,128, got '${hidden.join(",")}'`,
    );
}

function isSize(n: number): boolean {
  return Number.isInteger(n) && n >= 1 && n <= MAX_HIDDEN;
}
