// A training in shared memory with the threads that grow its trees.

import { stopBarrier } from "../../kernels/barrier.js";
import { allocateGbdt, BLOCK_ROWS, rowLayout, type GbdtKernel, type GbdtLayout } from "../../kernels/gbdt.js";
import { MISSING } from "../../dataset/dataset.js";
import { kernelImports, loadKernel } from "../../kernels/load.js";
import { Arena, type Region } from "../../kernels/memory.js";
import { WorkerPool } from "../../workers/pool.js";
import { cellsOf, type BinnedColumn, type Feature } from "./features.js";
import type { GbdtInit, GrowResult } from "./gbdt.worker.js";
import type { GrownTree, GrowTask } from "./grow.js";

/** Edges of a feature, padded: at most 254 and infinity. */
const EDGES = 256;

/** What is trained on. */
export interface MachineShape {
  features: readonly Feature[];
  numTrain: number;
  numValid: number;
  numLeaves: number;
  threads: number;
  weighted: boolean;
  bagged: boolean;
}

/** For one block of a column. */
type Scratch = Record<"values" | "binned" | "edges", Region>;

/** A tree and the losses after it, summed. */
export interface Step {
  tree: GrownTree;
  trainLoss: number;
  validLoss: number;
}

/** Rows and threads; `terminate` ends the threads and must be called. */
export class GbdtMachine {
  readonly layout: GbdtLayout;
  readonly #arena: Arena;
  readonly #pool: WorkerPool<GrowTask, GrowResult>;
  readonly #kernel: GbdtKernel;
  readonly #scratch: Scratch;

  private constructor(
    arena: Arena,
    layout: GbdtLayout,
    kernel: GbdtKernel,
    pool: WorkerPool<GrowTask, GrowResult>,
    scratch: Scratch,
  ) {
    this.#arena = arena;
    this.layout = layout;
    this.#kernel = kernel;
    this.#pool = pool;
    this.#scratch = scratch;
  }

  /** Lays the arrays out and starts the threads. @throws {UsageError} they do not fit one memory */
  static async start(shape: MachineShape): Promise<GbdtMachine> {
    const arena = new Arena();
    const features = shape.features.map((feature) => ({
      numCells: cellsOf(feature),
      categorical: feature.kind === "category",
    }));
    const { threads: numThreads, numTrain, numValid, numLeaves, weighted, bagged } = shape;
    const layout = allocateGbdt(arena, {
      rows: rowLayout(features),
      numTrain,
      numValid,
      numLeaves,
      numThreads,
      weighted,
      bagged,
    });
    const scratch = {
      values: arena.allocate("numbers to be binned", 8 * BLOCK_ROWS),
      binned: arena.allocate("their bins", 2 * BLOCK_ROWS),
      edges: arena.allocate("edges", 8 * EDGES),
    };
    const module = await loadKernel("gbdt");
    const { exports } = new WebAssembly.Instance<GbdtKernel>(module, kernelImports(arena.memory));
    const init: GbdtInit = { memory: arena.memory, module, layout };
    const { barrier } = layout;
    const pool = await WorkerPool.start<GrowTask, GrowResult>(
      new URL("./gbdt.worker.js", import.meta.url),
      numThreads,
      init,
      () => stopBarrier(arena, { name: "a barrier", offset: barrier, bytes: 192 }),
    );
    return new GbdtMachine(arena, layout, exports, pool, scratch);
  }

  /** Ends the threads, whatever they do. */
  async terminate(): Promise<void> {
    await this.#pool.terminate();
  }

  /** Writes a feature's bins of the training part, or of the validation part. */
  bin(f: number, feature: Feature, column: BinnedColumn, rows: Uint32Array, part: "train" | "valid"): void {
    const { stride, bins, columns, places, numTrain } = this.layout;
    const { byte, wide } = places[f]!;
    const first = part === "train" ? 0 : numTrain;
    const { values, edges, binned } = this.#scratch;
    const width = wide ? 2 : 1;
    if (feature.kind === "number") this.#arena.f64(edges).fill(Infinity).set(feature.edges);
    const numbers = this.#arena.f64(values);
    for (let at = 0; at < rows.length; at += BLOCK_ROWS) {
      const block = rows.subarray(at, at + BLOCK_ROWS);
      const n = block.length;
      // the training part's columns are kept; the validation part's go through a block
      const own = part === "train" ? columns[f]! + width * at : binned.offset;
      if (column.kind === "category") {
        const { buffer } = this.#arena.memory;
        placeCategories(
          wide ? new Uint16Array(buffer, own, n) : new Uint8Array(buffer, own, n),
          column,
          block,
        );
      } else if (feature.kind === "number") {
        for (let i = 0; i < n; i++) numbers[i] = column.values[block[i]!]!;
        const missing = feature.edges.length + 1;
        this.#kernel.binNumbers(values.offset, n, edges.offset, EDGES, missing, wide, own, width);
      }
      this.#kernel.placeBins(own, n, wide, bins + (first + at) * stride + byte, stride);
    }
  }

  /** Labels, weights and first scores of rows `first` and on. */
  label(first: number, labels: Float32Array, weights: Float32Array | undefined, score: number): void {
    const at = this.layout;
    const view = (offset: number) =>
      new Float32Array(this.#arena.memory.buffer, offset + 4 * first, labels.length);
    view(at.labels).set(labels);
    view(at.scores).fill(score);
    if (at.weights !== 0) {
      if (weights) view(at.weights).set(weights);
      else view(at.weights).fill(1);
    }
  }

  /** Sets the sample that the next trees are grown on. */
  setBag(rows: Uint32Array): void {
    new Uint32Array(this.#arena.memory.buffer, this.layout.bag, rows.length).set(rows);
  }

  /**
   * Grows a tree and adds its values to the scores.
   *
   * @returns undefined when the gradients are not finite
   */
  async step(task: GrowTask): Promise<Step | undefined> {
    const shares = await this.#pool.run(task);
    const { tree } = shares[0]!;
    if (tree === undefined || tree === "diverged") return undefined;
    const sum = (part: "train" | "valid", numRows: number): number => {
      // blocks were dealt out in turn, and are added in their order
      let loss = 0;
      const numBlocks = Math.ceil(numRows / BLOCK_ROWS);
      for (let b = 0; b < numBlocks; b++) {
        loss += shares[b % shares.length]![part][Math.floor(b / shares.length)]!;
      }
      return loss;
    };
    const { numTrain, numRows } = this.layout;
    return { tree, trainLoss: sum("train", numTrain), validLoss: sum("valid", numRows - numTrain) };
  }
}

function placeCategories(
  out: Uint8Array<SharedArrayBuffer> | Uint16Array<SharedArrayBuffer>,
  { codes, bins }: Extract<BinnedColumn, { kind: "category" }>,
  rows: Uint32Array,
): void {
  for (let i = 0; i < rows.length; i++) {
    const code = codes[rows[i]!]!;
    out[i] = code === MISSING ? 0 : bins[code]!;
  }
}
