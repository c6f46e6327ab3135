// A ranking model in shared memory with the threads that work on it.

import { stopBarrier } from "../../kernels/shared/barrier.js";
import { loadKernel } from "../../kernels/shared/load.js";
import { Arena } from "../../kernels/shared/memory.js";
import type { OptimizerState } from "../../kernels/fm/state.js";
import {
  allocateRanking,
  copyRankingState,
  RANKING_BLOCK,
  setRankingRate,
  sharesNegatives,
  takeRankingLoss,
  type RankingData,
  type RankingLayout,
  type RankingShape,
  type RankingState,
} from "../../kernels/ranking/binding.js";
import { blockOrder } from "../../numeric/random.js";
import { WorkerPool } from "../../workers/pool.js";
import type { Start } from "../../training/start.js";
import type { RankingInit, RankingTask } from "./ranking.worker.js";

/** Dense copies of the parameters. */
export interface RankingParameters {
  /** f32[n] */
  w: Float32Array;
  /** f32[n * dim], row-major */
  vectors: Float32Array;
}

/** Parameters, events and threads; `terminate` ends the threads and must be called. */
export class RankingMachine {
  readonly #arena: Arena;
  readonly #numEvents: number;
  readonly #shape: RankingShape;
  readonly #layout: RankingLayout;
  readonly #pool: WorkerPool<RankingTask, null>;

  private constructor(
    arena: Arena,
    numEvents: number,
    shape: RankingShape,
    layout: RankingLayout,
    pool: WorkerPool<RankingTask, null>,
  ) {
    this.#arena = arena;
    this.#numEvents = numEvents;
    this.#shape = shape;
    this.#layout = layout;
    this.#pool = pool;
  }

  /** Copies the events, lays the parameters out and starts the threads. @throws {UsageError} it does not fit one memory */
  static async start(data: RankingData, shape: RankingShape): Promise<RankingMachine> {
    const arena = new Arena();
    const layout = allocateRanking(arena, data, shape);
    const module = await loadKernel("ranking");
    const shared = sharesNegatives(shape.loss);
    const init: RankingInit = { memory: arena.memory, module, layout, shared };
    const url = new URL("./ranking.worker.js", import.meta.url);
    const stop = () => stopBarrier(arena, layout.barrier);
    const pool = await WorkerPool.start<RankingTask, null>(url, layout.threads.length, init, stop);
    return new RankingMachine(arena, data.items.length, shape, layout, pool);
  }

  /** Ends the threads, whatever they do. */
  async terminate(): Promise<void> {
    await this.#pool.terminate();
  }

  /**
   * Draws first vectors; weights are 0.
   *
   * @param featureHashes u32[n][2]
   * @param counts u32[n]; a feature with 0 is 0 and stays 0
   * @param accumulator what AdaGrad's sums start at
   */
  async initialise(
    featureHashes: Uint32Array,
    counts: Uint32Array,
    { seed, spread, accumulator }: { seed: number; spread: number; accumulator: number },
  ): Promise<void> {
    const hashes = this.#arena.allocate("the hashes of the features", featureHashes.byteLength);
    const countsRegion = this.#arena.allocate("the counts of the features", counts.byteLength);
    this.#arena.u32(hashes).set(featureHashes);
    this.#arena.u32(countsRegion).set(counts);
    await this.#pool.run({
      kind: "initialise",
      numFeatures: counts.length,
      hashes: hashes.offset,
      counts: countsRegion.offset,
      seed,
      spread,
      accumulator,
    });
  }

  set learningRate(value: number) {
    setRankingRate(this.#arena, this.#layout, value);
  }

  /**
   * One pass over the events, in the order that the key names or as they stand.
   *
   * @param negativeKey names the negatives
   * @returns the sum of the losses, each before its batch's step
   */
  async train(key: number | undefined, negativeKey: number): Promise<number> {
    const numEvents = this.#numEvents;
    const blocks = key === undefined ? undefined : blockOrder(Math.ceil(numEvents / RANKING_BLOCK), key);
    await this.#pool.run({ kind: "train", numEvents, blocks, key: key ?? 0, negativeKey });
    return takeRankingLoss(this.#arena, this.#layout);
  }

  /** Copies of the parameters with all that the steps keep; given back, training goes on as if it had not stopped. */
  get state(): RankingState {
    return copyRankingState(this.#arena, this.#layout);
  }

  /** @param arrays f32: of a machine of the same features and dim */
  set state({ vectors, weights }: RankingState) {
    this.#arena.f32(this.#layout.vectors).set(vectors);
    this.#arena.f32(this.#layout.weights).set(weights);
  }

  /** Numbers of a state's arrays. */
  get sizes(): Record<keyof RankingState, number> {
    const { vectors, weights } = this.#layout;
    return { vectors: this.#arena.f32(vectors).length, weights: this.#arena.f32(weights).length };
  }

  /** The Frobenius norm of the vectors, as they are trained: before a division by their lengths. */
  vectorNorm(): number {
    const rows = this.#rows();
    let sum = 0;
    for (let feature = 0; feature < rows.n; feature++) sum += squaresOf(rows.vectorOf(feature));
    return Math.sqrt(sum);
  }

  /** Copies the parameters out; when cosine, vectors are of length 1 and their inner product is the cosine. */
  parameters(): RankingParameters {
    const { dim, cosine } = this.#shape;
    const { n, vectorOf } = this.#rows();
    const vectors = new Float32Array(n * dim);
    for (let feature = 0; feature < n; feature++) {
      const v = vectors.subarray(feature * dim, (feature + 1) * dim);
      v.set(vectorOf(feature));
      if (cosine) divideByLength(v);
    }
    const pairs = this.#arena.f32(this.#layout.weights);
    return { w: Float32Array.from({ length: n }, (_, i) => pairs[2 * i]!), vectors };
  }

  /**
   * What the steps keep beside the parameters. In place of the accumulator of a weight, cosines have the length that the
   * feature's vector was divided by: its steps are as long as it was.
   */
  get optimizer(): OptimizerState {
    const { cosine } = this.#shape;
    const { n, count, vectorOf, accumulatorsOf } = this.#rows();
    const vectors = new Float32Array(n * count);
    for (let feature = 0; feature < n; feature++) vectors.set(accumulatorsOf(feature), feature * count);
    const pairs = this.#arena.f32(this.#layout.weights);
    const w = Float32Array.from({ length: n }, (_, i) =>
      cosine ? Math.sqrt(squaresOf(vectorOf(i))) : pairs[2 * i + 1]!,
    );
    return { vectors, w, w0: 0 };
  }

  /**
   * Moves known features from their first draws to where an earlier model had them; one that is all zero was never trained
   * and starts as a new one, unless it is frozen. Frozen features take no step.
   */
  startFrom({ known, w, vectors, freezes, optimizer }: Start): void {
    const { dim, cosine } = this.#shape;
    const { n, count, vectorOf, accumulatorsOf } = this.#rows();
    const pairs = this.#arena.f32(this.#layout.weights);
    for (let feature = 0; feature < n; feature++) {
      if (!known[feature]) continue;
      const v = vectors.subarray(feature * dim, (feature + 1) * dim);
      if (!freezes && w[feature] === 0 && squaresOf(v) === 0) continue;
      vectorOf(feature).set(v);
      pairs[2 * feature] = w[feature]!;
      const accumulators = accumulatorsOf(feature);
      if (optimizer) {
        accumulators.set(optimizer.vectors.subarray(feature * count, (feature + 1) * count));
        if (cosine) scale(vectorOf(feature), optimizer.w[feature]!);
        else pairs[2 * feature + 1] = optimizer.w[feature]!;
      }
      // a step is divided by the root of its accumulator
      if (freezes) {
        accumulators.fill(Infinity);
        pairs[2 * feature + 1] = Infinity;
      }
    }
  }

  /** Views of the features' rows. */
  #rows() {
    const { dim } = this.#shape;
    const width = this.#layout.stride / 4;
    const rows = this.#arena.f32(this.#layout.vectors);
    const count = Math.ceil(dim / 8);
    return {
      n: rows.length / width,
      /** accumulators of a feature's vector, one a slice of 8 dimensions */
      count,
      vectorOf: (feature: number) => rows.subarray(feature * width, feature * width + dim),
      accumulatorsOf: (feature: number) =>
        rows.subarray(feature * width + 8 * count, feature * width + 9 * count),
    };
  }
}

function squaresOf(v: Float32Array): number {
  let squares = 0;
  for (let d = 0; d < v.length; d++) squares += v[d]! * v[d]!;
  return squares;
}

/** A zero vector stays as it is. */
function divideByLength(v: Float32Array): void {
  const length = Math.sqrt(squaresOf(v)) || 1;
  for (let d = 0; d < v.length; d++) v[d]! /= length;
}

function scale(v: Float32Array, factor: number): void {
  for (let d = 0; d < v.length; d++) v[d]! *= factor;
}
