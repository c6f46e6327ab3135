// A tile of a matrix product: four rows by eight columns, summed over n terms in their order.
//
//   left    f32[n][4]   four rows side by side: term t of row r at left + t * leftStride + 4 r
//   right   f32[n][8]   eight columns side by side: term t of column c at right + t * rightStride + 4 c
//   tile    f32[4][8]   the sums, row after row
//
// Eight sums stay in registers, so a term costs six loads for 32 products. Large products consist entirely of these
// tiles.

/**
 * Adds the products of n terms to a tile of four rows by eight columns.
 *
 * @param leftStride,rightStride bytes from one term to the next
 */
export function addProducts(
  left: usize,
  leftStride: usize,
  right: usize,
  rightStride: usize,
  n: u32,
  tile: usize,
): void {
  let a0 = v128.load(tile);
  let a1 = v128.load(tile, 16);
  let b0 = v128.load(tile, 32);
  let b1 = v128.load(tile, 48);
  let c0 = v128.load(tile, 64);
  let c1 = v128.load(tile, 80);
  let d0 = v128.load(tile, 96);
  let d1 = v128.load(tile, 112);
  for (let t: u32 = 0; t < n; t++) {
    const r0 = v128.load(right);
    const r1 = v128.load(right, 16);
    let l = v128.load32_splat(left);
    a0 = f32x4.add(a0, f32x4.mul(l, r0));
    a1 = f32x4.add(a1, f32x4.mul(l, r1));
    l = v128.load32_splat(left, 4);
    b0 = f32x4.add(b0, f32x4.mul(l, r0));
    b1 = f32x4.add(b1, f32x4.mul(l, r1));
    l = v128.load32_splat(left, 8);
    c0 = f32x4.add(c0, f32x4.mul(l, r0));
    c1 = f32x4.add(c1, f32x4.mul(l, r1));
    l = v128.load32_splat(left, 12);
    d0 = f32x4.add(d0, f32x4.mul(l, r0));
    d1 = f32x4.add(d1, f32x4.mul(l, r1));
    left += leftStride;
    right += rightStride;
  }
  v128.store(tile, a0);
  v128.store(tile, a1, 16);
  v128.store(tile, b0, 32);
  v128.store(tile, b1, 48);
  v128.store(tile, c0, 64);
  v128.store(tile, c1, 80);
  v128.store(tile, d0, 96);
  v128.store(tile, d1, 112);
}

/**
 * Adds the products of n terms to the tile for strides of 16 and 32, with less overhead.
 *
 * An iteration adds two terms, with a loop exit between them. The overhead of an iteration (the engine's check, the
 * pointers) is up to a sixth of the time of its products. Without the exit, V8 would load the operands of both terms
 * before the first product, which exceeds the registers.
 *
 * @param n at least 1
 */
export function addPacked(left: usize, right: usize, n: u32, tile: usize): void {
  let a0 = v128.load(tile);
  let a1 = v128.load(tile, 16);
  let b0 = v128.load(tile, 32);
  let b1 = v128.load(tile, 48);
  let c0 = v128.load(tile, 64);
  let c1 = v128.load(tile, 80);
  let d0 = v128.load(tile, 96);
  let d1 = v128.load(tile, 112);
  const end = left + ((<usize>n) << 4);
  do {
    let r0 = v128.load(right);
    let r1 = v128.load(right, 16);
    let l = v128.load32_splat(left);
    a0 = f32x4.add(a0, f32x4.mul(l, r0));
    a1 = f32x4.add(a1, f32x4.mul(l, r1));
    l = v128.load32_splat(left, 4);
    b0 = f32x4.add(b0, f32x4.mul(l, r0));
    b1 = f32x4.add(b1, f32x4.mul(l, r1));
    l = v128.load32_splat(left, 8);
    c0 = f32x4.add(c0, f32x4.mul(l, r0));
    c1 = f32x4.add(c1, f32x4.mul(l, r1));
    l = v128.load32_splat(left, 12);
    d0 = f32x4.add(d0, f32x4.mul(l, r0));
    d1 = f32x4.add(d1, f32x4.mul(l, r1));
    left += 16;
    if (left >= end) break;

    r0 = v128.load(right, 32);
    r1 = v128.load(right, 48);
    l = v128.load32_splat(left);
    a0 = f32x4.add(a0, f32x4.mul(l, r0));
    a1 = f32x4.add(a1, f32x4.mul(l, r1));
    l = v128.load32_splat(left, 4);
    b0 = f32x4.add(b0, f32x4.mul(l, r0));
    b1 = f32x4.add(b1, f32x4.mul(l, r1));
    l = v128.load32_splat(left, 8);
    c0 = f32x4.add(c0, f32x4.mul(l, r0));
    c1 = f32x4.add(c1, f32x4.mul(l, r1));
    l = v128.load32_splat(left, 12);
    d0 = f32x4.add(d0, f32x4.mul(l, r0));
    d1 = f32x4.add(d1, f32x4.mul(l, r1));
    left += 16;
    right += 64;
  } while (left < end);
  v128.store(tile, a0);
  v128.store(tile, a1, 16);
  v128.store(tile, b0, 32);
  v128.store(tile, b1, 48);
  v128.store(tile, c0, 64);
  v128.store(tile, c1, 80);
  v128.store(tile, d0, 96);
  v128.store(tile, d1, 112);
}

/**
 * Writes a transposed tile, f32[8][4]: a row for each column of `right`, a column for each row of `left`.
 *
 * An iteration adds two terms, as in addPacked.
 *
 * @param first f32[8]: initial values of the sums, by column of `right`
 * @param n     at least 1
 */
export function writeColumns(left: usize, right: usize, n: u32, first: usize, target: usize): void {
  let a = v128.load32_splat(first);
  let b = v128.load32_splat(first, 4);
  let c = v128.load32_splat(first, 8);
  let d = v128.load32_splat(first, 12);
  let e = v128.load32_splat(first, 16);
  let f = v128.load32_splat(first, 20);
  let g = v128.load32_splat(first, 24);
  let h = v128.load32_splat(first, 28);
  const end = left + ((<usize>n) << 4);
  do {
    let l = v128.load(left);
    a = f32x4.add(a, f32x4.mul(v128.load32_splat(right), l));
    b = f32x4.add(b, f32x4.mul(v128.load32_splat(right, 4), l));
    c = f32x4.add(c, f32x4.mul(v128.load32_splat(right, 8), l));
    d = f32x4.add(d, f32x4.mul(v128.load32_splat(right, 12), l));
    e = f32x4.add(e, f32x4.mul(v128.load32_splat(right, 16), l));
    f = f32x4.add(f, f32x4.mul(v128.load32_splat(right, 20), l));
    g = f32x4.add(g, f32x4.mul(v128.load32_splat(right, 24), l));
    h = f32x4.add(h, f32x4.mul(v128.load32_splat(right, 28), l));
    left += 16;
    if (left >= end) break;

    l = v128.load(left);
    a = f32x4.add(a, f32x4.mul(v128.load32_splat(right, 32), l));
    b = f32x4.add(b, f32x4.mul(v128.load32_splat(right, 36), l));
    c = f32x4.add(c, f32x4.mul(v128.load32_splat(right, 40), l));
    d = f32x4.add(d, f32x4.mul(v128.load32_splat(right, 44), l));
    e = f32x4.add(e, f32x4.mul(v128.load32_splat(right, 48), l));
    f = f32x4.add(f, f32x4.mul(v128.load32_splat(right, 52), l));
    g = f32x4.add(g, f32x4.mul(v128.load32_splat(right, 56), l));
    h = f32x4.add(h, f32x4.mul(v128.load32_splat(right, 60), l));
    left += 16;
    right += 64;
  } while (left < end);
  v128.store(target, a);
  v128.store(target, b, 16);
  v128.store(target, c, 32);
  v128.store(target, d, 48);
  v128.store(target, e, 64);
  v128.store(target, f, 80);
  v128.store(target, g, 96);
  v128.store(target, h, 112);
}

/**
 * Adds the products of 4 numGroups terms to the tile, with the left side transposed: a group consists of four rows that
 * are 16 bytes apart, each with four consecutive terms.
 *
 * @param left        f32: term t of row r of group g at left + g * groupStride + 16 r + 4 t
 * @param rightStride bytes from one term to the next
 */
export function addTransposed(
  left: usize,
  groupStride: usize,
  right: usize,
  rightStride: usize,
  numGroups: u32,
  tile: usize,
): void {
  let a0 = v128.load(tile);
  let a1 = v128.load(tile, 16);
  let b0 = v128.load(tile, 32);
  let b1 = v128.load(tile, 48);
  let c0 = v128.load(tile, 64);
  let c1 = v128.load(tile, 80);
  let d0 = v128.load(tile, 96);
  let d1 = v128.load(tile, 112);
  for (let g: u32 = 0; g < numGroups; g++) {
    for (let t: usize = 0; t < 16; t += 4) {
      const r0 = v128.load(right);
      const r1 = v128.load(right, 16);
      let l = v128.load32_splat(left + t);
      a0 = f32x4.add(a0, f32x4.mul(l, r0));
      a1 = f32x4.add(a1, f32x4.mul(l, r1));
      l = v128.load32_splat(left + t, 16);
      b0 = f32x4.add(b0, f32x4.mul(l, r0));
      b1 = f32x4.add(b1, f32x4.mul(l, r1));
      l = v128.load32_splat(left + t, 32);
      c0 = f32x4.add(c0, f32x4.mul(l, r0));
      c1 = f32x4.add(c1, f32x4.mul(l, r1));
      l = v128.load32_splat(left + t, 48);
      d0 = f32x4.add(d0, f32x4.mul(l, r0));
      d1 = f32x4.add(d1, f32x4.mul(l, r1));
      right += rightStride;
    }
    left += groupStride;
  }
  v128.store(tile, a0);
  v128.store(tile, a1, 16);
  v128.store(tile, b0, 32);
  v128.store(tile, b1, 48);
  v128.store(tile, c0, 64);
  v128.store(tile, c1, 80);
  v128.store(tile, d0, 96);
  v128.store(tile, d1, 112);
}
