// The tiles that most of the time goes to: one-hot rows, vectors of one quad with AdaGrad's state, and two blocks of which the
// second has four fields. A feature of A meets the four of B in straight-line code, as the compiler leaves loops as they are;
// what is computed, and in which order, is that of tile.ts.

import { AdaGrad, step } from "../../shared/assembly/steps";
import { addTo, sum4 } from "../../shared/assembly/vector";
import { blockAt } from "./pairs";
import { FfmPlan, FfmThread, Tile } from "./plan";
import { stepRepeats, sumsOfMarked } from "./tile";

/** Bytes of a quad with its state. */
const QUAD: usize = 32;

/** Whether the functions below may take the tile. */
export function hasFour(plan: FfmPlan, thread: FfmThread, tile: Tile): bool {
  const isQuad = plan.numQuads == 1 && plan.quadBytes == <u32>QUAD;
  return isQuad && !thread.general && tile.blockA != tile.blockB && tile.toB - tile.fromB == 4;
}

/** As forwardTile. */
export function forwardFour(plan: FfmPlan, thread: FfmThread, tile: Tile, partial: usize): void {
  const forA = blockAt(plan, tile.blockA);
  const forB = blockAt(plan, tile.blockB);
  const scale = thread.unit * thread.unit;
  const bytes = (<usize>thread.width) << 2;
  let row = thread.offsets;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const toB = row + ((<usize>tile.fromB) << 2);
    let q0 = forA + <usize>load<u32>(toB);
    let q1 = forA + <usize>load<u32>(toB, 4);
    let q2 = forA + <usize>load<u32>(toB, 8);
    let q3 = forA + <usize>load<u32>(toB, 12);
    let sum = f32x4.splat(0);
    const toA = row + ((<usize>tile.toA) << 2);
    for (let i = row + ((<usize>tile.fromA) << 2); i < toA; i += 4) {
      const p = forB + <usize>load<u32>(i);
      sum = f32x4.add(sum, f32x4.mul(v128.load(p), v128.load(q0)));
      sum = f32x4.add(sum, f32x4.mul(v128.load(p, QUAD), v128.load(q1)));
      sum = f32x4.add(sum, f32x4.mul(v128.load(p, 2 * QUAD), v128.load(q2)));
      sum = f32x4.add(sum, f32x4.mul(v128.load(p, 3 * QUAD), v128.load(q3)));
      q0 += QUAD;
      q1 += QUAD;
      q2 += QUAD;
      q3 += QUAD;
    }
    const score = sum4(sum) * scale;
    store<f32>(partial + (r << 2), tile.opensGroup ? score : load<f32>(partial + (r << 2)) + score);
  }
}

/** As updateTile, by AdaGrad at one rate for all. */
export function updateFour(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  const forA = blockAt(plan, tile.blockA);
  const forB = blockAt(plan, tile.blockB);
  const lr = f32x4.splat(plan.vectorRate);
  const l2 = f32x4.splat(plan.l2Vector);
  const unit = f32x4.splat(thread.unit);
  const bytes = (<usize>thread.width) << 2;
  const toId = thread.ids - thread.offsets;
  let row = thread.offsets;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const toB = row + ((<usize>tile.fromB) << 2);
    let q0 = forA + <usize>load<u32>(toB);
    let q1 = forA + <usize>load<u32>(toB, 4);
    let q2 = forA + <usize>load<u32>(toB, 8);
    let q3 = forA + <usize>load<u32>(toB, 12);
    const s0 = sumsOfMarked(plan, thread, load<u32>(toB + toId));
    const s1 = sumsOfMarked(plan, thread, load<u32>(toB + toId, 4));
    const s2 = sumsOfMarked(plan, thread, load<u32>(toB + toId, 8));
    const s3 = sumsOfMarked(plan, thread, load<u32>(toB + toId, 12));
    const g = f32x4.mul(v128.load32_splat(thread.gradients + (r << 2)), unit);
    const toA = row + ((<usize>tile.toA) << 2);
    let a: usize = 0; // where the sums for the field of i lie
    for (let i = row + ((<usize>tile.fromA) << 2); i < toA; i += 4, a += 16) {
      const p = forB + <usize>load<u32>(i);
      const sums = sumsOfMarked(plan, thread, load<u32>(i + toId));
      Pair.move(p, q0, sums, s0, 0, a, g, lr, l2);
      Pair.move(p + QUAD, q1, sums, s1, 16, a, g, lr, l2);
      Pair.move(p + 2 * QUAD, q2, sums, s2, 32, a, g, lr, l2);
      Pair.move(p + 3 * QUAD, q3, sums, s3, 48, a, g, lr, l2);
      q0 += QUAD;
      q1 += QUAD;
      q2 += QUAD;
      q3 += QUAD;
    }
  }
  stepRepeats<AdaGrad>(plan, thread, tile);
}

/** A class only because decorators are for methods. */
class Pair {
  /** Both move from where they stand, or their gradients are added to the sums of a marked feature. */
  @inline
  static move(
    p: usize,
    q: usize,
    sumsP: usize,
    sumsQ: usize,
    b: usize,
    a: usize,
    gradient: v128,
    lr: v128,
    l2: v128,
  ): void {
    const v = v128.load(p);
    const u = v128.load(q);
    const gradP = f32x4.add(f32x4.mul(gradient, u), f32x4.mul(l2, v));
    const gradQ = f32x4.add(f32x4.mul(gradient, v), f32x4.mul(l2, u));
    if (sumsP) addTo(sumsP + b, gradP);
    else step<AdaGrad, v128>(p, 16, v, gradP, lr);
    if (sumsQ) addTo(sumsQ + a, gradQ);
    else step<AdaGrad, v128>(q, 16, u, gradQ, lr);
  }
}
