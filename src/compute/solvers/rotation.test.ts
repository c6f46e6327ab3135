import { draw } from "../../base/numeric/random.js";
import { addRotated, rotationOnto } from "./rotation.js";

const dim = 5;
const n = 60;
const unit = (key: number, i: number) => draw(key, i) / 2 ** 32 - 0.5;
const vectors = Float32Array.from({ length: n * dim }, (_, i) => unit(1, i));
const ones = new Uint32Array(n).fill(1);
const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

/** Returns the vectors after two plane rotations and a reflection. */
function rotated(): Float32Array {
  const out = Float64Array.from(vectors);
  for (let at = 0; at < out.length; at += dim) {
    for (const [a, b, angle] of [
      [0, 3, 0.9],
      [1, 4, -2.1],
    ] as const) {
      const [x, y] = [out[at + a]!, out[at + b]!];
      out[at + a] = Math.cos(angle) * x - Math.sin(angle) * y;
      out[at + b] = Math.sin(angle) * x + Math.cos(angle) * y;
    }
    out[at + 2]! *= -1;
  }
  return Float32Array.from(out);
}

test("turned vectors come back onto themselves to 1e-6", () => {
  const back = new Float64Array(n * dim);
  addRotated(back, rotated(), rotationOnto(rotated(), vectors, ones, dim));
  expect(maxDifference(back, vectors)).toBeLessThan(1e-6);
});

test("the rotation is orthogonal to 1e-12, also of vectors that span less than all dimensions", () => {
  const flat = vectors.map((x, i) => (i % dim < 2 ? x : 0));
  const rotation = rotationOnto(flat, vectors, ones, dim);
  const products = rotation.map((row) =>
    rotation.map((other) => row.reduce((sum, x, i) => sum + x * other[i]!, 0)),
  );
  const identity = products.map((_, i) => products.map((__, j) => (i === j ? 1 : 0)));
  expect(maxDifference(products.flat(), identity.flat())).toBeLessThan(1e-12);
});

test("no other rotation of a thousand brings noisy vectors nearer", () => {
  const noisy = rotated().map((x, i) => x + 0.3 * unit(2, i));
  const distance = (rotation: number[][]) => {
    const out = new Float64Array(n * dim);
    addRotated(out, noisy, rotation);
    return out.reduce((sum, x, i) => sum + (x - vectors[i]!) ** 2, 0);
  };
  const best = rotationOnto(noisy, vectors, ones, dim);
  const least = distance(best);
  const others = Array.from({ length: 1000 }, (_, trial) => {
    // multiplies the optimal rotation by one of a small angle in a random plane
    const [a, b] = [draw(3, trial) % dim, draw(4, trial) % dim];
    const angle = 0.2 * unit(5, trial);
    return best.map((row) => {
      const out = [...row];
      if (a === b) return out;
      out[a] = Math.cos(angle) * row[a]! - Math.sin(angle) * row[b]!;
      out[b] = Math.sin(angle) * row[a]! + Math.cos(angle) * row[b]!;
      return out;
    });
  });
  expect(Math.min(...others.map(distance))).toBeGreaterThanOrEqual(least - 1e-9);
});

test("rows of weight 0 do not count", () => {
  const half = Uint32Array.from({ length: n }, (_, i) => (i < n / 2 ? 1 : 0));
  const spoilt = rotated().map((x, i) => (i < (n / 2) * dim ? x : 9 * unit(6, i)));
  const back = new Float64Array(n * dim);
  addRotated(back, spoilt, rotationOnto(spoilt, vectors, half, dim));
  expect(maxDifference(back.subarray(0, (n / 2) * dim), vectors.subarray(0, (n / 2) * dim))).toBeLessThan(
    1e-6,
  );
});
