// Functions for the most frequent kind of tile: one-hot rows, vectors of one quad, and blocks of four fields. The loops
// over a feature of A and the four of B are written out, because the compiler does not unroll them. The results are
// those of tile.ts and ada-grad.ts, except for the order of sums.
//
// The step of a vector is v <- keep v - c u, with keep = 1 - lr l2 and c = lr g. For a marked feature, the same formula
// updates its sums, with keep = 1 and c = -g, so that no branch is needed.

import { AdaGrad } from "../../shared/assembly/steps";
import { sum4 } from "../../shared/assembly/vector";
import { accumulatorAt, accumulatorStride } from "../../fm/assembly/plan";
import { growFour, shareOfSquare, stepRepeats } from "./ada-grad";
import { placeOf, squaresAt, strideAt, vectorsAt } from "./pairs";
import { FfmPlan, FfmThread, Tile } from "./plan";

/** Bytes of four f32. */
const QUAD: usize = 16;

/** Returns whether the functions of this file can process the tile. */
export function hasFour(plan: FfmPlan, thread: FfmThread, tile: Tile): bool {
  const isQuad = plan.numQuads == 1 && plan.quadBytes == <u32>QUAD;
  return isQuad && !thread.general && tile.toB - tile.fromB == 4;
}

/** forwardTile for a tile of two blocks of fields. */
export function forwardFour<S>(plan: FfmPlan, thread: FfmThread, tile: Tile, partial: usize): void {
  const placeA = placeOf(plan, tile.blockA, tile.blockB);
  const placeB = placeOf(plan, tile.blockB, tile.blockA);
  const forB = vectorsAt(plan, placeA);
  const forA = vectorsAt(plan, placeB);
  const strideA = strideAt(plan, placeA);
  const strideB = strideAt(plan, placeB);
  const squaresA = squaresAt(thread, tile.blockB) - thread.ids;
  const squaresB = squaresAt(thread, tile.blockA) - thread.ids;
  const scale = thread.unit * thread.unit;
  const bytes = (<usize>thread.width) << 2;
  const scratch = thread.scratch;
  let row = thread.ids;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const A = row + ((<usize>tile.fromA) << 2);
    const B = row + ((<usize>tile.fromB) << 2);
    let q0 = forA + <usize>load<u32>(B) * strideB;
    let q1 = forA + <usize>load<u32>(B, 4) * strideB;
    let q2 = forA + <usize>load<u32>(B, 8) * strideB;
    let q3 = forA + <usize>load<u32>(B, 12) * strideB;
    let sum = f32x4.splat(0);
    let s0 = sum;
    let s1 = sum;
    let s2 = sum;
    let s3 = sum;
    for (let i: usize = 0; i < 16; i += 4) {
      const p = forB + <usize>load<u32>(A + i) * strideA;
      const v0 = v128.load(p);
      const v1 = v128.load(p, QUAD);
      const v2 = v128.load(p, 2 * QUAD);
      const v3 = v128.load(p, 3 * QUAD);
      const u0 = v128.load(q0);
      const u1 = v128.load(q1);
      const u2 = v128.load(q2);
      const u3 = v128.load(q3);
      const sum01 = f32x4.add(f32x4.mul(v0, u0), f32x4.mul(v1, u1));
      const sum23 = f32x4.add(f32x4.mul(v2, u2), f32x4.mul(v3, u3));
      sum = f32x4.add(sum, f32x4.add(sum01, sum23));
      if (sizeof<S>() == 4) {
        s0 = f32x4.add(s0, f32x4.mul(v0, v0));
        s1 = f32x4.add(s1, f32x4.mul(v1, v1));
        s2 = f32x4.add(s2, f32x4.mul(v2, v2));
        s3 = f32x4.add(s3, f32x4.mul(v3, v3));
        const u01 = f32x4.add(f32x4.mul(u0, u0), f32x4.mul(u1, u1));
        const u23 = f32x4.add(f32x4.mul(u2, u2), f32x4.mul(u3, u3));
        v128.store(scratch + (i << 2), f32x4.add(u01, u23));
      }
      q0 += QUAD;
      q1 += QUAD;
      q2 += QUAD;
      q3 += QUAD;
    }
    const score = sum4(sum) * scale;
    store<f32>(partial + (r << 2), tile.opensGroup ? score : load<f32>(partial + (r << 2)) + score);
    if (sizeof<S>() == 4) {
      v128.store(B + squaresB, fourSums(s0, s1, s2, s3));
      s0 = v128.load(scratch);
      s1 = v128.load(scratch, 16);
      s2 = v128.load(scratch, 32);
      s3 = v128.load(scratch, 48);
      v128.store(A + squaresA, fourSums(s0, s1, s2, s3));
    }
  }
}

/** Returns four sums, each over the elements of one vector. */
function fourSums(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

/** updateTile for a tile of two blocks of fields, by AdaGrad with one learning rate for all features. */
export function updateFour(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  const placeA = placeOf(plan, tile.blockA, tile.blockB);
  const placeB = placeOf(plan, tile.blockB, tile.blockA);
  const forB = vectorsAt(plan, placeA);
  const forA = vectorsAt(plan, placeB);
  const strideA = strideAt(plan, placeA);
  const strideB = strideAt(plan, placeB);
  const toSquareA = squaresAt(thread, tile.blockB) - thread.ids;
  const toSquareB = squaresAt(thread, tile.blockA) - thread.ids;
  const toSums = thread.sumsOfPairs - thread.ids;
  const nA = accumulatorAt(plan, placeA);
  const nB = accumulatorAt(plan, placeB);
  const toNextA = accumulatorStride(plan, placeA);
  const toNextB = accumulatorStride(plan, placeB);
  const shareA = f32x4.splat(shareOfSquare(plan, tile.blockA));
  const shareB = f32x4.splat(shareOfSquare(plan, tile.blockB));
  const lr = f32x4.splat(plan.vectorRate);
  const l2 = f32x4.splat(plan.l2Vector);
  const one = f32x4.splat(1);
  const unit = f32x4.splat(thread.unit);
  const bytes = (<usize>thread.width) << 2;
  let row = thread.ids;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const A = row + ((<usize>tile.fromA) << 2);
    const B = row + ((<usize>tile.fromB) << 2);
    const g = f32x4.mul(v128.load32_splat(thread.gradients + (r << 2)), unit);
    let q0 = forA + <usize>load<u32>(B) * strideB;
    let q1 = forA + <usize>load<u32>(B, 4) * strideB;
    let q2 = forA + <usize>load<u32>(B, 8) * strideB;
    let q3 = forA + <usize>load<u32>(B, 12) * strideB;
    let t0 = targetOf(q0, B + toSums);
    let t1 = targetOf(q1, B + toSums + 4);
    let t2 = targetOf(q2, B + toSums + 8);
    let t3 = targetOf(q3, B + toSums + 12);
    const gg = f32x4.mul(g, g);
    const rate = growFour(nB, toNextB, B, B + toSquareB, f32x4.mul(gg, shareA), lr);
    const keep = f32x4.sub(one, f32x4.mul(rate, l2));
    const c = stepsOf(rate, g, B);
    const keep0 = v128.shuffle<f32>(keep, keep, 0, 0, 0, 0);
    const keep1 = v128.shuffle<f32>(keep, keep, 1, 1, 1, 1);
    const keep2 = v128.shuffle<f32>(keep, keep, 2, 2, 2, 2);
    const keep3 = v128.shuffle<f32>(keep, keep, 3, 3, 3, 3);
    const c0 = v128.shuffle<f32>(c, c, 0, 0, 0, 0);
    const c1 = v128.shuffle<f32>(c, c, 1, 1, 1, 1);
    const c2 = v128.shuffle<f32>(c, c, 2, 2, 2, 2);
    const c3 = v128.shuffle<f32>(c, c, 3, 3, 3, 3);
    const rateA = growFour(nA, toNextA, A, A + toSquareA, f32x4.mul(gg, shareB), lr);
    v128.store(thread.scratch, f32x4.sub(one, f32x4.mul(rateA, l2)));
    v128.store(thread.scratch, stepsOf(rateA, g, A), 16);
    for (let i: usize = 0; i < 16; i += 4) {
      const p = forB + <usize>load<u32>(A + i) * strideA;
      const t = targetOf(p, A + toSums + i);
      const keepA = v128.load32_splat(thread.scratch + i);
      const cA = v128.load32_splat(thread.scratch + i, 16);
      Pair.move(p, q0, t, t0, keepA, cA, keep0, c0);
      Pair.move(p + QUAD, q1, t + QUAD, t1, keepA, cA, keep1, c1);
      Pair.move(p + 2 * QUAD, q2, t + 2 * QUAD, t2, keepA, cA, keep2, c2);
      Pair.move(p + 3 * QUAD, q3, t + 3 * QUAD, t3, keepA, cA, keep3, c3);
      q0 += QUAD;
      q1 += QUAD;
      q2 += QUAD;
      q3 += QUAD;
      t0 += QUAD;
      t1 += QUAD;
      t2 += QUAD;
      t3 += QUAD;
    }
  }
  stepRepeats<u32, AdaGrad>(plan, thread, tile);
}

/** updateFour for the six pairs of fields within one block. */
export function updateWithin(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  const place = placeOf(plan, tile.blockA, tile.blockA);
  const first = vectorsAt(plan, place);
  const stride = strideAt(plan, place);
  const toSquare = squaresAt(thread, tile.blockA) - thread.ids;
  const toSums = thread.sumsOfPairs - thread.ids;
  const N = accumulatorAt(plan, place);
  const toNext = accumulatorStride(plan, place);
  const share = f32x4.splat(shareOfSquare(plan, tile.blockA));
  const lr = f32x4.splat(plan.vectorRate);
  const l2 = f32x4.splat(plan.l2Vector);
  const unit = f32x4.splat(thread.unit);
  const bytes = (<usize>thread.width) << 2;
  let row = thread.ids;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const A = row + ((<usize>tile.fromA) << 2);
    const g = f32x4.mul(v128.load32_splat(thread.gradients + (r << 2)), unit);
    const p0 = first + <usize>load<u32>(A) * stride;
    const p1 = first + <usize>load<u32>(A, 4) * stride;
    const p2 = first + <usize>load<u32>(A, 8) * stride;
    const p3 = first + <usize>load<u32>(A, 12) * stride;
    const t0 = targetOf(p0, A + toSums);
    const t1 = targetOf(p1, A + toSums + 4);
    const t2 = targetOf(p2, A + toSums + 8);
    const t3 = targetOf(p3, A + toSums + 12);
    const rate = growFour(N, toNext, A, A + toSquare, f32x4.mul(f32x4.mul(g, g), share), lr);
    const keep = f32x4.sub(f32x4.splat(1), f32x4.mul(rate, l2));
    const c = stepsOf(rate, g, A);
    const keep0 = v128.shuffle<f32>(keep, keep, 0, 0, 0, 0);
    const keep1 = v128.shuffle<f32>(keep, keep, 1, 1, 1, 1);
    const keep2 = v128.shuffle<f32>(keep, keep, 2, 2, 2, 2);
    const keep3 = v128.shuffle<f32>(keep, keep, 3, 3, 3, 3);
    const c0 = v128.shuffle<f32>(c, c, 0, 0, 0, 0);
    const c1 = v128.shuffle<f32>(c, c, 1, 1, 1, 1);
    const c2 = v128.shuffle<f32>(c, c, 2, 2, 2, 2);
    const c3 = v128.shuffle<f32>(c, c, 3, 3, 3, 3);
    Pair.move(p0 + QUAD, p1, t0 + QUAD, t1, keep0, c0, keep1, c1);
    Pair.move(p0 + 2 * QUAD, p2, t0 + 2 * QUAD, t2, keep0, c0, keep2, c2);
    Pair.move(p0 + 3 * QUAD, p3, t0 + 3 * QUAD, t3, keep0, c0, keep3, c3);
    Pair.move(p1 + 2 * QUAD, p2 + QUAD, t1 + 2 * QUAD, t2 + QUAD, keep1, c1, keep2, c2);
    Pair.move(p1 + 3 * QUAD, p3 + QUAD, t1 + 3 * QUAD, t3 + QUAD, keep1, c1, keep3, c3);
    Pair.move(p2 + 3 * QUAD, p3 + 2 * QUAD, t2 + 3 * QUAD, t3 + 2 * QUAD, keep2, c2, keep3, c3);
  }
  stepRepeats<u32, AdaGrad>(plan, thread, tile);
}

/** forwardFour for the six pairs of fields within one block. */
export function forwardWithin<S>(plan: FfmPlan, thread: FfmThread, tile: Tile, partial: usize): void {
  const place = placeOf(plan, tile.blockA, tile.blockA);
  const first = vectorsAt(plan, place);
  const stride = strideAt(plan, place);
  const toSquare = squaresAt(thread, tile.blockA) - thread.ids;
  const scale = thread.unit * thread.unit;
  const bytes = (<usize>thread.width) << 2;
  let row = thread.ids;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const A = row + ((<usize>tile.fromA) << 2);
    const p0 = first + <usize>load<u32>(A) * stride;
    const p1 = first + <usize>load<u32>(A, 4) * stride;
    const p2 = first + <usize>load<u32>(A, 8) * stride;
    const p3 = first + <usize>load<u32>(A, 12) * stride;
    const v01 = v128.load(p0, QUAD);
    const v02 = v128.load(p0, 2 * QUAD);
    const v03 = v128.load(p0, 3 * QUAD);
    const v10 = v128.load(p1);
    const v12 = v128.load(p1, 2 * QUAD);
    const v13 = v128.load(p1, 3 * QUAD);
    const v20 = v128.load(p2);
    const v21 = v128.load(p2, QUAD);
    const v23 = v128.load(p2, 3 * QUAD);
    const v30 = v128.load(p3);
    const v31 = v128.load(p3, QUAD);
    const v32 = v128.load(p3, 2 * QUAD);
    const sum0 = f32x4.add(f32x4.add(f32x4.mul(v01, v10), f32x4.mul(v02, v20)), f32x4.mul(v03, v30));
    const sum1 = f32x4.add(f32x4.add(f32x4.mul(v12, v21), f32x4.mul(v13, v31)), f32x4.mul(v23, v32));
    const score = sum4(f32x4.add(sum0, sum1)) * scale;
    store<f32>(partial + (r << 2), tile.opensGroup ? score : load<f32>(partial + (r << 2)) + score);
    if (sizeof<S>() == 4) {
      v128.store(
        A + toSquare,
        fourSums(
          threeSquares(v10, v20, v30),
          threeSquares(v01, v21, v31),
          threeSquares(v02, v12, v32),
          threeSquares(v03, v13, v23),
        ),
      );
    }
  }
}

function threeSquares(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.add(f32x4.mul(a, a), f32x4.mul(b, b)), f32x4.mul(c, c));
}

/** Returns the address of the numbers that a step changes: the vector, or the sums of a marked feature. */
function targetOf(vector: usize, sums: usize): usize {
  const marked = <usize>load<u32>(sums);
  return marked ? marked : vector;
}

/** Returns c of four features. */
function stepsOf(rate: v128, g: v128, ids: usize): v128 {
  return f32x4.sub(f32x4.mul(rate, g), v128.and(i32x4.shr_s(v128.load(ids), 31), g));
}

// a static method, because TypeScript allows decorators, such as AssemblyScript's `@inline`, only in classes
class Pair {
  /** Takes one step of both vectors of a pair, at p and q, each from the old value of the other; t and s: targetOf. */
  @inline
  static move(p: usize, q: usize, t: usize, s: usize, keepP: v128, cP: v128, keepQ: v128, cQ: v128): void {
    const v = v128.load(p);
    const u = v128.load(q);
    const left = f32x4.sub(f32x4.mul(keepP, v128.load(t)), f32x4.mul(cP, u));
    const right = f32x4.sub(f32x4.mul(keepQ, v128.load(s)), f32x4.mul(cQ, v));
    v128.store(t, left);
    v128.store(s, right);
  }
}
