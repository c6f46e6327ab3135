// What metrics are made of, from the kernels' own exp and log: Math's may differ in their last bits from one engine to the
// next, and metrics are written to files that are compared.

import { exp, log1p } from "./exp.js";

/** log(1 + e^x) without overflow or cancellation: the logistic loss of score -x for label 1, in nats. */
export function softplus(x: number): number {
  return Math.max(x, 0) + log1p(exp(-Math.abs(x)));
}

/** 1 / (1 + e^-x). */
export function logistic(x: number): number {
  const e = exp(-Math.abs(x));
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}
