// Boosted trees in shared memory, with the threads that grow them.

import {
  allocateGbdt,
  MARK,
  numBlocks,
  rowLayout,
  type GbdtKernel,
  type GbdtLayout,
} from "../../../compute/kernels/gbdt/binding.js";
import type { Choice, ThreadsInUse } from "../../../compute/threads/thread-choice.js";
import { choosing, ThreadedKernel } from "../../../compute/threads/threaded-kernel.js";
import { stage, stageEdges } from "./binning.js";
import { cellsOf, type BinnedColumn, type Feature } from "../features.js";
import type { GbdtOwn, BoostingTask } from "./gbdt.worker.js";
import type { Loss } from "./gradients.js";
import type { Grown, GrowTask } from "./grow.js";
import type { GrownTree } from "./growing-tree.js";

interface GbdtMachineShape {
  features: readonly Feature[];
  numTrain: number;
  numValid: number;
  numLeaves: number;
  threads: number;
  loss: Loss;
  /** scores per row: one per class, or one */
  numClasses: number;
  weighted: boolean;
  /** whether trees are grown on samples of the rows */
  bagged: boolean;
}

/** Rows and threads of a training. The caller must call `terminate`, which ends the threads. */
export class GbdtMachine extends ThreadedKernel<GbdtKernel, BoostingTask, Grown | undefined> {
  readonly layout: GbdtLayout;
  readonly #choice: Choice;

  private constructor({ features, threads: numThreads, loss: _, ...sizes }: GbdtMachineShape) {
    super();
    const cells = features.map((feature) => ({
      numCells: cellsOf(feature),
      categorical: feature.kind === "category",
    }));
    this.layout = allocateGbdt(this.arena, { ...sizes, rows: rowLayout(cells), numThreads });
    this.#choice = choosing.start(numThreads);
  }

  static async start(shape: GbdtMachineShape): Promise<GbdtMachine> {
    const machine = new GbdtMachine(shape);
    const { layout } = machine;
    const own: GbdtOwn = { layout, loss: shape.loss };
    const script = { url: new URL("./gbdt.worker.js", import.meta.url), own };
    return await machine.begin("gbdt", { ...layout, threads: layout.numThreads }, script);
  }

  /** Stores bins from row `first` on; training rows precede validation rows. */
  async bin(
    features: readonly Feature[],
    columns: readonly BinnedColumn[],
    rows: Uint32Array,
    first: number,
  ): Promise<void> {
    const { buffer } = this.arena.memory;
    const { stagedRows } = this.layout;
    stageEdges(this.layout, buffer, features);
    let binned: Promise<unknown> = Promise.resolve();
    for (let [at, slot] = [0, 0]; at < rows.length; at += stagedRows, slot = 1 - slot) {
      const piece = rows.subarray(at, at + stagedRows);
      stage(this.layout, buffer, columns, piece, slot);
      await binned;
      binned = this.runTask({ kind: "bin", slot, first: first + at, n: piece.length });
    }
    await binned;
  }

  /** `scores` are initial: f32[numClasses][labels.length]. */
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

  setBag(rows: Uint32Array): void {
    new Uint32Array(this.arena.memory.buffer, this.layout.bag, rows.length).set(rows);
  }

  /** f32[numTrain]: sum over the classes of |gradient times hessian| of each row. */
  gradientSizes(): Float32Array {
    const { numTrain, numClasses, pairs, pairsApart } = this.layout;
    const sizes = new Float32Array(numTrain);
    for (let k = 0; k < numClasses; k++) {
      const own = this.#f32(pairs + k * pairsApart, 2 * numTrain);
      for (let row = 0; row < numTrain; row++) sizes[row]! += Math.abs(own[2 * row]! * own[2 * row + 1]!);
    }
    return sizes;
  }

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

  /** A copy, in the layout in memory. */
  scores(): Float32Array {
    return this.#allScores().slice();
  }

  setScores(scores: Float32Array): void {
    this.#allScores().set(scores);
  }

  #allScores(): Float32Array {
    const { scores, scoresApart, numClasses } = this.layout;
    return this.#f32(scores, (scoresApart / 4) * numClasses);
  }

  #f32(offset: number, length: number): Float32Array {
    return new Float32Array(this.arena.memory.buffer, offset, length);
  }

  override async runTask(task: BoostingTask, threads = this.numThreads): Promise<(Grown | undefined)[]> {
    new Uint8Array(this.arena.memory.buffer, this.layout.taken, 2 * MARK * this.numThreads).fill(0);
    return await super.runTask(task, threads);
  }

  async takeGradients(): Promise<void> {
    await this.runTask({ kind: "gradients" });
  }

  /** After the last tree of an iteration, also computes the next gradients. Undefined if they are not finite. */
  async growTree(task: GrowTask, isLast: boolean): Promise<GrownTree | undefined> {
    const { threads } = this.#choice.next();
    const began = performance.now();
    const [tree] = await this.runTask({ kind: "tree", isLast, threads, ...task }, threads);
    this.#choice.took(1, performance.now() - began);
    return tree === undefined || tree === "diverged" ? undefined : tree;
  }

  /** The number at which the training is fastest. */
  override get threadsInUse(): ThreadsInUse {
    return { used: this.#choice.inUse, of: this.numThreads };
  }

  /** Sums of the losses at the scores from which the last gradients were computed. */
  losses(): { train: number; valid: number } {
    const { losses, numTrain, numRows } = this.layout;
    const [trainBlocks, validBlocks] = [numBlocks(numTrain), numBlocks(numRows - numTrain)];
    const all = new Float64Array(this.arena.memory.buffer, losses, trainBlocks + validBlocks);
    const sum = (blocks: Float64Array) => blocks.reduce((a, b) => a + b, 0);
    return { train: sum(all.subarray(0, trainBlocks)), valid: sum(all.subarray(trainBlocks)) };
  }
}
