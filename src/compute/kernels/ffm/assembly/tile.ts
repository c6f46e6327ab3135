// One tile of pairs of fields: the parameters that only these pairs read and write, v_(i, field of j) and v_(j, field
// of i).
//
//   i, j    two features of a row, i before j; a, b their fields
//   x       value of a feature in a row
//   v       f32[4]: four dimensions of v_(i, b), a quad; behind it Adam's state
//   g       dLoss/dscore of the row, at the batch's start
//   score   x_i x_j <v_(i, b), v_(j, a)>
//   grad    by v_(i, b): x_i x_j g v_(j, a) + l2 v_(i, b); by v_(j, a): the same with i, b and j, a exchanged
//   step    AdaGrad and SGD: v <- v - lr grad, with AdaGrad's rate lr from ada-grad.ts
//           Adam: ../../shared/assembly/steps.ts
//
// Type parameters stand for constants that the compiler folds: sizeof<W>() is 4 for vectors of one quad, 8 for longer
// ones, 2 for vectors with Adam's state. M is the method (fm/assembly/plan.ts); if M is signed, each feature has its
// own rates. X is f32 for pairs with values, and u32 for one-hot rows, whose column f is field f.
// Source: Juan et al. 2016, eq. 4 and algorithm 1; Duchi et al. 2011.
// Twin: ../ffm.reference.ts.

import { ratesOf } from "../../fm/assembly/plan";
import { shareOf } from "../../fm/assembly/repeats";
import { step } from "../../shared/assembly/steps";
import { addTo, sum4 } from "../../shared/assembly/vector";
import { countPair, stepRepeats } from "./ada-grad";
import { bytesOfPartner, endOf, placeOf, squaresAt, startOf, strideAt, valuesOf, vectorsAt } from "./pairs";
import { FfmPlan, FfmThread, Tile } from "./plan";

/**
 * Adds each row's scores of the tile's pairs to `partial`, or writes them if the tile is the first of its group. If the
 * type S has four bytes, also writes the sums of squares that AdaGrad needs (ada-grad.ts).
 *
 * @param partial f32[B]: one number for each of the batch's B rows
 */
export function forwardTile<W, X, S>(plan: FfmPlan, thread: FfmThread, tile: Tile, partial: usize): void {
  const quads: usize = sizeof<W>() == 4 ? 1 : plan.numQuads;
  const toNext: usize = sizeof<W>() == 4 ? 16 : bytesOfPartner(plan);
  const quad: usize = sizeof<W>() == 2 ? <usize>plan.quadBytes : 16;
  const placeI = placeOf(plan, tile.blockA, tile.blockB);
  const placeJ = placeOf(plan, tile.blockB, tile.blockA);
  const firstI = vectorsAt(plan, placeI);
  const firstJ = vectorsAt(plan, placeJ);
  const strideI = strideAt(plan, placeI);
  const strideJ = strideAt(plan, placeJ);
  // ids and values are parallel, so the distance from a pair's id to its value is the same for all pairs
  const toPartner = thread.partners - thread.ids;
  const toValue = thread.values - thread.ids;
  const scale = isFloat<X>() ? <f32>1 : thread.unit * thread.unit;
  const bytes = (<usize>thread.width) << 2;
  const within = tile.blockA == tile.blockB;
  const toSquareI = squaresAt(thread, tile.blockB) - thread.ids;
  const toSquareJ = squaresAt(thread, tile.blockA) - thread.ids;
  let row = thread.ids;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const fromA = isFloat<X>() ? startOf(plan, thread, r, tile.blockA) : row + ((<usize>tile.fromA) << 2);
    const toA = isFloat<X>() ? endOf(plan, thread, r, tile.blockA) : row + ((<usize>tile.toA) << 2);
    const fromB = isFloat<X>() ? startOf(plan, thread, r, tile.blockB) : row + ((<usize>tile.fromB) << 2);
    const toB = isFloat<X>() ? endOf(plan, thread, r, tile.blockB) : row + ((<usize>tile.toB) << 2);
    if (sizeof<S>() == 4) {
      for (let i = fromA; i < toA; i += 4) store<f32>(i + toSquareI, 0);
      for (let j = fromB; j < toB; j += 4) store<f32>(j + toSquareJ, 0);
    }
    let sum = f32x4.splat(0);
    // byte offset of each of the pair's two vectors from the first vector of its feature: partnerI leads to j's vector
    // for the field of i, partnerJ to i's vector for the field of j
    let partnerI: usize = 0;
    let partnerJ: usize = 0;
    for (let i = fromA; i < toA; i += 4, partnerI += toNext) {
      const vectorsI = firstI + <usize>load<u32>(i) * strideI;
      if (isFloat<X>()) partnerI = <usize>load<u32>(i + toPartner);
      else partnerJ = within ? partnerI + toNext : 0;
      const vectorsJ = firstJ + partnerI;
      for (let j = within ? i + 4 : fromB; j < toB; j += 4, partnerJ += toNext) {
        if (isFloat<X>()) partnerJ = <usize>load<u32>(j + toPartner);
        let p = vectorsI + partnerJ;
        let q = vectorsJ + <usize>load<u32>(j) * strideJ;
        const xx: f32 = isFloat<X>() ? load<f32>(i + toValue) * load<f32>(j + toValue) : 1;
        let product = f32x4.splat(0);
        let squaresP = f32x4.splat(0);
        let squaresQ = f32x4.splat(0);
        let d: usize = 0;
        do {
          const v = v128.load(p);
          const u = v128.load(q);
          product = f32x4.add(product, f32x4.mul(v, u));
          if (sizeof<S>() == 4) {
            squaresP = f32x4.add(squaresP, f32x4.mul(v, v));
            squaresQ = f32x4.add(squaresQ, f32x4.mul(u, u));
          }
          p += quad;
          q += quad;
        } while (sizeof<W>() != 4 && ++d < quads);
        sum = f32x4.add(sum, isFloat<X>() ? f32x4.mul(product, f32x4.splat(xx)) : product);
        if (sizeof<S>() == 4) {
          addOne(i + toSquareI, xx * xx * sum4(squaresQ));
          addOne(j + toSquareJ, xx * xx * sum4(squaresP));
        }
      }
    }
    const score = sum4(sum) * scale;
    store<f32>(partial + (r << 2), tile.opensGroup ? score : load<f32>(partial + (r << 2)) + score);
  }
}

function addOne(at: usize, x: f32): void {
  store<f32>(at, load<f32>(at) + x);
}

/**
 * Takes one step for both vectors of every pair of the tile, in the order of the rows. For AdaGrad, growAccumulators
 * must be called before.
 */
export function updateTile<W, X, M>(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  const quads: usize = sizeof<W>() == 4 ? 1 : plan.numQuads;
  const toNext: usize = sizeof<W>() == 4 ? 16 : bytesOfPartner(plan);
  const quad: usize = sizeof<W>() == 2 ? <usize>plan.quadBytes : 16;
  const placeI = placeOf(plan, tile.blockA, tile.blockB);
  const placeJ = placeOf(plan, tile.blockB, tile.blockA);
  const firstI = vectorsAt(plan, placeI);
  const firstJ = vectorsAt(plan, placeJ);
  const strideI = strideAt(plan, placeI);
  const strideJ = strideAt(plan, placeJ);
  const toPartner = thread.partners - thread.ids;
  const toValue = thread.values - thread.ids;
  const toSums = thread.sumsOfPairs - thread.ids;
  const toRateI = squaresAt(thread, tile.blockB) - thread.ids;
  const toRateJ = squaresAt(thread, tile.blockA) - thread.ids;
  const bytes = (<usize>thread.width) << 2;
  const within = tile.blockA == tile.blockB;
  let l2I = f32x4.splat(plan.l2Vector);
  let l2J = l2I;
  const unit = f32x4.splat(thread.unit);
  let row = thread.ids;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const fromA = isFloat<X>() ? startOf(plan, thread, r, tile.blockA) : row + ((<usize>tile.fromA) << 2);
    const toA = isFloat<X>() ? endOf(plan, thread, r, tile.blockA) : row + ((<usize>tile.toA) << 2);
    const fromB = isFloat<X>() ? startOf(plan, thread, r, tile.blockB) : row + ((<usize>tile.fromB) << 2);
    const toB = isFloat<X>() ? endOf(plan, thread, r, tile.blockB) : row + ((<usize>tile.toB) << 2);
    let g = v128.load32_splat(thread.gradients + (r << 2));
    // in one-hot rows, all values are x. The gradient of a weight has the factor x once, which `gradients` contains;
    // the gradient of a pair of vectors has it twice
    if (!isFloat<X>()) g = f32x4.mul(g, unit);
    let partnerI: usize = 0;
    let partnerJ: usize = 0;
    for (let i = fromA; i < toA; i += 4, partnerI += toNext) {
      const idI = load<u32>(i);
      const vectorsI = firstI + <usize>load<u32>(i) * strideI;
      const sumsI: usize = sizeof<M>() == 4 ? load<u32>(i + toSums) : 0;
      const lrI = sizeof<M>() == 4 ? v128.load32_splat(i + toRateI) : rateOf<M>(plan, thread, idI);
      if (isFloat<X>()) partnerI = <usize>load<u32>(i + toPartner);
      else partnerJ = within ? partnerI + toNext : 0;
      const vectorsJ = firstJ + partnerI;
      if (isSigned<M>()) l2I = v128.load32_splat(ratesOf(plan, idI), 4);
      for (let j = within ? i + 4 : fromB; j < toB; j += 4, partnerJ += toNext) {
        if (isFloat<X>()) partnerJ = <usize>load<u32>(j + toPartner);
        const idJ = load<u32>(j);
        let p = vectorsI + partnerJ;
        let q = vectorsJ + <usize>load<u32>(j) * strideJ;
        const sumsJ: usize = sizeof<M>() == 4 ? load<u32>(j + toSums) : 0;
        const lrJ = sizeof<M>() == 4 ? v128.load32_splat(j + toRateJ) : rateOf<M>(plan, thread, idJ);
        const gradient = isFloat<X>() ? f32x4.mul(g, valuesOf(i + toValue, j + toValue)) : g;
        if (isSigned<M>()) l2J = v128.load32_splat(ratesOf(plan, idJ), 4);
        if (isFloat<X>()) {
          if (sumsI) countPair(plan, sumsI, idJ);
          if (sumsJ) countPair(plan, sumsJ, idI);
        }
        // both steps of a pair use the vectors from before the steps; four dimensions are processed at a time
        let d: usize = 0;
        do {
          const v = v128.load(p);
          const u = v128.load(q);
          if (sumsI) addTo(sumsI + partnerJ + (d << 4), f32x4.mul(gradient, u));
          else move<M>(p, v, u, gradient, l2I, lrI);
          if (sumsJ) addTo(sumsJ + partnerI + (d << 4), f32x4.mul(gradient, v));
          else move<M>(q, u, v, gradient, l2J, lrJ);
          p += quad;
          q += quad;
        } while (sizeof<W>() != 4 && ++d < quads);
      }
    }
  }
  if (sizeof<M>() == 4) stepRepeats<X, M>(plan, thread, tile);
}

/** Returns the learning rate of SGD or Adam in all four lanes. */
function rateOf<M>(plan: FfmPlan, thread: FfmThread, id: u32): v128 {
  const rate = plan.vectorRate * shareOf(plan, thread, id);
  return f32x4.splat(isSigned<M>() ? rate * load<f32>(ratesOf(plan, id), 8) : rate);
}

/** Updates a quad v, given the partner's u: by Adam, or to v - lr (gradient u + l2 v). */
function move<M>(p: usize, v: v128, u: v128, gradient: v128, l2: v128, lr: v128): void {
  if (sizeof<M>() == 8) {
    step<M, v128>(p, 16, v, f32x4.add(f32x4.mul(gradient, u), f32x4.mul(l2, v)), lr);
  } else {
    const keep = f32x4.sub(f32x4.splat(1), f32x4.mul(lr, l2));
    v128.store(p, f32x4.sub(f32x4.mul(keep, v), f32x4.mul(f32x4.mul(lr, gradient), u)));
  }
}
