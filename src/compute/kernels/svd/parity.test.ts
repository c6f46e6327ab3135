import { kernelImports, loadKernel } from "../shared/load.js";
import { Arena, type Region } from "../shared/memory.js";
import type { SparseRows } from "../als/binding.js";
import { draw } from "../../../base/numeric/random.js";
import {
  referenceCombination,
  referenceCrossProducts,
  referenceProduct,
  type Dense,
} from "./svd.reference.js";
import {
  allocatePanel,
  allocateSparse,
  coefficientIndex,
  paddedRows,
  PANEL,
  type SvdKernel,
} from "./binding.js";

const uniform = (key: number, i: number): number => Math.fround(draw(key, i) / 2 ** 31 - 1);
const numbers = (key: number, length: number) => Float32Array.from({ length }, (_, i) => uniform(key, i));
const dense = (key: number, numRows: number, width = PANEL): Dense => ({
  width,
  data: Float64Array.from(numbers(key, numRows * width)),
});

/** Generates a sparse matrix whose row r has r % 5 columns. */
function sparseOf(numRows: number, numColumns: number, weighted: boolean): SparseRows {
  const rows = Array.from({ length: numRows }, (_, r) =>
    Array.from({ length: numColumns }, (_, c) => c).filter((c) => draw(r, c) % 10 < r % 5),
  );
  const indptr = new Uint32Array(numRows + 1);
  rows.forEach((row, r) => (indptr[r + 1] = indptr[r]! + row.length));
  const indices = Uint32Array.from(rows.flat());
  return { indptr, indices, ...(weighted && { values: numbers(3, indices.length) }) };
}

async function kernelOn(arena: Arena): Promise<SvdKernel> {
  return new WebAssembly.Instance<SvdKernel>(await loadKernel("svd"), kernelImports(arena.memory)).exports;
}

function put(arena: Arena, { data }: Dense): Region {
  const panel = allocatePanel(arena, "rows", data.length / PANEL);
  arena.f32(panel).set(data);
  return panel;
}

/** Writes a list of panels. @returns byte offset of the list */
const listOf = (arena: Arena, panels: readonly Region[]) =>
  arena.put(
    "a list",
    Uint32Array.from(panels, ({ offset }) => offset),
  );

function largestDifference(got: ArrayLike<number>, wanted: ArrayLike<number>): number {
  return Array.from(wanted).reduce((most, x, i) => Math.max(most, Math.abs(x - got[i]!)), 0);
}

test.each([
  ["ones", false, false],
  ["values", true, false],
  ["values with a scale and a shift", true, true],
])("multiplyRows with %s agrees with the reference to 1e-5", async (_, weighted, shaped) => {
  const [numRows, numColumns] = [37, 23];
  const arena = new Arena();
  const matrix = sparseOf(numRows, numColumns, weighted);
  const X = dense(5, numColumns);
  const [scale, shift, sums] = [numbers(6, numRows), numbers(7, numRows), numbers(8, PANEL)];
  const [source, target] = [put(arena, X), allocatePanel(arena, "rows", numRows)];
  const offset = (values: Float32Array) => (shaped ? arena.put("numbers", values) : 0);
  const plan = allocateSparse(arena, matrix, { scale: offset(scale), shift: offset(shift) });
  const kernel = await kernelOn(arena);
  const sumsAt = arena.put("sums", sums);
  kernel.multiplyRows(plan, source.offset, sumsAt, target.offset, false, 0, 20);
  kernel.multiplyRows(plan, source.offset, sumsAt, target.offset, false, 20, numRows - 20);
  const wanted = referenceProduct(matrix, X, shaped ? { scale, shift, sums } : {});
  expect(largestDifference(arena.f32(target), wanted.data)).toBeLessThan(1e-5);
});

test("multiplyRows adds the columns of another part to the same bits as at once", async () => {
  const [numRows, numColumns] = [37, 23];
  const arena = new Arena();
  const matrix = sparseOf(numRows, numColumns, true);
  const partOf = (isIn: (column: number) => boolean): SparseRows => {
    const entries = Array.from(matrix.indices, (column, e) => ({ column, value: matrix.values![e]! }));
    const rows = Array.from({ length: numRows }, (_, r) =>
      entries.slice(matrix.indptr[r], matrix.indptr[r + 1]).filter(({ column }) => isIn(column)),
    );
    const ends = rows.reduce((all, row) => [...all, all.at(-1)! + row.length], [0]);
    return {
      indptr: Uint32Array.from(ends),
      indices: Uint32Array.from(rows.flat(), ({ column }) => column),
      values: Float32Array.from(rows.flat(), ({ value }) => value),
    };
  };
  const source = put(arena, dense(5, numColumns));
  const [whole, parts] = [allocatePanel(arena, "rows", numRows), allocatePanel(arena, "rows", numRows)];
  const none = { scale: 0, shift: 0 };
  const scale = { scale: arena.put("numbers", numbers(6, numRows)), shift: 0 };
  const plans = [
    allocateSparse(arena, matrix, scale),
    allocateSparse(
      arena,
      partOf((column) => column < 9),
      none,
    ),
    allocateSparse(
      arena,
      partOf((column) => column >= 9),
      scale,
    ),
  ];
  const kernel = await kernelOn(arena);
  kernel.multiplyRows(plans[0]!, source.offset, 0, whole.offset, false, 0, numRows);
  kernel.multiplyRows(plans[1]!, source.offset, 0, parts.offset, false, 0, numRows);
  kernel.multiplyRows(plans[2]!, source.offset, 0, parts.offset, true, 0, numRows);
  expect(arena.f32(parts)).toEqual(arena.f32(whole));
});

test("scaleRows and addRowSums agree with the reference to 1e-5", async () => {
  const numRows = 21;
  const arena = new Arena();
  const X = dense(1, numRows);
  const weights = numbers(2, numRows);
  const panel = put(arena, X);
  const weightsAt = arena.put("weights", weights);
  const sums = arena.allocate("sums", PANEL * 8);
  const kernel = await kernelOn(arena);
  kernel.addRowSums(weightsAt, panel.offset, sums.offset, 0, numRows);
  const wanted = referenceCrossProducts({ width: 1, data: Float64Array.from(weights) }, X);
  expect(largestDifference(arena.f64(sums), wanted.data)).toBeLessThan(1e-5);
  kernel.scaleRows(weightsAt, panel.offset, panel.offset, 0, numRows);
  const scaled = X.data.map((x, i) => x * weights[Math.floor(i / PANEL)]!);
  expect(largestDifference(arena.f32(panel), scaled)).toBeLessThan(1e-6);
});

test("addCrossProducts of more rows than one sum has agrees with the reference to 1e-4", async () => {
  const numRows = 611;
  const arena = new Arena();
  const lefts = [dense(1, numRows), dense(2, numRows)];
  const right = dense(3, numRows);
  const panels = lefts.map((left) => put(arena, left));
  const sums = arena.allocate("sums", 2 * PANEL * PANEL * 8);
  const tile = arena.allocate("a tile", 128);
  const kernel = await kernelOn(arena);
  kernel.addCrossProducts(
    listOf(arena, panels),
    2,
    put(arena, right).offset,
    sums.offset,
    tile.offset,
    0,
    numRows,
  );
  const wanted = lefts.flatMap((left) => [...referenceCrossProducts(left, right).data]);
  expect(largestDifference(arena.f64(sums), wanted)).toBeLessThan(1e-4);
});

test.each([false, true])(
  "combine agrees with the reference to 1e-5, targets being sources; added: %s",
  async (adds) => {
    const numRows = 22;
    const arena = new Arena();
    const parts = [dense(1, numRows), dense(2, numRows), dense(3, numRows)];
    const C = dense(4, 3 * PANEL, 2 * PANEL);
    const panels = parts.map((part) => put(arena, part));
    const coefficients = new Float32Array(C.data.length);
    C.data.forEach(
      (x, at) => (coefficients[coefficientIndex(3 * PANEL, Math.floor(at / C.width), at % C.width)] = x),
    );
    const [sources, targets] = [listOf(arena, panels), listOf(arena, panels.slice(0, 2))];
    const scratch = arena.allocate("a scratch", (4 * 3 * PANEL + 32) * 4);
    const kernel = await kernelOn(arena);
    const at = arena.put("coefficients", coefficients);
    kernel.combine(sources, 3, at, targets, 2, adds, scratch.offset, 0, paddedRows(numRows));

    const together = Float64Array.from({ length: numRows * 3 * PANEL }, (_, i) => {
      const [r, k] = [Math.floor(i / (3 * PANEL)), i % (3 * PANEL)];
      return parts[Math.floor(k / PANEL)]!.data[r * PANEL + (k % PANEL)]!;
    });
    const wanted = referenceCombination({ width: 3 * PANEL, data: together }, C).data;
    const got = Float64Array.from(wanted, (_, i) => {
      const [r, k] = [Math.floor(i / C.width), i % C.width];
      const place = r * PANEL + (k % PANEL);
      const before = adds ? parts[Math.floor(k / PANEL)]!.data[place]! : 0;
      return arena.f32(panels[Math.floor(k / PANEL)]!)[place]! - before;
    });
    expect(largestDifference(got, wanted)).toBeLessThan(1e-5);
  },
);
