import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { UsageError } from "../../../base/errors.js";
import type { SparseRows } from "../../kernels/als/binding.js";
import { draw } from "../../../base/numeric/random.js";
import { columnMoments, totalVariance, type SvdMatrix } from "./matrix.js";
import { truncatedSvd, type SvdOptions, type TruncatedSvd } from "./truncated-svd.js";

const options: SvdOptions = { dim: 5, tolerance: 1e-3, seed: 1, threads: 1 };
const uniform = (key: number, i: number): number => draw(key, i) / 2 ** 31 - 1;

function sparse(dense: readonly (readonly number[])[], numColumns: number): SparseRows {
  const indptr = new Uint32Array(dense.length + 1);
  const [indices, values]: [number[], number[]] = [[], []];
  dense.forEach((row, r) => {
    for (let c = 0; c < numColumns; c++) {
      if (row[c] === 0) continue;
      indices.push(c);
      values.push(row[c]!);
    }
    indptr[r + 1] = indices.length;
  });
  return { indptr, indices: Uint32Array.from(indices), values: Float32Array.from(values) };
}

function matrixOf(dense: readonly (readonly number[])[]): SvdMatrix {
  const numColumns = dense[0]!.length;
  const transposed = Array.from({ length: numColumns }, (_, c) => dense.map((row) => row[c]!));
  return { rows: sparse(dense, numColumns), columns: sparse(transposed, dense.length) };
}

/** Creates a matrix with slowly decreasing singular values; three of four entries are zero. */
function planted(numRows: number, numColumns: number): number[][] {
  return Array.from({ length: numRows }, (_, r) =>
    Array.from({ length: numColumns }, (_, c) =>
      draw(3, r * numColumns + c) % 4 === 0
        ? Math.fround(
            uniform(1, r) * uniform(2, c) * 3 + ((r + c) % 7 === 0 ? 1 : 0) + 0.3 * uniform(4, r * 1000 + c),
          )
        : 0,
    ),
  );
}

/**
 * Returns the largest absolute entry of the difference between U S V' and the exact truncation, relative to the largest
 * singular value.
 */
function distance({ dim, singularValues, left, right }: TruncatedSvd, dense: number[][]): number {
  const svd = new SingularValueDecomposition(new Matrix(dense), { autoTranspose: true });
  // `diagonal` copies all singular values each time that it is read
  const { diagonal } = svd;
  const [U, V] = [svd.leftSingularVectors.to2DArray(), svd.rightSingularVectors.to2DArray()];
  let most = 0;
  for (let r = 0; r < dense.length; r++) {
    for (let c = 0; c < dense[0]!.length; c++) {
      let [got, wanted] = [0, 0];
      for (let d = 0; d < dim; d++) {
        got += left[r * dim + d]! * singularValues[d]! * right[c * dim + d]!;
        wanted += U[r]![d]! * diagonal[d]! * V[c]![d]!;
      }
      most = Math.max(most, Math.abs(got - wanted));
    }
  }
  return most / diagonal[0]!;
}

describe.each([
  ["wide", 150, 190],
  ["tall", 190, 150],
  ["narrow, through its Gram matrix,", 90, 40],
  ["flat, through its Gram matrix,", 40, 90],
])("a %s matrix", (_, numRows, numColumns) => {
  const dense = planted(numRows, numColumns);
  const matrix = matrixOf(dense);
  let plain: TruncatedSvd;
  beforeAll(async () => void (plain = await truncatedSvd(matrix, options)));

  test("has the truncation that ml-matrix finds, to 1e-5", () => {
    expect(distance(plain, dense)).toBeLessThan(1e-5);
  });

  test("scaled and centred without being written out is as when it is written out, to 1e-5", async () => {
    const rowScale = Float32Array.from({ length: numRows }, (_, r) => 1 + 0.5 * uniform(5, r));
    const columnScale = Float32Array.from({ length: numColumns }, (_, c) => 1 + 0.5 * uniform(6, c));
    const shaped = { ...matrix, rowScale, columnScale };
    const { means } = columnMoments(shaped);
    const written = dense.map((row, r) => row.map((x, c) => rowScale[r]! * x * columnScale[c]! - means[c]!));
    const found = await truncatedSvd({ ...shaped, means: Float32Array.from(means) }, options);
    expect(distance(found, written)).toBeLessThan(1e-5);
    const variance = written.flat().reduce((sum, x) => sum + x * x, 0) / numRows;
    expect(totalVariance(shaped, columnMoments(shaped)) / variance).toBeCloseTo(1, 6);
  });

  test("behind a filter it has the truncation of the product that is written out, to 2e-5", async () => {
    // The matrix M is scaled by a bound on its norm, the root of the product of its greatest row and column sums, so
    // that the eigenvalues of M'M are in [0, 1].
    const sums = (rows: number[][]) =>
      Math.max(...rows.map((row) => row.reduce((a, x) => a + Math.abs(x), 0)));
    const transposed = dense[0]!.map((_, c) => dense.map((row) => row[c]!));
    const scale = Math.fround(1 / Math.sqrt(sums(dense) * sums(transposed)));
    const rowScale = new Float32Array(numRows).fill(scale);
    const around1 = (key: number) =>
      Float32Array.from({ length: numColumns }, (_, c) => 1 + 0.5 * uniform(key, c));
    const [before, after] = [around1(7), around1(8)];
    const coefficients = Float64Array.of(0.4, -0.5, 0.2, 0.1);
    const A = new Matrix(dense).mul(scale);
    const P = A.transpose().mmul(A);
    const L = Matrix.eye(numColumns).sub(P.clone().mul(2));
    let [previous, last] = [Matrix.eye(numColumns), L];
    const sum = Matrix.eye(numColumns).mul(coefficients[0]!).add(L.clone().mul(coefficients[1]!));
    for (const c of coefficients.slice(2)) {
      [previous, last] = [last, L.mmul(last).mul(2).sub(previous)];
      sum.add(last.clone().mul(c));
    }
    const behind = sum.mulRowVector([...after]);
    const written = A.mulRowVector([...before]).mmul(behind);
    const found = await truncatedSvd(
      { ...matrix, rowScale, filter: { coefficients, before, after } },
      { ...options, tolerance: 1e-4 },
    );
    expect(distance(found, written.to2DArray())).toBeLessThan(2e-5);
    const right = new Matrix(
      Array.from({ length: numColumns }, (_, c) => [
        ...found.right.subarray(c * found.dim, (c + 1) * found.dim),
      ]),
    );
    const difference = Matrix.sub(
      behind.mmul(right),
      new Matrix(numColumns, found.dim).apply(function (c, d) {
        this.set(c, d, found.behind![c * found.dim + d]!);
      }),
    );
    expect(difference.abs().max()).toBeLessThan(1e-5);
  });

  test("gives the same bytes at 1, 2 and 3 threads", async () => {
    for (const threads of [2, 3]) expect(await truncatedSvd(matrix, { ...options, threads })).toEqual(plain);
  });

  test("has its greatest entry of each right vector positive", () => {
    const { dim, right } = plain;
    for (let d = 0; d < dim; d++) {
      const column = Array.from({ length: numColumns }, (_, c) => right[c * dim + d]!);
      expect(Math.max(...column)).toBeGreaterThanOrEqual(-Math.min(...column));
    }
  });
});

test("a value that every dimension has is found as often as is asked for", async () => {
  // Each of the 160 users has an item of its own. A Krylov space of one start reaches only sixteen of them.
  const ones = { indptr: Uint32Array.from({ length: 161 }, (_, r) => r), indices: new Uint32Array(160) };
  ones.indices.forEach((_, r) => (ones.indices[r] = r));
  const { singularValues, method } = await truncatedSvd(
    { rows: ones, columns: ones },
    { ...options, dim: 20 },
  );
  expect(method).toBe("lanczos");
  expect(singularValues).toHaveLength(20);
  for (const value of singularValues) expect(value).toBeCloseTo(1, 5);
});

test.each([
  ["narrow", 60],
  ["wide", 200],
])("a %s matrix of rank 3 has three dimensions, whatever is asked for", async (_, numColumns) => {
  const dense = Array.from({ length: 220 }, (_, r) =>
    Array.from({ length: numColumns }, (_, c) =>
      [0, 1, 2].reduce((sum, d) => sum + uniform(10 + d, r) * uniform(20 + d, c), 0),
    ),
  );
  const found = await truncatedSvd(matrixOf(dense), options);
  expect(found.dim).toBe(3);
  expect(found.right).toHaveLength(3 * numColumns);
});

test("--exact goes through the Gram matrix where a side is narrow, and is refused where none is", async () => {
  const dense = planted(150, 190);
  const found = await truncatedSvd(matrixOf(dense), { ...options, exact: true });
  expect(found.method).toBe("exact");
  expect(distance(found, dense)).toBeLessThan(1e-6);
  const empty = { indptr: new Uint32Array(2001), indices: new Uint32Array() };
  await expect(truncatedSvd({ rows: empty, columns: empty }, { ...options, exact: true })).rejects.toThrow(
    UsageError,
  );
});

test("a signal ends it with the signal's reason", async () => {
  const controller = new AbortController();
  const running = truncatedSvd(matrixOf(planted(150, 190)), options, controller.signal);
  controller.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
});
