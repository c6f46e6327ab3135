// The three products of a block of centres and contexts, each a register tile of four rows by eight columns.
//
//   scores     h . z over the slice's 16 dimensions                 centres and contexts packed, f32[16][4]
//   dCentres   sums over contexts of gradient times z               contexts not packed, f32[16] per row
//   dContexts  sums over centres of gradient times h                centres not packed
//
// A sum starts at 0 and adds its terms in their order.

import { addTo } from "../../shared/assembly/vector";
import { BLOCK, LINE, PACK } from "./plan";

/**
 * Writes the scores of four centres with two blocks of four contexts to `target`, or adds them if `adds`.
 * @param target f32[2][4][4]
 */
export function scoreTile(centres: usize, contexts: usize, target: usize, adds: bool): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  const end = centres + PACK;
  // an iteration adds two terms, with a loop exit between them, as in addPacked of shared/assembly/tile.ts
  do {
    let r0 = v128.load(contexts);
    let r1 = v128.load(contexts, 256);
    let l = v128.load32_splat(centres);
    a0 = f32x4.add(a0, f32x4.mul(l, r0));
    a1 = f32x4.add(a1, f32x4.mul(l, r1));
    l = v128.load32_splat(centres, 4);
    b0 = f32x4.add(b0, f32x4.mul(l, r0));
    b1 = f32x4.add(b1, f32x4.mul(l, r1));
    l = v128.load32_splat(centres, 8);
    c0 = f32x4.add(c0, f32x4.mul(l, r0));
    c1 = f32x4.add(c1, f32x4.mul(l, r1));
    l = v128.load32_splat(centres, 12);
    d0 = f32x4.add(d0, f32x4.mul(l, r0));
    d1 = f32x4.add(d1, f32x4.mul(l, r1));
    centres += 16;
    if (centres >= end) break;

    r0 = v128.load(contexts, 16);
    r1 = v128.load(contexts, 272);
    l = v128.load32_splat(centres);
    a0 = f32x4.add(a0, f32x4.mul(l, r0));
    a1 = f32x4.add(a1, f32x4.mul(l, r1));
    l = v128.load32_splat(centres, 4);
    b0 = f32x4.add(b0, f32x4.mul(l, r0));
    b1 = f32x4.add(b1, f32x4.mul(l, r1));
    l = v128.load32_splat(centres, 8);
    c0 = f32x4.add(c0, f32x4.mul(l, r0));
    c1 = f32x4.add(c1, f32x4.mul(l, r1));
    l = v128.load32_splat(centres, 12);
    d0 = f32x4.add(d0, f32x4.mul(l, r0));
    d1 = f32x4.add(d1, f32x4.mul(l, r1));
    centres += 16;
    contexts += 32;
  } while (centres < end);
  if (adds) {
    a0 = f32x4.add(v128.load(target), a0);
    b0 = f32x4.add(v128.load(target, 16), b0);
    c0 = f32x4.add(v128.load(target, 32), c0);
    d0 = f32x4.add(v128.load(target, 48), d0);
    a1 = f32x4.add(v128.load(target, 64), a1);
    b1 = f32x4.add(v128.load(target, 80), b1);
    c1 = f32x4.add(v128.load(target, 96), c1);
    d1 = f32x4.add(v128.load(target, 112), d1);
  }
  v128.store(target, a0);
  v128.store(target, b0, 16);
  v128.store(target, c0, 32);
  v128.store(target, d0, 48);
  v128.store(target, a1, 64);
  v128.store(target, b1, 80);
  v128.store(target, c1, 96);
  v128.store(target, d1, 112);
}

/** Returns the address of the sum of the gradients of the row with the i-th slot of a list. @param slots u32[4] */
function sumAt(slots: usize, i: usize, sums: usize): usize {
  return sums + ((<usize>load<u32>(slots + (i << 2))) << 6);
}

/**
 * Adds half a slice of the gradients of four centres to their sums, over the contexts in their windows and the group's
 * noise rows.
 *
 * @param gradients f32[numBlocks + 4][4][4]: rows are centres
 * @param columns,noise f32[][16]: contexts, from the first of the half's 8 dimensions
 * @param sums f32[slots][16], from the same dimension
 */
export function addCentres(
  gradients: usize,
  numBlocks: u32,
  columns: usize,
  noise: usize,
  slots: usize,
  sums: usize,
): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  let right = columns;
  for (let k: u32 = 0; k < numBlocks + 4; k++) {
    if (k == numBlocks) right = noise;
    const end = gradients + 16;
    do {
      const r0 = v128.load(right);
      const r1 = v128.load(right, 16);
      let l = v128.load32_splat(gradients);
      a0 = f32x4.add(a0, f32x4.mul(l, r0));
      a1 = f32x4.add(a1, f32x4.mul(l, r1));
      l = v128.load32_splat(gradients, 16);
      b0 = f32x4.add(b0, f32x4.mul(l, r0));
      b1 = f32x4.add(b1, f32x4.mul(l, r1));
      l = v128.load32_splat(gradients, 32);
      c0 = f32x4.add(c0, f32x4.mul(l, r0));
      c1 = f32x4.add(c1, f32x4.mul(l, r1));
      l = v128.load32_splat(gradients, 48);
      d0 = f32x4.add(d0, f32x4.mul(l, r0));
      d1 = f32x4.add(d1, f32x4.mul(l, r1));
      gradients += 4;
      right += LINE;
    } while (gradients < end);
    gradients += BLOCK - 16;
  }
  // the sums are updated one after another, because two of the four centres may be the same row
  addHalf(sumAt(slots, 0, sums), a0, a1);
  addHalf(sumAt(slots, 1, sums), b0, b1);
  addHalf(sumAt(slots, 2, sums), c0, c1);
  addHalf(sumAt(slots, 3, sums), d0, d1);
}

/**
 * Adds half a slice of the gradients of four contexts to their sums, over the blocks of four centres whose windows
 * reach them.
 *
 * @param gradients f32[4][4]: columns are contexts; those of the next row block are `stride` bytes further
 * @param centres f32[4 numRowBlocks][16], from the first of the half's 8 dimensions
 * @param sums f32[slots][16], from the same dimension
 */
export function addContexts(
  gradients: usize,
  stride: usize,
  centres: usize,
  numRowBlocks: u32,
  slots: usize,
  sums: usize,
): void {
  let a0 = f32x4.splat(0);
  let a1 = a0;
  let b0 = a0;
  let b1 = a0;
  let c0 = a0;
  let c1 = a0;
  let d0 = a0;
  let d1 = a0;
  for (let k: u32 = 0; k < numRowBlocks; k++) {
    const end = gradients + BLOCK;
    do {
      const r0 = v128.load(centres);
      const r1 = v128.load(centres, 16);
      let l = v128.load32_splat(gradients);
      a0 = f32x4.add(a0, f32x4.mul(l, r0));
      a1 = f32x4.add(a1, f32x4.mul(l, r1));
      l = v128.load32_splat(gradients, 4);
      b0 = f32x4.add(b0, f32x4.mul(l, r0));
      b1 = f32x4.add(b1, f32x4.mul(l, r1));
      l = v128.load32_splat(gradients, 8);
      c0 = f32x4.add(c0, f32x4.mul(l, r0));
      c1 = f32x4.add(c1, f32x4.mul(l, r1));
      l = v128.load32_splat(gradients, 12);
      d0 = f32x4.add(d0, f32x4.mul(l, r0));
      d1 = f32x4.add(d1, f32x4.mul(l, r1));
      gradients += 16;
      centres += LINE;
    } while (gradients < end);
    gradients += stride - BLOCK;
  }
  addHalf(sumAt(slots, 0, sums), a0, a1);
  addHalf(sumAt(slots, 1, sums), b0, b1);
  addHalf(sumAt(slots, 2, sums), c0, c1);
  addHalf(sumAt(slots, 3, sums), d0, d1);
}

function addHalf(at: usize, x0: v128, x1: v128): void {
  addTo(at, x0);
  addTo(at + 16, x1);
}
