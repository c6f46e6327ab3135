import { plateauCoefficients } from "./plateau.js";

/** c(P) of an eigenvalue of P, by the definition of Chebyshev polynomials. */
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
