// A factorization machine in shared memory with its threads, for training and scoring.

import { allocateFfm, type FieldAwareness } from "../../../compute/kernels/ffm/binding.js";
import {
  allocateFm,
  BATCH_ROWS,
  BLOCK_ROWS,
  type FeatureRates,
  type FmKernel,
  type FmLayout,
  type FmShape,
  readBias,
  reservePairs,
  setLearningRates,
  setRates,
  takeLoss,
  writeBias,
} from "../../../compute/kernels/fm/binding.js";
import {
  alignFtrl,
  copyState,
  freezeBias,
  type FmState,
  type OptimizerState,
  readOptimizer,
  restoreState,
  writeOptimizer,
} from "../../../compute/kernels/fm/state.js";
import { marksFor, type Marks } from "../../../compute/kernels/fm/repeats.js";
import {
  allocateSliceGroups,
  copyParameters,
  numSliceGroups,
  type SliceGroup,
} from "../../../compute/kernels/fm/slice-groups.js";
import type { Region } from "../../../compute/kernels/shared/memory.js";
import { sharedCopy } from "../../../base/numeric/indices.js";
import { blockVisits } from "../../../base/numeric/random.js";
import { areShared } from "../../../compute/threads/rounds.js";
import type { Call } from "../../../compute/threads/kernel-thread.js";
import { ThreadedKernel } from "../../../compute/threads/threaded-kernel.js";
import type { FmOwn, InitializeTask, MarkTask } from "./fm.worker.js";
import type { RowsBuffer } from "./rows-buffer.js";

/** Elements of initial vectors are uniform between minus and plus this number. */
const SPREAD = 0.05;

/** Shape of a factorization machine; with `fields`, of a field-aware one: a feature has a vector per partner field. */
export type FmMachineShape = FmShape & { fields?: FieldAwareness };

/** Dense copies of the parameters, in the machine's memory or, if the vectors are divided among several, outside. */
export interface ParameterArrays {
  /** f32[n][dim], or f32[n][fields][dim] for a field-aware machine */
  vectors: Float32Array;
  /** f32[n] */
  w: Float32Array;
}

/** Parameters and threads of a factorization machine. The caller must call `terminate`, which ends the threads. */
export class FmMachine extends ThreadedKernel<FmKernel, MarkTask | InitializeTask, null> {
  readonly #shape: FmMachineShape;
  readonly #layout: FmLayout;
  /** memories of the groups of slices, if the vectors exceed one memory; else empty */
  readonly #groups: readonly SliceGroup[];
  /** dense arrays that importFrom reuses to copy parameters */
  #imported: ParameterArrays | undefined;

  private constructor(shape: FmMachineShape) {
    super();
    const { fields } = shape;
    this.#shape = shape;
    // vectors of a field-aware factorization machine must fit into one memory, which allocateFfm checks
    const numGroups = fields ? 0 : numSliceGroups(shape);
    const { layout, sliceGroups } = fields
      ? { layout: allocateFfm(this.arena, shape, fields), sliceGroups: [] }
      : numGroups > 0
        ? allocateSliceGroups(this.arena, shape, numGroups)
        : { layout: allocateFm(this.arena, shape), sliceGroups: [] };
    [this.#layout, this.#groups] = [layout, sliceGroups];
  }

  /** All parameters are 0. @throws {UsageError} the parameters exceed the limits of a machine */
  static async start(shape: FmMachineShape): Promise<FmMachine> {
    const machine = new FmMachine(shape);
    const { numFeatures, fields } = shape;
    const { plan } = machine.#layout;
    const groups = machine.#groups.map(({ arena: { memory }, slices, ...group }) => ({
      ...{ memory, plan: group.plan, threads: group.threads, staging: group.staging },
      ...{ firstSlice: group.firstSlice, numSlices: slices.length },
    }));
    const own: FmOwn = { numFeatures, keepsOrder: fields !== undefined, plan, groups };
    const script = { url: new URL("./fm.worker.js", import.meta.url), own };
    return await machine.begin(fields ? "ffm" : "fm", machine.#layout, script);
  }

  /** With these, a RowsBuffer marks repeated features of a block of rows while it loads training rows. */
  get marks(): Marks {
    const { numFeatures, fields } = this.#shape;
    return marksFor(numFeatures, fields !== undefined);
  }

  /**
   * Marks repeated features in the training rows that were loaded since the last call. Encodes ids first, if they were
   * not encoded while loading.
   */
  async mark(rows: RowsBuffer): Promise<void> {
    const { offset, encoding } = rows;
    await this.runTask({ rows: offset, encoding });
    rows.encoding = undefined;
  }

  /** Whether the vectors are divided among several WebAssembly memories. */
  get isDivided(): boolean {
    return this.#groups.length > 0;
  }

  /** Length of a feature's vector in the copies of `export`. */
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
    if (this.isDivided) {
      const [hashes, shared] = [featureHashes, counts].map((each) =>
        areShared([each]) ? each : sharedCopy(each),
      );
      await this.runTask({ initial: { hashes: hashes!, counts: shared!, seed, spread: SPREAD } });
      return;
    }
    const hashes = this.arena.put("the hashes of the features", featureHashes);
    const countsAt = this.arena.put("the counts of the features", counts);
    await this.#onSlices("initialize", hashes, countsAt, seed, SPREAD);
  }

  setLearningRates(ofWeights: number, ofVectors: number): void {
    for (const [arena, layout] of this.#parts) setLearningRates(arena, layout, ofWeights, ofVectors);
  }

  /** Sets L2 and learning rate of each feature, if the machine's shape has individual ones. */
  setRates(ratesOf: (feature: number) => FeatureRates): void {
    for (const [arena, layout] of this.#parts) setRates(arena, layout, this.#shape.numFeatures, ratesOf);
  }

  /** Trains on each row once, in file order or, if a key is given, in the order that the key determines. */
  async train(rows: RowsBuffer, key: number | undefined): Promise<void> {
    this.#reserve(rows);
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

  allocateScores(numRows: number): Region {
    return this.arena.allocate("scores", Math.ceil(numRows / BATCH_ROWS) * BATCH_ROWS * 4);
  }

  /**
   * Writes the scores of the rows, without a link function.
   *
   * @returns sum of the rows' losses, added by blocks of 4,096 rows in order
   */
  async score(rows: RowsBuffer, scores: Region): Promise<number> {
    this.#reserve(rows);
    const losses = await this.run({
      deal: { end: rows.numRows, size: BLOCK_ROWS },
      call: ["scoreBlock", this.#layout.plan, "thread", rows.offset, "first", "count", scores.offset],
    });
    return losses.reduce((sum, loss) => sum + loss, 0);
  }

  allocateParameters(): ParameterArrays {
    const { numFeatures } = this.#shape;
    const size = numFeatures * this.#layout.vectorWidth;
    if (this.isDivided) return { vectors: new Float32Array(size), w: new Float32Array(numFeatures) };
    const { arena } = this;
    const vectors = arena.numbers("the vectors kept", size);
    return { w: arena.f32(arena.numbers("the weights kept", numFeatures)), vectors: arena.f32(vectors) };
  }

  /** Copies the parameters to arrays of allocateParameters. @returns false if a parameter is NaN or infinite */
  async export(arrays: ParameterArrays): Promise<boolean> {
    const { vectors, w } = arrays;
    const areFinite = this.isDivided
      ? [copyParameters(this.arena, this.#layout, arrays, "arrays")]
      : await this.#onSlices("exportSlice", vectors.byteOffset, w.byteOffset);
    return Number.isFinite(this.bias) && areFinite.every(Boolean);
  }

  /** @param arrays of allocateParameters */
  async import(arrays: ParameterArrays): Promise<void> {
    const { vectors, w } = arrays;
    if (this.isDivided) copyParameters(this.arena, this.#layout, arrays, "memories");
    else await this.#onSlices("importSlice", vectors.byteOffset, w.byteOffset);
  }

  /** Copies the parameters from arrays that need not come from allocateParameters. */
  async importFrom({ vectors, w }: ParameterArrays): Promise<void> {
    if (this.isDivided) return await this.import({ vectors, w });
    this.#imported ??= this.allocateParameters();
    this.#imported.vectors.set(vectors);
    this.#imported.w.set(w);
    await this.import(this.#imported);
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

  get #parts() {
    const groups = this.#groups.map((group) => [group.arena, group] as const);
    return [[this.arena, this.#layout] as const, ...groups];
  }

  /** Enlarges the threads' buffers to the size of a batch of the rows. */
  #reserve({ pairs }: RowsBuffer): void {
    reservePairs(this.arena, this.#layout, pairs);
    // each group of slices has a memory that gets the rows of one batch at a time, not those of a whole block of rows
    const { batch } = pairs;
    for (const group of this.#groups) reservePairs(group.arena, group, { copied: batch, batch });
  }

  /** Returns the Frobenius norm of V. */
  async vectorNorm(): Promise<number> {
    const squares = await this.#onSlices("sumSquares");
    return Math.sqrt(squares.reduce((sum, ofSlice) => sum + ofSlice, 0));
  }

  freezeBias(): void {
    freezeBias(this.arena, this.#layout);
  }

  /** a copy */
  get optimizer(): OptimizerState {
    return readOptimizer(this.arena, this.#layout);
  }

  /** Restores the state of features with known[feature] = 1, in blocks of their vectors with knownBlocks[block] = 1. */
  setOptimizer(state: OptimizerState, known: Uint8Array, knownBlocks: Uint8Array): void {
    writeOptimizer(this.arena, this.#layout, state, known, knownBlocks);
  }

  /**
   * Updates the optimizer state of FTRL, from which weights are computed; must be called after weights were written.
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
