// The matrix and the vectors of a decomposition in shared memory, and the threads that work on them.
//
//   arena   S by rows and by columns │ scalings, means │ panels: f32[length][16], as many as are asked for │ sums, coefficients

import { loadKernel } from "../../kernels/shared/load.js";
import { Arena, type Region } from "../../kernels/shared/memory.js";
import {
  allocatePanel,
  allocateSparse,
  coefficientIndex,
  paddedRows,
  PANEL,
} from "../../kernels/svd/binding.js";
import { WorkerPool } from "../../workers/pool.js";
import { multiplyFiltered, smooth, type ColumnFilter, type FilterRoom } from "./filter.js";
import { numColumnsOf, numRowsOf, type SvdMatrix } from "./matrix.js";
import type { SvdInit } from "./svd.worker.js";
import { PARTS, type SvdTask } from "./tasks.js";

/** The vectors of a side have an entry for each row, or for each column, of the matrix. */
export type Side = "rows" | "columns";

export const otherSide = (side: Side): Side => (side === "rows" ? "columns" : "rows");

interface SideLayout {
  length: number;
  /** offset of the struct whose product gives vectors of this side */
  matrix: number;
  /** offset of this side's diagonal, or 0, and a panel for vectors times it */
  scale: number;
  scaled: Region | undefined;
  /** offset of e or f of A = D S D - e f', or 0 */
  shift: number;
}

/** What tasks read and write beside panels. */
interface SmallRegions {
  counter: Region;
  sources: Region;
  targets: Region;
  coefficients: Region;
  sums: Region;
  rowSums: Region;
}

/** `terminate` ends the threads and must be called. */
export class SvdMachine {
  readonly #arena: Arena;
  readonly #sides: Record<Side, SideLayout>;
  readonly #small: SmallRegions;
  readonly #pool: WorkerPool<SvdTask, null>;
  readonly #filter: { of: ColumnFilter; room: FilterRoom } | undefined;

  private constructor(
    arena: Arena,
    sides: Record<Side, SideLayout>,
    small: SmallRegions,
    pool: WorkerPool<SvdTask, null>,
    filter: ColumnFilter | undefined,
  ) {
    this.#arena = arena;
    this.#sides = sides;
    this.#small = small;
    this.#pool = pool;
    const [values, multiply] = [this.values.bind(this), this.#product.bind(this)];
    const panel = () => this.panel("columns");
    this.#filter = filter && {
      of: filter,
      room: { columns: [panel(), panel(), panel()], rows: this.panel("rows"), values, multiply },
    };
  }

  /**
   * @param maxPanels that are combined or multiplied at once
   * @throws {UsageError} the matrix does not fit one memory
   */
  static async start(matrix: SvdMatrix, maxPanels: number, threads: number): Promise<SvdMachine> {
    const arena = new Arena();
    const { rowScale, columnScale, means } = matrix;
    const sideOf = (side: Side): SideLayout => {
      const length = side === "rows" ? numRowsOf(matrix) : numColumnsOf(matrix);
      const given = side === "rows" ? rowScale : columnScale;
      const scale = arena.put("the scalings", given);
      // every row has the means taken off once
      const shift = arena.put(
        "the means",
        means && (side === "rows" ? new Float32Array(length).fill(1) : means),
      );
      return {
        length,
        matrix: allocateSparse(arena, matrix[side], { scale, shift }),
        scale,
        scaled: given && allocatePanel(arena, side, length),
        shift,
      };
    };
    const sides = { rows: sideOf("rows"), columns: sideOf("columns") };
    const width = maxPanels * PANEL;
    const small = {
      counter: arena.allocate("a counter", 4),
      sources: arena.allocate("a list", maxPanels * 4),
      targets: arena.allocate("a list", maxPanels * 4),
      coefficients: arena.allocate("coefficients", width * width * 4),
      sums: arena.allocate("sums", PARTS * width * PANEL * 8),
      rowSums: arena.allocate("sums", PANEL * 4),
    };
    const init: SvdInit = {
      memory: arena.memory,
      module: await loadKernel("svd"),
      counter: small.counter.offset,
      scratches: Array.from(
        { length: threads },
        () => arena.allocate("a scratch", (4 * width + 32) * 4).offset,
      ),
    };
    const pool = await WorkerPool.start<SvdTask, null>(
      new URL("./svd.worker.js", import.meta.url),
      threads,
      init,
    );
    return new SvdMachine(arena, sides, small, pool, matrix.filter);
  }

  /** Ends the threads, whatever they do. */
  async terminate(): Promise<void> {
    await this.#pool.terminate();
  }

  /** Entries of a side's vectors. */
  lengthOf(side: Side): number {
    return this.#sides[side].length;
  }

  /** A panel of zeros. @throws {UsageError} it does not fit */
  panel(side: Side): Region {
    return allocatePanel(this.#arena, side, this.lengthOf(side));
  }

  /** f32[length][16]: what a panel holds; no longer valid when another panel is made. */
  values(panel: Region): Float32Array {
    return this.#arena.f32(panel);
  }

  /** Writes A X, or A' X, to a panel of the given side; `source` is one of the other side. With a filter, of A with what stands behind it. */
  async multiply(side: Side, source: Region, target: Region): Promise<void> {
    if (this.#filter) await multiplyFiltered(side, this.#filter.of, this.#filter.room, source, target);
    else await this.#product(side, source, target);
  }

  /** What the filter makes of vectors of the columns' side, c(P) D_a X; undefined without one. @param vectors f32[numColumns][dim] @returns the same shape */
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

  /** The same without the filter. */
  async #product(side: Side, source: Region, target: Region): Promise<void> {
    const { length: numRows, matrix, shift } = this.#sides[side];
    const from = this.#sides[otherSide(side)];
    const sums = this.#small.rowSums;
    if (shift !== 0) {
      const parts = this.#clearedSums(PARTS * PANEL);
      const task = { kind: "sum", weights: from.shift, source: source.offset, sums: parts } as const;
      await this.#run({ ...task, numRows: from.length });
      this.#arena.f32(sums).set(this.#addedParts(PANEL));
    }
    let factor = source;
    if (from.scaled) {
      factor = from.scaled;
      const task = { kind: "scale", scale: from.scale, source: source.offset } as const;
      await this.#run({ ...task, target: factor.offset, numRows: from.length });
    }
    await this.#run({
      kind: "multiply",
      matrix,
      source: factor.offset,
      sums: sums.offset,
      target: target.offset,
      numRows,
    });
  }

  /** [X_1 .. X_p]' Y. @returns f64[16 p][16] */
  async crossProducts(side: Side, lefts: readonly Region[], right: Region): Promise<Float64Array> {
    const size = lefts.length * PANEL * PANEL;
    const sums = this.#clearedSums(PARTS * size);
    const sources = this.#list(this.#small.sources, lefts);
    const task = { kind: "cross", sources, numSources: lefts.length, right: right.offset, sums } as const;
    await this.#run({ ...task, numRows: this.lengthOf(side) });
    return this.#addedParts(size);
  }

  /**
   * Writes [X_1 .. X_p] C to the targets, or adds it; targets may be among the sources.
   *
   * @param coefficientAt C[i][j], i < 16 p, j < 16 numTargets
   */
  async combine(
    side: Side,
    lefts: readonly Region[],
    coefficientAt: (i: number, j: number) => number,
    targets: readonly Region[],
    adds = false,
  ): Promise<void> {
    const [height, width] = [lefts.length * PANEL, targets.length * PANEL];
    const coefficients = this.#arena.f32(this.#small.coefficients);
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) coefficients[coefficientIndex(height, i, j)] = coefficientAt(i, j);
    }
    await this.#run({
      kind: "combine",
      sources: this.#list(this.#small.sources, lefts),
      numSources: lefts.length,
      coefficients: this.#small.coefficients.offset,
      targets: this.#list(this.#small.targets, targets),
      numTargets: targets.length,
      adds,
      numRows: paddedRows(this.lengthOf(side)),
    });
  }

  #list(region: Region, panels: readonly Region[]): number {
    this.#arena.u32(region).set(panels.map(({ offset }) => offset));
    return region.offset;
  }

  /** @returns offset of so many zeros */
  #clearedSums(size: number): number {
    this.#arena.f64(this.#small.sums).fill(0, 0, size);
    return this.#small.sums.offset;
  }

  /** The parts, added in their order. */
  #addedParts(size: number): Float64Array {
    const sums = this.#arena.f64(this.#small.sums);
    const added = sums.slice(0, size);
    for (let at = size; at < PARTS * size; at++) added[at % size]! += sums[at]!;
    return added;
  }

  async #run(task: SvdTask): Promise<void> {
    this.#arena.u32(this.#small.counter)[0] = 0;
    await this.#pool.run(task);
  }
}
