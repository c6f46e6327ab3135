// Weighted ridge regression of eight targets at a time on sparse rows, by conjugate gradients in double precision.
//
//   n, p     rows, columns                              w_i   weight of row i
//   x_i      f64[p], sparse; columns lie in blocks      v_i   f64[8], targets
//   z_if     x_if - c_f if row i has block f, else 0    c_f   weighted mean of x_if over the rows that have block f
//
//   B = argmin sum_i w_i |v_i - m - B' z_i|^2 + lambda |B|^2          (Z' W Z + lambda) B = Z' W (V - m)
//
// Z is dense, X is sparse: products with Z are computed as products with X minus corrections by block. The diagonal of
// the matrix is the preconditioner. Eight targets are one cache line, so each pair of a row reads one cache line of B.
// Each target is solved independently, and the caller distributes panels of targets among threads: results do not
// depend on the number of threads.
//
// Sources: Hoerl and Kennard 1970 (doi:10.1080/00401706.1970.10488634); Saad, Iterative Methods for Sparse Linear
// Systems, algorithm 9.1. Twin: ../ridge.reference.ts.

import { RidgeFit, Fold, Plan, Scratch } from "./plan";

const NO_BLOCK: u32 = 0xffffffff;
const LINE: usize = 64;

function isFitted(plan: Plan, fold: Fold, row: u32): bool {
  const part = <u32>load<u8>(plan.parts + row);
  return part != fold.fold && part <= fold.last;
}

function pairsBefore(plan: Plan, row: u32): usize {
  return load<u32>(plan.indptr + ((<usize>row) << 2));
}

function columnOf(plan: Plan, pair: usize): u32 {
  return load<u32>(plan.columns + (pair << 2));
}

function blockOf(plan: Plan, column: u32): u32 {
  return load<u32>(plan.blockOf + ((<usize>column) << 2));
}

function number(from: usize, index: u32): f64 {
  return load<f64>(from + ((<usize>index) << 3));
}

function addNumber(to: usize, index: u32, by: f64): void {
  const at = to + ((<usize>index) << 3);
  store<f64>(at, load<f64>(at) + by);
}

/**
 * Writes the column means c and the diagonal of the normal equations' matrix Z' W Z, over the fold's rows; both arrays
 * must be zero before.
 */
export function prepareFold(plan: Plan, fold: Fold): void {
  for (let row: u32 = 0; row < plan.numRows; row++) {
    if (!isFitted(plan, fold, row)) continue;
    const weight = number(plan.weights, row);
    let last = NO_BLOCK;
    for (let pair = pairsBefore(plan, row); pair < pairsBefore(plan, row + 1); pair++) {
      const column = columnOf(plan, pair);
      const x = load<f64>(plan.values + (pair << 3));
      addNumber(fold.centers, column, weight * x);
      addNumber(fold.squares, column, weight * x * x);
      const block = blockOf(plan, column);
      if (block != last) addNumber(fold.masses, block, weight);
      last = block;
    }
  }
  for (let j: u32 = 0; j < plan.numColumns; j++) {
    const at = (<usize>j) << 3;
    const mass = number(fold.masses, blockOf(plan, j));
    const center = mass > 0 ? load<f64>(fold.centers + at) / mass : 0;
    store<f64>(fold.centers + at, center);
    // rounding may make the sum of squares of a constant column negative
    store<f64>(fold.squares + at, max<f64>(0, load<f64>(fold.squares + at) - mass * center * center));
  }
}

/** Writes the weighted mean m of the targets; the array must be zero before. */
export function prepareMean(plan: Plan, fit: RidgeFit): void {
  const fold = changetype<Fold>(fit.fold);
  let all: f64 = 0;
  for (let row: u32 = 0; row < plan.numRows; row++) {
    if (!isFitted(plan, fold, row)) continue;
    const weight = number(plan.weights, row);
    all += weight;
    for (let t: u32 = 0; t < 8; t++) addNumber(fit.mean, t, weight * targetOf(fit, row, t));
  }
  for (let at = fit.mean; at < fit.mean + LINE; at += 8) store<f64>(at, load<f64>(at) / all);
}

function targetOf(fit: RidgeFit, row: u32, t: u32): f64 {
  return number(fit.targets + <usize>row * LINE, t);
}

/**
 * Multiplies a centered row by `by`, for eight targets, into `line`. `blockProducts` must contain its products with the
 * means.
 */
function predict(plan: Plan, s: Scratch, row: u32, by: usize): void {
  let s0 = f64x2.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let last = NO_BLOCK;
  const end = pairsBefore(plan, row + 1);
  for (let pair = pairsBefore(plan, row); pair < end; pair++) {
    const column = columnOf(plan, pair);
    const x = v128.load64_splat(plan.values + (pair << 3));
    const from = by + <usize>column * LINE;
    s0 = f64x2.add(s0, f64x2.mul(x, v128.load(from)));
    s1 = f64x2.add(s1, f64x2.mul(x, v128.load(from, 16)));
    s2 = f64x2.add(s2, f64x2.mul(x, v128.load(from, 32)));
    s3 = f64x2.add(s3, f64x2.mul(x, v128.load(from, 48)));
    const block = blockOf(plan, column);
    if (block == last) continue;
    last = block;
    const less = s.blockProducts + <usize>block * LINE;
    s0 = f64x2.sub(s0, v128.load(less));
    s1 = f64x2.sub(s1, v128.load(less, 16));
    s2 = f64x2.sub(s2, v128.load(less, 32));
    s3 = f64x2.sub(s3, v128.load(less, 48));
  }
  v128.store(s.line, s0);
  v128.store(s.line, s1, 16);
  v128.store(s.line, s2, 32);
  v128.store(s.line, s3, 48);
}

/** Adds the outer product of a row and `line` to `into`, and `line` to the sums of the row's blocks. */
function add(plan: Plan, s: Scratch, row: u32, into: usize): void {
  const l0 = v128.load(s.line);
  const l1 = v128.load(s.line, 16);
  const l2 = v128.load(s.line, 32);
  const l3 = v128.load(s.line, 48);
  let last = NO_BLOCK;
  const end = pairsBefore(plan, row + 1);
  for (let pair = pairsBefore(plan, row); pair < end; pair++) {
    const column = columnOf(plan, pair);
    const x = v128.load64_splat(plan.values + (pair << 3));
    const to = into + <usize>column * LINE;
    v128.store(to, f64x2.add(v128.load(to), f64x2.mul(x, l0)));
    v128.store(to, f64x2.add(v128.load(to, 16), f64x2.mul(x, l1)), 16);
    v128.store(to, f64x2.add(v128.load(to, 32), f64x2.mul(x, l2)), 32);
    v128.store(to, f64x2.add(v128.load(to, 48), f64x2.mul(x, l3)), 48);
    const block = blockOf(plan, column);
    if (block == last) continue;
    last = block;
    const sum = s.blockSums + <usize>block * LINE;
    v128.store(sum, f64x2.add(v128.load(sum), l0));
    v128.store(sum, f64x2.add(v128.load(sum, 16), l1), 16);
    v128.store(sum, f64x2.add(v128.load(sum, 32), l2), 32);
    v128.store(sum, f64x2.add(v128.load(sum, 48), l3), 48);
  }
}

/** Writes the product of each block's means with the rows of `by`. */
function multiplyBlocks(plan: Plan, fold: Fold, s: Scratch, by: usize): void {
  memory.fill(s.blockProducts, 0, <usize>plan.numBlocks * LINE);
  for (let j: u32 = 0; j < plan.numColumns; j++) {
    const center = f64x2.splat(number(fold.centers, j));
    addScaled(s.blockProducts + <usize>blockOf(plan, j) * LINE, center, by + <usize>j * LINE);
  }
}

/** Subtracts c times the sum of its block: sums over columns x become sums over z. */
function subtractBlocks(plan: Plan, fold: Fold, s: Scratch, into: usize): void {
  for (let j: u32 = 0; j < plan.numColumns; j++) {
    const center = f64x2.splat(-number(fold.centers, j));
    addScaled(into + <usize>j * LINE, center, s.blockSums + <usize>blockOf(plan, j) * LINE);
  }
}

function addScaled(to: usize, by: v128, from: usize): void {
  for (let at: usize = 0; at < LINE; at += 16) {
    v128.store(to + at, f64x2.add(v128.load(to + at), f64x2.mul(by, v128.load(from + at))));
  }
}

/** Computes Z' W (V - m), the right-hand side of the normal equations. */
function rightSide(plan: Plan, fit: RidgeFit, s: Scratch, target: usize): void {
  const fold = changetype<Fold>(fit.fold);
  clear(plan, s, target);
  for (let row: u32 = 0; row < plan.numRows; row++) {
    if (!isFitted(plan, fold, row)) continue;
    const weight = number(plan.weights, row);
    for (let t: u32 = 0; t < 8; t++) {
      store<f64>(s.line + ((<usize>t) << 3), weight * (targetOf(fit, row, t) - number(fit.mean, t)));
    }
    add(plan, s, row, target);
  }
  subtractBlocks(plan, fold, s, target);
}

/** Multiplies `source` by Z' W Z + lambda. */
function multiply(plan: Plan, fold: Fold, s: Scratch, lambda: f64, source: usize, target: usize): void {
  clear(plan, s, target);
  multiplyBlocks(plan, fold, s, source);
  for (let row: u32 = 0; row < plan.numRows; row++) {
    if (!isFitted(plan, fold, row)) continue;
    predict(plan, s, row, source);
    const weight = f64x2.splat(number(plan.weights, row));
    for (let at = s.line; at < s.line + LINE; at += 16) v128.store(at, f64x2.mul(weight, v128.load(at)));
    add(plan, s, row, target);
  }
  subtractBlocks(plan, fold, s, target);
  const penalty = f64x2.splat(lambda);
  for (let at: usize = 0; at < <usize>plan.numColumns * LINE; at += 16) {
    v128.store(target + at, f64x2.add(v128.load(target + at), f64x2.mul(penalty, v128.load(source + at))));
  }
}

function clear(plan: Plan, s: Scratch, target: usize): void {
  memory.fill(target, 0, <usize>plan.numColumns * LINE);
  memory.fill(s.blockSums, 0, <usize>plan.numBlocks * LINE);
}

/** Writes the squared residuals in the norm of the preconditioner: sums over columns of scale times residual^2. */
function residualSquares(plan: Plan, fold: Fold, s: Scratch, lambda: f64, sums: usize): void {
  memory.fill(sums, 0, LINE);
  for (let j: u32 = 0; j < plan.numColumns; j++) {
    const scale = f64x2.splat(1 / (number(fold.squares, j) + lambda));
    const from = s.residual + <usize>j * LINE;
    for (let at: usize = 0; at < LINE; at += 16) {
      const r = v128.load(from + at);
      v128.store(sums + at, f64x2.add(v128.load(sums + at), f64x2.mul(f64x2.mul(scale, r), r)));
    }
  }
}

/** Writes the next search direction: direction = scale residual + keep direction. */
function turn(plan: Plan, fold: Fold, s: Scratch, lambda: f64, keep: usize): void {
  for (let j: u32 = 0; j < plan.numColumns; j++) {
    const scale = f64x2.splat(1 / (number(fold.squares, j) + lambda));
    const line = <usize>j * LINE;
    for (let at: usize = 0; at < LINE; at += 16) {
      const kept = f64x2.mul(v128.load(keep + at), v128.load(s.direction + line + at));
      const steepest = f64x2.mul(scale, v128.load(s.residual + line + at));
      v128.store(s.direction + line + at, f64x2.add(steepest, kept));
    }
  }
}

/**
 * Solves for the coefficients by conjugate gradients, starting from the current coefficients.
 *
 * @param lambda above 0
 * @param tolerance a target is solved when the length of its residual is at most `tolerance` times the length of its
 *   right-hand side
 * @returns number of steps
 */
export function solve(
  plan: Plan,
  fit: RidgeFit,
  s: Scratch,
  lambda: f64,
  tolerance: f64,
  maxSteps: u32,
): u32 {
  const fold = changetype<Fold>(fit.fold);
  const goal = s.numbers;
  const squares = goal + LINE;
  const length = squares + LINE;
  const next = length + LINE;
  const keep = next + LINE;
  const bytes = <usize>plan.numColumns * LINE;

  rightSide(plan, fit, s, s.residual);
  residualSquares(plan, fold, s, lambda, goal);
  for (let at = goal; at < goal + LINE; at += 8) store<f64>(at, tolerance * tolerance * load<f64>(at));
  multiply(plan, fold, s, lambda, fit.coefficients, s.product);
  for (let at: usize = 0; at < bytes; at += 16) {
    v128.store(s.residual + at, f64x2.sub(v128.load(s.residual + at), v128.load(s.product + at)));
  }
  memory.fill(s.direction, 0, bytes);
  memory.fill(keep, 0, LINE);
  turn(plan, fold, s, lambda, keep);
  residualSquares(plan, fold, s, lambda, squares);

  let step: u32 = 0;
  for (; step < maxSteps && exceeds(squares, goal); step++) {
    multiply(plan, fold, s, lambda, s.direction, s.product);
    // step length = squares / (direction' product); 0 for a solved target, so that it does not change
    memory.fill(length, 0, LINE);
    for (let at: usize = 0; at < bytes; at += 8) {
      const to = length + (at & (LINE - 1));
      store<f64>(to, load<f64>(to) + load<f64>(s.direction + at) * load<f64>(s.product + at));
    }
    for (let t: usize = 0; t < LINE; t += 8) {
      const curvature = load<f64>(length + t);
      const square = load<f64>(squares + t);
      const moves = square > load<f64>(goal + t) && curvature > 0;
      store<f64>(length + t, moves ? square / curvature : 0);
    }
    for (let at: usize = 0; at < bytes; at += 16) {
      const by = v128.load(length + (at & (LINE - 1)));
      const b = fit.coefficients + at;
      v128.store(b, f64x2.add(v128.load(b), f64x2.mul(by, v128.load(s.direction + at))));
      const r = s.residual + at;
      v128.store(r, f64x2.sub(v128.load(r), f64x2.mul(by, v128.load(s.product + at))));
    }
    residualSquares(plan, fold, s, lambda, next);
    for (let t: usize = 0; t < LINE; t += 8) {
      const square = load<f64>(squares + t);
      store<f64>(keep + t, square > 0 ? load<f64>(next + t) / square : 0);
    }
    memory.copy(squares, next, LINE);
    turn(plan, fold, s, lambda, keep);
  }
  return step;
}

function exceeds(squares: usize, goal: usize): bool {
  for (let at: usize = 0; at < LINE; at += 8) {
    if (load<f64>(squares + at) > load<f64>(goal + at)) return true;
  }
  return false;
}

/** Writes the weighted sum of squared errors of each target over the rows that the fold holds out. */
export function writeErrors(plan: Plan, fit: RidgeFit, s: Scratch): void {
  const fold = changetype<Fold>(fit.fold);
  memory.fill(fit.errors, 0, LINE);
  multiplyBlocks(plan, fold, s, fit.coefficients);
  for (let row: u32 = 0; row < plan.numRows; row++) {
    if (<u32>load<u8>(plan.parts + row) != fold.fold) continue;
    predict(plan, s, row, fit.coefficients);
    const weight = number(plan.weights, row);
    for (let t: u32 = 0; t < 8; t++) {
      const error = targetOf(fit, row, t) - number(fit.mean, t) - number(s.line, t);
      addNumber(fit.errors, t, weight * error * error);
    }
  }
}
