import { plateauCoefficients } from "./plateau.js";

/**
 * Returns the filter's polynomial at an eigenvalue of the normalized graph, by the trigonometric definition of
 * Chebyshev polynomials.
 */
function filterAt(eigenvalue: number, flatness: number): number {
  const angle = Math.acos(1 - 2 * eigenvalue);
  return plateauCoefficients(flatness).reduce((sum, c, k) => sum + c * Math.cos(k * angle), 0);
}

test("a plateau is near 1 for what all users share, a half in the middle, near 0 for what none do, and falls between", () => {
  const at = Array.from({ length: 21 }, (_, i) => filterAt(i / 20, 1.5));
  expect(at[0]).toBeCloseTo(0, 1);
  expect(at[10]).toBeCloseTo(0.5, 6);
  expect(at[20]).toBeCloseTo(1, 1);
  expect([...at].sort((a, b) => a - b)).toEqual(at);
});

test("a higher exponent makes the plateau flatter around its middle", () => {
  expect(filterAt(0.7, 2.5)).toBeLessThan(filterAt(0.7, 1.5));
  expect(filterAt(0.3, 2.5)).toBeGreaterThan(filterAt(0.3, 1.5));
});

test("targets are taken beside the nodes, as the authors' code has it", () => {
  const K = 8;
  const plateau = (y: number) => 0.5 - 0.5 * Math.sign(y) * Math.abs(y) ** 1.5;
  const coefficients = (pointAt: (i: number) => number) =>
    Array.from({ length: K + 1 }, (_, k) => {
      const terms = Array.from(
        { length: K + 1 },
        (__, i) => plateau(pointAt(i)) * Math.cos((k * (K + 0.5 - i) * Math.PI) / (K + 1)),
      );
      return ((k === 0 ? 1 : 2) / (K + 1)) * terms.reduce((sum, x) => sum + x, 0);
    });
  const differences = (wanted: number[]) =>
    Math.max(...wanted.map((c, k) => Math.abs(c - (plateauCoefficients(1.5)[k] ?? 0))));
  const theirs = coefficients((i) => Number(Math.cos(((K - i) * Math.PI) / K).toFixed(3)));
  expect(differences(theirs)).toBeLessThan(1e-12);
  expect(differences(coefficients((i) => Math.cos(((K + 0.5 - i) * Math.PI) / (K + 1))))).toBeGreaterThan(
    0.01,
  );
});
