// Inverts a symmetric positive definite matrix in place by the sweep operator, a block of columns at a time.
//
//   A     f32[N][N], row-major, N a multiple of 64; only the lower triangle is used
//   K     the block of 64 columns to sweep            D   the inverse of A_KK, f32[64][64]
//   C     f32[N / 8][64][8]: column panel A_JK, eight rows side by side
//   L     f32[N / 4][64][4]: -C D, four rows side by side
//
//   sweep of K:   A_KK <- -D      A_JK <- A_JK D = -L      A_IJ <- A_IJ - A_IK D A_KJ = A_IJ + L_I C_J'
//
// When all blocks are swept, A holds -A^-1. Sums are in the order of the columns, so that the bits do not depend on how
// rows are divided among threads. Twin: ../../../../base/numeric/gauss-jordan.ts.
//
// Source: Goodnight 1979 (doi:10.1080/00031305.1979.10482685), in blocks.

import { addProducts } from "../../shared/assembly/tile";
import { Plan, SWEEP_BLOCK } from "./plan";

const B: u32 = SWEEP_BLOCK;
/** Columns that are updated at a time, so that their data stay in the first-level cache. */
const GROUP_COLUMNS: u32 = 64;

function at(plan: Plan, row: u32, column: u32): usize {
  return plan.matrix + ((<usize>row * plan.size + column) << 2);
}

/**
 * Packs rows of panel C, the columns from k on, and of L = -C D.
 * @param numRows a multiple of 8
 */
export function preparePanel(plan: Plan, k: u32, first: u32, numRows: u32): void {
  for (let r = first; r < first + numRows; r++) {
    const column = plan.panel + ((<usize>(r >>> 3) * B) << 5) + ((<usize>(r & 7)) << 2);
    for (let t: u32 = 0; t < B; t++) {
      // rows above the block are read transposed, because only the lower triangle is stored
      const value = load<f32>(r >= k ? at(plan, r, k + t) : at(plan, k + t, r));
      store<f32>(column + ((<usize>t) << 5), value);
    }
    const row = plan.left + ((<usize>(r >>> 2) * B) << 4) + ((<usize>(r & 3)) << 2);
    for (let t: u32 = 0; t < B; t += 4) {
      let sum = f32x4.splat(0);
      for (let s: u32 = 0; s < B; s++) {
        const c = v128.load32_splat(column + ((<usize>s) << 5));
        sum = f32x4.add(sum, f32x4.mul(c, v128.load(plan.pivot + ((<usize>(s * B + t)) << 2))));
      }
      sum = f32x4.neg(sum);
      store<f32>(row + ((<usize>t) << 4), f32x4.extract_lane(sum, 0));
      store<f32>(row + ((<usize>t) << 4), f32x4.extract_lane(sum, 1), 16);
      store<f32>(row + ((<usize>t) << 4), f32x4.extract_lane(sum, 2), 32);
      store<f32>(row + ((<usize>t) << 4), f32x4.extract_lane(sum, 3), 48);
    }
  }
}

/**
 * Sweeps the block of columns from k on, in the 64 rows from `first` on; the block's columns must be packed before.
 *
 * @param tile buffer of 128 bytes of this thread
 */
export function sweepRows(plan: Plan, k: u32, first: u32, tile: usize): void {
  if (first == k) {
    sweepOwnRows(plan, k);
    return;
  }
  const end = first + B;
  for (let group: u32 = 0; group < end; group += GROUP_COLUMNS) {
    if (group == k) {
      storeColumns(plan, k, first);
      continue;
    }
    for (let r = first; r < end; r += 4) {
      const left = plan.left + ((<usize>(r >>> 2) * B) << 4);
      // computes columns up to the tile that contains the diagonal, because only the lower triangle is used
      const last = min(group + GROUP_COLUMNS, (r + 11) & ~7);
      for (let c = group; c < last; c += 8) {
        loadTile(plan, r, c, tile);
        addProducts(left, 16, plan.panel + ((<usize>(c >>> 3) * B) << 5), 32, B, tile);
        storeTile(plan, r, c, tile);
      }
    }
  }
}

/** Writes the rows of block K: -D on the diagonal, and the transposed A_JK D to the left of it. */
function sweepOwnRows(plan: Plan, k: u32): void {
  for (let t: u32 = 0; t < B; t++) {
    for (let c: u32 = 0; c < k; c++) store<f32>(at(plan, k + t, c), -leftAt(plan, c, t));
    for (let s: u32 = 0; s < B; s++) {
      store<f32>(at(plan, k + t, k + s), -load<f32>(plan.pivot + ((<usize>(t * B + s)) << 2)));
    }
  }
}

/** Writes A_JK D to the columns of block K, in the rows J below it. */
function storeColumns(plan: Plan, k: u32, first: u32): void {
  for (let r = first; r < first + B; r++) {
    for (let t: u32 = 0; t < B; t++) store<f32>(at(plan, r, k + t), -leftAt(plan, r, t));
  }
}

function leftAt(plan: Plan, row: u32, t: u32): f32 {
  return load<f32>(plan.left + ((<usize>((row >>> 2) * B + t)) << 4) + ((<usize>(row & 3)) << 2));
}

function loadTile(plan: Plan, row: u32, column: u32, tile: usize): void {
  for (let r: u32 = 0; r < 4; r++) {
    const source = at(plan, row + r, column);
    v128.store(tile + ((<usize>r) << 5), v128.load(source));
    v128.store(tile + ((<usize>r) << 5), v128.load(source, 16), 16);
  }
}

function storeTile(plan: Plan, row: u32, column: u32, tile: usize): void {
  for (let r: u32 = 0; r < 4; r++) {
    const target = at(plan, row + r, column);
    v128.store(target, v128.load(tile + ((<usize>r) << 5)));
    v128.store(target, v128.load(tile + ((<usize>r) << 5), 16), 16);
  }
}
