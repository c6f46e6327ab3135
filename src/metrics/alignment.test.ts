// Tests the rotation that aligns vectors with earlier vectors: it is found where one exists, it is orthogonal where the
// keys do not determine it, and it may contain a reflection.

import { mulberry32 } from "../testing/random.js";
import { AlignmentSums, fitOf, NearnessSums, rotatedRows } from "./alignment.js";

function normals(n: number, seed: number): Float32Array {
  const random = mulberry32(seed);
  return Float32Array.from({ length: n }, () => random() + random() + random() - 1.5);
}
/** Returns the rotation from sums to which keys are added in two portions. */
function alignmentRotation(
  from: Float32Array,
  to: Float32Array,
  counts: Uint32Array,
  dim: number,
): number[][] {
  const sums = new AlignmentSums(dim, true);
  const half = counts.length >> 1;
  for (const [first, last] of [
    [0, half],
    [half, counts.length],
  ] as const)
    sums.add(
      from.subarray(first * dim, last * dim),
      to.subarray(first * dim, last * dim),
      counts.subarray(first, last),
    );
  return sums.rotation()!;
}
function nearnessOf(a: Float32Array, b: Float32Array, dim: number) {
  const sums = new NearnessSums(dim);
  sums.add(a, b);
  return sums.mean();
}
/** Returns the greatest entry of Q'Q - I for a rotation Q; it is 0 if Q is orthogonal. */
function fromOrthogonal(rotation: number[][]): number {
  const dim = rotation.length;
  let worst = 0;
  for (let a = 0; a < dim; a++) {
    for (let b = 0; b < dim; b++) {
      const product = rotation.reduce((sum, row) => sum + row[a]! * row[b]!, 0);
      worst = Math.max(worst, Math.abs(product - (a === b ? 1 : 0)));
    }
  }
  return worst;
}
const mirrored = (vectors: Float32Array, dim: number) => vectors.map((x, i) => (i % dim === 0 ? -x : x));

test("a table that is the earlier one turned and mirrored is turned back to 1e-6", () => {
  const dim = 8;
  const earlier = normals(50 * dim, 1);
  const rotate = alignmentRotation(
    normals(50 * dim, 2),
    normals(50 * dim, 3),
    new Uint32Array(50).fill(1),
    dim,
  );
  const own = mirrored(rotatedRows(earlier, rotate), dim);
  const back = alignmentRotation(
    own,
    earlier,
    Uint32Array.from({ length: 50 }, (_, i) => i),
    dim,
  );
  const { cosine, distance } = nearnessOf(rotatedRows(own, back), earlier, dim)!;
  expect(1 - cosine).toBeLessThan(1e-6);
  expect(distance).toBeLessThan(1e-6);
});

test.each([1, 3, 7])(
  "%i common keys in 16 dimensions still give an orthogonal matrix that lays them over each other",
  (keys) => {
    const [from, to] = [normals(keys * 16, 4), normals(keys * 16, 5)];
    const rotation = alignmentRotation(from, to, new Uint32Array(keys).fill(9), 16);
    expect(fromOrthogonal(rotation)).toBeLessThan(1e-9);
    const before = nearnessOf(from, to, 16)!;
    expect(nearnessOf(rotatedRows(from, rotation), to, 16)!.cosine).toBeGreaterThan(before.cosine);
  },
);

test("a key of weight 0 decides nothing, and a frequent one more than a rare one, by log(1 + count)", () => {
  const from = Float32Array.of(1, 0, 0, 1);
  // One row requires a rotation by 90 degrees, the other row requires none.
  const to = Float32Array.of(0, 1, 0, 1);
  const cosineOfFirst = (counts: number[]) =>
    nearnessOf(
      rotatedRows(from, alignmentRotation(from, to, Uint32Array.from(counts), 2)).subarray(0, 2),
      to.subarray(0, 2),
      2,
    )!.cosine;
  expect(cosineOfFirst([5, 0])).toBeCloseTo(1, 6);
  expect(cosineOfFirst([100, 1])).toBeGreaterThan(cosineOfFirst([1, 100]));
});

describe("the fit", () => {
  const fit = (from: Float32Array, to: Float32Array, dim: number) => {
    const sums = new AlignmentSums(dim, true);
    sums.add(from, to, new Uint32Array(from.length / dim).fill(1));
    return fitOf([sums.correlation(sums.rotation()!)]);
  };

  test("of a rotated table is 1, of random vectors near 0 at any number of keys, of half noise between", () => {
    const [dim, keys] = [16, 400];
    const own = normals(keys * dim, 1);
    expect(fit(mirrored(own, dim), own, dim)).toBeCloseTo(1, 6);
    for (const size of [64, 400, 4000])
      expect(Math.abs(fit(normals(size * dim, 2), normals(size * dim, 3), dim)!)).toBeLessThan(0.1);
    const noise = normals(keys * dim, 4);
    const noisy = own.map((x, i) => x + noise[i]!);
    // the correlation of x + noise with x is the root of one half
    expect(Math.abs(fit(noisy, own, dim)! - Math.SQRT1_2)).toBeLessThan(0.1);
  });

  test("of fewer than two keys per dimension is undefined", () => {
    expect(fit(normals(31 * 16, 2), normals(31 * 16, 3), 16)).toBeUndefined();
    expect(fit(normals(32 * 16, 2), normals(32 * 16, 3), 16)).toBeDefined();
  });
});
