// A ranking model in shared memory with the threads that work on it.

import { stopBarrier } from "../../kernels/barrier.js";
import { loadKernel } from "../../kernels/load.js";
import { Arena } from "../../kernels/memory.js";
import {
  allocateRanking,
  RANKING_BLOCK,
  sharesNegatives,
  takeRankingLoss,
  type RankingData,
  type RankingLayout,
  type RankingShape,
} from "../../kernels/ranking.js";
import { blockOrder } from "../../kernels/reference/random.js";
import { WorkerPool } from "../../workers/pool.js";
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

  /** Copies the parameters out; when cosine, vectors are of length 1 and their inner product is the cosine. */
  parameters(): RankingParameters {
    const { dim, cosine } = this.#shape;
    const width = this.#layout.stride / 4;
    const rows = this.#arena.f32(this.#layout.vectors);
    const n = rows.length / width;
    const vectors = new Float32Array(n * dim);
    for (let i = 0; i < n; i++) {
      const v = rows.subarray(i * width, i * width + dim);
      vectors.set(v, i * dim);
      if (cosine) divideByLength(vectors.subarray(i * dim, (i + 1) * dim));
    }
    const pairs = this.#arena.f32(this.#layout.weights);
    return { w: Float32Array.from({ length: n }, (_, i) => pairs[2 * i]!), vectors };
  }
}

/** A zero vector stays as it is. */
function divideByLength(v: Float32Array): void {
  let squares = 0;
  for (let d = 0; d < v.length; d++) squares += v[d]! * v[d]!;
  const length = Math.sqrt(squares) || 1;
  for (let d = 0; d < v.length; d++) v[d]! /= length;
}
