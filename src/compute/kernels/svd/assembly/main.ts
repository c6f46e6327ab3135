// Operations of a truncated singular value decomposition: products of a sparse matrix with a panel of sixteen columns,
// and dense products of tall matrices, which are lists of such panels.
//
//   A      sparse matrix by rows; with its scale and shift  D A - f e'
//   X, Y   panels, f32[numRows][16], rows padded to a multiple of 4
//
//   Y = D A X - f s     s = e' X, the sums of multiplyRows
//   S = [X_1 .. X_p]' Y          Y_t += sum over p of X_p C_pt
//
// A row of a panel is one cache line, so an entry of A costs one line of X. Every row of a product is summed in the
// order of the row's entries, and the caller divides sums over rows into parts, so results do not depend on the
// threads. ../binding.ts writes the structs. Twin: ../svd.reference.ts.

import { addProducts } from "../../shared/assembly/tile";
import { transpose4 } from "../../shared/assembly/vector";

/** A sparse matrix in compressed rows, which ../binding.ts writes; pointers are byte offsets. */
class SparsePlan {
  /** u32[numRows + 1] */
  indptr: usize;
  /** u32[numEntries] */
  indices: usize;
  /** f32[numEntries]; 0 when all are 1 */
  values: usize;
  /** f32[numRows]: diagonal of D; 0 if no row is scaled */
  scale: usize;
  /** f32[numRows]: f; 0 without a shift */
  shift: usize;
}

/**
 * Rows that are summed in single precision before the sum is added in double precision; so few that they fit in the
 * first-level cache.
 */
const CHUNK: u32 = 256;

/**
 * Writes rows first .. first + count - 1 of the product Y = D A X - f s of a sparse matrix A and a panel X; D scales
 * rows, and f s subtracts the means.
 *
 * @param sums s, f32[16]; read when the matrix has a shift
 * @param adds true to begin each sum with the target's number: A has some of the columns, and others came before
 */
export function multiplyRows(
  a: SparsePlan,
  source: usize,
  sums: usize,
  target: usize,
  adds: bool,
  first: u32,
  count: u32,
): void {
  const values = a.values;
  for (let r = first; r < first + count; r++) {
    const y = target + ((<usize>r) << 6);
    let y0 = f32x4.splat(0);
    let y1 = f32x4.splat(0);
    let y2 = f32x4.splat(0);
    let y3 = f32x4.splat(0);
    if (adds) {
      y0 = v128.load(y);
      y1 = v128.load(y, 16);
      y2 = v128.load(y, 32);
      y3 = v128.load(y, 48);
    }
    const end = (<usize>load<u32>(a.indptr + ((<usize>r) << 2), 4)) << 2;
    for (let e = (<usize>load<u32>(a.indptr + ((<usize>r) << 2))) << 2; e < end; e += 4) {
      const x = source + ((<usize>load<u32>(a.indices + e)) << 6);
      if (values == 0) {
        y0 = f32x4.add(y0, v128.load(x));
        y1 = f32x4.add(y1, v128.load(x, 16));
        y2 = f32x4.add(y2, v128.load(x, 32));
        y3 = f32x4.add(y3, v128.load(x, 48));
      } else {
        const value = v128.load32_splat(values + e);
        y0 = f32x4.add(y0, f32x4.mul(value, v128.load(x)));
        y1 = f32x4.add(y1, f32x4.mul(value, v128.load(x, 16)));
        y2 = f32x4.add(y2, f32x4.mul(value, v128.load(x, 32)));
        y3 = f32x4.add(y3, f32x4.mul(value, v128.load(x, 48)));
      }
    }
    if (a.scale != 0) {
      const scale = v128.load32_splat(a.scale + ((<usize>r) << 2));
      y0 = f32x4.mul(y0, scale);
      y1 = f32x4.mul(y1, scale);
      y2 = f32x4.mul(y2, scale);
      y3 = f32x4.mul(y3, scale);
    }
    if (a.shift != 0) {
      const shift = v128.load32_splat(a.shift + ((<usize>r) << 2));
      y0 = f32x4.sub(y0, f32x4.mul(shift, v128.load(sums)));
      y1 = f32x4.sub(y1, f32x4.mul(shift, v128.load(sums, 16)));
      y2 = f32x4.sub(y2, f32x4.mul(shift, v128.load(sums, 32)));
      y3 = f32x4.sub(y3, f32x4.mul(shift, v128.load(sums, 48)));
    }
    v128.store(y, y0);
    v128.store(y, y1, 16);
    v128.store(y, y2, 32);
    v128.store(y, y3, 48);
  }
}

/** Multiplies each row of a panel by a number, and writes it to the target, which may be the source. */
export function scaleRows(scale: usize, source: usize, target: usize, first: u32, count: u32): void {
  for (let r = <usize>first; r < first + count; r++) {
    const factor = v128.load32_splat(scale + (r << 2));
    for (let at = r << 6; at < (r + 1) << 6; at += 16) {
      v128.store(target + at, f32x4.mul(factor, v128.load(source + at)));
    }
  }
}

/** Adds the weighted sum of a panel's rows to f64[16]. @param weights f32[numRows] */
export function addRowSums(weights: usize, source: usize, sums: usize, first: u32, count: u32): void {
  for (let r = <usize>first; r < first + count; r++) {
    const weight = <f64>load<f32>(weights + (r << 2));
    for (let k: usize = 0; k < 16; k++) {
      const at = sums + (k << 3);
      store<f64>(at, load<f64>(at) + weight * <f64>load<f32>(source + (r << 6) + (k << 2)));
    }
  }
}

/**
 * Adds the inner products [X_1 .. X_p]' Y of the columns of p panels with those of a panel Y, over some of the rows, to
 * f64[16 p][16].
 *
 * @param sources u32[p]: byte offsets of the panels
 * @param tile    f32[4][8], buffer of this thread
 */
export function addCrossProducts(
  sources: usize,
  numSources: u32,
  right: usize,
  sums: usize,
  tile: usize,
  first: u32,
  count: u32,
): void {
  for (let from: u32 = 0; from < count; from += CHUNK) {
    const n = min(CHUNK, count - from);
    const rows = (<usize>(first + from)) << 6;
    for (let p: u32 = 0; p < numSources; p++) {
      const left = <usize>load<u32>(sources + ((<usize>p) << 2)) + rows;
      for (let i: usize = 0; i < 16; i += 4) {
        for (let j: usize = 0; j < 16; j += 8) {
          memory.fill(tile, 0, 128);
          addProducts(left + (i << 2), 64, right + rows + (j << 2), 64, n, tile);
          addTile(tile, sums + ((((<usize>p) << 8) + (i << 4) + j) << 3));
        }
      }
    }
  }
}

/** Adds a tile f32[4][8] to four rows of f64[][16]. */
function addTile(tile: usize, sums: usize): void {
  for (let i: usize = 0; i < 4; i++) {
    for (let j: usize = 0; j < 8; j++) {
      const at = sums + (i << 7) + (j << 3);
      store<f64>(at, load<f64>(at) + <f64>load<f32>(tile + (i << 5) + (j << 2)));
    }
  }
}

/**
 * Writes some rows of linear combinations of panels, Y_t = sum over p of X_p C_pt, or adds them to Y_t. A target may
 * also be a source.
 *
 * @param coefficients f32[2 numTargets][16 numSources][8]: C in panels of eight columns
 * @param scratch      f32[16 numSources][4] and f32[4][8], buffers of this thread
 * @param first,count  multiples of 4
 */
export function combine(
  sources: usize,
  numSources: u32,
  coefficients: usize,
  targets: usize,
  numTargets: u32,
  adds: bool,
  scratch: usize,
  first: u32,
  count: u32,
): void {
  const numTerms = numSources << 4;
  const tile = scratch + ((<usize>numTerms) << 4);
  for (let r = first; r < first + count; r += 4) {
    const rows = (<usize>r) << 6;
    for (let p: u32 = 0; p < numSources; p++) {
      packRows(<usize>load<u32>(sources + ((<usize>p) << 2)) + rows, scratch + ((<usize>p) << 8));
    }
    // the sources' rows are packed, so targets that are also sources can be overwritten
    for (let half: u32 = 0; half < numTargets << 1; half++) {
      memory.fill(tile, 0, 128);
      addProducts(scratch, 16, coefficients + ((<usize>half * numTerms) << 5), 32, numTerms, tile);
      const target =
        <usize>load<u32>(targets + ((<usize>(half >>> 1)) << 2)) + rows + ((<usize>half & 1) << 5);
      for (let i: usize = 0; i < 4; i++) {
        let y0 = v128.load(tile + (i << 5));
        let y1 = v128.load(tile + (i << 5), 16);
        const y = target + (i << 6);
        if (adds) {
          y0 = f32x4.add(v128.load(y), y0);
          y1 = f32x4.add(v128.load(y, 16), y1);
        }
        v128.store(y, y0);
        v128.store(y, y1, 16);
      }
    }
  }
}

/** Packs four rows of a panel side by side, f32[16][4]. */
function packRows(rows: usize, packed: usize): void {
  for (let t: usize = 0; t < 64; t += 16) transpose4(rows + t, 64, packed + (t << 2), 16);
}
