// What a network is made of: its input, its dense layers one after another, and the arrays that hold their parameters.
//
//   x_0 = (w0 | e_1 .. e_F | numeric)     e_f = sum of value * embedding over the row's features of field f, width W each
//   x_l = dropout(act(norm(W_l x_(l-1) + b_l [+ x_(l-2)])))     score = W_L x_(L-1) + b_L [+ wide part]
//
//   fnn            W = 1 + dim, e = (w, v); w0 is an input of its own; tanh                  Zhang et al. 2016 (arXiv:1601.02376)
//   wide-deep      W = dim; ReLU; beside it a sparse linear part over features and crosses   Cheng et al. 2016 (arXiv:1606.07792)
//   deep-crossing  W = dim; pairs of layers are residual units                               Shan et al. 2016 (10.1145/2939672.2939704)
//
// A residual unit is two layers, x + W_2 relu(W_1 x + b_1) + b_2 followed by a ReLU: the second adds the input of the first.

import type { DenseLayer, DenseLearning } from "../shared/dense.js";

export type NetArch = "fnn" | "wide-deep" | "deep-crossing";

/** The form of a network; what it learns by is not in it. */
export interface NetShape {
  arch: NetArch;
  /** u32[F + 1]: field f has features offsets[f] .. offsets[f + 1), the first of them out-of-vocabulary */
  offsets: ArrayLike<number>;
  /** k: length of a feature's vector */
  dim: number;
  /** numbers a row that are inputs themselves */
  numNumeric: number;
  /** units of the hidden layers; of deep-crossing the inner units of each residual unit */
  hidden: readonly number[];
  /** of hidden layers; deep-crossing has ReLU whatever is said */
  activation: "tanh" | "relu";
  /** whether e has a ReLU, as Deep Crossing's paper has it; it would zero half of a signed table */
  embeddingRelu: boolean;
  /** share of the hidden units that are zeroed in training, in [0, 1); of a residual unit its inner ones */
  dropout: number;
  /** whether hidden layers have layer normalization before their activation; of deep-crossing both layers of a residual unit */
  layerNorm: boolean;
  /** crosses of the wide part; 0 but for wide-deep */
  numCrosses: number;
  /** whether the score of the factorization machine of x_0 is added; only of networks that are not trained further */
  machine?: boolean;
  loss: "logistic" | "squared";
}

/** Rows as a network reads them: feature rows, and what else it takes. */
export interface NetRows {
  numRows: number;
  /** u32[numRows + 1]: row r has pairs indptr[r] .. indptr[r + 1); absent when every row has `width` pairs */
  indptr?: Uint32Array;
  width: number;
  /** u32[numPairs]: features of the whole space */
  ids: Uint32Array;
  /** f32[numPairs]; absent when all are 1 */
  values?: Float32Array;
  /** f32[numRows]: 0 or 1 for the logistic loss */
  labels: Float32Array;
  /** f32[numRows]: what each row counts; absent when each counts 1 */
  weights?: Float32Array;
  /** f32[numRows][numNumeric]; absent when there are none */
  numeric?: Float32Array;
  /** crosses of each row, in [0, numCrosses), of value 1; absent when there are none */
  crosses?: { indptr?: Uint32Array; width: number; ids: Uint32Array };
}

/** W: numbers of a feature's row in `embeddings`; of fnn the first is its weight. */
export function embeddingWidth({ arch, dim }: Pick<NetShape, "arch" | "dim">): number {
  return arch === "fnn" ? 1 + dim : dim;
}

export function numFieldsOf({ offsets }: NetShape): number {
  return offsets.length - 1;
}

export function numFeaturesOf({ offsets }: NetShape): number {
  return offsets[offsets.length - 1]!;
}

/** Where the first field's block begins in x_0: behind w0, where the network has one. */
export function firstInputOf({ arch }: NetShape): number {
  return arch === "fnn" ? 1 : 0;
}

/** The length of x_0. */
export function numInputsOf(shape: NetShape): number {
  return firstInputOf(shape) + numFieldsOf(shape) * embeddingWidth(shape) + shape.numNumeric;
}

/** The layer whose only output is the score. */
const OUTPUT = "output";

/** The dense layers from the input to the score, which is the last one's only output. */
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
 * Names and shapes of all parameters, in a fixed order.
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

/** How a network learns: dense layers and w0 by Adam. */
export interface NetLearning extends Omit<DenseLearning, "dropout"> {
  /** of embeddings, by AdaGrad on the batch's sum; 0 freezes them and w0 */
  embeddingLearningRate: number;
  /** penalty embeddingL2 / 2 |e|^2 on each embedding once for each row that holds it, beside the batch's summed loss */
  embeddingL2: number;
  /** f32[numFeatures]: the same penalty by feature, taken by a proximal step, which stays stable for large ones; absent: none */
  keyPenalties?: Float32Array;
  /** the gradient of the batch's mean loss, by all that is trained, is scaled down to this length where it is longer; 0: it is not */
  clipNorm: number;
  /** of the wide part, by FTRL-proximal on the batch's sum, with its penalties */
  wideLearningRate: number;
  wideL1: number;
  wideL2: number;
}
