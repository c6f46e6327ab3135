// The plan of a network, the interface of the machine that trains and scores it, and its initial parameters.
//
//   plan ──► initialParameters ──► machine.load ──► machine.train, batch after batch ──► machine.parameters
//                                              └──► machine.score
//
// The initial value of a dense weight depends only on the seed, its array's name and its index; that of an embedding on
// the seed, the feature's hash and the dimension. Other vocabularies or layers do not change it.

import {
  denseLayersOf,
  embeddingWidth,
  type NetLearning,
  type NetInputs,
  type NetShape,
  numFeaturesOf,
  parameterShapes,
} from "../../compute/kernels/net/shape.js";
import { featureKey, firstDenseWeights, firstUnit } from "../../base/numeric/initial.js";
import type { NamedArrays } from "../../training/epochs/named-arrays.js";
import type { ThreadsInUse } from "../../compute/threads/thread-choice.js";

export interface NetDesign extends NetShape, NetLearning {
  /** number of rows per batch; each batch is one gradient step */
  batch: number;
  /** factor in (0, 1] by which the learning rates of dense layers and embeddings are multiplied after each epoch */
  learningRateDecay: number;
}

/** A network's parameters with the threads that train it. The caller must call `terminate`, which ends the threads. */
export interface NetMachine {
  readonly threadsInUse: ThreadsInUse;
  /**
   * Trains on rows: takes one gradient step per batch of consecutive rows; the last batch may be smaller.
   *
   * @param at number of the epoch, and position of the first row in it, which determine the units that dropout zeroes
   * @returns weighted sum of the rows' losses, each measured before its batch's step
   */
  train(rows: NetInputs, at: { epoch: number; first: number }): Promise<number>;
  /** Scores rows before any link, without dropout. @returns f32[numRows], a copy */
  score(rows: NetInputs): Promise<Float32Array>;
  /**
   * Returns the inputs of the last layer for each row, x_(L-1) of shape.ts, without dropout, and the scores.
   *
   * @returns f32[numRows * width], where width is the number of the last layer's inputs, and f32[numRows]; copies
   */
  encode(rows: NetInputs): Promise<{ hidden: Float32Array; scores: Float32Array }>;
  /** Copies, with the names and shapes of `parameterShapes`. */
  parameters(): NamedArrays;
  /** Replaces the named parameters; other parameters and the optimizers' state stay unchanged. */
  load(parameters: NamedArrays): void;
  /** A copy of the parameters and optimizers' state; training continues from it after `restore`. */
  state(): NamedArrays;
  restore(state: NamedArrays): void;
  terminate(): Promise<void>;
}

/** Bound of initial embeddings, which are uniform in ±SPREAD as in the factorization machine. */
const SPREAD = 0.05;

/**
 * Returns initial parameters without a table.
 *
 * Dense weights and embeddings are random; biases, w0 and the wide part are 0, scales of layer normalization 1. In fnn,
 * w is drawn like v.
 *
 * @param featureHashes u32[numFeatures][2], from `featureHashes`
 * @param counts u32[numFeatures]: number of training rows with the feature; the parameters of a feature without rows
 *   are 0 and stay 0
 */
export function initialParameters(
  plan: NetDesign,
  featureHashes: Uint32Array,
  counts: Uint32Array,
): Record<string, Float32Array> {
  const parameters: Record<string, Float32Array> = {};
  for (const [name, shape] of parameterShapes(plan))
    parameters[name] = new Float32Array(shape.reduce((a, b) => a * b));
  drawEmbeddings(plan, parameters.embeddings!, featureHashes, counts);
  for (const layer of denseLayersOf(plan)) {
    const weight = `${layer.name}.weight`;
    parameters[weight] = firstDenseWeights(plan.seed, weight, layer);
    parameters[`${layer.name}.scale`]?.fill(1);
  }
  return parameters;
}

function drawEmbeddings(
  plan: NetDesign,
  embeddings: Float32Array,
  hashes: Uint32Array,
  counts: Uint32Array,
): void {
  const W = embeddingWidth(plan);
  for (let feature = 0; feature < numFeaturesOf(plan); feature++) {
    if (counts[feature] === 0) continue;
    const key = featureKey(plan.seed, hashes, feature);
    for (let k = 0; k < W; k++) {
      // w is stored before v but drawn last, so that v equals the factorization machine's initial vector
      embeddings[feature * W + k] = SPREAD * firstUnit(key, (k + plan.dim) % W);
    }
  }
}
