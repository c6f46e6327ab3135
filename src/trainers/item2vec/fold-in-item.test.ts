import { between, integerBelow, mulberry32 } from "../../testing/random.js";
import { foldInItem, noiseOf, type FixedContexts } from "./fold-in.js";

const NUM_ITEMS = 40;
const DIM = 6;

function planted(seed: number): { fixed: FixedContexts; masses: Map<number, number> } {
  const random = mulberry32(seed);
  const vectors = Float32Array.from({ length: NUM_ITEMS * DIM }, () => between(-2, 2, random));
  const counts = Uint32Array.from({ length: NUM_ITEMS }, () => integerBelow(50, random));
  const masses = new Map(
    Array.from({ length: 5 }, () => [integerBelow(NUM_ITEMS, random), between(0.2, 3, random)]),
  );
  return { fixed: { dim: DIM, vectors, noise: noiseOf(counts, { noiseExponent: 0.75, seed }) }, masses };
}

/** Computes the objective J, which fold-in.ts defines. */
function objective(
  { vectors, noise }: FixedContexts,
  masses: ReadonlyMap<number, number>,
  { negatives, l2 }: { negatives: number; l2: number },
  h: Float64Array,
): number {
  const score = (item: number) => h.reduce((sum, x, d) => sum + x * vectors[item * DIM + d]!, 0);
  const mass = [...masses.values()].reduce((a, b) => a + b);
  let value = (l2 / 2) * h.reduce((sum, x) => sum + x * x, 0);
  for (const [item, m] of masses) value += m * Math.log1p(Math.exp(-score(item)));
  noise.items.forEach((item, n) => {
    value += negatives * mass * noise.chances[n]! * Math.log1p(Math.exp(score(item)));
  });
  return value;
}

test.each([1, 2, 3])("the gradient of J is 0 at the vector, by central differences (seed %i)", (seed) => {
  const { fixed, masses } = planted(seed);
  const how = { negatives: 5, l2: 0.5 };
  const h = foldInItem(fixed, masses, how);
  const gradient = h.map((_, d) => {
    const moved = (by: number) =>
      objective(
        fixed,
        masses,
        how,
        h.map((x, j) => (j === d ? x + by : x)),
      );
    return (moved(1e-5) - moved(-1e-5)) / 2e-5;
  });
  const mass = [...masses.values()].reduce((a, b) => a + b);
  expect(Math.max(...gradient.map(Math.abs)) / ((1 + how.negatives) * mass)).toBeLessThan(1e-5);
});

test("the noise is that of the counts, exact for few items and within 1 % of a drawn share for many", () => {
  const { items, chances } = noiseOf(Uint32Array.of(16, 0, 81), { noiseExponent: 0.75, seed: 1 });
  expect([...items]).toEqual([0, 2]);
  expect(chances[0]).toBeCloseTo(8 / 35, 12);
  const counts = Uint32Array.from({ length: 20_000 }, (_, i) => (i < 100 ? 10_000 : 1));
  const many = noiseOf(counts, { noiseExponent: 1, seed: 1 });
  const frequent = many.chances.reduce((sum, chance, n) => sum + (many.items[n]! < 100 ? chance : 0), 0);
  expect(frequent).toBeCloseTo(1_000_000 / 1_019_900, 2);
  expect(many.chances.reduce((a, b) => a + b)).toBeCloseTo(1, 9);
  expect(noiseOf(counts, { noiseExponent: 1, seed: 1 })).toEqual(many);
});
