// A factorization machine in shared memory with the threads that work on it: what training and scoring have in common.

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
  vectorNorm,
  writeOptimizer,
} from "../kernels/fm/state.js";
import { SHRINKING, type Region } from "../kernels/shared/memory.js";
import { marksFor, type Marks } from "../kernels/fm/repeats.js";
import { blockVisits } from "../numeric/random.js";
import type { Call } from "../workers/kernel-thread.js";
import { ThreadedKernel } from "../workers/threaded-kernel.js";
import type { FmOwn, MarkTask } from "./fm.worker.js";
import type { RowsBuffer } from "./rows-buffer.js";

/** Bytes of a memory, and of them for batches, the smallest chunks of rows, and what threads keep. */
const [LIMIT, BUFFERS] = [2 ** 32, 64 << 20];

/** First vectors are uniform in plus or minus this. */
const SPREAD = 0.05;

/** With fields, the machine is field-aware: a vector for each partner field. */
export type MachineShape = FmShape & { fields?: FieldAwareness };

/** Dense copies of the parameters, in the shared memory. */
export interface ParameterRegions {
  /** f32[n][dim]; field-aware f32[n][fields][dim] */
  vectors: Region;
  /** f32[n] */
  w: Region;
}

/** Parameters and threads; `terminate` ends the threads and must be called. */
export class FmMachine extends ThreadedKernel<FmKernel, MarkTask, null> {
  readonly #shape: MachineShape;
  readonly #layout: FmLayout;

  private constructor(shape: MachineShape) {
    super();
    const { fields } = shape;
    this.#shape = shape;
    this.#layout = fields ? allocateFfm(this.arena, shape, fields) : allocateFm(this.arena, shape);
  }

  /**
   * Lays the parameters out (all zero) and starts the threads.
   *
   * @throws {UsageError} the parameters do not fit one memory
   */
  static async start(shape: MachineShape): Promise<FmMachine> {
    const machine = new FmMachine(shape);
    const { numFeatures, fields } = shape;
    const own: FmOwn = { numFeatures, keepsOrder: fields !== undefined };
    const script = { url: new URL("./fm.worker.js", import.meta.url), own };
    return await machine.begin(fields ? "ffm" : "fm", machine.#layout, script);
  }

  /** How training rows are to be marked, where that is done as they are loaded. */
  get marks(): Marks {
    const { numFeatures, fields } = this.#shape;
    return marksFor(numFeatures, fields !== undefined);
  }

  /** Marks loaded training rows, which must not be marked yet; encodes those whose ids loading has left. */
  async mark(rows: RowsBuffer): Promise<void> {
    const { offset, encoding } = rows;
    await this.runTask({ rows: offset, encoding });
    rows.encoding = undefined;
  }

  /** Numbers of a feature's vector as `export` copies it. */
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
   * Draws first vectors; weights are 0.
   *
   * @param featureHashes u32[n][2]
   * @param counts u32[n]; a feature with 0 is 0 and stays 0
   */
  async initialise(featureHashes: Uint32Array, counts: Uint32Array, seed: number): Promise<void> {
    const hashes = this.arena.put("the hashes of the features", featureHashes);
    const countsAt = this.arena.put("the counts of the features", counts);
    await this.#onSlices("initialise", hashes, countsAt, seed, SPREAD);
  }

  /** Learning rates of weights and of vectors. */
  setLearningRates(ofWeights: number, ofVectors: number): void {
    setLearningRates(this.arena, this.#layout, ofWeights, ofVectors);
  }

  /** L2 and rate of each feature; the shape has them. */
  setRates(ratesOf: (feature: number) => FeatureRates): void {
    setRates(this.arena, this.#layout, this.#shape.numFeatures, ratesOf);
  }

  /** One step for each row, in file order or, with a key, in the order that the key names. */
  async train(rows: RowsBuffer, key: number | undefined): Promise<void> {
    reservePairs(this.arena, this.#layout, rows.pairs);
    const { order, keys } = blockVisits(Math.ceil(rows.numRows / BLOCK_ROWS), key);
    await this.run({
      every: { end: rows.numRows, size: BLOCK_ROWS, order },
      call: ["trainBlock", this.#layout.plan, "thread", "index", rows.offset, "first", "count", keys],
    });
  }

  /** The sum of the losses of all rows trained on since the last call, each taken before its batch's step. */
  takeLoss(): number {
    return takeLoss(this.arena, this.#layout);
  }

  /** A region that `score` can write the rows' scores to. */
  allocateScores(numRows: number): Region {
    return this.arena.allocate("scores", Math.ceil(numRows / BATCH_ROWS) * BATCH_ROWS * 4);
  }

  /**
   * Writes the rows' scores, without a link.
   *
   * @returns sum of the rows' losses, by blocks of 4,096 rows in their order
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

  /** Copies the parameters out. @returns false when one of them is NaN or infinite */
  async export({ vectors, w }: ParameterRegions): Promise<boolean> {
    const areFinite = await this.#onSlices("exportSlice", vectors.offset, w.offset);
    return Number.isFinite(this.bias) && areFinite.every(Boolean);
  }

  /** Copies parameters in. */
  async import({ vectors, w }: ParameterRegions): Promise<void> {
    await this.#onSlices("importSlice", vectors.offset, w.offset);
  }

  /** Calls a function of all slices, the last of which is of the weights. */
  async #onSlices(
    ...[name, ...args]:
      | [name: "initialise", hashes: number, counts: number, seed: number, spread: number]
      | [name: "exportSlice" | "importSlice", vectors: number, w: number]
  ): Promise<number[]> {
    const { plan, numSlices } = this.#layout;
    const call = [name, plan, "first", ...args] as Call<FmKernel>;
    return await this.run({ deal: { end: numSlices + 1, size: 1 }, call });
  }

  /** The Frobenius norm of V. */
  vectorNorm(): number {
    return vectorNorm(this.arena, this.#layout);
  }

  /** Lets no further step move w0. */
  freezeBias(): void {
    freezeBias(this.arena, this.#layout);
  }

  /** What the method keeps beside the parameters. */
  get optimizer(): OptimizerState {
    return readOptimizer(this.arena, this.#layout);
  }

  /** Puts it back for the features and blocks of their vectors that are flagged. @param known u8[numFeatures] */
  setOptimizer(state: OptimizerState, known: Uint8Array, knownBlocks: Uint8Array): void {
    writeOptimizer(this.arena, this.#layout, state, known, knownBlocks);
  }

  /** To be called when weights were put in: under FTRL they follow from what it keeps. @param l2 of a feature's weight */
  alignWeights(l2: (feature: number) => number): void {
    if (this.#shape.method === "ftrl") alignFtrl(this.arena, this.#layout, this.#shape, l2);
  }

  /** A copy of all that training has made; given back, training goes on as if it had not stopped. */
  get state(): FmState {
    return copyState(this.arena, this.#layout);
  }

  set state(state: FmState) {
    restoreState(this.arena, this.#layout, state);
  }
}

/**
 * Bytes of a feature: v and w with what the method keeps beside them, the copy of the best epoch, its hash and count, its
 * own rates, and its slot on each thread.
 */
function bytesOfFeature(dim: number, method: FmMethod, hasRates: boolean, threads: number): number {
  const K = sliceWidth(dim);
  const { numbers, accumulators } = sliceOf(method, K);
  const numSlices = Math.ceil(dim / K);
  const parameters = numSlices * 4 * (numbers + accumulators) + METHODS[method].linearBytes;
  return parameters + 4 * (dim + 1) + 12 + (hasRates ? 16 : 0) + 4 * mostThreads({ dim, threads });
}

/** @throws {UsageError} the parameters do not fit; says how much they need */
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
