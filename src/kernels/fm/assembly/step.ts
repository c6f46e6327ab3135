// One step of four parameters on their gradient, by method. State lies behind the parameters, `apart` bytes from one to the next.
//
//   SGD       p <- p - lr grad
//   AdaGrad   n <- n + grad^2;  p <- p - lr grad / sqrt(n)                                     Duchi et al. 2011
//   Adam      m <- b1 m + (1 - b1) grad;  s <- b2 s + (1 - b2) grad^2                          Kingma and Ba 2015
//             p <- p - lr m / (1 - b1^t) / (sqrt(s / (1 - b2^t)) + 1e-8)
//
// Adam counts t a feature: parameters that no row holds stay as they are, and so do their moments. Twin: ../../shared/reference-step.ts.
//
// A method is a type, so that the compiler folds what depends on it: its size says which, and a signed one has the L2 and
// the rate of each feature in Plan.rates.

import { inverseSqrt4 } from "../../shared/assembly/vector";
import { Plan } from "./plan";

export type Sgd = u8;
export type AdaGrad = u32;
export type Adam = u64;
export type RatedSgd = i8;
export type RatedAdaGrad = i32;
export type RatedAdam = i64;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
/** 1 - beta, rounded once */
const REST1: f32 = 0.1;
const REST2: f32 = 0.001;

/** Moves the four parameters at p. */
export function step4<M>(p: usize, apart: usize, v: v128, grad: v128, lr: v128): void {
  if (sizeof<M>() == 1) {
    v128.store(p, f32x4.sub(v, f32x4.mul(lr, grad)));
  } else if (sizeof<M>() == 4) {
    const n = f32x4.add(v128.load(p + apart), f32x4.mul(grad, grad));
    v128.store(p + apart, n);
    v128.store(p, f32x4.sub(v, f32x4.mul(f32x4.mul(lr, grad), inverseSqrt4(n))));
  } else {
    const m = mix4(v128.load(p + apart), grad, BETA1, REST1);
    const s = mix4(v128.load(p + 2 * apart), f32x4.mul(grad, grad), BETA2, REST2);
    // 1 - b^t follows its own recurrence, which loses no digits to a subtraction
    const c1 = BETA1 * load<f32>(p + 3 * apart) + REST1;
    const c2 = BETA2 * load<f32>(p + 3 * apart, 4) + REST2;
    v128.store(p + apart, m);
    v128.store(p + 2 * apart, s);
    store<f32>(p + 3 * apart, c1);
    store<f32>(p + 3 * apart, c2, 4);
    const root = f32x4.sqrt(f32x4.div(s, f32x4.splat(c2)));
    const mean = f32x4.div(m, f32x4.splat(c1));
    v128.store(p, f32x4.sub(v, f32x4.div(f32x4.mul(lr, mean), f32x4.add(root, f32x4.splat(1e-8)))));
  }
}

function mix4(old: v128, next: v128, share: f32, rest: f32): v128 {
  return f32x4.add(f32x4.mul(f32x4.splat(share), old), f32x4.mul(f32x4.splat(rest), next));
}

/** Where a feature's own rates lie: l2 of w, l2 of v, and what its learning rate is multiplied by. */
export function ratesOf(plan: Plan, feature: u32): usize {
  return plan.rates + ((<usize>feature) << 4);
}
