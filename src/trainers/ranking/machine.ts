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
import type { FactorStart } from "../../factors/warm-start.js";
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
   * @param rateAt      the step size when a share of the pass is over; of pairs it is that of the pass's start
   * @returns the sum of the losses, each before its batch's step
   */
  async train(
    key: number | undefined,
    negativeKey: number,
    rateAt: (share: number) => number,
  ): Promise<number> {
    const numEvents = this.#numEvents;
    const numBlocks = Math.ceil(numEvents / RANKING_BLOCK);
    const blocks = key === undefined ? undefined : blockOrder(numBlocks, key);
    const rates = Float32Array.from({ length: numBlocks }, (_, i) => rateAt(i / numBlocks));
    setRankingRate(this.#arena, this.#layout, rates[0]!);
    await this.#pool.run({ kind: "train", numEvents, blocks, key: key ?? 0, negativeKey, rates });
    const loss = takeRankingLoss(this.#arena, this.#layout);
    await this.propagate();
    return loss;
  }

  /** Brings what `parameters` returns up to date, where there are layers. */
  async propagate(): Promise<void> {
    if (this.#layout.propagated) await this.#pool.run({ kind: "propagate" });
  }

  /** Copies of the parameters with all that the steps keep; given back, training goes on as if it had not stopped. */
  get state(): RankingState {
    return copyRankingState(this.#arena, this.#layout);
  }

  /** @param arrays f32: of a machine of the same features and dim */
  set state({ vectors, weights, moments }: RankingState) {
    this.#arena.f32(this.#layout.vectors).set(vectors);
    this.#arena.f32(this.#layout.weights).set(weights);
    if (this.#layout.moments && moments) this.#arena.f32(this.#layout.moments).set(moments);
  }

  /** Groups that events are trained in; 0 where they are trained in batches. */
  get groups(): number {
    return this.#layout.strata?.groups ?? 0;
  }

  /** Numbers of a state's arrays. */
  get sizes(): Record<"vectors" | "weights", number> & { moments?: number } {
    const { vectors, weights, moments } = this.#layout;
    const sizeOf = (region: typeof vectors) => this.#arena.f32(region).length;
    return {
      ...{ vectors: sizeOf(vectors), weights: sizeOf(weights) },
      ...(moments && { moments: sizeOf(moments) }),
    };
  }

  /** The Frobenius norm of the vectors, as they are trained: before a division by their lengths. */
  vectorNorm(): number {
    const rows = this.#rows();
    let sum = 0;
    for (let feature = 0; feature < rows.n; feature++) sum += squaresOf(rows.vectorOf(feature));
    return Math.sqrt(sum);
  }

  /**
   * Copies the parameters out, behind the layers where there are any; when cosine, vectors are of length 1 and their inner product is
   * the cosine.
   */
  parameters(): RankingParameters {
    const { dim, cosine } = this.#shape;
    const { propagated, slices } = this.#layout;
    const { n, vectorOf, weightsOf } = this.#rows();
    const vectors = new Float32Array(n * dim);
    const panel = propagated && this.#arena.f32(propagated);
    const width = 8 * slices;
    for (let feature = 0; feature < n; feature++) {
      const v = vectors.subarray(feature * dim, (feature + 1) * dim);
      v.set(panel ? panel.subarray(feature * width, feature * width + dim) : vectorOf(feature));
      if (cosine) divideByLength(v);
    }
    return { w: Float32Array.from({ length: n }, (_, i) => weightsOf(i)[0]!), vectors };
  }

  /** f32[n * dim]: the vectors before the layers; undefined without layers. */
  base(): Float32Array | undefined {
    if (!this.#layout.propagated) return undefined;
    const { dim } = this.#shape;
    const { n, vectorOf } = this.#rows();
    const vectors = new Float32Array(n * dim);
    for (let feature = 0; feature < n; feature++) vectors.set(vectorOf(feature), feature * dim);
    return vectors;
  }

  /**
   * What the steps keep beside the parameters. In place of the accumulator of a weight, cosines have the length that the
   * feature's vector was divided by: its steps are as long as it was.
   */
  get optimizer(): OptimizerState {
    const { cosine } = this.#shape;
    const { n, kept, vectorOf, keptOf, weightsOf } = this.#rows();
    const vectors = new Float32Array(n * kept.vector);
    for (let feature = 0; feature < n; feature++) vectors.set(keptOf(feature), feature * kept.vector);
    const width = cosine ? 1 : kept.weight;
    const w = new Float32Array(n * width);
    // what stands before the layers is kept as it is
    const isDivided = !this.#layout.propagated;
    for (let feature = 0; feature < n; feature++) {
      if (cosine) w[feature] = isDivided ? Math.sqrt(squaresOf(vectorOf(feature))) : 1;
      else w.set(weightsOf(feature).subarray(1, 1 + width), feature * width);
    }
    return { vectors, w, w0: 0 };
  }

  /**
   * Moves known features from their first draws to their vectors in the run of --init; one that is all zero was never trained
   * and starts as a new one, unless it is frozen. Frozen features take no step.
   */
  startFrom({ known, w, vectors, freezes, optimizer }: FactorStart): void {
    const { dim, cosine } = this.#shape;
    const { n, kept, isAdam, vectorOf, keptOf, weightsOf } = this.#rows();
    for (let feature = 0; feature < n; feature++) {
      if (!known[feature]) continue;
      const v = vectors.subarray(feature * dim, (feature + 1) * dim);
      if (!freezes && w[feature] === 0 && squaresOf(v) === 0) continue;
      vectorOf(feature).set(v);
      const own = weightsOf(feature);
      own[0] = w[feature]!;
      if (optimizer) {
        keptOf(feature).set(optimizer.vectors.subarray(feature * kept.vector, (feature + 1) * kept.vector));
        if (cosine) scale(vectorOf(feature), optimizer.w[feature]!);
        else own.set(optimizer.w.subarray(feature * kept.weight, (feature + 1) * kept.weight), 1);
      }
      if (!freezes) continue;
      // a step is divided by the root of AdaGrad's sum, or of Adam's second moment, which stands behind the first
      const sums = keptOf(feature);
      const width = 8 * this.#layout.slices;
      if (isAdam) sums.fill(Infinity, width, 2 * width);
      else sums.fill(Infinity);
      own[isAdam ? 2 : 1] = Infinity;
    }
  }

  /** Views of the features' rows. */
  #rows() {
    const { dim, method } = this.#shape;
    const { stride, weightStride, momentStride, moments, slices, kept } = this.#layout;
    const [width, weightWidth, momentWidth] = [stride / 4, weightStride / 4, momentStride / 4];
    const rows = this.#arena.f32(this.#layout.vectors);
    const apart = moments && this.#arena.f32(moments);
    const weights = this.#arena.f32(this.#layout.weights);
    const first = 8 * slices;
    return {
      n: rows.length / width,
      isAdam: method === "adam",
      kept,
      vectorOf: (feature: number) => rows.subarray(feature * width, feature * width + dim),
      /** what the method keeps of a feature's vector */
      keptOf: (feature: number) =>
        apart
          ? apart.subarray(feature * momentWidth, feature * momentWidth + kept.vector)
          : rows.subarray(feature * width + first, feature * width + first + kept.vector),
      /** w, and what the method keeps of it */
      weightsOf: (feature: number) =>
        weights.subarray(feature * weightWidth, feature * weightWidth + 1 + kept.weight),
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
