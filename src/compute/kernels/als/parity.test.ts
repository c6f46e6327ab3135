import { Matrix, solve } from "ml-matrix";
import {
  allocateScratch,
  allocateSide,
  paddedDim,
  panelIndex,
  type AlsKernel,
  type SparseRows,
} from "./binding.js";
import { kernelImports, loadKernel } from "../shared/load.js";
import { Arena } from "../shared/memory.js";
import { referenceGram, referenceObjective, referenceSolve, type ReferenceMatrix } from "./als.reference.js";
import { draw } from "../../../base/numeric/random.js";

const unobservedWeight = 0.3;
const uniform = (key: number, i: number): number => draw(key, i) / 2 ** 31 - 1;

/**
 * Generates events of `numRows` rows: row 11 has events with about 11 of 12 columns, which is more than the kernel
 * gathers at a time, and any other row r with about r % 3 of 12 columns.
 */
function eventsOf(numRows: number, numColumns: number, weighted: boolean): SparseRows {
  const rows = Array.from({ length: numRows }, (_, r) =>
    Array.from({ length: numColumns }, (_, c) => c).filter((c) => draw(r, c) % 12 < (r === 11 ? 11 : r % 3)),
  );
  const indptr = new Uint32Array(numRows + 1);
  rows.forEach((row, r) => (indptr[r + 1] = indptr[r]! + row.length));
  const indices = Uint32Array.from(rows.flat());
  return {
    indptr,
    indices,
    ...(weighted && { values: Float32Array.from(indices, (_, e) => 1 + (draw(9, e) % 5) / 2) }),
  };
}

function matrixOf(key: number, numRows: number, dim: number): ReferenceMatrix {
  const data = Float64Array.from({ length: numRows * dim }, (_, i) => Math.fround(0.5 * uniform(key, i)));
  return { dim, data };
}

/** Solves the rows of W by the kernel, starting from the given values. @returns f64[numRows * dim], and the losses */
async function kernelSolve(
  W: ReferenceMatrix,
  H: ReferenceMatrix,
  events: SparseRows,
  penalties: Float32Array,
  block: number,
): Promise<{ data: Float64Array; losses: Float64Array }> {
  const { dim } = W;
  const D = paddedDim(dim);
  const arena = new Arena();
  const put = ({ data }: ReferenceMatrix) => {
    const region = arena.allocate("vectors", (data.length / dim) * D * 4);
    data.forEach((value, i) => (arena.f32(region)[Math.floor(i / dim) * D + (i % dim)] = value));
    return region;
  };
  const [rows, others] = [put(W), put(H)];
  const side = allocateSide(arena, { D, block, rows, others, events });
  const scratch = allocateScratch(arena, D, block, [events]);
  const sums = arena.allocate("sums", D * D * 4);
  arena.f32(side.penalties).set(penalties);
  const { exports: kernel } = new WebAssembly.Instance<AlsKernel>(
    await loadKernel("als"),
    kernelImports(arena.memory),
  );

  kernel.addGram(others.offset, D, 0, H.data.length / dim, scratch, sums.offset, 0, D / 8);
  const [upper, gram] = [arena.f32(sums), arena.f32(side.gram)];
  for (let r = 0; r < D; r++) {
    for (let k = 0; k < D; k++) {
      gram[panelIndex(D, r, k)] = unobservedWeight * upper[panelIndex(D, Math.min(r, k), Math.max(r, k))]!;
    }
  }
  kernel.solveRows(side.offset, scratch, 0, side.numRows);
  const solved = arena.f32(rows);
  return {
    data: W.data.map((_, i) => solved[Math.floor(i / dim) * D + (i % dim)]!),
    losses: arena.f64(side.losses).slice(0, side.numRows),
  };
}

const maxDifference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));

const [numRows, numColumns] = [29, 301];
const penalties = Float32Array.from({ length: numRows }, (_, r) => 0.5 + r / 10);

test("a row of a penalty below 0 stays as it is, and its loss is that of where it stands", async () => {
  const [W, H] = [matrixOf(1, numRows, 20), matrixOf(2, numColumns, 20)];
  const events = eventsOf(numRows, numColumns, true);
  const staying = penalties.map((p, r) => (r % 3 === 2 ? -1 : p));
  const { data, losses } = await kernelSolve(W, H, events, staying, 8);
  for (let r = 2; r < numRows; r += 3) {
    const row = W.data.subarray(20 * r, 20 * (r + 1));
    expect(data.subarray(20 * r, 20 * (r + 1))).toEqual(row);
    let loss = 0;
    for (let e = events.indptr[r]!; e < events.indptr[r + 1]!; e++) {
      const h = H.data.subarray(20 * events.indices[e]!, 20 * (events.indices[e]! + 1));
      loss += events.values![e]! * (1 - row.reduce((sum, w, d) => sum + w * h[d]!, 0)) ** 2;
    }
    expect(losses[r]).toBeCloseTo(loss, 3);
  }
  const solved = { ...W, data: W.data.slice() };
  referenceSolve(solved, H, events, { unobservedWeight, penalties: staying, block: 8 });
  expect(maxDifference(data, solved.data)).toBeLessThan(2e-4);
});

describe.each([
  [3, 8],
  [8, 8],
  [20, 8],
  [20, 24],
  [40, 16],
  [64, 64],
])("dim %i in blocks of %i", (dim, block) => {
  test.each([
    ["events of weight 1", false],
    ["events of several weights", true],
  ])("the kernel agrees with the reference to 2e-5: %s", async (_, weighted) => {
    const events = eventsOf(numRows, numColumns, weighted);
    const [W, H] = [matrixOf(1, numRows, dim), matrixOf(2, numColumns, dim)];
    const got = await kernelSolve(W, H, events, penalties, block);
    referenceSolve(W, H, events, { unobservedWeight, penalties, block });
    expect(maxDifference(got.data, W.data)).toBeLessThan(2e-5);

    const losses = Array.from({ length: numRows }, (_, r) => {
      let loss = 0;
      for (let e = events.indptr[r]!; e < events.indptr[r + 1]!; e++) {
        let s = 0;
        for (let d = 0; d < dim; d++) s += W.data[r * dim + d]! * H.data[events.indices[e]! * dim + d]!;
        loss += (events.values?.[e] ?? 1) * (1 - s) ** 2;
      }
      return loss;
    });
    expect(maxDifference(got.losses, losses)).toBeLessThan(2e-3);
  });
});

test("one block of all dimensions solves the normal equations, as ml-matrix does, to 2e-5", async () => {
  const dim = 24;
  const events = eventsOf(numRows, numColumns, true);
  const [W, H] = [matrixOf(1, numRows, dim), matrixOf(2, numColumns, dim)];
  const { data } = await kernelSolve(W, H, events, penalties, dim);
  const columns = Matrix.zeros(numColumns, dim);
  H.data.forEach((value, i) => columns.set(Math.floor(i / dim), i % dim, value));
  const gram = columns.transpose().mmul(columns).mul(unobservedWeight);
  const expected = Array.from({ length: numRows }, (_, r) => {
    const A = gram.clone().add(Matrix.eye(dim, dim, penalties[r]));
    const b = Matrix.zeros(dim, 1);
    for (let e = events.indptr[r]!; e < events.indptr[r + 1]!; e++) {
      const h = columns.getRowVector(events.indices[e]!);
      A.add(h.transpose().mmul(h).mul(events.values![e]!));
      b.add(h.transpose().mul(events.values![e]!));
    }
    return solve(A, b).to1DArray();
  }).flat();
  expect(maxDifference(data, expected)).toBeLessThan(2e-5);
});

describe("the reference", () => {
  const dim = 6;
  const events = eventsOf(13, 17, true);
  const sides = [
    Array.from({ length: 13 }, (_, r) => 0.2 + r / 9),
    Array.from({ length: 17 }, () => 0.4),
  ] as const;

  test("solved in one block has no slope left in W, by central differences", () => {
    const [W, H] = [matrixOf(1, 13, dim), matrixOf(2, 17, dim)];
    const objective = () => referenceObjective(W, H, events, unobservedWeight, sides);
    const slopes = () =>
      W.data.map((value, i) => {
        W.data[i] = value + 1e-5;
        const above = objective();
        W.data[i] = value - 1e-5;
        const below = objective();
        W.data[i] = value;
        return Math.abs(above - below) / 2e-5;
      });
    expect(Math.max(...slopes())).toBeGreaterThan(1);
    referenceSolve(W, H, events, { unobservedWeight, penalties: sides[0], block: dim });
    expect(Math.max(...slopes())).toBeLessThan(1e-6);
  });

  test("never raises the objective by a block, and comes to the same end as all at once", () => {
    const [W, H] = [matrixOf(1, 13, dim), matrixOf(2, 17, dim)];
    const exact = { dim, data: W.data.slice() };
    const objectives = Array.from({ length: 40 }, () => {
      referenceSolve(W, H, events, { unobservedWeight, penalties: sides[0], block: 2 });
      return referenceObjective(W, H, events, unobservedWeight, sides);
    });
    expect(objectives.every((value, i) => i === 0 || value <= objectives[i - 1]! + 1e-12)).toBe(true);
    referenceSolve(exact, H, events, { unobservedWeight, penalties: sides[0], block: dim });
    expect(maxDifference(W.data, exact.data)).toBeLessThan(1e-6);
  });
});

test("a direction that neither the events nor a penalty decide gets no step, and nothing is NaN", async () => {
  const dim = 5;
  const events = eventsOf(numRows, numColumns, false);
  const W = { dim, data: new Float64Array(numRows * dim) };
  const H = matrixOf(2, numColumns, dim);
  for (let c = 0; c < numColumns; c++) H.data[c * dim + 3] = 0;
  const { data } = await kernelSolve(W, H, events, new Float32Array(numRows), 8);
  expect(data.every((value) => Number.isFinite(value))).toBe(true);
  expect(data.filter((_, i) => i % dim === 3).every((value) => value === 0)).toBe(true);
  expect(referenceGram(H)[3 * dim + 3]).toBe(0);
});
