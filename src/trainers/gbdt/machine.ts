// A training in shared memory with the threads that grow its trees.

import { MISSING } from "../../log/keys.js";
import { stopBarrier } from "../../kernels/shared/barrier.js";
import {
  allocateGbdt,
  BLOCK_ROWS,
  numBlocks,
  rowLayout,
  type GbdtKernel,
  type GbdtLayout,
} from "../../kernels/gbdt/binding.js";
import { kernelImports, loadKernel } from "../../kernels/shared/load.js";
import { Arena, type Region } from "../../kernels/shared/memory.js";
import { WorkerPool } from "../../workers/pool.js";
import { cellsOf, type BinnedColumn, type Feature } from "./features.js";
import type { GbdtInit, GbdtResult, GbdtTask } from "./gbdt.worker.js";
import type { Loss } from "./gradients.js";
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
  loss: Loss;
  /** scores that each row has */
  numClasses: number;
  weighted: boolean;
  /** whether trees are grown on samples */
  bagged: boolean;
}

/** For one block of a column. */
type Scratch = Record<"values" | "binned" | "edges", Region>;

/** Rows and threads; `terminate` ends the threads and must be called. */
export class GbdtMachine {
  readonly layout: GbdtLayout;
  readonly #arena: Arena;
  readonly #pool: WorkerPool<GbdtTask, GbdtResult>;
  readonly #kernel: GbdtKernel;
  readonly #scratch: Scratch;

  private constructor(
    arena: Arena,
    layout: GbdtLayout,
    kernel: GbdtKernel,
    pool: WorkerPool<GbdtTask, GbdtResult>,
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
    const { features: _, threads: numThreads, loss, ...sizes } = shape;
    const layout = allocateGbdt(arena, {
      ...sizes,
      rows: rowLayout(features),
      numThreads,
    });
    const scratch = {
      values: arena.allocate("numbers to be binned", 8 * BLOCK_ROWS),
      binned: arena.allocate("their bins", 2 * BLOCK_ROWS),
      edges: arena.allocate("edges", 8 * EDGES),
    };
    const module = await loadKernel("gbdt");
    const { exports } = new WebAssembly.Instance<GbdtKernel>(module, kernelImports(arena.memory));
    const init: GbdtInit = { memory: arena.memory, module, layout, loss };
    const { barrier } = layout;
    const pool = await WorkerPool.start<GbdtTask, GbdtResult>(
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

  /** Labels and weights of rows `first` and on, and their first scores: f32[numClasses][labels.length]. */
  label(
    first: number,
    labels: Float32Array,
    weights: Float32Array | undefined,
    scores: readonly (number | Float32Array)[],
  ): void {
    const at = this.layout;
    const view = (offset: number) => this.#f32(offset + 4 * first, labels.length);
    view(at.labels).set(labels);
    scores.forEach((score, k) => {
      const own = view(at.scores + k * at.scoresApart);
      if (typeof score === "number") own.fill(score);
      else own.set(score);
    });
    if (at.weights !== 0) {
      if (weights) view(at.weights).set(weights);
      else view(at.weights).fill(1);
    }
  }

  /** Sets the sample that the next trees are grown on. */
  setBag(rows: Uint32Array): void {
    new Uint32Array(this.#arena.memory.buffer, this.layout.bag, rows.length).set(rows);
  }

  /** f32[numTrain]: |g h| of each row, summed over the classes. */
  gradientSizes(): Float32Array {
    const { numTrain, numClasses, pairs, pairsApart } = this.layout;
    const sizes = new Float32Array(numTrain);
    for (let k = 0; k < numClasses; k++) {
      const own = this.#f32(pairs + k * pairsApart, 2 * numTrain);
      for (let row = 0; row < numTrain; row++) sizes[row]! += Math.abs(own[2 * row]! * own[2 * row + 1]!);
    }
    return sizes;
  }

  /** Multiplies rows' gradients and hessians. */
  amplify(rows: Uint32Array, factor: number): void {
    const { numTrain, numClasses, pairs, pairsApart } = this.layout;
    for (let k = 0; k < numClasses; k++) {
      const own = this.#f32(pairs + k * pairsApart, 2 * numTrain);
      for (const row of rows) {
        own[2 * row]! *= factor;
        own[2 * row + 1]! *= factor;
      }
    }
  }

  /** A copy of the scores of all classes and rows, as they lie in memory. */
  scores(): Float32Array {
    return this.#allScores().slice();
  }

  /** Puts a copy back. */
  setScores(scores: Float32Array): void {
    this.#allScores().set(scores);
  }

  #allScores(): Float32Array {
    const { scores, scoresApart, numClasses } = this.layout;
    return this.#f32(scores, (scoresApart / 4) * numClasses);
  }

  #f32(offset: number, length: number): Float32Array {
    return new Float32Array(this.#arena.memory.buffer, offset, length);
  }

  /** Takes the gradients of the training part, and the losses of all rows, from the scores. */
  async takeGradients(): Promise<void> {
    await this.#pool.run({ kind: "gradients" });
  }

  /**
   * Grows a tree from the gradients and adds its values to the scores; after the last of an iteration takes the next gradients.
   *
   * @returns undefined when the gradients are not finite
   */
  async growTree(task: GrowTask, isLast: boolean): Promise<GrownTree | undefined> {
    const [given] = await this.#pool.run({ kind: "tree", isLast, ...task });
    const { tree } = given!;
    return tree === undefined || tree === "diverged" ? undefined : tree;
  }

  /** Sums of all rows' losses when the gradients were last taken. */
  losses(): { train: number; valid: number } {
    const { losses, numTrain, numRows } = this.layout;
    const [trainBlocks, validBlocks] = [numBlocks(numTrain), numBlocks(numRows - numTrain)];
    const all = new Float64Array(this.#arena.memory.buffer, losses, trainBlocks + validBlocks);
    const sum = (blocks: Float64Array) => blocks.reduce((a, b) => a + b, 0);
    return { train: sum(all.subarray(0, trainBlocks)), valid: sum(all.subarray(trainBlocks)) };
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
