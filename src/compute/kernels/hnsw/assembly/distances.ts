// Distances of a vector to four nodes at once: their loads overlap, and the vector is read once for all four.
//
// Sums have eight parts, by dimension modulo 8 (four parts for a last half), which are then added in pairs. The
// distance from a to b has the same bits as that from b to a.

import { LinkGraph } from "./plan";

/** Returns four sums: (x0 + x2) + (x1 + x3) of each vector. */
function sums(a: v128, b: v128, c: v128, d: v128): v128 {
  const left = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const right = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(left, right, 0, 2, 4, 6), v128.shuffle<f32>(left, right, 1, 3, 5, 7));
}

function addSquare(sum: v128, x: v128, at: usize): v128 {
  const difference = f32x4.sub(x, v128.load(at));
  return f32x4.add(sum, f32x4.mul(difference, difference));
}

/**
 * Writes the distances of x to four nodes: negated inner products, or squared Euclidean distances.
 *
 * @param x     f32[d]
 * @param nodes u32[4]
 * @param out   f32[4]
 */
export function distances4(graph: LinkGraph, x: usize, nodes: usize, out: usize): void {
  const bytes = (<usize>graph.dim) << 2;
  let a = graph.vectors + <usize>load<u32>(nodes) * bytes;
  let b = graph.vectors + <usize>load<u32>(nodes, 4) * bytes;
  let c = graph.vectors + <usize>load<u32>(nodes, 8) * bytes;
  let d = graph.vectors + <usize>load<u32>(nodes, 12) * bytes;
  let a0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  let b0 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let d0 = f32x4.splat(0);
  let d1 = f32x4.splat(0);
  const end = x + (bytes & ~31);
  if (graph.isL2) {
    for (; x < end; x += 32, a += 32, b += 32, c += 32, d += 32) {
      let q = v128.load(x);
      a0 = addSquare(a0, q, a);
      b0 = addSquare(b0, q, b);
      c0 = addSquare(c0, q, c);
      d0 = addSquare(d0, q, d);
      q = v128.load(x, 16);
      a1 = addSquare(a1, q, a + 16);
      b1 = addSquare(b1, q, b + 16);
      c1 = addSquare(c1, q, c + 16);
      d1 = addSquare(d1, q, d + 16);
    }
    if (bytes & 16) {
      const q = v128.load(x);
      a0 = addSquare(a0, q, a);
      b0 = addSquare(b0, q, b);
      c0 = addSquare(c0, q, c);
      d0 = addSquare(d0, q, d);
    }
    v128.store(out, sums(f32x4.add(a0, a1), f32x4.add(b0, b1), f32x4.add(c0, c1), f32x4.add(d0, d1)));
    return;
  }
  for (; x < end; x += 32, a += 32, b += 32, c += 32, d += 32) {
    let q = v128.load(x);
    a0 = f32x4.add(a0, f32x4.mul(q, v128.load(a)));
    b0 = f32x4.add(b0, f32x4.mul(q, v128.load(b)));
    c0 = f32x4.add(c0, f32x4.mul(q, v128.load(c)));
    d0 = f32x4.add(d0, f32x4.mul(q, v128.load(d)));
    q = v128.load(x, 16);
    a1 = f32x4.add(a1, f32x4.mul(q, v128.load(a, 16)));
    b1 = f32x4.add(b1, f32x4.mul(q, v128.load(b, 16)));
    c1 = f32x4.add(c1, f32x4.mul(q, v128.load(c, 16)));
    d1 = f32x4.add(d1, f32x4.mul(q, v128.load(d, 16)));
  }
  if (bytes & 16) {
    const q = v128.load(x);
    a0 = f32x4.add(a0, f32x4.mul(q, v128.load(a)));
    b0 = f32x4.add(b0, f32x4.mul(q, v128.load(b)));
    c0 = f32x4.add(c0, f32x4.mul(q, v128.load(c)));
    d0 = f32x4.add(d0, f32x4.mul(q, v128.load(d)));
  }
  const dots = sums(f32x4.add(a0, a1), f32x4.add(b0, b1), f32x4.add(c0, c1), f32x4.add(d0, d1));
  // subtracts from 0 instead of negating, so that no distance is a negative zero
  v128.store(out, f32x4.sub(f32x4.splat(0), dots));
}

/** Writes the distances of x to any number of nodes; `nodes` and `out` have room up to a multiple of 4. */
export function distancesTo(graph: LinkGraph, x: usize, nodes: usize, count: u32, out: usize): void {
  if (count == 0) return;
  // pads the list of nodes to a multiple of 4 with copies of the last node
  const last = load<u32>(nodes + ((<usize>(count - 1)) << 2));
  for (let i = count; i & 3; i++) store<u32>(nodes + ((<usize>i) << 2), last);
  for (let i: u32 = 0; i < count; i += 4) {
    distances4(graph, x, nodes + ((<usize>i) << 2), out + ((<usize>i) << 2));
  }
}

export function vectorOf(graph: LinkGraph, node: u32): usize {
  return graph.vectors + ((<usize>node * graph.dim) << 2);
}
