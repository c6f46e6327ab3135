import { mulberry32 } from "../../testing/random.js";
import { solveCholesky } from "./cholesky.js";

test.each([1, 2, 17])("solves a positive definite system of %i unknowns to 1e-9", (n) => {
  const random = mulberry32(n);
  const m = Float64Array.from({ length: n * n }, () => random() - 0.5);
  const at = (i: number, j: number) => {
    let sum = i === j ? 0.1 : 0;
    for (let k = 0; k < n; k++) sum += m[i * n + k]! * m[j * n + k]!;
    return sum;
  };
  const a = Float64Array.from({ length: n * n }, (_, p) => at(Math.floor(p / n), p % n));
  const x = Float64Array.from({ length: n }, () => random() - 0.5);
  const b = x.map((_, i) => x.reduce((sum, xj, j) => sum + a[i * n + j]! * xj, 0));
  const got = solveCholesky(a.slice(), b)!;
  expect(Math.max(...got.map((y, i) => Math.abs(y - x[i]!)))).toBeLessThan(1e-9);
});

test("says so when the matrix is not positive definite", () => {
  expect(solveCholesky(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1))).toBeUndefined();
  expect(solveCholesky(Float64Array.of(0), Float64Array.of(1))).toBeUndefined();
});
