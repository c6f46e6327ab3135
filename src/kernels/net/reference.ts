// An upper network in plain f64, a row at a time: the definition of correct for assembly/main.ts.
//
//   x_0 .. x_L   the row's values, as shape.ts has them        d_l   dLoss/dx_l
//   z_l          W_l x_(l-1) + b_l [+ x_(l-2)]                        m_l   what dropout multiplies by: 0 or 1 / (1 - dropout)
//
//   forward    x_l = m_l act(z_l)
//   backward   dz_l = d_l m_l act'(z_l)     dW_l += dz_l x_(l-1)'     d_(l-1) += W_l' dz_l  [d_(l-2) += dz_l]
//
// The logistic loss is log(1 + e^s) - y s; of the squared one half is differentiated. ReLU's derivative at 0 is 0.

import {
  denseLayersOf,
  embeddingWidth,
  firstInputOf,
  numFieldsOf,
  numFeaturesOf,
  numInputsOf,
  type DenseLayer,
  type NetRows,
  type NetShape,
} from "./shape.js";
import { exp } from "../../numeric/exp.js";
import { rowLoss } from "../../numeric/losses.js";
import { referenceSlope } from "../fm/reference.js";
import { draw } from "../../numeric/random.js";

/** By the names of `parameterShapes`. */
export type ReferenceArrays = Record<string, Float64Array>;

/** Names what dropout draws for a row: the epoch and the row's place in it. */
export interface DropoutDraws {
  seed: number;
  epoch: number;
  /** place of the first row */
  first: number;
}

/** What a pass over rows gives. */
export interface ReferencePass {
  /** f64[numRows], before the link */
  scores: Float64Array;
  /** sum of the rows' losses, each times what the row counts */
  loss: number;
  /** derivatives of that sum (of half of it for the squared loss), by parameter */
  gradients: ReferenceArrays;
}

/** tanh, by the kernels' own exp. */
export function tanh(x: number): number {
  const e = exp(-2 * Math.abs(x));
  return (Math.sign(x) * (1 - e)) / (1 + e);
}

/** The key of a row's dropout in layer l; unit u is dropped where draw(key, u) < dropout 2^32. */
export function dropoutKey({ seed, epoch }: DropoutDraws, layer: number, place: number): number {
  return draw(draw(draw(seed, epoch), layer), place);
}

/** Scores of rows, nothing dropped. @returns f64[numRows] */
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

/** Scores, losses and gradients of rows. @param draws of dropout; nothing is dropped when absent */
export function referenceNetPass(
  shape: NetShape,
  parameters: ReferenceArrays,
  rows: NetRows,
  draws?: DropoutDraws,
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
    const slope = weight * referenceSlope(shape.loss, score, label);
    backward(shape, layers, parameters, gradients, rows, r, state, slope);
  }
  return { scores, loss, gradients };
}

/** What the last layer reads of each row, nothing dropped. @returns f64[numRows][units] */
export function referenceHidden(shape: NetShape, parameters: ReferenceArrays, rows: NetRows): Float64Array[] {
  const layers = denseLayersOf(shape);
  return Array.from({ length: rows.numRows }, (_, r) =>
    forward(shape, layers, parameters, rows, r, undefined).x.at(-2)!,
  );
}

/** A row's x_l, and m_l act'(z_l). */
interface RowState {
  x: Float64Array[];
  slopes: Float64Array[];
}

function forward(
  shape: NetShape,
  layers: readonly DenseLayer[],
  parameters: ReferenceArrays,
  rows: NetRows,
  r: number,
  draws: DropoutDraws | undefined,
): RowState {
  const state: RowState = { x: [inputOf(shape, parameters, rows, r)], slopes: [] };
  layers.forEach(({ name, inputs, outputs, activation, residual, dropped }, l) => {
    const [W, b] = [parameters[`${name}.weight`]!, parameters[`${name}.bias`]!];
    const x = state.x[l]!;
    const key = dropped && draws ? dropoutKey(draws, l, draws.first + r) : undefined;
    const [y, slopes] = [new Float64Array(outputs), new Float64Array(outputs)];
    for (let o = 0; o < outputs; o++) {
      let z = b[o]! + (residual ? state.x[l - 1]![o]! : 0);
      for (let i = 0; i < inputs; i++) z += W[o * inputs + i]! * x[i]!;
      const a = activation === "tanh" ? tanh(z) : activation === "relu" ? Math.max(0, z) : z;
      const slope = activation === "tanh" ? 1 - a * a : activation === "relu" && z <= 0 ? 0 : 1;
      const m = key === undefined ? 1 : multiplierOf(key, o, shape.dropout);
      y[o] = m * a;
      slopes[o] = m * slope;
    }
    state.x.push(y);
    state.slopes.push(slopes);
  });
  return state;
}

function multiplierOf(key: number, unit: number, dropout: number): number {
  return draw(key, unit) < Math.floor(dropout * 2 ** 32) ? 0 : 1 / (1 - dropout);
}

/** x_0. */
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
  { x }: RowState,
): number {
  let score = x.at(-1)![0]!;
  if (wide) forEachWide(shape, rows, r, (i, value) => (score += value * wide[i]!));
  return score;
}

/** Adds the row's part to every gradient. @param slope dLoss/dscore */
function backward(
  shape: NetShape,
  layers: readonly DenseLayer[],
  parameters: ReferenceArrays,
  gradients: ReferenceArrays,
  rows: NetRows,
  r: number,
  { x, slopes }: RowState,
  slope: number,
): void {
  const d = x.map(({ length }) => new Float64Array(length));
  d.at(-1)![0] = slope;
  for (let l = layers.length - 1; l >= 0; l--) {
    const { name, inputs, outputs, residual } = layers[l]!;
    const W = parameters[`${name}.weight`]!;
    const [dW, db] = [gradients[`${name}.weight`]!, gradients[`${name}.bias`]!];
    for (let o = 0; o < outputs; o++) {
      const dz = d[l + 1]![o]! * slopes[l]![o]!;
      db[o]! += dz;
      for (let i = 0; i < inputs; i++) {
        dW[o * inputs + i]! += dz * x[l]![i]!;
        d[l]![i]! += dz * W[o * inputs + i]!;
      }
      if (residual) d[l - 1]![o]! += dz;
    }
  }
  const { embeddings, w0, wide } = gradients;
  const [width, start] = [embeddingWidth(shape), firstInputOf(shape)];
  if (w0) w0[0]! += d[0]![0]!;
  forEachPair(rows, r, (feature, value) => {
    const at = start + fieldOfFeature(shape, feature) * width;
    for (let k = 0; k < width; k++) {
      // under the ReLU only what came through it goes back
      if (shape.embeddingRelu && x[0]![at + k]! <= 0) continue;
      embeddings![feature * width + k]! += value * d[0]![at + k]!;
    }
  });
  if (wide) forEachWide(shape, rows, r, (i, value) => (wide[i]! += value * slope));
}

/** Visits a row's features with their values. */
export function forEachPair(
  { indptr, width, ids, values }: Pick<NetRows, "indptr" | "width" | "ids" | "values">,
  r: number,
  visit: (id: number, value: number) => void,
): void {
  const end = indptr ? indptr[r + 1]! : (r + 1) * width;
  for (let j = indptr ? indptr[r]! : r * width; j < end; j++) visit(ids[j]!, values?.[j] ?? 1);
}

/** Visits the weights of the wide part that a row has, with their values: its features, then its crosses. */
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

/** The field that a feature is of. */
export function fieldOfFeature({ offsets }: NetShape, feature: number): number {
  let f = 0;
  while (feature >= offsets[f + 1]!) f++;
  return f;
}
