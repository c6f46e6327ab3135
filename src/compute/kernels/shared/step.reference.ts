// One step of a parameter on its gradient, by method, in plain f64: the definition of correct for assembly/steps.ts.
//
//   sgd       p <- p - lr grad
//   adagrad   n <- n + grad^2;  p <- p - lr grad / sqrt(n)                                     Duchi et al. 2011
//   adam      moments m, s;  p <- p - lr m / (1 - b1^t) / (sqrt(s / (1 - b2^t)) + 1e-8)        Kingma and Ba 2015
//   ftrl      z, n;  p <- argmin z p + l1 |p| + 0.5 ((1 + sqrt(n)) / lr + l2) p^2              McMahan et al. 2013

import { ftrlGrowth, ftrlWeight } from "../../../base/numeric/ftrl.js";

export type ReferenceMethod = "adagrad" | "sgd" | "ftrl" | "adam";

/** Returns 1 / sqrt(n) of an accumulator n, exact where the kernel has an approximation. */
export function exactInverseSqrt(n: number): number {
  return 1 / Math.sqrt(n);
}

/** Returns the method of vectors; ftrl is a method of weights only, and vectors then use adagrad. */
export function vectorMethod(method: ReferenceMethod): ReferenceMethod {
  return method === "ftrl" ? "adagrad" : method;
}

/** Parameters with their optimizer state. */
export interface ReferenceParameters {
  /** f64[n]: values of the parameters */
  values: Float64Array;
  /** f64[n] each: the method's state (accumulator n, z of FTRL, moments m and s), and the number of steps t */
  state: Record<"n" | "z" | "m" | "s" | "t", Float64Array>;
}

/** Returns parameters before their first step: AdaGrad's accumulator is 1, all other state is 0. */
export function referenceParameters(values: ArrayLike<number>, method: ReferenceMethod): ReferenceParameters {
  const zeros = () => new Float64Array(values.length);
  const n = zeros().fill(method === "adagrad" ? 1 : 0);
  return { values: Float64Array.from(values), state: { n, z: zeros(), m: zeros(), s: zeros(), t: zeros() } };
}

export interface ReferenceStep {
  method: ReferenceMethod;
  learningRate: number;
  /** L1 penalty of ftrl, which its formula contains once per parameter */
  l1: number;
  l2: number;
  /** function for 1 / sqrt(n); kernelInverseSqrt imitates the kernel's; absent: exact */
  inverseSqrt?: (n: number) => number;
}

/** Updates parameter k by one step. @param gradient dLoss/dp of a row */
export function referenceStep(
  p: ReferenceParameters,
  k: number,
  gradient: number,
  options: ReferenceStep,
): void {
  const { method, learningRate: lr, l2 } = options;
  // a learning rate of 0 freezes the parameter
  if (lr === 0) return;
  const { values, state } = p;
  if (method === "ftrl") {
    state.z[k]! += ftrlGrowth(values[k]!, state.n[k]!, gradient, lr);
    state.n[k]! += gradient * gradient;
    values[k] = ftrlWeight(state.z[k]!, state.n[k]!, options);
    return;
  }
  const grad = gradient + l2 * values[k]!;
  if (method === "sgd") {
    values[k]! -= lr * grad;
  } else if (method === "adagrad") {
    state.n[k]! += grad * grad;
    values[k]! -= lr * grad * (options.inverseSqrt ?? exactInverseSqrt)(state.n[k]!);
  } else {
    const t = ++state.t[k]!;
    state.m[k] = 0.9 * state.m[k]! + 0.1 * grad;
    state.s[k] = 0.999 * state.s[k]! + 0.001 * grad * grad;
    const root = Math.sqrt(state.s[k] / (1 - 0.999 ** t));
    values[k]! -= (lr * (state.m[k] / (1 - 0.9 ** t))) / (root + 1e-8);
  }
}
