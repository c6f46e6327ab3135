// A factorization machine in shared memory with its threads, for training and scoring.

import { sizeText, UsageError } from "../errors.js";
import { allocateFfm, type FieldAwareness } from "../kernels/ffm/binding.js";
import {
  allocateFm,
  BATCH_ROWS,
  BLOCK_ROWS,
  type FeatureRates,
  type FmKernel,
  type FmLayout,
  type FmMethod,
  type FmShape,
  METHODS,
  mostThreads,
  readBias,
  reservePairs,
  setLearningRates,
  setRates,
  sliceOf,
  sliceWidth,
  takeLoss,
  writeBias,
} from "../kernels/fm/binding.js";
import {
  alignFtrl,
  copyState,
  freezeBias,
  type FmState,
  type OptimizerState,
  readOptimizer,
  restoreState,
  writeOptimizer,
} from "../kernels/fm/state.js";
import { SHRINKING, type Region } from "../kernels/shared/memory.js";
import { marksFor, type Marks } from "../kernels/fm/repeats.js";
import { blockVisits } from "../numeric/random.js";
import type { Call } from "../workers/kernel-thread.js";
import { ThreadedKernel } from "../workers/threaded-kernel.js";
import type { FmOwn, MarkTask } from "./fm.worker.js";
import type { RowsBuffer } from "./rows-buffer.js";

/** Maximum bytes of a memory, and bytes reserved for batches, the smallest chunks of rows, and data of threads. */
const [LIMIT, BUFFERS] = [2 ** 32, 64 << 20];

/** Bound on the elements of initial vectors, which are uniform between minus and plus this number. */
const SPREAD = 0.05;

/** Shape of a machine. If it has fields, it is field-aware: a feature has one vector for each partner field. */
export type FmMachineShape = FmShape & { fields?: FieldAwareness };

/** Memory regions for dense copies of the parameters. */
export interface ParameterRegions {
  /** vectors of the features, f32[n][dim], or f32[n][fields][dim] for a field-aware machine */
  vectors: Region;
  /** weight of each feature, f32[n] */
  w: Region;
}

/** Parameters and threads of a machine. The caller must call `terminate`, which ends the threads. */
export class FmMachine extends ThreadedKernel<FmKernel, MarkTask, null> {
  readonly #shape: FmMachineShape;
  readonly #layout: FmLayout;

  private constructor(shape: FmMachineShape) {
    super();
    const { fields } = shape;
    this.#shape = shape;
    this.#layout = fields ? allocateFfm(this.arena, shape, fields) : allocateFm(this.arena, shape);
  }

  /**
   * Allocates the parameters (all zero) and starts the threads.
   *
   * @throws {UsageError} the parameters do not fit into one memory
   */
  static async start(shape: FmMachineShape): Promise<FmMachine> {
    const machine = new FmMachine(shape);
    const { numFeatures, fields } = shape;
    const own: FmOwn = { numFeatures, keepsOrder: fields !== undefined };
    const script = { url: new URL("./fm.worker.js", import.meta.url), own };
    return await machine.begin(fields ? "ffm" : "fm", machine.#layout, script);
  }

  /** Settings for marking the training rows while they are loaded. */
  get marks(): Marks {
    const { numFeatures, fields } = this.#shape;
    return marksFor(numFeatures, fields !== undefined);
  }

  /**
   * Marks the loaded training rows that are not marked yet. Encodes ids first, if they were not encoded while loading.
   */
  async mark(rows: RowsBuffer): Promise<void> {
    const { offset, encoding } = rows;
    await this.runTask({ rows: offset, encoding });
    rows.encoding = undefined;
  }

  /** Number of elements of a feature's vector in the copies of `export`. */
  get vectorWidth(): number {
    return this.#layout.vectorWidth;
  }

  get bias(): number {
    return readBias(this.arena, this.#layout);
  }

  set bias(value: number) {
    writeBias(this.arena, this.#layout, value);
  }

  /**
   * Draws initial vectors; weights are 0.
   *
   * @param featureHashes u32[n][2]
   * @param counts u32[n]: number of events; a feature without events gets the vector 0 and keeps it
   */
  async initialize(featureHashes: Uint32Array, counts: Uint32Array, seed: number): Promise<void> {
    const hashes = this.arena.put("the hashes of the features", featureHashes);
    const countsAt = this.arena.put("the counts of the features", counts);
    await this.#onSlices("initialize", hashes, countsAt, seed, SPREAD);
  }

  /** Sets the learning rates of weights and of vectors. */
  setLearningRates(ofWeights: number, ofVectors: number): void {
    setLearningRates(this.arena, this.#layout, ofWeights, ofVectors);
  }

  /** Sets L2 and learning rate of each feature, if the machine's shape has individual ones. */
  setRates(ratesOf: (feature: number) => FeatureRates): void {
    setRates(this.arena, this.#layout, this.#shape.numFeatures, ratesOf);
  }

  /** Trains on each row once, in file order or, if a key is given, in the order that the key determines. */
  async train(rows: RowsBuffer, key: number | undefined): Promise<void> {
    reservePairs(this.arena, this.#layout, rows.pairs);
    const { order, keys } = blockVisits(Math.ceil(rows.numRows / BLOCK_ROWS), key);
    await this.run({
      every: { end: rows.numRows, size: BLOCK_ROWS, order },
      call: ["trainBlock", this.#layout.plan, "thread", "index", rows.offset, "first", "count", keys],
    });
  }

  /** Returns the sum of the rows' losses since the last call; each was computed before the step of its batch. */
  takeLoss(): number {
    return takeLoss(this.arena, this.#layout);
  }

  /** Allocates a region for the scores of rows. */
  allocateScores(numRows: number): Region {
    return this.arena.allocate("scores", Math.ceil(numRows / BATCH_ROWS) * BATCH_ROWS * 4);
  }

  /**
   * Writes the scores of the rows, without a link function.
   *
   * @returns sum of the rows' losses, added by blocks of 4,096 rows in order
   */
  async score(rows: RowsBuffer, scores: Region): Promise<number> {
    reservePairs(this.arena, this.#layout, rows.pairs);
    const losses = await this.run({
      deal: { end: rows.numRows, size: BLOCK_ROWS },
      call: ["scoreBlock", this.#layout.plan, "thread", rows.offset, "first", "count", scores.offset],
    });
    return losses.reduce((sum, loss) => sum + loss, 0);
  }

  allocateParameters(): ParameterRegions {
    const { numFeatures } = this.#shape;
    return {
      vectors: this.arena.allocate("the vectors kept", numFeatures * this.#layout.vectorWidth * 4),
      w: this.arena.allocate("the weights kept", numFeatures * 4),
    };
  }

  /** Copies the parameters to memory regions. @returns false if a parameter is NaN or infinite */
  async export({ vectors, w }: ParameterRegions): Promise<boolean> {
    const areFinite = await this.#onSlices("exportSlice", vectors.offset, w.offset);
    return Number.isFinite(this.bias) && areFinite.every(Boolean);
  }

  /** Copies the parameters from memory regions. */
  async import({ vectors, w }: ParameterRegions): Promise<void> {
    await this.#onSlices("importSlice", vectors.offset, w.offset);
  }

  /** Calls a function with each slice of the vectors; the last slice also contains the weights. */
  async #onSlices(
    ...[name, ...args]:
      | [name: "initialize", hashes: number, counts: number, seed: number, spread: number]
      | [name: "exportSlice" | "importSlice", vectors: number, w: number]
      | [name: "sumSquares"]
  ): Promise<number[]> {
    const { plan, numSlices } = this.#layout;
    const call = [name, plan, "first", ...args] as Call<FmKernel>;
    return await this.run({ deal: { end: numSlices + 1, size: 1 }, call });
  }

  /** Returns the Frobenius norm of V. */
  async vectorNorm(): Promise<number> {
    const squares = await this.#onSlices("sumSquares");
    return Math.sqrt(squares.reduce((sum, ofSlice) => sum + ofSlice, 0));
  }

  /** Freezes w0, so that further steps do not change it. */
  freezeBias(): void {
    freezeBias(this.arena, this.#layout);
  }

  /** A copy of the optimizer state. */
  get optimizer(): OptimizerState {
    return readOptimizer(this.arena, this.#layout);
  }

  /**
   * Restores the optimizer state of the flagged features, and of flagged blocks of their vectors.
   *
   * @param known u8[numFeatures]
   */
  setOptimizer(state: OptimizerState, known: Uint8Array, knownBlocks: Uint8Array): void {
    writeOptimizer(this.arena, this.#layout, state, known, knownBlocks);
  }

  /**
   * Updates the optimizer state of FTRL, from which weights are computed; must be called after weights were written.
   *
   * @param l2 returns the L2 of a feature's weight
   */
  alignWeights(l2: (feature: number) => number): void {
    if (this.#shape.method === "ftrl") alignFtrl(this.arena, this.#layout, this.#shape, l2);
  }

  /** A copy of all results of the training. After it is restored, training continues as if it had not stopped. */
  get state(): FmState {
    return copyState(this.arena, this.#layout);
  }

  set state(state: FmState) {
    restoreState(this.arena, this.#layout, state);
  }
}

/**
 * Returns the bytes per feature: v and w with the optimizer state, their copy of the best epoch, the feature's hash,
 * count and individual rates, and its slot in each thread.
 */
export function bytesOfFeature(dim: number, method: FmMethod, hasRates: boolean, threads: number): number {
  const K = sliceWidth(dim);
  const { numbers, accumulators } = sliceOf(method, K);
  const numSlices = Math.ceil(dim / K);
  const parameters = numSlices * 4 * (numbers + accumulators) + METHODS[method].linearBytes;
  return parameters + 4 * (dim + 1) + 12 + (hasRates ? 16 : 0) + 4 * mostThreads({ dim, threads });
}

/**
 * Checks the memory that a machine needs.
 * @throws {UsageError} the parameters do not fit into memory; the message states how much memory they need
 */
export function checkMemory(
  numFeatures: number,
  { dim, method, hasRates, threads }: { dim: number; method: FmMethod; hasRates: boolean; threads: number },
): void {
  const bytes = numFeatures * bytesOfFeature(dim, method, hasRates, threads) + BUFFERS;
  if (bytes <= LIMIT) return;
  throw new UsageError(
    `${numFeatures.toLocaleString("en")} features of dim ${dim} need ${sizeText(bytes)} of memory with ` +
      `${method}, the limit is 4 GiB: ${SHRINKING}`,
  );
}
