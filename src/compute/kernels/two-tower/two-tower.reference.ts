// Two towers in plain f64: the definition of correct for assembly/main.ts.
//
//   x = (h_1 .. h_B | c_1 .. c_F)   h  weighted mean of the rows of a history's items
//                                   c  sum of x v over a context field
//   u = tower(x) [+ sum of the slots]; without a tower the sum of the slots
//   v = row of the item [+ tower(side fields)]
//   s = <u, v> + bias, or the cosine
//
// Each batch is one step of Adam: dense layers use the mean of the gradients over users or items, rows and biases the
// sum.

import type { DenseLayer } from "../shared/dense.js";
import {
  denseBackward,
  denseForward,
  denseStep,
  type DropoutDraws,
  type ReferenceArrays,
} from "../shared/dense.reference.js";
import { referenceSampledSoftmax } from "../shared/sampled-softmax.reference.js";
import { referenceParameters, referenceStep, type ReferenceParameters } from "../shared/step.reference.js";

/** Rows of the vectors, each with the factor by which it is multiplied. */
export type ReferenceSlot = readonly { row: number; x: number }[];

/** An event: the slots of its user's input, its item, and whether it excludes each negative of the batch. */
export interface ReferenceTowerEvent {
  slots: readonly ReferenceSlot[];
  item: number;
  weight: number;
  excluded: readonly boolean[];
  /** in the epoch, which selects the dropout */
  place: number;
}

export interface ReferenceTowerShape {
  dim: number;
  userLayers: readonly DenseLayer[];
  skip: boolean;
  itemLayers: readonly DenseLayer[];
  cosine: boolean;
  negativeWeight: number;
  temperature: number;
  l2: number;
  /** sampled negatives; the items of the batch's events follow them */
  numDrawn: number;
  /** input of the item tower for each item */
  side: readonly (readonly ReferenceSlot[])[];
  /** log of the probability that each item is drawn as a negative */
  logNoise: readonly number[];
  dropout?: Pick<DropoutDraws, "seed" | "epoch" | "dropout">;
}

/**
 * Returns loss and gradients of a batch.
 * @param parameters vectors f64[n * dim], biases f64[I], and the parameters of layers by name
 */
export function referenceTowers(
  shape: ReferenceTowerShape,
  parameters: ReferenceArrays,
  events: readonly ReferenceTowerEvent[],
  negatives: readonly number[],
): { loss: number; gradients: ReferenceArrays } {
  const { dim, cosine, skip, userLayers, itemLayers, side, logNoise, dropout } = shape;
  const gradients: ReferenceArrays = Object.fromEntries(
    Object.entries(parameters).map(([name, { length }]) => [name, new Float64Array(length)]),
  );
  const [vectors, dVectors] = [parameters["vectors"]!, gradients["vectors"]!];
  const inputOf = (slots: readonly ReferenceSlot[]) => {
    const input = new Float64Array(slots.length * dim);
    slots.forEach((slot, s) => {
      for (const { row, x } of slot)
        for (let d = 0; d < dim; d++) input[s * dim + d]! += x * vectors[row * dim + d]!;
    });
    return input;
  };
  const addToSlots = (slots: readonly ReferenceSlot[], gradientOf: (s: number, d: number) => number) =>
    slots.forEach((slot, s) => {
      for (const { row, x } of slot)
        for (let d = 0; d < dim; d++) dVectors[row * dim + d]! += x * gradientOf(s, d);
    });

  const itemOf = (item: number) => {
    const vector = vectors.slice(item * dim, (item + 1) * dim);
    const state =
      itemLayers.length > 0
        ? denseForward(itemLayers, parameters, inputOf(side[item]!), undefined)
        : undefined;
    state?.x.at(-1)!.forEach((x, d) => (vector[d]! += x));
    return {
      item,
      state,
      vector: scaled(vector, cosine),
      gradient: new Float64Array(dim),
      bias: cosine ? 0 : parameters["biases"]![item]!,
    };
  };
  const drawn = negatives.map(itemOf);
  const owns = events.map(({ item }) => itemOf(item));
  let loss = 0;
  const biasGradients = gradients["biases"];
  events.forEach(({ slots, weight, excluded, place }, e) => {
    const input = inputOf(slots);
    const draws = dropout && { ...dropout, place };
    const state = userLayers.length > 0 ? denseForward(userLayers, parameters, input, draws) : undefined;
    const user = state ? Float64Array.from(state.x.at(-1)!) : new Float64Array(dim);
    if (!state || skip) input.forEach((x, i) => (user[i % dim]! += x));
    const u = scaled(user, cosine);
    const items = [owns[e]!, ...drawn];
    const scores = items.map(({ vector, bias }) => dot(u.unit, vector.unit) + bias);
    const noise = items.map(({ item }) => logNoise[item]!);
    const how = { temperature: shape.temperature, rho: shape.negativeWeight, bilateral: cosine };
    const found = referenceSampledSoftmax(scores, noise, [false, ...excluded], how);
    loss += weight * found.loss;
    const dUser = new Float64Array(dim);
    items.forEach(({ item, vector, gradient }, k) => {
      const g = weight * found.gradients[k]!;
      for (let d = 0; d < dim; d++) {
        dUser[d]! += g * vector.unit[d]!;
        gradient[d]! += g * u.unit[d]!;
      }
      if (biasGradients) biasGradients[item]! += g;
    });
    const through = throughLength(dUser, u, cosine);
    const dInput = state && denseBackward(userLayers, parameters, gradients, state, through);
    addToSlots(slots, (s, d) => (dInput ? dInput[s * dim + d]! : 0) + (!state || skip ? through[d]! : 0));
  });
  for (const { item, state, vector, gradient } of [...drawn, ...owns]) {
    const through = throughLength(gradient, vector, cosine);
    through.forEach((g, d) => (dVectors[item * dim + d]! += g));
    if (!state) continue;
    const dInput = denseBackward(itemLayers, parameters, gradients, state, through);
    addToSlots(side[item]!, (s, d) => dInput[s * dim + d]!);
  }
  return { loss, gradients };
}

export type ReferenceTowerState = Record<string, ReferenceParameters>;

export function referenceTowerState(
  parameters: Readonly<Record<string, ArrayLike<number>>>,
): ReferenceTowerState {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, values]) => [name, referenceParameters(values, "adam")]),
  );
}

/** Takes one step on a batch: of its vector rows, of the biases of its items, and of all layers. @returns the loss */
export function referenceTowersStep(
  shape: ReferenceTowerShape,
  state: ReferenceTowerState,
  events: readonly ReferenceTowerEvent[],
  negatives: readonly number[],
  learningRate: number,
): number {
  const { dim, l2 } = shape;
  const values = Object.fromEntries(Object.entries(state).map(([name, p]) => [name, p.values]));
  const { loss, gradients } = referenceTowers(shape, values, events, negatives);
  const items = [...negatives, ...events.map(({ item }) => item)];
  const isSide = shape.itemLayers.length > 0;
  const slots = [
    ...events.flatMap((event) => event.slots),
    ...(isSide ? items.flatMap((i) => shape.side[i]!) : []),
  ];
  const held = new Set([...items, ...slots.flat().map(({ row }) => row)]);
  const how = { method: "adam" as const, learningRate, l1: 0 };
  for (const row of held)
    for (let d = 0; d < dim; d++)
      referenceStep(state["vectors"]!, row * dim + d, gradients["vectors"]![row * dim + d]!, { ...how, l2 });
  gradients["biases"]?.forEach((g, i) => {
    if (g !== 0) referenceStep(state["biases"]!, i, g, { ...how, l2: 0 });
  });
  const dense = (layers: readonly DenseLayer[], numRows: number) => {
    for (const { name } of layers) {
      denseStep(state[`${name}.weight`]!, gradients[`${name}.weight`]!, numRows, { learningRate, l2 });
      denseStep(state[`${name}.bias`]!, gradients[`${name}.bias`]!, numRows, { learningRate, l2: 0 });
    }
  };
  dense(shape.userLayers, events.length);
  // gradients are averaged over the candidates: the sampled negatives, and the items of the events
  dense(shape.itemLayers, shape.numDrawn + events.length);
  return loss;
}

interface Scaled {
  unit: Float64Array;
  length: number;
}

function scaled(vector: Float64Array, cosine: boolean): Scaled {
  const length = cosine ? Math.sqrt(Math.max(1e-12, dot(vector, vector))) : 1;
  return { unit: vector.map((x) => x / length), length };
}

function throughLength(gradient: Float64Array, { unit, length }: Scaled, cosine: boolean): Float64Array {
  if (!cosine) return gradient;
  const along = dot(gradient, unit);
  return gradient.map((g, d) => (g - along * unit[d]!) / length);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, d) => sum + x * b[d]!, 0);
}
