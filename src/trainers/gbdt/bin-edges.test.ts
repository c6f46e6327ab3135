// Tests bin edges of numeric columns.

import { mulberry32 } from "../../testing/random.js";
import { edgesOf } from "./bin-edges.js";

const ascending = (values: number[]) => Float64Array.from(values).sort();

test("few numbers have an edge between each two, zero apart on both sides", () => {
  const numbers = [-2, -1, 0, 3, 4].flatMap((x) => [x, x, x]);
  expect(edgesOf(ascending(numbers), 255)).toEqual([-1.5, -1e-35, 1e-35, 3.5]);
});

test("one number, or none, has no edge", () => {
  expect(edgesOf(ascending([7, 7, 7, 7]), 255)).toEqual([]);
  expect(edgesOf(ascending([0, 0, 0, 0]), 255)).toEqual([]);
  expect(edgesOf(new Float64Array(), 255)).toEqual([]);
});

test.each([2, 16, 255])("at most %i ranges of about equally many rows, edges ascending", (maxBin) => {
  const random = mulberry32(maxBin);
  const numbers = ascending(Array.from({ length: 20_000 }, () => random() * random()));
  const edges = edgesOf(numbers, maxBin);
  expect(edges.length).toBeLessThan(maxBin);
  expect(edges).toEqual([...edges].sort((a, b) => a - b));
  const held = [...edges, Infinity].map((edge) => numbers.filter((x) => x <= edge).length);
  const sizes = held.map((count, b) => count - (held[b - 1] ?? 0));
  expect(Math.max(...sizes)).toBeLessThan((1.2 * numbers.length) / Math.max(1, maxBin - 1));
});

test("a frequent number's range ends behind it", () => {
  const numbers = [...Array.from({ length: 1000 }, (_, i) => i + 1), ...Array<number>(500).fill(300)];
  expect(edgesOf(ascending(numbers), 10)).toContain(300.5);
});
