// One step of a parameter on its gradient, by method. T is f32 for one parameter and v128 for four.
//
//   SGD       p <- p - lr grad
//   AdaGrad   n <- n + grad^2;  p <- p - lr grad / sqrt(n)                                     Duchi et al. 2011
//   Adam      m <- b1 m + (1 - b1) grad;  s <- b2 s + (1 - b2) grad^2                          Kingma and Ba 2015
//             p <- p - lr m / (1 - b1^t) / (sqrt(s / (1 - b2^t)) + 1e-8)
//   FTRL      z, n;  p <- argmin z p + l1 |p| + 0.5 ((1 + sqrt(n)) / lr + l2) p^2              McMahan et al. 2013
//
// The first functions return the new value and leave loading and storing to the caller. `step`, `adam4` and `stepFtrl`
// also read and write the method's state. Twin: ../step.reference.ts.

import { inverseSqrt4 } from "./vector";

// arithmetic on T, so that a formula is written once for both; each function compiles to one instruction

function add<T>(x: T, y: T): T {
  if (isVector<T>()) return f32x4.add(x, y);
  else return x + y;
}

function sub<T>(x: T, y: T): T {
  if (isVector<T>()) return f32x4.sub(x, y);
  else return x - y;
}

function mul<T>(x: T, y: T): T {
  if (isVector<T>()) return f32x4.mul(x, y);
  else return x * y;
}

function div<T>(x: T, y: T): T {
  if (isVector<T>()) return f32x4.div(x, y);
  else return x / y;
}

function root<T>(x: T): T {
  if (isVector<T>()) return f32x4.sqrt(x);
  else return sqrt<T>(x);
}

function splat<T>(x: f32): T {
  if (isVector<T>()) return f32x4.splat(x);
  else return x;
}

/**
 * Types that represent the optimizers, so that the compiler removes branches. The size of the type identifies the
 * optimizer. Signed types of the same sizes are free for a kernel's own variants of the optimizers.
 */
export type Sgd = u8;
export type AdaGrad = u32;
export type Adam = u64;

const BETA1: f32 = 0.9;
const BETA2: f32 = 0.999;
/** 1 - beta1 and 1 - beta2, rounded to f32 once */
const REST1: f32 = 0.1;
const REST2: f32 = 0.001;
const EPSILON: f32 = 1e-8;

export function sgd<T>(p: T, grad: T, lr: T): T {
  return sub<T>(p, mul<T>(lr, grad));
}

/** @param n AdaGrad's accumulator, including the square of this gradient */
export function adaGrad<T>(p: T, grad: T, lr: T, n: T): T {
  return sub<T>(p, div<T>(mul<T>(lr, grad), root<T>(n)));
}

/** AdaGrad with an approximate root: the step has a relative error up to 7e-4, and takes a third of the time. */
export function quickAdaGrad<T>(p: T, grad: T, lr: T, n: T): T {
  return sub<T>(p, mul<T>(mul<T>(lr, grad), inverseSqrt<T>(n)));
}

function inverseSqrt<T>(x: T): T {
  if (isVector<T>()) return inverseSqrt4(x);
  else return f32x4.extract_lane(inverseSqrt4(f32x4.splat(x)), 0);
}

/** Returns AdaGrad's accumulator n after a step. */
export function addSquare<T>(n: T, grad: T): T {
  return add<T>(n, mul<T>(grad, grad));
}

function firstMoment<T>(m: T, grad: T): T {
  return add<T>(mul<T>(splat<T>(BETA1), m), mul<T>(splat<T>(REST1), grad));
}

function secondMoment<T>(s: T, grad: T): T {
  return add<T>(mul<T>(splat<T>(BETA2), s), mul<T>(splat<T>(REST2), mul<T>(grad, grad)));
}

/**
 * Updates the parameter at p, whose value v the caller has loaded. Its state follows at p + apart, p + 2 apart, ...: n
 * for AdaGrad; m, s and two f32, 1 - b1^t and 1 - b2^t, for Adam.
 *
 * Adam's t is the number of steps of the individual parameter: a parameter without a gradient in this batch is not
 * updated, and neither are its moments.
 */
export function step<M, T>(p: usize, apart: usize, v: T, grad: T, lr: T): void {
  if (sizeof<M>() == 1) {
    store<T>(p, sgd<T>(v, grad, lr));
  } else if (sizeof<M>() == 4) {
    const n = addSquare<T>(load<T>(p + apart), grad);
    store<T>(p + apart, n);
    store<T>(p, quickAdaGrad<T>(v, grad, lr, n));
  } else {
    const m = firstMoment<T>(load<T>(p + apart), grad);
    const s = secondMoment<T>(load<T>(p + 2 * apart), grad);
    const c1 = nextCorrection1(load<f32>(p + 3 * apart));
    const c2 = nextCorrection2(load<f32>(p + 3 * apart, 4));
    store<T>(p + apart, m);
    store<T>(p + 2 * apart, s);
    store<f32>(p + 3 * apart, c1);
    store<f32>(p + 3 * apart, c2, 4);
    const length = add<T>(root<T>(div<T>(s, splat<T>(c2))), splat<T>(EPSILON));
    const mean = div<T>(m, splat<T>(c1));
    store<T>(p, sub<T>(v, div<T>(mul<T>(lr, mean), length)));
  }
}

/**
 * Updates four parameters by Adam, if all parameters have taken the same number of steps. Multiplications by the
 * reciprocals of the common corrections replace two divisions.
 *
 * @param m,s   addresses of the moments
 * @param c1,c2 firstCorrection and secondCorrection for the number of the step
 */
export function adam4(p: usize, m: usize, s: usize, grad: v128, lr: f32, c1: f32, c2: f32): void {
  adamBy(p, m, s, grad, f32x4.splat(lr / c1), f32x4.splat(1 / c2));
}

/** adam4 with quotients that the caller computes once for many parameters. @param rate lr / c1 @param inverse 1 / c2 */
export function adamBy(p: usize, m: usize, s: usize, grad: v128, rate: v128, inverse: v128): void {
  const first = firstMoment<v128>(v128.load(m), grad);
  const second = secondMoment<v128>(v128.load(s), grad);
  v128.store(m, first);
  v128.store(s, second);
  const length = f32x4.add(f32x4.sqrt(f32x4.mul(second, inverse)), f32x4.splat(EPSILON));
  v128.store(p, f32x4.sub(v128.load(p), f32x4.div(f32x4.mul(first, rate), length)));
}

/**
 * Updates a slice of eight numbers of a vector by Adam; each slice has its own number of steps.
 *
 * @param moments address of the vector's Adam state: m and s of `bytes` bytes each, then 1 - b1^t and 1 - b2^t of each
 *   slice
 * @param d       byte offset of the slice in the vector
 */
export function stepSliceAdam(
  vector: usize,
  moments: usize,
  bytes: usize,
  d: usize,
  g0: v128,
  g1: v128,
  lr: f32,
): void {
  const m = moments + d;
  const s = m + bytes;
  const counters = moments + 2 * bytes + (d >>> 2);
  const c1 = nextCorrection1(load<f32>(counters));
  const c2 = nextCorrection2(load<f32>(counters, 4));
  store<f32>(counters, c1);
  store<f32>(counters, c2, 4);
  adam4(vector + d, m, s, g0, lr, c1, c2);
  adam4(vector + d + 16, m + 16, s + 16, g1, lr, c1, c2);
}

/** Returns 1 - b1^t, given 1 - b1^(t-1); the recurrence of this difference avoids cancellation. */
export function nextCorrection1(c1: f32): f32 {
  return BETA1 * c1 + REST1;
}

/** Returns 1 - b2^t, given 1 - b2^(t-1). */
export function nextCorrection2(c2: f32): f32 {
  return BETA2 * c2 + REST2;
}

export function firstCorrection(t: u32): f32 {
  return correction(0.9, t);
}

export function secondCorrection(t: u32): f32 {
  return correction(0.999, t);
}

/** Returns 1 - base^t by repeated squaring. @param t number of the step, from 1 */
function correction(base: f64, t: u32): f32 {
  let power: f64 = 1;
  for (; t; t >>>= 1, base *= base) if (t & 1) power *= base;
  return <f32>(1 - power);
}

/**
 * Updates a weight by FTRL-proximal with beta = 1. At address p are three f32: weight, n, z. A learning rate of 0
 * freezes the weight.
 */
export function stepFtrl(p: usize, grad: f32, lr: f32, l1: f32, l2: f32): void {
  if (lr == 0) return;
  const n = load<f32>(p, 4);
  const root = sqrt<f32>(n + grad * grad);
  const z = load<f32>(p, 8) + grad - ((root - sqrt<f32>(n)) / lr) * load<f32>(p);
  store<f32>(p, n + grad * grad, 4);
  store<f32>(p, z, 8);
  const w: f32 = abs<f32>(z) <= l1 ? 0 : (copysign<f32>(l1, z) - z) / ((1 + root) / lr + l2);
  store<f32>(p, w);
}
