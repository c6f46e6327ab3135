// One tile of pairs of fields: the parameters that only these pairs read and write, v_(i, field of j) and v_(j, field of i).
//
//   i, j    two features of a row, i before j; a, b their fields
//   x       value of a feature in a row
//   v, n    f32[4] each, side by side: four dimensions of v_(i, b) and what the method keeps of them (AdaGrad: accumulators)
//   g       dLoss/dscore of the row, at the batch's start
//   score   x_i x_j <v_(i, b), v_(j, a)>
//   grad    x_i x_j g v_(j, a) + l2 v_(i, b), and the other way round
//   step    ../../shared/assembly/steps.ts; AdaGrad: n <- n + grad^2;  v <- v - lr grad / sqrt(n)
//
// Type parameters stand for constants that the compiler folds: sizeof<W>() is 4 for vectors of one quad with AdaGrad's state,
// 8 for longer ones, 2 for those with the state of another method; M is the method (fm/assembly/rates.ts), X is f32 for pairs with values, u32 for one-hot rows, whose column f is field f, and a signed M has rates a feature.
// Source: Juan et al. 2016, eq. 4 and algorithm 1; Duchi et al. 2011.
// Twin: ../reference.ts.

import { ratesOf } from "../../fm/assembly/rates";
import { clearRepeats, isMarked, repeatAt, shareOf, slotOf, sumsOf } from "../../fm/assembly/repeats";
import { step } from "../../shared/assembly/steps";
import { addTo, sum4 } from "../../shared/assembly/vector";
import { blockAt, bytesOfPartner } from "./pairs";
import { FfmPlan, FfmThread, Tile } from "./plan";

/** Address of the offset of the row's first pair that belongs to the block. */
function startOf(plan: FfmPlan, thread: FfmThread, r: usize, block: u32): usize {
  if (block > 0) return endOf(plan, thread, r, block - 1);
  return thread.offsets + (r > 0 ? (<usize>load<u32>(thread.ends + ((r - 1) << 2))) << 2 : 0);
}

function endOf(plan: FfmPlan, thread: FfmThread, r: usize, block: u32): usize {
  return thread.offsets + ((<usize>load<u32>(thread.blockEnds + ((r * plan.numBlocks + block) << 2))) << 2);
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
  const forA = blockAt(plan, tile.blockA);
  const forB = blockAt(plan, tile.blockB);
  const toPartner = thread.partners - thread.offsets; // a pair's numbers lie as far from its offset everywhere
  const toValue = thread.values - thread.offsets;
  const scale = isFloat<X>() ? <f32>1 : thread.unit * thread.unit;
  const bytes = (<usize>thread.width) << 2;
  const within = tile.blockA == tile.blockB;
  let row = thread.offsets;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const fromA = isFloat<X>() ? startOf(plan, thread, r, tile.blockA) : row + ((<usize>tile.fromA) << 2);
    const toA = isFloat<X>() ? endOf(plan, thread, r, tile.blockA) : row + ((<usize>tile.toA) << 2);
    const fromB = isFloat<X>() ? startOf(plan, thread, r, tile.blockB) : row + ((<usize>tile.fromB) << 2);
    const toB = isFloat<X>() ? endOf(plan, thread, r, tile.blockB) : row + ((<usize>tile.toB) << 2);
    let sum = f32x4.splat(0);
    let partnerI: usize = 0; // where the vectors for the field of i, and for that of j, lie in a partner's
    let partnerJ: usize = 0;
    for (let i = fromA; i < toA; i += 4, partnerI += toNext) {
      const vectorsI = forB + <usize>load<u32>(i);
      if (isFloat<X>()) partnerI = <usize>load<u32>(i + toPartner);
      else partnerJ = within ? partnerI + toNext : 0;
      const vectorsJ = forA + partnerI;
      for (let j = within ? i + 4 : fromB; j < toB; j += 4, partnerJ += toNext) {
        if (isFloat<X>()) partnerJ = <usize>load<u32>(j + toPartner);
        let p = vectorsI + partnerJ;
        let q = vectorsJ + <usize>load<u32>(j);
        let product = f32x4.mul(v128.load(p), v128.load(q));
        if (sizeof<W>() != 4) {
          for (let d: usize = 1; d < quads; d++) {
            p += quad;
            q += quad;
            product = f32x4.add(product, f32x4.mul(v128.load(p), v128.load(q)));
          }
        }
        sum = f32x4.add(sum, isFloat<X>() ? f32x4.mul(product, valuesOf(i + toValue, j + toValue)) : product);
      }
    }
    const score = sum4(sum) * scale;
    store<f32>(partial + (r << 2), tile.opensGroup ? score : load<f32>(partial + (r << 2)) + score);
  }
}

/**
 * Moves both vectors of every pair of the tile, in the rows' order, one step each time it occurs; those of marked features as
 * fm/repeats.ts says. By SGD and Adam the batch's marked features are counted.
 */
export function updateTile<W, X, M>(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  const quads: usize = sizeof<W>() == 4 ? 1 : plan.numQuads;
  const toNext: usize = sizeof<W>() == 4 ? 32 : bytesOfPartner(plan);
  const quad: usize = sizeof<W>() == 2 ? <usize>plan.quadBytes : 32;
  const forA = blockAt(plan, tile.blockA);
  const forB = blockAt(plan, tile.blockB);
  const toPartner = thread.partners - thread.offsets;
  const toValue = thread.values - thread.offsets;
  const toId = thread.ids - thread.offsets;
  const bytes = (<usize>thread.width) << 2;
  const within = tile.blockA == tile.blockB;
  const lr = f32x4.splat(plan.vectorRate);
  let lrI = lr;
  let lrJ = lr;
  let l2I = f32x4.splat(plan.l2Vector);
  let l2J = l2I;
  const unit = f32x4.splat(thread.unit);
  let row = thread.offsets;
  for (let r: usize = 0; r < thread.numRows; r++, row += bytes) {
    const fromA = isFloat<X>() ? startOf(plan, thread, r, tile.blockA) : row + ((<usize>tile.fromA) << 2);
    const toA = isFloat<X>() ? endOf(plan, thread, r, tile.blockA) : row + ((<usize>tile.toA) << 2);
    const fromB = isFloat<X>() ? startOf(plan, thread, r, tile.blockB) : row + ((<usize>tile.fromB) << 2);
    const toB = isFloat<X>() ? endOf(plan, thread, r, tile.blockB) : row + ((<usize>tile.toB) << 2);
    let g = v128.load32_splat(thread.gradients + (r << 2));
    if (!isFloat<X>()) g = f32x4.mul(g, unit); // the row's gradient has x once, for its weights
    let partnerI: usize = 0;
    let partnerJ: usize = 0;
    for (let i = fromA; i < toA; i += 4, partnerI += toNext) {
      const idI = load<u32>(i + toId);
      const vectorsI = forB + <usize>load<u32>(i);
      const sumsI = sizeof<M>() == 4 ? sumsOfMarked(plan, thread, idI) : 0;
      if (isFloat<X>()) partnerI = <usize>load<u32>(i + toPartner);
      else partnerJ = within ? partnerI + toNext : 0;
      const vectorsJ = forA + partnerI;
      for (let j = within ? i + 4 : fromB; j < toB; j += 4, partnerJ += toNext) {
        if (isFloat<X>()) partnerJ = <usize>load<u32>(j + toPartner);
        const idJ = load<u32>(j + toId);
        let p = vectorsI + partnerJ;
        let q = vectorsJ + <usize>load<u32>(j);
        const sumsJ = sizeof<M>() == 4 ? sumsOfMarked(plan, thread, idJ) : 0;
        const gradient = isFloat<X>() ? f32x4.mul(g, valuesOf(i + toValue, j + toValue)) : g;
        if (sizeof<M>() != 4) {
          lrI = f32x4.mul(lr, f32x4.splat(shareOf(plan, thread, idI)));
          lrJ = f32x4.mul(lr, f32x4.splat(shareOf(plan, thread, idJ)));
        }
        if (isSigned<M>()) {
          const ratesI = ratesOf(plan, idI);
          const ratesJ = ratesOf(plan, idJ);
          l2I = v128.load32_splat(ratesI, 4);
          l2J = v128.load32_splat(ratesJ, 4);
          lrI = f32x4.mul(sizeof<M>() == 4 ? lr : lrI, v128.load32_splat(ratesI, 8));
          lrJ = f32x4.mul(sizeof<M>() == 4 ? lr : lrJ, v128.load32_splat(ratesJ, 8));
        }
        // both move from where they stand, a quad at a time; of its numbers with AdaGrad's state a sum has half
        let d: usize = 0;
        do {
          const v = v128.load(p);
          const u = v128.load(q);
          const gradI = f32x4.add(f32x4.mul(gradient, u), f32x4.mul(l2I, v));
          const gradJ = f32x4.add(f32x4.mul(gradient, v), f32x4.mul(l2J, u));
          if (sizeof<M>() == 4 && sumsI) addTo(sumsI + (partnerJ >> 1) + (d << 4), gradI);
          else step<M, v128>(p, 16, v, gradI, lrI);
          if (sizeof<M>() == 4 && sumsJ) addTo(sumsJ + (partnerI >> 1) + (d << 4), gradJ);
          else step<M, v128>(q, 16, u, gradJ, lrJ);
          p += quad;
          q += quad;
        } while (sizeof<W>() != 4 && ++d < quads);
      }
    }
  }
  if (sizeof<M>() == 4) stepRepeats<M>(plan, thread, tile);
}

/** Where a marked feature's sums for a block of partner fields lie, f32[fields of the block][Q][4]; 0 for an unmarked one. */
export function sumsOfMarked(plan: FfmPlan, thread: FfmThread, id: u32): usize {
  if (!isMarked(id)) return 0;
  const bytes = bytesOfSums(plan);
  return sumsOf(thread, slotOf(thread, id, bytes), bytes);
}

function bytesOfSums(plan: FfmPlan): usize {
  return (<usize>plan.blockFields * plan.numQuads) << 4;
}

/** Moves the vectors of the tile's marked features one step on the sum of their gradients; where a sum is 0 none moves. */
export function stepRepeats<M>(plan: FfmPlan, thread: FfmThread, tile: Tile): void {
  const bytes = bytesOfSums(plan);
  for (let slot: u32 = 1; slot <= thread.numRepeats; slot++) {
    const feature = repeatAt(thread, slot).feature;
    const block = load<u32>(plan.fieldOf + ((<usize>feature) << 2)) / plan.blockFields;
    let p =
      blockAt(plan, block == tile.blockA ? tile.blockB : tile.blockA) + <usize>feature * plan.featureStride;
    const factor: f32 = isSigned<M>() ? load<f32>(ratesOf(plan, feature), 8) : 1;
    const lr = f32x4.splat(plan.vectorRate * factor);
    const sums = sumsOf(thread, slot, bytes);
    for (let b: usize = 0; b < bytes; b += 16, p += 32)
      step<M, v128>(p, 16, v128.load(p), v128.load(sums + b), lr);
  }
  clearRepeats(thread);
}

/** x_i x_j, by where they lie. */
function valuesOf(i: usize, j: usize): v128 {
  return f32x4.splat(load<f32>(i) * load<f32>(j));
}
