// Processes one slice of a batch: gathers 16 dimensions of the batch's rows, computes partial scores, and updates the
// rows. The three products of a block of centres and contexts are register tiles of four rows by eight columns.
//
//   scores     h . z over the slice's 16 dimensions                 centres and contexts packed, f32[16][4]
//   dCentres   sums over contexts of gradient times z               contexts not packed, f32[16] per row
//   dContexts  sums over centres of gradient times h                centres not packed
//
// A sum starts at 0 and adds its terms in their order.

import { addTo, sum4, transpose4 } from "../../shared/assembly/vector";
import { composedAt, sumParts } from "./composed";
import { sumPairs } from "./pairs";
import {
  B,
  BatchRows,
  BLOCK,
  blocksOf,
  contextsOf,
  G,
  hasOneTable,
  LINE,
  N,
  PACK,
  Plan,
  SL,
  Thread,
} from "./plan";

/** Returns the address of slice j of the copied vectors of group g; those of group g + 1 follow. */
function vectorsAt(plan: Plan, j: u32, g: u32): usize {
  return plan.vectors + <usize>((j * B + g) * (G + contextsOf(plan))) * LINE;
}

/** Copies one slice of rows, and packs them four side by side. @param count a multiple of 4 */
function gather(matrix: usize, slots: usize, rows: usize, count: u32, target: usize, packed: usize): void {
  for (let i: u32 = 0; i < count; i += 4) {
    for (let r: usize = 0; r < 4; r++, slots += 4) {
      const row = load<u32>(rows + ((<usize>load<u32>(slots)) << 2));
      const from = matrix + <usize>row * LINE;
      const to = target + r * LINE;
      v128.store(to, v128.load(from));
      v128.store(to, v128.load(from, 16), 16);
      v128.store(to, v128.load(from, 32), 32);
      v128.store(to, v128.load(from, 48), 48);
    }
    for (let d: usize = 0; d < 4; d++) transpose4(target + (d << 4), LINE, packed + (d << 6), 16);
    target += 4 * LINE;
    packed += PACK;
  }
}

/**
 * Gathers slice j of the batch's vectors, and writes its partial scores, or adds them if `adds`.
 *
 * @param partials f32[R / 4][nb + N / 4][4][4]
 */
export function scoreSlice(
  plan: Plan,
  thread: Thread,
  rows: BatchRows,
  j: u32,
  partials: usize,
  adds: bool,
): void {
  const matrix = <usize>j * plan.numRows * LINE;
  // composed vectors are stored by the centre's index among the batch's distinct centres, vectors of a table by row
  const ofCentres = plan.mostParts ? composedAt(plan, j) : plan.centres + matrix;
  const centreRows = plan.mostParts ? plan.slotNumbers : rows.centreRows;
  const Q = contextsOf(plan);
  const nb = plan.numBlocks;
  const centres = thread.packed;
  const contexts = centres + <usize>(G >>> 2) * PACK;
  const noise = contexts + <usize>(plan.numColumns >>> 2) * PACK;
  let target = partials;
  for (let g: u32 = 0; g < B; g++) {
    const vectors = vectorsAt(plan, j, g);
    const centreSlots = rows.centreSlots + ((<usize>(g * G)) << 2);
    const contextSlots = rows.contextSlots + ((<usize>(g * Q)) << 2);
    gather(ofCentres, centreSlots, centreRows, G, vectors, centres);
    gather(plan.contexts + matrix, contextSlots, rows.contextRows, Q, vectors + <usize>G * LINE, contexts);
    for (let rb: usize = 0; rb < G >>> 2; rb++) {
      const left = centres + rb * PACK;
      for (let k: usize = 0; k < nb; k += 2, target += 2 * BLOCK) {
        scoreTile(left, contexts + (rb + k) * PACK, target, adds);
      }
      for (let k: usize = 0; k < N >>> 2; k += 2, target += 2 * BLOCK) {
        scoreTile(left, noise + k * PACK, target, adds);
      }
    }
  }
}

/** Updates every row of the batch once. */
export function updateSlice(plan: Plan, thread: Thread, rows: BatchRows, j: u32, lr: f32): void {
  memory.fill(thread.centreSums, 0, <usize>(rows.numCentreSlots + 1) * LINE);
  memory.fill(thread.contextSums, 0, <usize>(rows.numContextSlots + 1) * LINE);
  for (let g: u32 = 0; g < B; g++) {
    sumGroup(plan, thread, rows, j, g, 0);
    sumGroup(plan, thread, rows, j, g, 32);
  }
  if (plan.mostPairs) sumPairs(plan, thread, rows, j);
  if (plan.mostParts) sumParts(plan, thread, rows, j);
  const first = <usize>j * plan.numRows;
  const used = min(SL, plan.dim - j * SL);
  // with one table, centres and contexts have one sum per row, and one step is enough
  if (!hasOneTable(plan)) {
    move(
      plan.centres + first * LINE,
      plan.centreSquares + (first << 2),
      plan.mostParts ? rows.partRows : rows.centreRows,
      plan.mostParts ? thread.partSums : thread.centreSums,
      plan.mostParts ? rows.numPartSlots : rows.numCentreSlots,
      used,
      lr,
    );
  }
  move(
    plan.contexts + first * LINE,
    plan.contextSquares + (first << 2),
    rows.contextRows,
    thread.contextSums,
    rows.numContextSlots,
    used,
    lr,
  );
}

/** Adds up half a slice of the gradients of a group. @param half byte offset of its first dimension: 0 or 32 */
function sumGroup(plan: Plan, thread: Thread, rows: BatchRows, j: u32, g: u32, half: usize): void {
  const nb = plan.numBlocks;
  const rowBlocks: u32 = G >>> 2;
  const columnBlocks = plan.numColumns >>> 2;
  const gradientRow = <usize>blocksOf(plan) * BLOCK;
  const gradients = plan.gradients + <usize>(g * rowBlocks) * gradientRow;
  const centres = vectorsAt(plan, j, g) + half;
  const columns = centres + <usize>G * LINE;
  const noise = columns + <usize>plan.numColumns * LINE;
  const centreSlots = rows.centreSlots + ((<usize>(g * G)) << 2);
  const contextSlots = rows.contextSlots + ((<usize>(g * contextsOf(plan))) << 2);
  const centreSums = thread.centreSums + half;
  const contextSums = thread.contextSums + half;

  for (let rb: usize = 0; rb < rowBlocks; rb++) {
    addCentres(
      gradients + rb * gradientRow,
      nb,
      columns + rb * PACK,
      noise,
      centreSlots + (rb << 4),
      centreSums,
    );
  }

  // column block cb has scores with row blocks cb - nb + 1 .. cb; their gradients lie on a diagonal
  for (let cb: u32 = 0; cb < columnBlocks; cb++) {
    const from: u32 = cb < nb ? 0 : cb - nb + 1;
    const to = min(rowBlocks, cb + 1);
    addContexts(
      gradients + <usize>from * gradientRow + <usize>(cb - from) * BLOCK,
      gradientRow - BLOCK,
      centres + <usize>from * PACK,
      to - from,
      contextSlots + ((<usize>cb) << 4),
      contextSums,
    );
  }
  for (let k: u32 = 0; k < N >>> 2; k++) {
    addContexts(
      gradients + <usize>(nb + k) * BLOCK,
      gradientRow,
      centres,
      rowBlocks,
      contextSlots + ((<usize>(columnBlocks + k)) << 4),
      contextSums,
    );
  }
}

/**
 * Takes an AdaGrad step of each row: a += mean of squares; v += lr sum / sqrt(a).
 * @param used number of the slice's dimensions, not counting padding
 */
function move(
  matrix: usize,
  squares: usize,
  rows: usize,
  sums: usize,
  numSlots: u32,
  used: u32,
  lr: f32,
): void {
  for (let slot: usize = 1; slot <= numSlots; slot++) {
    const row = <usize>load<u32>(rows + (slot << 2));
    const sum = sums + slot * LINE;
    const s0 = v128.load(sum);
    const s1 = v128.load(sum, 16);
    const s2 = v128.load(sum, 32);
    const s3 = v128.load(sum, 48);
    const lower = f32x4.add(f32x4.mul(s0, s0), f32x4.mul(s1, s1));
    const upper = f32x4.add(f32x4.mul(s2, s2), f32x4.mul(s3, s3));
    const a = load<f32>(squares + (row << 2)) + sum4(f32x4.add(lower, upper)) / <f32>used;
    store<f32>(squares + (row << 2), a);
    const rate = f32x4.splat(lr / sqrt<f32>(a));
    const v = matrix + row * LINE;
    v128.store(v, f32x4.add(v128.load(v), f32x4.mul(rate, s0)));
    v128.store(v, f32x4.add(v128.load(v, 16), f32x4.mul(rate, s1)), 16);
    v128.store(v, f32x4.add(v128.load(v, 32), f32x4.mul(rate, s2)), 32);
    v128.store(v, f32x4.add(v128.load(v, 48), f32x4.mul(rate, s3)), 48);
  }
}

/** Writes the scores of four centres with two blocks of contexts, or adds them. @param target f32[2][4][4] */
function scoreTile(centres: usize, contexts: usize, target: usize, adds: bool): void {
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

/** @param slots u32[4] */
function sumAt(slots: usize, i: usize, sums: usize): usize {
  return sums + ((<usize>load<u32>(slots + (i << 2))) << 6);
}

/**
 * Adds half a slice of the gradients of four centres, over their windows and the group's noise.
 *
 * @param gradients f32[numBlocks + 4][4][4]: rows are centres
 * @param columns,noise f32[][16]: contexts, from the first of the half's 8 dimensions
 * @param sums f32[slots][16], from the same dimension
 */
function addCentres(
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
 * Adds half a slice of the gradients of four contexts, over the row blocks whose windows reach them.
 *
 * @param gradients f32[4][4]: columns are contexts; those of the next row block are `stride` bytes further
 * @param centres f32[4 numRowBlocks][16], from the first of the half's 8 dimensions
 * @param sums f32[slots][16], from the same dimension
 */
function addContexts(
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
