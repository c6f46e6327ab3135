// The matrix and the vectors of a decomposition in shared memory, and the threads that compute with them.
//
//   arena   S by rows and by columns │ scalings, means │ panels: f32[length][16], on request │ sums, coefficients

import type { Region } from "../../kernels/shared/memory.js";
import {
  allocatePanel,
  allocateSparse,
  coefficientIndex,
  paddedRows,
  PANEL,
  type SvdKernel,
} from "../../kernels/svd/binding.js";
import type { Call } from "../../workers/kernel-thread.js";
import { ThreadedKernel } from "../../workers/threaded-kernel.js";
import { multiplyFiltered, smooth, type ColumnFilter, type FilterRoom } from "./filter.js";
import { numColumnsOf, numRowsOf, type SvdMatrix } from "./matrix.js";

/** Number of rows of one kernel call, a multiple of 4. */
const BLOCK_ROWS = 256;
/**
 * Number of parts into which the rows of a sum are divided; constant, so that rounding does not depend on the number of
 * threads.
 */
const PARTS = 16;

/** Side of the matrix: vectors of the side "rows" have one entry per row of the matrix. */
export type MatrixSide = "rows" | "columns";

export const otherSide = (side: MatrixSide): MatrixSide => (side === "rows" ? "columns" : "rows");

interface SideLayout {
  length: number;
  /**
   * offset of the struct whose product with a vector is a vector of this side: that of the matrix, or of its transpose
   */
  matrix: number;
  /** offset of this side's diagonal scaling, or 0; and a panel for vectors that are multiplied by it */
  scale: number;
  scaled: Region | undefined;
  /** offset of this side's vector of the means (e or f of A = D S D - e f'), or 0 */
  shift: number;
}

/** Small buffers that tasks need in addition to panels: lists of panels, coefficients, and sums. */
interface SmallRegions {
  sources: Region;
  targets: Region;
  coefficients: Region;
  sums: Region;
  rowSums: Region;
}

/** The threads of a decomposition. The caller must call `terminate`, which ends them. */
export class SvdMachine extends ThreadedKernel<SvdKernel> {
  readonly #sides: Record<MatrixSide, SideLayout>;
  readonly #small: SmallRegions;
  readonly #scratches: number[];
  readonly #filter: { of: ColumnFilter; room: FilterRoom } | undefined;

  private constructor(matrix: SvdMatrix, maxPanels: number, threads: number) {
    super();
    const { arena } = this;
    this.#sides = { rows: this.#layOut(matrix, "rows"), columns: this.#layOut(matrix, "columns") };
    const width = maxPanels * PANEL;
    this.#small = {
      sources: arena.allocate("a list", maxPanels * 4),
      targets: arena.allocate("a list", maxPanels * 4),
      coefficients: arena.allocate("coefficients", width * width * 4),
      sums: arena.allocate("sums", PARTS * width * PANEL * 8),
      rowSums: arena.allocate("sums", PANEL * 4),
    };
    const scratch = () => arena.allocate("a scratch", (4 * width + 32) * 4).offset;
    this.#scratches = Array.from({ length: threads }, scratch);
    const [values, multiply] = [this.values.bind(this), this.#product.bind(this)];
    const panel = () => this.panel("columns");
    this.#filter = matrix.filter && {
      of: matrix.filter,
      room: { columns: [panel(), panel(), panel()], rows: this.panel("rows"), values, multiply },
    };
  }

  /**
   * Copies the matrix to shared memory and starts the threads.
   * @param maxPanels maximum number of panels that are combined or multiplied at once
   * @throws {UsageError} the matrix does not fit into one memory
   */
  static async start(matrix: SvdMatrix, maxPanels: number, threads: number): Promise<SvdMachine> {
    const machine = new SvdMachine(matrix, maxPanels, threads);
    return await machine.begin("svd", { threads: machine.#scratches });
  }

  #layOut(matrix: SvdMatrix, side: MatrixSide): SideLayout {
    const { arena } = this;
    const { rowScale, columnScale, means } = matrix;
    const length = side === "rows" ? numRowsOf(matrix) : numColumnsOf(matrix);
    const given = side === "rows" ? rowScale : columnScale;
    const scale = arena.put("the scalings", given);
    // the vector e is 1 for every row, because the means are subtracted from every row
    const shifts = means && (side === "rows" ? new Float32Array(length).fill(1) : means);
    const shift = arena.put("the means", shifts);
    const scaled = given && allocatePanel(arena, side, length);
    return { length, matrix: allocateSparse(arena, matrix[side], { scale, shift }), scale, scaled, shift };
  }

  /** Returns the number of entries of a vector of the given side. */
  lengthOf(side: MatrixSide): number {
    return this.#sides[side].length;
  }

  /** Allocates a panel of zeros. @throws {UsageError} it does not fit into memory */
  panel(side: MatrixSide): Region {
    return allocatePanel(this.arena, side, this.lengthOf(side));
  }

  /** Returns f32[length][16], the content of a panel. The view is invalid after another panel is allocated. */
  values(panel: Region): Float32Array {
    return this.arena.f32(panel);
  }

  /**
   * Writes A X, or A' X, to a panel of the given side; `source` is of the other side. A includes the filter, if any.
   */
  async multiply(side: MatrixSide, source: Region, target: Region): Promise<void> {
    if (this.#filter) await multiplyFiltered(side, this.#filter.of, this.#filter.room, source, target);
    else await this.#product(side, source, target);
  }

  /**
   * Applies the filter to vectors with one entry per column: c(P) D_a X; undefined without a filter.
   *
   * @param vectors f32[numColumns][dim]
   * @returns the same shape
   */
  async smoothed(vectors: Float32Array, dim: number): Promise<Float32Array | undefined> {
    if (!this.#filter) return undefined;
    const out = new Float32Array(vectors.length);
    const panel = this.panel("columns");
    const numColumns = this.lengthOf("columns");
    for (let first = 0; first < dim; first += PANEL) {
      const width = Math.min(PANEL, dim - first);
      const source = this.values(panel);
      for (let i = 0; i < numColumns; i++)
        for (let j = 0; j < width; j++) source[i * PANEL + j] = vectors[i * dim + first + j]!;
      const found = this.values(await smooth(this.#filter.of, this.#filter.room, panel));
      for (let i = 0; i < numColumns; i++)
        for (let j = 0; j < width; j++) out[i * dim + first + j] = found[i * PANEL + j]!;
    }
    return out;
  }

  /** Computes the product of the matrix, without the filter that may follow it, and a panel. */
  async #product(side: MatrixSide, source: Region, target: Region): Promise<void> {
    const { length: numRows, matrix, shift } = this.#sides[side];
    const from = this.#sides[otherSide(side)];
    const sums = this.#small.rowSums;
    if (shift !== 0) {
      const parts = this.#clearedSums(PANEL);
      await this.#onParts(from.length, ["addRowSums", from.shift, source.offset, parts, "first", "count"]);
      this.arena.f32(sums).set(this.#addedParts(PANEL));
    }
    let factor = source;
    if (from.scaled) {
      factor = from.scaled;
      const panels = [source.offset, factor.offset] as const;
      await this.#onRows(from.length, ["scaleRows", from.scale, ...panels, "first", "count"]);
    }
    const panels = [factor.offset, sums.offset, target.offset] as const;
    await this.#onRows(numRows, ["multiplyRows", matrix, ...panels, "first", "count"]);
  }

  /** Returns the inner products of panels with a panel, [X_1 .. X_p]' Y, as f64[16 p][16]. */
  async crossProducts(side: MatrixSide, lefts: readonly Region[], right: Region): Promise<Float64Array> {
    const size = lefts.length * PANEL * PANEL;
    const sums = this.#clearedSums(size);
    const sources = this.#list(this.#small.sources, lefts);
    const panels = [sources, lefts.length, right.offset] as const;
    await this.#onParts(this.lengthOf(side), [
      "addCrossProducts",
      ...panels,
      sums,
      "thread",
      "first",
      "count",
    ]);
    return this.#addedParts(size);
  }

  /**
   * Writes linear combinations of panels, [X_1 .. X_p] C, to the targets, or adds them. Targets may be sources, too.
   *
   * @param coefficientAt C[i][j], i < 16 p, j < 16 numTargets
   */
  async combine(
    side: MatrixSide,
    lefts: readonly Region[],
    coefficientAt: (i: number, j: number) => number,
    targets: readonly Region[],
    adds = false,
  ): Promise<void> {
    const [height, width] = [lefts.length * PANEL, targets.length * PANEL];
    const coefficients = this.arena.f32(this.#small.coefficients);
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) coefficients[coefficientIndex(height, i, j)] = coefficientAt(i, j);
    }
    const from = [this.#list(this.#small.sources, lefts), lefts.length] as const;
    const to = [this.#list(this.#small.targets, targets), targets.length] as const;
    const { offset } = this.#small.coefficients;
    const numRows = paddedRows(this.lengthOf(side));
    await this.#onRows(numRows, ["combine", ...from, offset, ...to, adds, "thread", "first", "count"]);
  }

  async #onRows(end: number, call: Call<SvdKernel>): Promise<void> {
    await this.run({ take: { end, size: BLOCK_ROWS }, call });
  }

  async #onParts(end: number, call: Call<SvdKernel>): Promise<void> {
    await this.run({ take: { end, size: Infinity, parts: PARTS }, call });
  }

  #list(region: Region, panels: readonly Region[]): number {
    this.arena.u32(region).set(panels.map(({ offset }) => offset));
    return region.offset;
  }

  /**
   * Clears the buffers in which parts of a sum are added up.
   * @returns u32[PARTS]: offset of a buffer of `size` zeros for each part
   */
  #clearedSums(size: number): Uint32Array {
    const { sums } = this.#small;
    this.arena.f64(sums).fill(0, 0, PARTS * size);
    return Uint32Array.from({ length: PARTS }, (_, part) => sums.offset + part * size * 8);
  }

  /** Returns the sum over rows: the sum of the parts into which rows are divided, added in the parts' order. */
  #addedParts(size: number): Float64Array {
    const sums = this.arena.f64(this.#small.sums);
    const added = sums.slice(0, size);
    for (let at = size; at < PARTS * size; at++) added[at % size]! += sums[at]!;
    return added;
  }
}
