// FTRL-proximal for one weight, with beta = 1. The f32 version of the kernels is in compute/kernels/shared/assembly/steps.ts.
//
//   z   sum of gradients, minus the correction of each step         n   sum of squared gradients
//   w   argmin z w + l1 |w| + 0.5 ((1 + sqrt(n)) / lr + l2) w^2
//
// Source: McMahan et al. 2013 (doi:10.1145/2487575.2488200), algorithm 1.

export interface FtrlRates {
  learningRate: number;
  l1: number;
  l2: number;
}

/** Returns the weight that corresponds to FTRL's state z and n. */
export function ftrlWeight(z: number, n: number, rates: FtrlRates): number {
  const { l1 } = rates;
  return Math.abs(z) <= l1 ? 0 : -(z - Math.sign(z) * l1) / curvature(n, rates);
}

/** Returns the state z of FTRL that corresponds to a weight, given n. */
export function ftrlZ(w: number, n: number, rates: FtrlRates): number {
  return -w * curvature(n, rates) - Math.sign(w) * rates.l1;
}

/** Returns the change of z in a step with gradient g; n changes by g^2. @param n value before the step */
export function ftrlGrowth(w: number, n: number, g: number, learningRate: number): number {
  return g - ((Math.sqrt(n + g * g) - Math.sqrt(n)) / learningRate) * w;
}

function curvature(n: number, { learningRate, l2 }: FtrlRates): number {
  return (1 + Math.sqrt(n)) / learningRate + l2;
}
