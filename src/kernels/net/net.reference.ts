// A network in plain f64, a row at a time: the definition of correct for assembly/main.ts.
//
//   x_0    the row's input, defined in shape.ts, through dense layers (../shared/dense.reference.ts)
//   score  the last layer's output [+ the wide part] [+ the score of the factorization machine of x_0]
//
// The logistic loss is log(1 + e^s) - y s; of the squared loss, half is differentiated.

import {
  denseLayersOf,
  embeddingWidth,
  firstInputOf,
  numFieldsOf,
  numFeaturesOf,
  numInputsOf,
  type NetRows,
  type NetShape,
} from "./shape.js";
import { gradient, rowLoss } from "../../numeric/losses.js";
import type { DenseLayer } from "../shared/dense.js";
import {
  denseBackward,
  denseForward,
  type DenseState,
  type ReferenceArrays,
} from "../shared/dense.reference.js";

/** Source of the dropout's random draws in a batch; `first` is the position of the batch's first row in the epoch. */
export interface BatchDraws {
  seed: number;
  epoch: number;
  first: number;
}

/** Results of one forward pass, and of one backward pass, over rows. */
export interface ReferencePass {
  /** score of each row before the link function, f64[numRows] */
  scores: Float64Array;
  /** sum over the rows of the loss times the row's weight */
  loss: number;
  /** derivatives of `loss` by each parameter; for the squared loss, of half of `loss` */
  gradients: ReferenceArrays;
}

/** Returns the scores of rows; no unit is dropped. @returns f64[numRows] */
export function referenceNetScores(
  shape: NetShape,
  parameters: ReferenceArrays,
  rows: NetRows,
): Float64Array {
  const layers = denseLayersOf(shape);
  return Float64Array.from({ length: rows.numRows }, (_, r) =>
    scoreOf(shape, parameters, rows, r, forward(shape, layers, parameters, rows, r, undefined)),
  );
}

/**
 * Returns scores, losses and gradients of rows.
 * @param draws random key of the dropout; if absent, no unit is dropped
 */
export function referenceNetPass(
  shape: NetShape,
  parameters: ReferenceArrays,
  rows: NetRows,
  draws?: BatchDraws,
): ReferencePass {
  const layers = denseLayersOf(shape);
  const gradients: ReferenceArrays = {};
  for (const name in parameters) gradients[name] = new Float64Array(parameters[name]!.length);
  const scores = new Float64Array(rows.numRows);
  let loss = 0;
  for (let r = 0; r < rows.numRows; r++) {
    const state = forward(shape, layers, parameters, rows, r, draws);
    const score = scoreOf(shape, parameters, rows, r, state);
    scores[r] = score;
    const [label, weight] = [rows.labels[r]!, rows.weights?.[r] ?? 1];
    loss += weight * rowLoss(shape.loss, score, label);
    const scoreGradient = weight * gradient(score, label, shape.loss === "squared").g;
    backward(shape, layers, parameters, gradients, rows, r, state, scoreGradient);
  }
  return { scores, loss, gradients };
}

/** Returns the last layer's input for each row; no unit is dropped. @returns f64[numRows][units] */
export function referenceHidden(shape: NetShape, parameters: ReferenceArrays, rows: NetRows): Float64Array[] {
  const layers = denseLayersOf(shape);
  return Array.from({ length: rows.numRows }, (_, r) =>
    forward(shape, layers, parameters, rows, r, undefined).x.at(-2)!,
  );
}

function forward(
  shape: NetShape,
  layers: readonly DenseLayer[],
  parameters: ReferenceArrays,
  rows: NetRows,
  r: number,
  draws: BatchDraws | undefined,
): DenseState {
  const { dropout } = shape;
  const drawn = draws && { ...draws, place: draws.first + r, dropout };
  return denseForward(layers, parameters, inputOf(shape, parameters, rows, r), drawn);
}

/** Returns the input x_0 of a row: w0, the sums of embeddings by field, and the numeric inputs. */
function inputOf(shape: NetShape, parameters: ReferenceArrays, rows: NetRows, r: number): Float64Array {
  const { embeddings, w0 } = parameters;
  const [W, start, F] = [embeddingWidth(shape), firstInputOf(shape), numFieldsOf(shape)];
  const x = new Float64Array(numInputsOf(shape));
  if (w0) x[0] = w0[0]!;
  forEachPair(rows, r, (feature, value) => {
    const at = start + fieldOfFeature(shape, feature) * W;
    for (let k = 0; k < W; k++) x[at + k]! += value * embeddings![feature * W + k]!;
  });
  const end = start + F * W;
  if (shape.embeddingRelu) for (let i = start; i < end; i++) x[i] = Math.max(0, x[i]!);
  for (let j = 0; j < shape.numNumeric; j++) x[end + j] = rows.numeric![r * shape.numNumeric + j]!;
  return x;
}

function scoreOf(
  shape: NetShape,
  { wide }: ReferenceArrays,
  rows: NetRows,
  r: number,
  { x }: DenseState,
): number {
  let score = x.at(-1)![0]!;
  if (wide) forEachWide(shape, rows, r, (i, value) => (score += value * wide[i]!));
  return shape.machine ? score + machineScore(shape, x[0]!) : score;
}

/**
 * Returns the score of the factorization machine of x_0: w0 and w if x_0 has them, and the inner products of all pairs
 * of the fields' vectors v.
 */
export function machineScore(shape: NetShape, x: ArrayLike<number>): number {
  const [W, start, F] = [embeddingWidth(shape), firstInputOf(shape), numFieldsOf(shape)];
  const vOf = (f: number, k: number) => x[start + f * W + (W - shape.dim) + k]!;
  let score = 0;
  for (let f = 0; f < F; f++) {
    if (shape.arch === "fnn") score += x[start + f * W]!;
    for (let g = 0; g < f; g++) for (let k = 0; k < shape.dim; k++) score += vOf(f, k) * vOf(g, k);
  }
  return shape.arch === "fnn" ? score + x[0]! : score;
}

/** Adds the contribution of one row to all gradients. @param gradient dLoss/dscore */
function backward(
  shape: NetShape,
  layers: readonly DenseLayer[],
  parameters: ReferenceArrays,
  gradients: ReferenceArrays,
  rows: NetRows,
  r: number,
  state: DenseState,
  scoreGradient: number,
): void {
  const dx = denseBackward(layers, parameters, gradients, state, [scoreGradient]);
  const x = state.x[0]!;
  const { embeddings, w0, wide } = gradients;
  const [width, start] = [embeddingWidth(shape), firstInputOf(shape)];
  if (w0) w0[0]! += dx[0]!;
  forEachPair(rows, r, (feature, value) => {
    const at = start + fieldOfFeature(shape, feature) * width;
    for (let k = 0; k < width; k++) {
      // the ReLU passes a gradient only if its input was positive
      if (shape.embeddingRelu && x[at + k]! <= 0) continue;
      embeddings![feature * width + k]! += value * dx[at + k]!;
    }
  });
  if (wide) forEachWide(shape, rows, r, (i, value) => (wide[i]! += value * scoreGradient));
}

/** Calls `visit` with each feature of a row and its value. */
export function forEachPair(
  { indptr, width, ids, values }: Pick<NetRows, "indptr" | "width" | "ids" | "values">,
  r: number,
  visit: (id: number, value: number) => void,
): void {
  const end = indptr ? indptr[r + 1]! : (r + 1) * width;
  for (let j = indptr ? indptr[r]! : r * width; j < end; j++) visit(ids[j]!, values?.[j] ?? 1);
}

/**
 * Calls `visit` with each weight of a row in the wide part and its value: first those of features, then those of
 * crosses.
 */
export function forEachWide(
  shape: NetShape,
  rows: NetRows,
  r: number,
  visit: (i: number, value: number) => void,
): void {
  forEachPair(rows, r, visit);
  const numFeatures = numFeaturesOf(shape);
  if (rows.crosses) forEachPair(rows.crosses, r, (cross) => visit(numFeatures + cross, 1));
}

/** Returns the field of a feature. */
export function fieldOfFeature({ offsets }: NetShape, feature: number): number {
  let f = 0;
  while (feature >= offsets[f + 1]!) f++;
  return f;
}
