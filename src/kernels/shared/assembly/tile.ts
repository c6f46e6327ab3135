// A tile of a matrix product: four rows by eight columns, summed over n terms in their order.
//
//   left    f32[n][4]   four rows side by side: term t of row r at left + t * leftStride + 4 r
//   right   f32[n][8]   eight columns side by side: term t of column c at right + t * rightStride + 4 c
//   tile    f32[4][8]   the sums, row after row
//
// Eight sums stay in registers, so a term costs six loads for 32 products: the whole of a large product is made of these.

/**
 * Adds the products of n terms to what the tile holds.
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
 * The same with strides of 16 and 32: the loop then has nothing to do but the products.
 *
 * Two terms a turn, with a way out between them. A turn costs the engine's own check and the pointers as much as a sixth of its
 * products, and without the way out V8 would fetch what both terms read before the first product, which the registers cannot hold.
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
 * Adds the products of four times as many terms as there are groups, where the left side stands the other way: its four rows
 * are 16 bytes apart, and a group has four terms side by side.
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
