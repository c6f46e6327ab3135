// A network in plain f64, a row at a time: the definition of correct for assembly/main.ts.
//
//   x_0    the row's input, defined in shape.ts, through dense layers (../shared/dense.reference.ts)
//   score  the last layer's output [+ the wide part] [+ the score of the factorization machine of x_0]
//
// The logistic loss is log(1 + e^s) - y s; of the squared loss, half is differentiated. One step on a batch:
//
//   dense layers   Adam on the batch's mean gradient, weights with l2 W added; w0 too, without l2    Kingma and Ba 2015
//   embeddings     AdaGrad on the batch's sum, of the rows that the batch holds                       Duchi et al. 2011
//   wide           FTRL-proximal on the batch's sum, of the weights that the batch holds            McMahan et al. 2013
//
// All gradients, without penalties, are first scaled down together if that of the mean loss is longer than clipNorm
// (Pascanu et al. 2013).

import {
  denseLayersOf,
  embeddingWidth,
  firstInputOf,
  numFieldsOf,
  numFeaturesOf,
  numInputsOf,
  type NetLearning,
  type NetInputs,
  type NetShape,
} from "./shape.js";
import { ftrlZ } from "../../../base/numeric/ftrl.js";
import { gradient, rowLoss } from "../../../base/numeric/losses.js";
import type { DenseLayer } from "../shared/dense.js";
import {
  denseBackward,
  denseForward,
  denseStep,
  type DenseState,
  type ReferenceArrays,
} from "../shared/dense.reference.js";
import { type ReferenceParameters, referenceParameters, referenceStep } from "../shared/step.reference.js";

/** `first` is the position of the batch's first row in the epoch */
export interface BatchDraws {
  seed: number;
  epoch: number;
  first: number;
}

export interface ReferencePass {
  /** f64[numRows], before the link function */
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
  rows: NetInputs,
): Float64Array {
  const layers = denseLayersOf(shape);
  return Float64Array.from({ length: rows.numRows }, (_, r) =>
    scoreOf(shape, parameters, rows, r, forward(shape, layers, parameters, rows, r, undefined)),
  );
}

/** @param draws of the dropout; if absent, no unit is dropped */
export function referenceNetPass(
  shape: NetShape,
  parameters: ReferenceArrays,
  rows: NetInputs,
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

export function referenceHidden(
  shape: NetShape,
  parameters: ReferenceArrays,
  rows: NetInputs,
): Float64Array[] {
  const layers = denseLayersOf(shape);
  return Array.from({ length: rows.numRows }, (_, r) =>
    forward(shape, layers, parameters, rows, r, undefined).x.at(-2)!,
  );
}

function forward(
  shape: NetShape,
  layers: readonly DenseLayer[],
  parameters: ReferenceArrays,
  rows: NetInputs,
  r: number,
  draws: BatchDraws | undefined,
): DenseState {
  const { dropout } = shape;
  const drawn = draws && { ...draws, place: draws.first + r, dropout };
  return denseForward(layers, parameters, inputOf(shape, parameters, rows, r), drawn);
}

/** Returns x_0 of a row. */
function inputOf(shape: NetShape, parameters: ReferenceArrays, rows: NetInputs, r: number): Float64Array {
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
  rows: NetInputs,
  r: number,
  { x }: DenseState,
): number {
  let score = x.at(-1)![0]!;
  if (wide) forEachWide(shape, rows, r, (i, value) => (score += value * wide[i]!));
  return shape.machine ? score + machineScore(shape, x[0]!) : score;
}

/** Returns w0 and w if x_0 has them, plus the inner products of all pairs of the fields' vectors v. */
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
  rows: NetInputs,
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

export function forEachPair(
  { indptr, width, ids, values }: Pick<NetInputs, "indptr" | "width" | "ids" | "values">,
  r: number,
  visit: (id: number, value: number) => void,
): void {
  const end = indptr ? indptr[r + 1]! : (r + 1) * width;
  for (let j = indptr ? indptr[r]! : r * width; j < end; j++) visit(ids[j]!, values?.[j] ?? 1);
}

/** Calls `visit` with each wide weight of a row: first those of features, then those of crosses. */
export function forEachWide(
  shape: NetShape,
  rows: NetInputs,
  r: number,
  visit: (i: number, value: number) => void,
): void {
  forEachPair(rows, r, visit);
  const numFeatures = numFeaturesOf(shape);
  if (rows.crosses) forEachPair(rows.crosses, r, (cross) => visit(numFeatures + cross, 1));
}

export function fieldOfFeature({ offsets }: NetShape, feature: number): number {
  let f = 0;
  while (feature >= offsets[f + 1]!) f++;
  return f;
}

export interface ReferenceNet {
  shape: NetShape;
  learning: NetLearning;
  parameters: Record<string, ReferenceParameters>;
}

/** Creates a network with the given initial parameters, which have the names of `parameterShapes`. */
export function referenceNet(
  shape: NetShape,
  learning: NetLearning,
  first: Readonly<Record<string, ArrayLike<number>>>,
): ReferenceNet {
  const parameters: ReferenceNet["parameters"] = {};
  for (const name in first) parameters[name] = referenceParameters(first[name]!, methodOf(name));
  if (parameters.wide) alignWide(parameters.wide, learning);
  return { shape, learning, parameters };
}

/** Sets FTRL's z so that it gives the current weights. */
function alignWide(
  { values, state }: ReferenceParameters,
  { wideLearningRate: learningRate, wideL1: l1, wideL2: l2 }: NetLearning,
) {
  if (learningRate === 0) return;
  values.forEach((w, i) => (state.z[i] = ftrlZ(w, state.n[i]!, { learningRate, l1, l2 })));
}

function methodOf(name: string): "adagrad" | "ftrl" | "adam" {
  return name === "embeddings" ? "adagrad" : name === "wide" ? "ftrl" : "adam";
}

export function referenceValues({ parameters }: ReferenceNet): ReferenceArrays {
  return Object.fromEntries(Object.entries(parameters).map(([name, { values }]) => [name, values]));
}

/**
 * Trains on one batch, in place.
 *
 * @param at epoch, and position of the batch's first row in it, which determine the dropout
 * @returns sum of the rows' losses before the step, times their weights
 */
export function referenceNetStep(
  net: ReferenceNet,
  rows: NetInputs,
  at: { epoch: number; first: number },
): number {
  const { shape, learning, parameters } = net;
  const draws = shape.dropout > 0 ? { seed: learning.seed, ...at } : undefined;
  const { loss, gradients } = referenceNetPass(shape, referenceValues(net), rows, draws);
  const { embeddings, wide, w0, ...dense } = parameters;
  const share = keptOf(learning, gradients, rows.numRows);
  const kept = (name: string) => gradients[name]!.map((g) => share * g);
  for (const name in dense) {
    denseStep(dense[name]!, kept(name), rows.numRows, {
      learningRate: learning.learningRate,
      l2: name.endsWith(".weight") ? learning.l2 : 0,
    });
  }
  // w0 is frozen together with the embeddings
  if (w0 && learning.embeddingLearningRate > 0)
    denseStep(w0, kept("w0"), rows.numRows, { learningRate: learning.learningRate, l2: 0 });

  const W = embeddingWidth(shape);
  const rate = { learningRate: learning.embeddingLearningRate, l1: 0 };
  const byEmbeddings = kept("embeddings");
  for (const [feature, count] of heldBy(rows, (r, visit) => forEachPair(rows, r, visit))) {
    const l2 = learning.embeddingL2 * count;
    const perKey = learning.keyPenalties ? learning.keyPenalties[feature]! * count : 0;
    for (let k = feature * W; k < (feature + 1) * W; k++) {
      referenceStep(embeddings!, k, byEmbeddings[k]!, { method: "adagrad", ...rate, l2 });
      // takes a proximal step, with the step length of AdaGrad
      embeddings!.values[k]! /= 1 + (rate.learningRate * perKey) / Math.sqrt(embeddings!.state.n[k]!);
    }
  }
  if (wide) {
    const { wideLearningRate, wideL1, wideL2 } = learning;
    const options = { learningRate: wideLearningRate, l1: wideL1, l2: wideL2 };
    const byWide = kept("wide");
    for (const [i] of heldBy(rows, (r, visit) => forEachWide(shape, rows, r, visit)))
      referenceStep(wide, i, byWide[i]!, { method: "ftrl", ...options });
  }
  return loss;
}

/** Returns the objective of the dense layers: mean loss of the rows plus the penalty. */
export function referenceNetObjective(net: ReferenceNet, rows: NetInputs): number {
  const { loss } = referenceNetPass(net.shape, referenceValues(net), rows);
  const mean = loss / rows.numRows / (net.shape.loss === "squared" ? 2 : 1);
  return Object.entries(net.parameters).reduce((sum, [name, { values }]) => {
    if (!name.endsWith(".weight")) return sum;
    return sum + 0.5 * net.learning.l2 * values.reduce((squares, w) => squares + w * w, 0);
  }, mean);
}

/** Returns the factor that limits the gradient of the mean loss to the length clipNorm. */
function keptOf(
  { clipNorm, embeddingLearningRate }: NetLearning,
  gradients: ReferenceArrays,
  numRows: number,
): number {
  if (clipNorm === 0) return 1;
  let squares = 0;
  for (const name in gradients) {
    if (embeddingLearningRate === 0 && (name === "embeddings" || name === "w0")) continue;
    squares += gradients[name]!.reduce((sum, g) => sum + g * g, 0);
  }
  return Math.min(1, clipNorm / (Math.sqrt(squares) / numRows));
}

/** Returns the number of occurrences of each feature of a batch. */
function heldBy(
  { numRows }: NetInputs,
  forEach: (r: number, visit: (i: number) => void) => void,
): Map<number, number> {
  const held = new Map<number, number>();
  for (let r = 0; r < numRows; r++) forEach(r, (i) => held.set(i, (held.get(i) ?? 0) + 1));
  return held;
}
