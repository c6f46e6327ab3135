// Dense layers in plain f64, a row at a time: the definition of correct for assembly/dense/.
//
//   x_0 .. x_L   inputs and outputs of the layers      d_l   dLoss/dx_l
//       m_l   factor of the dropout: 0 or 1 / (1 - dropout)
//   z_l          W_l x_(l-1) + b_l [+ x_(l-2)]
//
//   n_l          z_l, or of a normalized layer scale (z_l - mean) / sqrt(variance + 1e-5) + shift       Ba et al. 2016
//
//   forward    x_l = m_l act(n_l)
//   backward   dn_l = d_l m_l act'(n_l), through the normalization dz_l
//              dW_l += dz_l x_(l-1)'     d_(l-1) += W_l' dz_l  [d_(l-2) += dz_l]
//   step       Adam on the batch's mean gradient, weights with l2 W added                            Kingma and Ba 2015
//
// ReLU's derivative at 0 is 0.

import { exp } from "../../../base/numeric/exp.js";
import { draw } from "../../../base/numeric/random.js";
import type { DenseLayer } from "./dense.js";
import { type ReferenceParameters, referenceStep } from "./step.reference.js";

/** Arrays of parameters or gradients, by the parameter's name. */
export type ReferenceArrays = Record<string, Float64Array>;

/** Values that determine which units dropout zeroes in a row. */
export interface DropoutDraws {
  seed: number;
  epoch: number;
  /** position of the row in the epoch, which selects its random draws */
  place: number;
  /** share of units that dropout zeroes */
  dropout: number;
}

/**
 * Values of a row that the backward pass needs, by layer: its input, the derivatives of its output by its normalized
 * sums, and for normalized layers h = (sum - mean) / deviation.
 */
export interface DenseState {
  x: Float64Array[];
  derivatives: Float64Array[];
  normals: ({ h: Float64Array; deviation: number } | undefined)[];
}

/** Returns tanh(x), computed by the kernels' exp. */
export function tanh(x: number): number {
  const e = exp(-2 * Math.abs(x));
  return (Math.sign(x) * (1 - e)) / (1 + e);
}

/** Returns the random key of a row's dropout in layer l; unit u is dropped if draw(key, u) < dropout 2^32. */
export function dropoutKey({ seed, epoch, place }: DropoutDraws, layer: number): number {
  return draw(draw(draw(seed, epoch), layer), place);
}

/** Computes the forward pass of one row. @param draws random key of the dropout; if absent, no unit is dropped */
export function denseForward(
  layers: readonly DenseLayer[],
  parameters: ReferenceArrays,
  input: Float64Array,
  draws: DropoutDraws | undefined,
): DenseState {
  const state: DenseState = { x: [input], derivatives: [], normals: [] };
  layers.forEach(({ name, inputs, outputs, activation, residual, dropped, normalized }, l) => {
    const [W, b] = [parameters[`${name}.weight`]!, parameters[`${name}.bias`]!];
    const x = state.x[l]!;
    const [y, derivatives] = [new Float64Array(outputs), new Float64Array(outputs)];
    const z = new Float64Array(outputs);
    for (let o = 0; o < outputs; o++) {
      let sum = b[o]! + (residual ? state.x[l - 1]![o]! : 0);
      for (let i = 0; i < inputs; i++) sum += W[o * inputs + i]! * x[i]!;
      z[o] = sum;
    }
    const normal = normalized ? normalOf(z) : undefined;
    for (let o = 0; o < outputs; o++) {
      const n = normal
        ? parameters[`${name}.scale`]![o]! * normal.h[o]! + parameters[`${name}.shift`]![o]!
        : z[o]!;
      const a = activation === "tanh" ? tanh(n) : activation === "relu" ? Math.max(0, n) : n;
      const derivative = activation === "tanh" ? 1 - a * a : activation === "relu" && n <= 0 ? 0 : 1;
      const m = dropped && draws ? multiplierOf(draws, l, o) : 1;
      y[o] = m * a;
      derivatives[o] = m * derivative;
    }
    state.x.push(y);
    state.derivatives.push(derivatives);
    state.normals.push(normal);
  });
  return state;
}

/** Normalizes the sums z of a layer: subtracts their mean and divides by their deviation. */
function normalOf(z: Float64Array): { h: Float64Array; deviation: number } {
  const mean = z.reduce((sum, x) => sum + x, 0) / z.length;
  const variance = z.reduce((sum, x) => sum + (x - mean) ** 2, 0) / z.length;
  const deviation = Math.sqrt(variance + 1e-5);
  return { h: z.map((x) => (x - mean) / deviation), deviation };
}

function multiplierOf(draws: DropoutDraws, layer: number, unit: number): number {
  const { dropout } = draws;
  return draw(dropoutKey(draws, layer), unit) < Math.floor(dropout * 2 ** 32) ? 0 : 1 / (1 - dropout);
}

/**
 * Computes the backward pass of one row, and adds the row's gradients to those of the parameters.
 *
 * @param gradient dLoss/dx_L
 * @returns dLoss/dx_0
 */
export function denseBackward(
  layers: readonly DenseLayer[],
  parameters: ReferenceArrays,
  gradients: ReferenceArrays,
  state: DenseState,
  gradient: ArrayLike<number>,
): Float64Array {
  const d = state.x.map(({ length }) => new Float64Array(length));
  d.at(-1)!.set(gradient);
  for (let l = layers.length - 1; l >= 0; l--) {
    const { name, inputs, outputs, residual } = layers[l]!;
    const W = parameters[`${name}.weight`]!;
    const [x, dx] = [state.x[l]!, d[l]!];
    const [dW, db] = [gradients[`${name}.weight`]!, gradients[`${name}.bias`]!];
    const dn = d[l + 1]!.map((each, o) => each * state.derivatives[l]![o]!);
    const normal = state.normals[l];
    if (normal)
      dn.forEach((each, o) => {
        gradients[`${name}.scale`]![o]! += each * normal.h[o]!;
        gradients[`${name}.shift`]![o]! += each;
      });
    const dzs = normal ? throughNormal(normal, dn, parameters[`${name}.scale`]!) : dn;
    for (let o = 0; o < outputs; o++) {
      const dz = dzs[o]!;
      db[o]! += dz;
      for (let i = 0; i < inputs; i++) {
        dW[o * inputs + i]! += dz * x[i]!;
        dx[i]! += dz * W[o * inputs + i]!;
      }
      if (residual) d[l - 1]![o]! += dz;
    }
  }
  return d[0]!;
}

/** Returns the derivatives by the sums z of a normalized layer, given those by its normalized values n. */
function throughNormal(
  { h, deviation }: { h: Float64Array; deviation: number },
  dn: Float64Array,
  scale: Float64Array,
): Float64Array {
  const a = dn.map((x, o) => x * scale[o]!);
  const mean = a.reduce((sum, x) => sum + x, 0) / a.length;
  const tilt = a.reduce((sum, x, o) => sum + x * h[o]!, 0) / a.length;
  return a.map((x, o) => (x - mean - h[o]! * tilt) / deviation);
}

/** Takes one Adam step of an array of parameters. @param sums sums of the gradients over the batch */
export function denseStep(
  p: ReferenceParameters,
  sums: Float64Array,
  numRows: number,
  rates: { learningRate: number; l2: number },
): void {
  sums.forEach((sum, k) => referenceStep(p, k, sum / numRows, { method: "adam", l1: 0, ...rates }));
}
