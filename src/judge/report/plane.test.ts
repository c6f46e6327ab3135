import { mulberry32 } from "../../testing/random.js";
import { planeOf } from "./plane.js";

/**
 * Points on a circle in the first two of `dim` dimensions, with small values in other dimensions and random lengths.
 */
function ring(n: number, dim: number): Float32Array {
  const random = mulberry32(7);
  const vectors = new Float32Array(n * dim);
  for (let i = 0; i < n; i++) {
    const [angle, length] = [(2 * Math.PI * i) / n, 0.5 + random()];
    for (let d = 0; d < dim; d++) vectors[i * dim + d] = 0.01 * (random() - 0.5);
    vectors[i * dim] = 2 * length * Math.cos(angle);
    vectors[i * dim + 1] = 2 * length * Math.sin(angle);
  }
  return vectors;
}

test("rows that lie on a circle lie on one on the plane, whatever their lengths", () => {
  const { points, explained } = planeOf(ring(40, 6), 6)!;
  const lengths = Array.from({ length: 40 }, (_, i) => Math.hypot(points[2 * i]!, points[2 * i + 1]!));
  expect(Math.max(...lengths.map((length) => Math.abs(length - 1)))).toBeLessThan(0.01);
  expect(explained).toBeGreaterThan(0.99);
});

test("a turn of all rows turns no dot: the plane is the data's own, but for signs that the axes fix", () => {
  const vectors = Float32Array.from(ring(41, 4), (x, i) => (i % 4 === 0 ? 1.5 * x : x));
  const rotated = vectors.slice();
  for (let at = 0; at < rotated.length; at += 4)
    [rotated[at], rotated[at + 1], rotated[at + 2], rotated[at + 3]] = [
      vectors[at + 2]!,
      vectors[at + 3]!,
      vectors[at]!,
      vectors[at + 1]!,
    ];
  const [a, b] = [planeOf(vectors, 4)!, planeOf(rotated, 4)!];
  const furthest = Math.max(...a.points.map((x, i) => Math.abs(Math.abs(x) - Math.abs(b.points[i]!))));
  expect(furthest).toBeLessThan(1e-6);
});

test("rows that point the same way have no plane", () => {
  expect(planeOf(Float32Array.of(1, 2, 2, 4, 3, 6), 2)).toBeUndefined();
});
