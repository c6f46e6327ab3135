import { polyaGammaDraw, polyaGammaMean } from "./polya-gamma.reference.js";
import { draw } from "./random.js";

const N = 20_000;
const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

test.each([0, 0.4, -1.7, 3.1, 5, -12, 60])(
  "20,000 draws of PG(1, %d) have its mean and its Laplace transform, within four standard errors",
  (s) => {
    const values = Array.from({ length: N }, (_, i) => polyaGammaDraw(draw(29, i), s));
    expect(Math.min(...values)).toBeGreaterThan(0);
    const within = (found: readonly number[], expected: number) => {
      const average = mean(found);
      const variance = mean(found.map((x) => (x - average) ** 2));
      expect(Math.abs(average - expected)).toBeLessThan(4 * Math.sqrt(variance / N));
    };
    within(values, polyaGammaMean(s));
    // The Laplace transform of a Pólya-Gamma draw is E exp(-t omega) = cosh(s / 2) / cosh(sqrt((s^2 / 2 + t) / 2)).
    // Small t test the far tail, large t the values near 0.
    for (const t of [0.5, 4, 30]) {
      within(
        values.map((x) => Math.exp(-t * x)),
        Math.cosh(s / 2) / Math.cosh(Math.sqrt((s * s) / 2 + t) / Math.SQRT2),
      );
    }
  },
);

test("the mean is tanh(s / 2) / (2 s), without a step where its series takes over", () => {
  for (const s of [0.0099, 0.0101, -0.5, 2, 30]) {
    expect(polyaGammaMean(s)).toBeCloseTo(Math.tanh(s / 2) / (2 * s), 9);
  }
  expect(polyaGammaMean(0)).toBe(0.25);
});

test("scores beyond all use still have positive precisions", () => {
  for (const s of [500, -1e6, 1e30]) expect(polyaGammaDraw(5, s)).toBeGreaterThan(0);
});
