// One step of a network on one batch, in plain f64: the definition of correct for assembly/main.ts.
//
//   dense layers   Adam on the batch's mean gradient, weights with l2 W added; w0 too, without l2    Kingma and Ba 2015
//   embeddings     AdaGrad on the batch's sum, of the rows that the batch holds                       Duchi et al. 2011
//
// All gradients, without penalties, are first scaled down together if that of the mean loss is longer than clipNorm
// Pascanu et al. 2013
//
//   wide           FTRL-proximal on the batch's sum, of the weights that the batch holds            McMahan et al. 2013

import { ftrlZ } from "../../numeric/ftrl.js";
import { embeddingWidth, type NetLearning, type NetRows, type NetShape } from "./shape.js";
import { forEachPair, forEachWide, referenceNetPass } from "./net.reference.js";
import { denseStep, type ReferenceArrays } from "../shared/dense.reference.js";
import { type ReferenceParameters, referenceParameters, referenceStep } from "../shared/step.reference.js";

/** A network with its parameters and the state of its optimizers. */
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

/** Sets FTRL's state z so that its formula gives the current weights. */
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

/** Returns views of the parameters' values, without state. */
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
  rows: NetRows,
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
export function referenceNetObjective(net: ReferenceNet, rows: NetRows): number {
  const { loss } = referenceNetPass(net.shape, referenceValues(net), rows);
  const mean = loss / rows.numRows / (net.shape.loss === "squared" ? 2 : 1);
  return Object.entries(net.parameters).reduce((sum, [name, { values }]) => {
    if (!name.endsWith(".weight")) return sum;
    return sum + 0.5 * net.learning.l2 * values.reduce((squares, w) => squares + w * w, 0);
  }, mean);
}

/**
 * Returns the factor, at most 1, that limits the length of the gradient of the mean loss by all parameters to clipNorm.
 */
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

/** Returns the features of a batch, with the number of occurrences of each. */
function heldBy(
  { numRows }: NetRows,
  forEach: (r: number, visit: (i: number) => void) => void,
): Map<number, number> {
  const held = new Map<number, number>();
  for (let r = 0; r < numRows; r++) forEach(r, (i) => held.set(i, (held.get(i) ?? 0) + 1));
  return held;
}
