// Structure of a network: its input, its dense layers, and the arrays of its parameters.
//
//   x_0 = (w0 | e_1 .. e_F | numeric)   e_f = sum of value * embedding over the row's features of field f, width W each
//   x_l = dropout(act(norm(W_l x_(l-1) + b_l [+ x_(l-2)])))     score = W_L x_(L-1) + b_L [+ wide part]
//
//   fnn            W = 1 + dim, e = (w, v); w0 is an input of its own; tanh
//                  Zhang et al. 2016 (arXiv:1601.02376)
//   wide-deep      W = dim; ReLU; beside the layers a sparse linear part over features and crosses
//                  Cheng et al. 2016 (arXiv:1606.07792)
//   deep-crossing  W = dim; pairs of layers are residual units
//                  Shan et al. 2016 (10.1145/2939672.2939704)
//
// A residual unit is two layers, x + W_2 relu(W_1 x + b_1) + b_2 followed by a ReLU: the second adds the input of the
// first.

import type { DenseLayer, DenseLearning } from "../shared/dense.js";

export type NetArch = "fnn" | "wide-deep" | "deep-crossing";

export interface NetShape {
  arch: NetArch;
  /** u32[F + 1]: field f has features offsets[f] .. offsets[f + 1), the first of them out-of-vocabulary */
  offsets: ArrayLike<number>;
  /** dimensions of a feature's vector */
  dim: number;
  numNumeric: number;
  /** units of each hidden layer; for deep-crossing, of inner units of each residual unit */
  hidden: readonly number[];
  /** ignored by deep-crossing, which uses ReLU */
  activation: "tanh" | "relu";
  /** ReLU on the embeddings, as in Deep Crossing's paper; it would zero half of the numbers of a pretrained table */
  embeddingRelu: boolean;
  /** share of the hidden units that dropout zeroes in training, in [0, 1); in a residual unit, of its inner units */
  dropout: number;
  /** layer normalization before the activation of hidden layers, in both layers of a residual unit */
  layerNorm: boolean;
  /** 0 except for wide-deep */
  numCrosses: number;
  /** true if the score of a factorization machine on the embeddings is added to the network's score; not trainable */
  machine?: boolean;
  loss: "logistic" | "squared";
}

export interface NetInputs {
  numRows: number;
  /** u32[numRows + 1]: row r has pairs indptr[r] .. indptr[r + 1); absent when every row has `width` pairs */
  indptr?: Uint32Array;
  width: number;
  /** u32[numPairs]: feature of each pair; the numbers of features continue from field to field */
  ids: Uint32Array;
  /** f32[numPairs]: values; absent when all are 1 */
  values?: Float32Array;
  /** f32[numRows]: labels; 0 or 1 for the logistic loss */
  labels: Float32Array;
  /** f32[numRows]: weight of each row; absent when all are 1 */
  weights?: Float32Array;
  /** f32[numRows][numNumeric]: numeric inputs; absent when there are none */
  numeric?: Float32Array;
  /** crosses of each row, numbered in [0, numCrosses), with the value 1; absent when there are none */
  crosses?: { indptr?: Uint32Array; width: number; ids: Uint32Array };
}

/** Returns W, the number of floats of an embedding; in fnn, the first is the feature's weight. */
export function embeddingWidth({ arch, dim }: Pick<NetShape, "arch" | "dim">): number {
  return arch === "fnn" ? 1 + dim : dim;
}

export function numFieldsOf({ offsets }: NetShape): number {
  return offsets.length - 1;
}

export function numFeaturesOf({ offsets }: NetShape): number {
  return offsets[offsets.length - 1]!;
}

/** Returns the index in x_0 of the first field's block: 1 if the network has w0, else 0. */
export function firstInputOf({ arch }: NetShape): number {
  return arch === "fnn" ? 1 : 0;
}

export function numInputsOf(shape: NetShape): number {
  return firstInputOf(shape) + numFieldsOf(shape) * embeddingWidth(shape) + shape.numNumeric;
}

/** The last layer, whose only output is the score. */
const OUTPUT = "output";

export function denseLayersOf(shape: NetShape): DenseLayer[] {
  const layers: DenseLayer[] = [];
  let inputs = numInputsOf(shape);
  const add = (layer: Omit<DenseLayer, "inputs" | "normalized">): void => {
    layers.push({ inputs, ...layer, normalized: shape.layerNorm && layer.name !== OUTPUT });
    inputs = layer.outputs;
  };
  const dropped = shape.dropout > 0;
  shape.hidden.forEach((outputs, l) => {
    if (shape.arch === "deep-crossing") {
      const width = inputs;
      add({ name: `units.${l}.inner`, outputs, activation: "relu", residual: false, dropped });
      add({ name: `units.${l}.outer`, outputs: width, activation: "relu", residual: true, dropped: false });
    } else {
      add({ name: `layers.${l}`, outputs, activation: shape.activation, residual: false, dropped });
    }
  });
  add({ name: OUTPUT, outputs: 1, activation: "none", residual: false, dropped: false });
  return layers;
}

/**
 * Returns the names and shapes of all parameters, in a fixed order.
 *
 *   embeddings       f32[numFeatures][W]
 *   w0               f32[1]                          fnn
 *   wide             f32[numFeatures + numCrosses]   wide-deep: of features, then of crosses
 *   NAME.weight      f32[outputs][inputs]            each dense layer
 *   NAME.bias        f32[outputs]
 *   NAME.scale       f32[outputs]                    hidden layers with layer normalization
 *   NAME.shift       f32[outputs]
 */
export function parameterShapes(shape: NetShape): Map<string, number[]> {
  const numFeatures = numFeaturesOf(shape);
  const shapes = new Map([["embeddings", [numFeatures, embeddingWidth(shape)]]]);
  if (shape.arch === "fnn") shapes.set("w0", [1]);
  if (shape.arch === "wide-deep") shapes.set("wide", [numFeatures + shape.numCrosses]);
  for (const { name, inputs, outputs, normalized } of denseLayersOf(shape)) {
    shapes.set(`${name}.weight`, [outputs, inputs]);
    shapes.set(`${name}.bias`, [outputs]);
    if (!normalized) continue;
    shapes.set(`${name}.scale`, [outputs]);
    shapes.set(`${name}.shift`, [outputs]);
  }
  return shapes;
}

/** Learning options of a network; dense layers and w0 learn by Adam. */
export interface NetLearning extends Omit<DenseLearning, "dropout"> {
  /** learning rate of embeddings, which learn by AdaGrad on the batch's summed loss; 0 freezes the embeddings and w0 */
  embeddingLearningRate: number;
  /** for each embedding of each row, embeddingL2 / 2 |embedding|^2 is added to the batch's summed loss */
  embeddingL2: number;
  /**
   * f32[numFeatures]: L2 factor of each feature, applied by a proximal step, which is stable for large factors; absent:
   * none
   */
  keyPenalties?: Float32Array;
  /** maximum length of the gradient of the batch's mean loss; a longer one is scaled down. 0: no limit */
  clipNorm: number;
  /** FTRL-proximal on the batch's summed loss */
  wideLearningRate: number;
  wideL1: number;
  wideL2: number;
}
