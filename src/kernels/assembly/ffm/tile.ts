// One tile of pairs of fields: the parameters that only these pairs read and write, v_(i, field of j) and v_(j, field of i).
//
//   i, j    two features of a row, i before j; a, b their fields
//   x       value of a feature in a row
//   v, n    f32[4] each, side by side: four dimensions of v_(i, b) and what the method keeps of them (AdaGrad: accumulators)
//   g       dLoss/dscore of the row, at the batch's start
//   score   x_i x_j <v_(i, b), v_(j, a)>
//   grad    x_i x_j g v_(j, a) + l2 v_(i, b), and the other way round
//   step    ../fm/step.ts; AdaGrad: n <- n + grad^2;  v <- v - lr grad / sqrt(n)
//
// Type parameters stand for constants that the compiler folds: sizeof<W>() is 4 for vectors of one quad with AdaGrad's state,
// 8 for longer ones, 2 for those with the state of another method; M is the method (step.ts), X is f32 for pairs with values, u32 for one-hot rows, whose column f is field f, and a signed M has rates a feature.
// Source: Juan et al. 2016, eq. 4 and algorithm 1; Duchi et al. 2011.
// Twin: ../../reference/ffm.ts.

import { ratesOf, step4 } from "../fm/step";
import { sum4 } from "../math/vector";
import { bytesOfPartner } from "./pairs";
import { FfmPlan, FfmThread, Tile } from "./plan";

/** First pair of the row that belongs to the block; `row` is the row's first pair. */
function startOf(plan: FfmPlan, thread: FfmThread, r: usize, block: u32): usize {
  if (block > 0) return endOf(plan, thread, r, block - 1);
  return r > 0 ? <usize>load<u32>(thread.ends + ((r - 1) << 2)) : 0;
}

function endOf(plan: FfmPlan, thread: FfmThread, r: usize, block: u32): usize {
  return <usize>load<u32>(thread.blockEnds + ((r * plan.numBlocks + block) << 2));
}

/**
 * Adds each row's scores of the tile's pairs to `partial`, or writes them when the tile opens its group.
 *
 * @param partial f32[B]
 */
export function forwardTile<W, X>(plan: FfmPlan, thread: FfmThread, tile: Tile, partial: usize): void {
  const quads: usize = sizeof<W>() == 4 ? 1 : plan.numQuads;
  const toNext: usize = sizeof<W>() == 4 ? 32 : bytesOfPartner(plan);
  const quad: usize = sizeof<W>() == 2 ? <usize>plan.quadBytes : 32;
  const P = plan.slices;
  const stride = plan.featureStride;
  const scale = isFloat<X>() ? <f32>1 : thread.unit * thread.unit;
  const width = <usize>thread.width;
  const within = tile.blockA == tile.blockB;
  for (let r: usize = 0; r < thread.numRows; r++) {
    const row = r * width;
    const fromA = isFloat<X>() ? startOf(plan, thread, r, tile.blockA) : row + tile.fromA;
    const toA = isFloat<X>() ? endOf(plan, thread, r, tile.blockA) : row + tile.toA;
    const fromB = isFloat<X>() ? startOf(plan, thread, r, tile.blockB) : row + tile.fromB;
    const toB = isFloat<X>() ? endOf(plan, thread, r, tile.blockB) : row + tile.toB;
    let sum = f32x4.splat(0);
    for (let i = fromA; i < toA; i++) {
      const a = baseOf<X>(thread, P, stride, i);
      const toPartnerA = partnerOf<X>(thread, row, toNext, i);
      for (let j = within ? i + 1 : fromB; j < toB; j++) {
        let p = a + partnerOf<X>(thread, row, toNext, j);
        let q = baseOf<X>(thread, P, stride, j) + toPartnerA;
        let product = f32x4.mul(v128.load(p), v128.load(q));
        if (sizeof<W>() != 4) {
          for (let d: usize = 1; d < quads; d++) {
            p += quad;
            q += quad;
            product = f32x4.add(product, f32x4.mul(v128.load(p), v128.load(q)));
          }
        }
        sum = f32x4.add(sum, isFloat<X>() ? f32x4.mul(product, valuesOf(thread, i, j)) : product);
      }
    }
    const score = sum4(sum) * scale;
    store<f32>(partial + (r << 2), tile.opensGroup ? score : load<f32>(partial + (r << 2)) + score);
  }
}

/** Moves both vectors of every pair of the tile, in the rows' order, one step each time it occurs. */
export function updateTile<W, X, M>(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  const quads: usize = sizeof<W>() == 4 ? 1 : plan.numQuads;
  const toNext: usize = sizeof<W>() == 4 ? 32 : bytesOfPartner(plan);
  const quad: usize = sizeof<W>() == 2 ? <usize>plan.quadBytes : 32;
  const P = plan.slices;
  const stride = plan.featureStride;
  const width = <usize>thread.width;
  const within = tile.blockA == tile.blockB;
  const lr = f32x4.splat(plan.learningRate);
  let lrI = lr;
  let lrJ = lr;
  let l2I = f32x4.splat(plan.l2Vector);
  let l2J = l2I;
  const unit = f32x4.splat(thread.unit);
  for (let r: usize = 0; r < thread.numRows; r++) {
    const row = r * width;
    const fromA = isFloat<X>() ? startOf(plan, thread, r, tile.blockA) : row + tile.fromA;
    const toA = isFloat<X>() ? endOf(plan, thread, r, tile.blockA) : row + tile.toA;
    const fromB = isFloat<X>() ? startOf(plan, thread, r, tile.blockB) : row + tile.fromB;
    const toB = isFloat<X>() ? endOf(plan, thread, r, tile.blockB) : row + tile.toB;
    let g = v128.load32_splat(thread.gradients + (r << 2));
    if (!isFloat<X>()) g = f32x4.mul(g, unit); // the row's gradient has x once, for its weights
    for (let i = fromA; i < toA; i++) {
      const a = baseOf<X>(thread, P, stride, i);
      const toPartnerA = partnerOf<X>(thread, row, toNext, i);
      for (let j = within ? i + 1 : fromB; j < toB; j++) {
        let p = a + partnerOf<X>(thread, row, toNext, j);
        let q = baseOf<X>(thread, P, stride, j) + toPartnerA;
        const slope = isFloat<X>() ? f32x4.mul(g, valuesOf(thread, i, j)) : g;
        if (isSigned<M>()) {
          const ratesI = ratesOf(plan, load<u32>(thread.ids + (i << 2)));
          const ratesJ = ratesOf(plan, load<u32>(thread.ids + (j << 2)));
          l2I = v128.load32_splat(ratesI, 4);
          l2J = v128.load32_splat(ratesJ, 4);
          lrI = f32x4.mul(lr, v128.load32_splat(ratesI, 8));
          lrJ = f32x4.mul(lr, v128.load32_splat(ratesJ, 8));
        }
        // one place of call each, so that the compiler puts the step in line
        if (sizeof<W>() == 4) {
          step<M>(p, q, slope, lrI, lrJ, l2I, l2J);
        } else {
          for (let d: usize = 0; d < quads; d++, p += quad, q += quad) {
            step<M>(p, q, slope, lrI, lrJ, l2I, l2J);
          }
        }
      }
    }
  }
}

/** Four dimensions of v_(i, b) at p and of v_(j, a) at q, each with its state beside it: both move from where they stand. */
function step<M>(p: usize, q: usize, slope: v128, lrI: v128, lrJ: v128, l2I: v128, l2J: v128): void {
  const v = v128.load(p);
  const u = v128.load(q);
  step4<M>(p, 16, v, f32x4.add(f32x4.mul(slope, u), f32x4.mul(l2I, v)), lrI);
  step4<M>(q, 16, u, f32x4.add(f32x4.mul(slope, v), f32x4.mul(l2J, u)), lrJ);
}

/** Where the vectors of a pair's feature start. */
function baseOf<X>(thread: FfmThread, P: usize, stride: usize, pair: usize): usize {
  if (isFloat<X>()) return <usize>load<u32>(thread.bases + (pair << 2));
  return P + <usize>load<u32>(thread.ids + (pair << 2)) * stride;
}

/** How far from there, in any feature, its vector for the pair's field lies. */
function partnerOf<X>(thread: FfmThread, row: usize, toNext: usize, pair: usize): usize {
  return isFloat<X>() ? <usize>load<u32>(thread.partners + (pair << 2)) : (pair - row) * toNext;
}

/** x_i x_j. */
function valuesOf(thread: FfmThread, i: usize, j: usize): v128 {
  return f32x4.splat(load<f32>(thread.values + (i << 2)) * load<f32>(thread.values + (j << 2)));
}
