// What a network to be trained is, what trains and scores it, and the parameters that it starts from.
//
//   plan ──► initialParameters ──► machine.load ──► machine.train, batch after batch ──► machine.parameters
//                                              └──► machine.score
//
// First values are named by what they are for: a dense weight by (seed, its array's name, its place), an embedding by (seed, the
// feature's hash, the dimension), so that another vocabulary or another layer moves none.

import {
  denseLayersOf,
  embeddingWidth,
  type NetLearning,
  type NetRows,
  type NetShape,
  numFeaturesOf,
  parameterShapes,
} from "../../kernels/net/shape.js";
import { featureKey, firstDenseWeights, firstUnit } from "../../numeric/initial.js";
import type { NamedArrays } from "../../training/epochs/named-arrays.js";
import type { ThreadsInUse } from "../../workers/thread-choice.js";

/** A network and how it learns. */
export interface NetPlan extends NetShape, NetLearning {
  /** rows of a batch, one step each */
  batch: number;
  /** what the rates of dense layers and embeddings are multiplied by after each epoch, in (0, 1] */
  learningRateDecay: number;
}

/** A network's parameters with the threads that work on them; `terminate` ends the threads and must be called. */
export interface NetMachine {
  /** Threads that train together. */
  readonly threadsInUse: ThreadsInUse;
  /**
   * One step for each `batch` consecutive rows, the last batch being what is left.
   *
   * @param at the epoch, and the place in it of the first row: they name what dropout drops
   * @returns sum of the rows' losses, each taken before its batch's step and times what the row counts
   */
  train(rows: NetRows, at: { epoch: number; first: number }): Promise<number>;
  /** Scores of rows before any link, nothing dropped. @returns f32[numRows], a copy */
  score(rows: NetRows): Promise<Float32Array>;
  /**
   * What the last layer reads of rows, x_(L-1) of shape.ts, nothing dropped, with their scores.
   *
   * @returns f32[numRows * width], width being the last layer's inputs, and f32[numRows]; copies
   */
  encode(rows: NetRows): Promise<{ hidden: Float32Array; scores: Float32Array }>;
  /** Copies of all parameters, by the names and in the shapes of `parameterShapes`. */
  parameters(): NamedArrays;
  /** Puts parameters in; those that are not named stay, and what the methods keep beside them stays too. */
  load(parameters: NamedArrays): void;
  /** Copies of all that training has made; given to `restore`, training goes on as if it had not stopped. */
  state(): NamedArrays;
  restore(state: NamedArrays): void;
  terminate(): Promise<void>;
}

/** First values of embeddings are uniform in plus or minus this, as those of the factorization machine are. */
const SPREAD = 0.05;

/**
 * What a network starts from when no table is given.
 *
 * Dense weights are drawn; biases, w0 and the wide part are 0, scales of layer normalization 1. Of fnn, w is drawn as v is.
 *
 * @param featureHashes u32[numFeatures][2], of `featureHashes`
 * @param counts u32[numFeatures]: training rows that hold the feature; one with 0 starts and stays at 0
 */
export function initialParameters(
  plan: NetPlan,
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
  plan: NetPlan,
  embeddings: Float32Array,
  hashes: Uint32Array,
  counts: Uint32Array,
): void {
  const W = embeddingWidth(plan);
  for (let feature = 0; feature < numFeaturesOf(plan); feature++) {
    if (counts[feature] === 0) continue;
    const key = featureKey(plan.seed, hashes, feature);
    for (let k = 0; k < W; k++) {
      // w stands before v and is drawn behind it, so that v is the factorization machine's own first vector
      embeddings[feature * W + k] = SPREAD * firstUnit(key, (k + plan.dim) % W);
    }
  }
}
