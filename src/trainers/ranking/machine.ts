// A ranking model in shared memory, and the threads that train it.

import type { OptimizerState } from "../../kernels/fm/state.js";
import {
  allocateRanking,
  RANKING_BLOCK,
  setRankingRate,
  sharesNegatives,
  takeRankingLoss,
  type RankingData,
  type RankingKernel,
  type RankingLayout,
  type RankingShape,
} from "../../kernels/ranking/binding.js";
import { FeatureVectors } from "../../kernels/ranking/tables.js";
import { readArrays, wholeRegions, writeArrays, type PlacedArrays } from "../../kernels/shared/placed.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { blockVisits } from "../../numeric/random.js";
import { ONCE, type Work } from "../../workers/kernel-thread.js";
import { ThreadedKernel } from "../../workers/threaded-kernel.js";
import type { FactorStart } from "../../factors/warm-start.js";

/** Copies of the parameters, without padding. */
export interface RankingParameters {
  /** f32[n] */
  w: Float32Array;
  /** f32[n * dim], row-major */
  vectors: Float32Array;
}

/** Holds parameters, events and threads. `terminate` ends the threads and must be called. */
export class RankingMachine extends ThreadedKernel<RankingKernel> {
  readonly #numEvents: number;
  readonly #shape: RankingShape;
  readonly #layout: RankingLayout;

  private constructor(data: RankingData, shape: RankingShape) {
    super();
    this.#numEvents = data.items.length;
    this.#shape = shape;
    this.#layout = allocateRanking(this.arena, data, shape);
  }

  /**
   * Copies the events into the kernel's memory, reserves memory for the parameters, and starts the threads.
   *
   * @throws {UsageError} they do not fit in one memory
   */
  static async start(data: RankingData, shape: RankingShape): Promise<RankingMachine> {
    const machine = new RankingMachine(data, shape);
    return await machine.begin("ranking", machine.#layout);
  }

  /**
   * Initializes the vectors randomly and the weights with 0.
   *
   * @param featureHashes u32[n][2]
   * @param counts u32[n]: number of events with each feature; the vector of a feature without events stays 0
   * @param accumulator initial value of AdaGrad's sums
   */
  async initialize(
    featureHashes: Uint32Array,
    counts: Uint32Array,
    { seed, spread, accumulator }: { seed: number; spread: number; accumulator: number },
  ): Promise<void> {
    const hashes = this.arena.put("the hashes of the features", featureHashes);
    const countsAt = this.arena.put("the counts of the features", counts);
    const how = [hashes, countsAt, seed, spread, accumulator] as const;
    await this.run({
      deal: { end: counts.length, size: Infinity, parts: this.numThreads },
      call: ["initialize", this.#layout.plan, "thread", "first", "end", ...how],
    });
  }

  /**
   * Trains on all events once, in a random order determined by a key, or in the order of the log.
   *
   * @param negativeKey key from which the negatives are drawn
   * @param rateAt      returns the step size after a share of the pass; losses of pairs use that of the start
   * @returns the sum of the losses, each computed before the step of its batch
   */
  async train(
    key: number | undefined,
    negativeKey: number,
    rateAt: (share: number) => number,
  ): Promise<number> {
    const numBlocks = Math.ceil(this.#numEvents / RANKING_BLOCK);
    const rates = Float32Array.from({ length: numBlocks }, (_, i) => rateAt(i / numBlocks));
    setRankingRate(this.arena, this.#layout, rates[0]!);
    if (this.#layout.strata) await this.#trainStrata(key !== undefined, negativeKey);
    else {
      const { order, keys } = blockVisits(numBlocks, key);
      const call = [this.#layout.plan, "thread", "index", "first", "count", keys, negativeKey] as const;
      await this.run({
        every: { end: this.#numEvents, size: RANKING_BLOCK, order },
        call: sharesNegatives(this.#shape.loss) ? ["trainContrast", ...call, rates] : ["trainPairs", ...call],
      });
    }
    const loss = takeRankingLoss(this.arena, this.#layout);
    await this.propagate();
    return loss;
  }

  /**
   * Trains in rounds; in each round, threads process blocks of events whose groups of features no other thread uses.
   */
  async #trainStrata(shuffles: boolean, negativeKey: number): Promise<void> {
    await this.run(...strataRounds(this.#layout.plan, this.groups, this.#numEvents, negativeKey, shuffles));
  }

  /** Computes the propagated vectors that `parameters` returns, if the model has layers. */
  async propagate(): Promise<void> {
    const { propagated, plan } = this.#layout;
    if (!propagated) return;
    await this.run({ every: ONCE, call: ["propagateVectors", plan, "thread", "index"] });
  }

  /**
   * Copies of the parameters and the optimizer's state; after they are set again, training continues as if it had not
   * stopped.
   */
  get state(): NamedArrays {
    return readArrays(this.arena, this.#placed);
  }

  /** @throws {ArtifactError} the state has other features or another dim */
  set state(arrays: NamedArrays) {
    writeArrays(this.arena, this.#placed, (name, length) => floatsOf(arrays, name, length));
  }

  get #placed(): PlacedArrays {
    const { vectors, weights, moments, strata } = this.#layout;
    const { region, width, at } = vectors;
    const rest = wholeRegions({ weights, moments });
    const isOne = strata !== undefined || sharesNegatives(this.#shape.loss);
    if (isOne) return new Map([...wholeRegions({ vectors: region }), ...rest]);
    // the number of tables depends on the number of threads, which may differ when training is resumed
    return new Map([["vectors", { rows: this.#numFeatures, columns: width, region, at }], ...rest]);
  }

  /** Number of groups of features if events are trained in strata; 0 if they are trained in batches. */
  get groups(): number {
    return this.#layout.strata?.groups ?? 0;
  }

  /** Returns the Frobenius norm of the vectors, before they are divided by their lengths. */
  vectorNorm(): number {
    const rows = new FeatureVectors(this.arena, this.#layout.vectors);
    const { dim } = this.#shape;
    let sum = 0;
    for (let feature = 0; feature < this.#numFeatures; feature++) sum += rows.squares(feature, dim);
    return Math.sqrt(sum);
  }

  /**
   * Returns copies of the parameters, after the layers if there are any. For cosines, vectors are normalized to length
   * 1, so their inner product is the cosine.
   */
  parameters(): RankingParameters {
    const { dim, cosine } = this.#shape;
    const { propagated, slices } = this.#layout;
    const { n, vectorOf, weightsOf } = this.#rows();
    const vectors = new Float32Array(n * dim);
    const panel = propagated && this.arena.f32(propagated);
    const width = 8 * slices;
    for (let feature = 0; feature < n; feature++) {
      const v = vectors.subarray(feature * dim, (feature + 1) * dim);
      v.set(panel ? panel.subarray(feature * width, feature * width + dim) : vectorOf(feature));
      if (cosine) divideByLength(v);
    }
    return { w: Float32Array.from({ length: n }, (_, i) => weightsOf(i)[0]!), vectors };
  }

  /** Returns f32[n * dim]: the vectors before the layers; undefined if there are no layers. */
  base(): Float32Array | undefined {
    if (!this.#layout.propagated) return undefined;
    const { dim } = this.#shape;
    const { n, vectorOf } = this.#rows();
    const vectors = new Float32Array(n * dim);
    for (let feature = 0; feature < n; feature++) vectors.set(vectorOf(feature), feature * dim);
    return vectors;
  }

  /**
   * State of the optimizer. For cosines it contains the original length of each normalized vector instead of the
   * accumulator of a weight, because the effect of a step depends on that length.
   */
  get optimizer(): OptimizerState {
    const { cosine } = this.#shape;
    const { n, kept, vectorOf, keptOf, weightsOf } = this.#rows();
    const vectors = new Float32Array(n * kept.vector);
    for (let feature = 0; feature < n; feature++) vectors.set(keptOf(feature), feature * kept.vector);
    const width = cosine ? 1 : kept.weight;
    const w = new Float32Array(n * width);
    // vectors before layers are stored without normalization
    const isDivided = !this.#layout.propagated;
    for (let feature = 0; feature < n; feature++) {
      if (cosine) w[feature] = isDivided ? Math.sqrt(squaresOf(vectorOf(feature))) : 1;
      else w.set(weightsOf(feature).subarray(1, 1 + width), feature * width);
    }
    return { vectors, w, w0: 0 };
  }

  /**
   * Replaces the random vectors of known features by their vectors in the run of --init. A known vector that is all
   * zero was never trained, so it keeps the random vector unless it is frozen. Frozen features are not trained.
   */
  startFrom({ known, w, vectors, freezes, optimizer }: FactorStart): void {
    const { dim, cosine } = this.#shape;
    const { n, kept, isAdam, change, weightsOf } = this.#rows();
    for (let feature = 0; feature < n; feature++) {
      if (!known[feature]) continue;
      const v = vectors.subarray(feature * dim, (feature + 1) * dim);
      if (!freezes && w[feature] === 0 && squaresOf(v) === 0) continue;
      const own = weightsOf(feature);
      own[0] = w[feature]!;
      change(feature, (vector, sums) => {
        vector.set(v);
        if (optimizer) {
          sums.set(optimizer.vectors.subarray(feature * kept.vector, (feature + 1) * kept.vector));
          if (cosine) scale(vector, optimizer.w[feature]!);
          else own.set(optimizer.w.subarray(feature * kept.weight, (feature + 1) * kept.weight), 1);
        }
        if (!freezes) return;
        // an infinite sum makes all steps 0: a step is divided by the root of AdaGrad's sum, or of Adam's second
        // moment, which follows the first
        const width = 8 * this.#layout.slices;
        if (isAdam) sums.fill(Infinity, width, 2 * width);
        else sums.fill(Infinity);
        own[isAdam ? 2 : 1] = Infinity;
      });
    }
  }

  get #numFeatures(): number {
    const { weights, weightStride } = this.#layout;
    return weights.bytes / weightStride;
  }

  /**
   * Returns accessors to the rows of the features; the rows are views, except for vectors split over several tables.
   */
  #rows() {
    const { dim, method } = this.#shape;
    const { vectors, weightStride, momentStride, moments, slices, kept } = this.#layout;
    const [weightWidth, momentWidth] = [weightStride / 4, momentStride / 4];
    const rows = new FeatureVectors(this.arena, vectors);
    const apart = moments && this.arena.f32(moments);
    const weights = this.arena.f32(this.#layout.weights);
    const first = 8 * slices;
    return {
      n: this.#numFeatures,
      isAdam: method === "adam",
      kept,
      vectorOf: (feature: number) => rows.read(feature).subarray(0, dim),
      /** returns the optimizer's state of a feature's vector */
      keptOf: (feature: number) => keptIn(feature, rows.read(feature)),
      /** Modifies a feature's vector and the optimizer's state of it. */
      change: (feature: number, change: (vector: Float32Array, kept: Float32Array) => void) => {
        const row = rows.read(feature);
        change(row.subarray(0, dim), keptIn(feature, row));
        rows.write(feature, row);
      },
      /** returns w of a feature, followed by the optimizer's state of w */
      weightsOf: (feature: number) =>
        weights.subarray(feature * weightWidth, feature * weightWidth + 1 + kept.weight),
    };

    function keptIn(feature: number, row: Float32Array): Float32Array {
      return apart
        ? apart.subarray(feature * momentWidth, feature * momentWidth + kept.vector)
        : row.subarray(first, first + kept.vector);
    }
  }
}

/** Returns the calls by which threads train on an epoch's events in strata. */
export function strataRounds(
  plan: number,
  groups: number,
  numEvents: number,
  epochKey: number,
  shuffles: boolean,
): Work<RankingKernel>[] {
  const rounds = Array.from({ length: groups }, (_, round): Work<RankingKernel>[] => [
    { untilDone: true, call: ["trainBlock", plan, "thread", "index", round, epochKey] },
    { every: ONCE, call: ["endRound", plan] },
  ]);
  const events = ["thread", "index", numEvents, epochKey, shuffles] as const;
  return [{ every: ONCE, call: ["sortEvents", plan, ...events] }, ...rounds.flat()];
}

function squaresOf(v: Float32Array): number {
  let squares = 0;
  for (let d = 0; d < v.length; d++) squares += v[d]! * v[d]!;
  return squares;
}

/** Divides a vector by its length; a zero vector is unchanged. */
function divideByLength(v: Float32Array): void {
  const length = Math.sqrt(squaresOf(v)) || 1;
  for (let d = 0; d < v.length; d++) v[d]! /= length;
}

function scale(v: Float32Array, factor: number): void {
  for (let d = 0; d < v.length; d++) v[d]! *= factor;
}
