// Score of the factorization machine in x_0, for networks that only score.
//
//   S_k    sum over fields of v_f,k                          of a row; v_f is the last part of the field's block in x_0
//   score  w0 + sum_f w_f + 1/2 sum_k (S_k^2 - sum_f v_f,k^2)       w0 and w only where x_0 has them (fnn)
//
// Source: Rendle 2010 (10.1109/ICDM.2010.127), eq. 1 and 3. Twin: machineScore in ../net.reference.ts.

import { addTo } from "../../shared/assembly/vector";
import { NetPlan } from "./plan";

/**
 * Returns the sum over fields of one element of their embeddings, for four rows.
 * @param at address of the element in the first field's block
 */
function sumOfFields(at: usize, end: usize, pitch: usize): v128 {
  let sum = f32x4.splat(0);
  for (; at < end; at += pitch) sum = f32x4.add(sum, v128.load(at));
  return sum;
}

/** Adds the factorization machine's score to the scores of eight rows. @param x panel of x_0 @param scores f32[8] */
export function addMachine(plan: NetPlan, x: usize, scores: usize): void {
  const pitch = (<usize>plan.width) << 5;
  for (let half: usize = 0; half < 32; half += 16) {
    const first = x + ((<usize>plan.firstInput) << 5) + half;
    const end = x + ((<usize>plan.endInput) << 5);
    let pairs = f32x4.splat(0);
    for (let k: usize = plan.firstDim; k < plan.width; k++) {
      let sum = f32x4.splat(0);
      let squares = f32x4.splat(0);
      for (let at = first + (k << 5); at < end; at += pitch) {
        const v = v128.load(at);
        sum = f32x4.add(sum, v);
        squares = f32x4.add(squares, f32x4.mul(v, v));
      }
      pairs = f32x4.add(pairs, f32x4.sub(f32x4.mul(sum, sum), squares));
    }
    let score = f32x4.mul(f32x4.splat(0.5), pairs);
    if (plan.w0) score = f32x4.add(score, f32x4.add(v128.load(x + half), sumOfFields(first, end, pitch)));
    addTo(scores + half, score);
  }
}
