import { gaussJordanInverse } from "../../base/numeric/gauss-jordan.js";
import { draw } from "../../base/numeric/random.js";
import { invertPositive } from "./inverse.js";

/** Returns X'X + l2 I for random events, the matrix that EASE inverts. */
function gram(n: number, l2: number): Float64Array {
  const a = new Float64Array(n * n);
  for (let user = 0; user < 3 * n; user++) {
    const items = Array.from({ length: n }, (_, i) => i).filter((i) => draw(user, i) % 11 === 0);
    for (const i of items) for (const j of items) a[i * n + j]!++;
  }
  for (let i = 0; i < n; i++) a[i * n + i]! += l2;
  return a;
}

const invert = (a: Float64Array, n: number, threads = 1) =>
  invertPositive(
    n,
    (i, row) => {
      for (let j = 0; j < n; j++) row[j]! += a[i * n + j]!;
    },
    { threads },
  );

test.each([1, 5, 64, 65, 200])("is the reference's to 1e-5 of the largest entry, %i rows", async (n) => {
  const a = gram(n, 20);
  const got = await invert(a, n);
  const expected = gaussJordanInverse(a.slice(), n)!;
  const largest = expected.reduce((high, x) => Math.max(high, Math.abs(x)), 0);
  let worst = 0;
  for (let i = 0; i < n; i++) {
    got.row(i).forEach((x, j) => (worst = Math.max(worst, Math.abs(x - expected[i * n + j]!))));
  }
  expect(worst / largest).toBeLessThan(1e-5);
});

test("the reference inverts a matrix worked out by hand", () => {
  const inverse = gaussJordanInverse(Float64Array.of(2, 1, 1, 2), 2)!;
  [2 / 3, -1 / 3, -1 / 3, 2 / 3].forEach((x, i) => expect(inverse[i]).toBeCloseTo(x, 14));
});

test("the same bytes at 1, 2 and 3 threads", async () => {
  const [n, a] = [200, gram(200, 5)];
  const one = await invert(a, n);
  for (const threads of [2, 3]) {
    const other = await invert(a, n, threads);
    for (let i = 0; i < n; i++) expect(other.row(i)).toEqual(one.row(i));
  }
});

test("a matrix that is not positive definite is refused", async () => {
  await expect(invert(Float64Array.of(1, 2, 2, 1), 2)).rejects.toThrow(/positive definite/);
});
