import { between, mulberry32 } from "../../../testing/random.js";
import { eigenOf } from "./symmetric.js";

/**
 * Returns the greatest absolute entry of A V - V D, for eigenvectors V and eigenvalues D, relative to that of A, and of
 * V'V - I.
 */
function errorsOf(entries: Float64Array, size: number): { product: number; orthogonality: number } {
  const { values, vectors } = eigenOf(entries, size);
  const greatest = Math.max(Number.MIN_VALUE, ...entries.map(Math.abs));
  let [product, orthogonality] = [0, 0];
  for (let r = 0; r < size; r++) {
    for (let c = 0; c < size; c++) {
      let [sum, cosine] = [0, 0];
      for (let k = 0; k < size; k++) {
        sum += entries[r * size + k]! * vectors[k * size + c]!;
        cosine += vectors[k * size + r]! * vectors[k * size + c]!;
      }
      product = Math.max(product, Math.abs(sum - values[c]! * vectors[r * size + c]!) / greatest);
      orthogonality = Math.max(orthogonality, Math.abs(cosine - (r === c ? 1 : 0)));
    }
  }
  return { product, orthogonality };
}

function symmetric(size: number, at: (r: number, c: number) => number): Float64Array {
  const entries = new Float64Array(size * size);
  for (let r = 0; r < size; r++)
    for (let c = r; c < size; c++) entries[r * size + c] = entries[c * size + r] = at(r, c);
  return entries;
}

const random = mulberry32(7);
const entriesAtRandom = Float64Array.from({ length: 64 * 64 }, () => between(-0.5, 0.5, random));

test.each([
  ["one entry", 1, () => -3],
  ["a random matrix", 64, (r, c) => entriesAtRandom[r * 64 + c]!],
  ["a block of ones among zeros", 20, (r, c) => (r > 3 && c < 12 && r < 12 ? 1 : 0)],
  ["zeros", 5, () => 0],
  ["equal eigenvalues", 9, (r, c) => (r === c ? 2 : 0)],
  ["entries of very different sizes", 12, (r, c) => 10 ** -(r + c)],
] as [string, number, (r: number, c: number) => number][])(
  "A V = V D and V'V = I to 1e-13 times the size: %s",
  (_, size, at) => {
    const entries = symmetric(size, at);
    const { product, orthogonality } = errorsOf(entries, size);
    expect(product).toBeLessThan(1e-13 * size);
    expect(orthogonality).toBeLessThan(1e-13 * size);
    const { values } = eigenOf(entries, size);
    expect([...values]).toEqual([...values].sort((a, b) => b - a));
  },
);

test("only the upper half is read, and what is no number ends as well", () => {
  const entries = symmetric(6, (r, c) => entriesAtRandom[r * 64 + c]!);
  const upper = entries.map((x, at) => (at % 6 < Math.floor(at / 6) ? 99 : x));
  expect(eigenOf(upper, 6)).toEqual(eigenOf(entries, 6));
  expect(eigenOf(entries.fill(NaN, 0, 1), 6).values).toHaveLength(6);
});
