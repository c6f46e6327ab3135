// The matrix and the vectors of a decomposition in shared memory, and the threads that compute with them.
//
//   arena   S by rows and by columns │ scalings, means │ panels: f32[length][16], on request │ sums, coefficients
//
// If rows are in blocks (matrix-blocks.ts), only one block of a panel of the side "rows" is in memory. Such a panel is
// computed when it is used: it is the product of a panel of columns, which must not have changed, or random.

import type { Region } from "../../kernels/shared/memory.js";
import {
  allocatePanel,
  allocateSparse,
  coefficientIndex,
  paddedRows,
  PANEL,
  type SvdKernel,
} from "../../kernels/svd/binding.js";
import type { Call } from "../../threads/kernel-thread.js";
import { ThreadedKernel } from "../../threads/threaded-kernel.js";
import { multiplyFiltered, smooth, type ColumnFilter, type FilterRoom } from "./filter.js";
import { numColumnsOf, numRowsOf, type SvdMatrix } from "./matrix.js";
import { MatrixBlocks, PARTS, type RowBlock } from "./matrix-blocks.js";
import { signedDraw } from "../../../base/numeric/random.js";

/** Number of rows of one kernel call, a multiple of 4. */
const BLOCK_ROWS = 256;

/** Side of the matrix: vectors of the side "rows" have one entry per row of the matrix. */
export type MatrixSide = "rows" | "columns";

export const otherSide = (side: MatrixSide): MatrixSide => (side === "rows" ? "columns" : "rows");

interface SideLayout {
  length: number;
  /**
   * byte offset of the struct of the matrix ("rows") or of its transpose, whose product with a vector is of this side
   */
  matrix: number;
  /** byte offset of the diagonal that scales this side, or 0; and a panel for the scaled vectors */
  scale: number;
  scaled: Region | undefined;
  /** byte offset of this side's vector (e or f of A = D S D - e f'), or 0 */
  shift: number;
}

interface SmallRegions {
  sources: Region;
  targets: Region;
  coefficients: Region;
  sums: Region;
  /** for each side of a product: inner products of e or f with the columns of the multiplied panel */
  rowSums: Record<MatrixSide, Region>;
}

/** A panel of the side "rows" in blocks: the matrix times the panel `factor`, or random columns with the given keys. */
type Deferred = { factor: Region } | { keys: number[] };

export class SvdMachine extends ThreadedKernel<SvdKernel> {
  readonly #sides: Record<MatrixSide, SideLayout>;
  readonly #small: SmallRegions;
  readonly #scratches: number[];
  /** absent if rows are in memory */
  readonly blocks: MatrixBlocks | undefined;
  /** buffer for one block of rows of a panel */
  readonly #block: Region | undefined;
  readonly #deferred = new Map<Region, Deferred>();
  readonly #filter: { of: ColumnFilter; room: FilterRoom } | undefined;

  private constructor(matrix: SvdMatrix, maxPanels: number, threads: number) {
    super();
    const { arena } = this;
    const { inBlocks, rows } = matrix;
    this.blocks = inBlocks && new MatrixBlocks(arena, rows, numColumnsOf(matrix), inBlocks);
    this.#sides = { rows: this.#layOut(matrix, "rows"), columns: this.#layOut(matrix, "columns") };
    const width = maxPanels * PANEL;
    this.#small = {
      sources: arena.allocate("a list", maxPanels * 4),
      targets: arena.allocate("a list", maxPanels * 4),
      coefficients: arena.allocate("coefficients", width * width * 4),
      sums: arena.allocate("sums", PARTS * width * PANEL * 8),
      rowSums: {
        rows: arena.allocate("sums", PANEL * 4),
        columns: arena.allocate("sums", PANEL * 4),
      },
    };
    this.#block = this.blocks && allocatePanel(arena, "rows", this.blocks.mostRows);
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
    await machine.blocks?.begin(machine.#sides);
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
    const blocks = this.blocks;
    const scaled = given && allocatePanel(arena, side, blocks && side === "rows" ? blocks.mostRows : length);
    const placed = blocks ? 0 : allocateSparse(arena, matrix[side], { scale, shift });
    return { length, matrix: placed, scale, scaled, shift };
  }

  lengthOf(side: MatrixSide): number {
    return this.#sides[side].length;
  }

  /** Allocates a panel of zeros. @throws {UsageError} it does not fit into memory */
  panel(side: MatrixSide): Region {
    if (this.blocks && side === "rows") return { name: side, offset: 0, bytes: 0 };
    return allocatePanel(this.arena, side, this.lengthOf(side));
  }

  /** Returns f32[length][16], the content of a panel. The view is invalid after another panel is allocated. */
  values(panel: Region): Float32Array {
    return this.arena.f32(panel);
  }

  /** Fills a column of a panel with random numbers between -1 and 1. */
  fillRandom(side: MatrixSide, panel: Region, column: number, key: number): void {
    if (this.blocks && side === "rows") {
      const known = this.#deferred.get(panel);
      const keys = known && "keys" in known ? known.keys : [];
      keys[column] = key;
      this.#deferred.set(panel, { keys });
    } else this.#fill(panel, column, key, { first: 0, count: this.lengthOf(side) });
  }

  #fill(
    panel: Region,
    column: number,
    key: number,
    { first, count }: { first: number; count: number },
  ): void {
    const values = this.values(panel);
    for (let i = 0; i < count; i++) values[i * PANEL + column] = signedDraw(key, first + i);
  }

  /** Writes A X, or A' X, to a panel of the given side. A includes the filter, if any. */
  async multiply(side: MatrixSide, source: Region, target: Region): Promise<void> {
    if (this.#filter) await multiplyFiltered(side, this.#filter.of, this.#filter.room, source, target);
    else await this.#product(side, source, target);
  }

  /**
   * Multiplies vectors f32[numColumns][dim] by the matrix's filter, c(P) D_a (filter.ts); undefined without a filter.
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

  /** Like `multiply`, without the filter. */
  async #product(side: MatrixSide, source: Region, target: Region): Promise<void> {
    if (this.blocks && side === "rows") this.#deferred.set(target, { factor: source });
    else if (this.blocks) await this.#addBlocks(source, target);
    else {
      const { length, matrix } = this.#sides[side];
      await this.#multiplyRows(side, matrix, await this.#factorOf(side, source), target, length);
    }
  }

  /**
   * Returns the scaled panel `source` for a product of the given side, and computes the inner products by which the
   * means are subtracted.
   */
  async #factorOf(side: MatrixSide, source: Region): Promise<Region> {
    const from = this.#sides[otherSide(side)];
    if (this.#sides[side].shift !== 0) {
      const parts = this.#clearedSums(PANEL);
      await this.#onParts(from.length, ["addRowSums", from.shift, source.offset, parts, "first", "count"]);
      this.arena.f32(this.#small.rowSums[side]).set(this.#addedParts(PANEL));
    }
    return await this.#scaled(otherSide(side), source, from);
  }

  /** Returns a panel whose rows start at row `first` of a side, multiplied by the side's scaling if there is one. */
  async #scaled(
    side: MatrixSide,
    source: Region,
    { first = 0, length }: { first?: number; length: number },
  ): Promise<Region> {
    const { scaled, scale } = this.#sides[side];
    if (!scaled) return source;
    const panels = [source.offset, scaled.offset] as const;
    await this.#onRows(length, ["scaleRows", scale + 4 * first, ...panels, "first", "count"]);
    return scaled;
  }

  async #multiplyRows(
    side: MatrixSide,
    matrix: number,
    factor: Region,
    target: Region,
    numRows: number,
    adds = false,
  ): Promise<void> {
    const panels = [factor.offset, this.#small.rowSums[side].offset, target.offset, adds] as const;
    await this.#onRows(numRows, ["multiplyRows", matrix, ...panels, "first", "count"]);
  }

  /** Calls `work` with each block of rows and a panel with the block's rows of `panel`. */
  async #eachBlock(panel: Region, work: (block: RowBlock, values: Region) => Promise<void>): Promise<void> {
    const deferred = this.#deferred.get(panel)!;
    const values = this.#block!;
    const factor = "factor" in deferred ? await this.#factorOf("rows", deferred.factor) : undefined;
    await this.blocks!.each(async (block) => {
      if (factor) await this.#multiplyRows("rows", block.rows, factor, values, block.count);
      else if ("keys" in deferred)
        for (const [column, key] of deferred.keys.entries()) this.#fill(values, column, key, block);
      await work(block, values);
    });
  }

  /** Writes A' X to a panel of columns, for a panel X of rows that are in blocks. */
  async #addBlocks(source: Region, target: Region): Promise<void> {
    const { rows, columns } = this.#sides;
    let parts: Uint32Array = new Uint32Array();
    await this.#eachBlock(source, async (block, values) => {
      const { index, part, first, count: length } = block;
      if (columns.shift !== 0) {
        if (index === 0) parts = this.#clearedSums(PANEL);
        const shifted = [rows.shift + 4 * first, values.offset, parts[part]!] as const;
        await this.#onParts(length, ["addRowSums", ...shifted, "first", "count"], 1);
        if (block.isLast) this.arena.f32(this.#small.rowSums.columns).set(this.#addedParts(PANEL));
      }
      const factor = await this.#scaled("rows", values, { first, length });
      await this.#multiplyRows("columns", block.columns, factor, target, columns.length, index > 0);
    });
  }

  /**
   * Returns the inner products of panels with a panel, [X_1 .. X_p]' Y, as f64[16 p][16].
   * @param saves name under which the rows of Y are saved if they are in blocks; then, Y is the only X
   */
  async crossProducts(
    side: MatrixSide,
    lefts: readonly Region[],
    right: Region,
    saves?: string,
  ): Promise<Float64Array> {
    const size = lefts.length * PANEL * PANEL;
    if (this.blocks && side === "rows") {
      let parts: Uint32Array = new Uint32Array();
      await this.#eachBlock(right, async (block, values) => {
        if (block.index === 0) parts = this.#clearedSums(size);
        const sources = this.#list(this.#small.sources, [values]);
        const call = [sources, 1, values.offset, parts[block.part]!, "thread", "first", "count"] as const;
        await this.#onParts(block.count, ["addCrossProducts", ...call], 1);
        if (saves)
          await this.blocks!.save(saves, block, this.values(values).subarray(0, block.count * PANEL));
      });
      return this.#addedParts(size);
    }
    const sums = this.#clearedSums(size);
    const sources = this.#list(this.#small.sources, lefts);
    const call = [sources, lefts.length, right.offset, sums, "thread", "first", "count"] as const;
    await this.#onParts(this.lengthOf(side), ["addCrossProducts", ...call]);
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

  async #onParts(end: number, call: Call<SvdKernel>, parts = PARTS): Promise<void> {
    await this.run({ take: { end, size: Infinity, parts }, call });
  }

  #list(region: Region, panels: readonly Region[]): number {
    this.arena.u32(region).set(panels.map(({ offset }) => offset));
    return region.offset;
  }

  /** Clears the partial sums. @returns u32[PARTS]: byte offset of each part's buffer, `size` zeros */
  #clearedSums(size: number): Uint32Array {
    const { sums } = this.#small;
    this.arena.f64(sums).fill(0, 0, PARTS * size);
    return Uint32Array.from({ length: PARTS }, (_, part) => sums.offset + part * size * 8);
  }

  /** Returns the sum of the parts, added in their order. */
  #addedParts(size: number): Float64Array {
    const sums = this.arena.f64(this.#small.sums);
    const added = sums.slice(0, size);
    for (let at = size; at < PARTS * size; at++) added[at % size]! += sums[at]!;
    return added;
  }
}
