import type { OptimizerState } from "../../compute/kernels/fm/state.js";
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
} from "../../compute/kernels/ranking/binding.js";
import {
  readArrays,
  wholeRegions,
  writeArrays,
  type PlacedArrays,
} from "../../compute/kernels/shared/placed.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { blockVisits } from "../../base/numeric/random.js";
import { ONCE, type Work } from "../../compute/threads/kernel-thread.js";
import { ThreadedKernel } from "../../compute/threads/threaded-kernel.js";
import type { FactorStart } from "../shared/factor-model/warm-start.js";
import { FeatureVectors } from "../../compute/kernels/ranking/tables.js";
import type { Arena } from "../../compute/kernels/shared/memory.js";

export interface RankingParameters {
  /** f32[numFeatures] */
  w: Float32Array;
  /** f32[numFeatures * dim], row-major */
  vectors: Float32Array;
}

/** Parameters, events and threads of a training. The caller must call `terminate`, which ends the threads. */
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

  /** @throws {UsageError} the parameters and events do not fit into one memory */
  static async start(data: RankingData, shape: RankingShape): Promise<RankingMachine> {
    const machine = new RankingMachine(data, shape);
    return await machine.begin("ranking", machine.#layout);
  }

  /**
   * Draws the initial vectors; weights are 0.
   *
   * @param featureHashes u32[numFeatures][2]: hash of each feature's field and key
   * @param counts u32[numFeatures]: number of training events with each feature; vectors of features without events are
   *   0 and stay 0
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
   * Trains one epoch, on the events in a random order by the key or in their own order.
   *
   * @param negativeKey random key of the negatives
   * @param rateAt      returns the learning rate at a fraction of the epoch; losses over pairs use the rate at its
   *   start
   * @returns the sum of the losses, each measured before its batch's step
   */
  async train(
    key: number | undefined,
    negativeKey: number,
    rateAt: (share: number) => number,
  ): Promise<number> {
    const numBlocks = Math.ceil(this.#numEvents / RANKING_BLOCK);
    const rates = Float32Array.from({ length: numBlocks }, (_, i) => rateAt(i / numBlocks));
    setRankingRate(this.arena, this.#layout, rates[0]!);
    const { plan, strata } = this.#layout;
    if (strata)
      await this.run(...strataRounds(plan, strata.groups, this.#numEvents, negativeKey, key !== undefined));
    else {
      const { order, keys } = blockVisits(numBlocks, key);
      const call = [plan, "thread", "index", "first", "count", keys, negativeKey] as const;
      await this.run({
        every: { end: this.#numEvents, size: RANKING_BLOCK, order },
        call: sharesNegatives(this.#shape.loss) ? ["trainContrast", ...call, rates] : ["trainPairs", ...call],
      });
    }
    const loss = takeRankingLoss(this.arena, this.#layout);
    await this.propagate();
    return loss;
  }

  /** Computes the propagated vectors, which `parameters` returns, if there are layers. */
  async propagate(): Promise<void> {
    const { propagated, plan } = this.#layout;
    if (!propagated) return;
    await this.run({ every: ONCE, call: ["propagateVectors", plan, "thread", "index"] });
  }

  /** copies of the parameters and the optimizer state */
  get state(): NamedArrays {
    return readArrays(this.arena, this.#placed);
  }

  /** @throws {ArtifactError} the arrays belong to other features or another dim */
  set state(arrays: NamedArrays) {
    writeArrays(this.arena, this.#placed, (name, length) => floatsOf(arrays, name, length));
  }

  get #placed(): PlacedArrays {
    const { vectors, weights, moments, strata } = this.#layout;
    const { region, width, at } = vectors;
    const rest = wholeRegions({ weights, moments });
    const isOne = strata !== undefined || sharesNegatives(this.#shape.loss);
    if (isOne) return new Map([...wholeRegions({ vectors: region }), ...rest]);
    // saves vectors feature by feature: the number of tables into which they are divided depends on the number of
    // threads, which may differ when training is resumed
    return new Map([["vectors", { rows: this.#rows.count, columns: width, region, at }], ...rest]);
  }

  /** Returns the Frobenius norm of the trained vectors, before any normalization. */
  vectorNorm(): number {
    const rows = this.#rows;
    return Math.sqrt(rows.squares(0, rows.count));
  }

  /**
   * Returns copies of the parameters: if there are layers, of the propagated vectors; if scores are cosines, vectors
   * are normalized, so that their inner product is the cosine.
   */
  parameters(): RankingParameters {
    const { dim, cosine } = this.#shape;
    const { propagated, slices } = this.#layout;
    const rows = this.#rows;
    const n = rows.count;
    const vectors = new Float32Array(n * dim);
    const panel = propagated && this.arena.f32(propagated);
    const width = 8 * slices;
    for (let feature = 0; feature < n; feature++) {
      const v = vectors.subarray(feature * dim, (feature + 1) * dim);
      v.set(panel ? panel.subarray(feature * width, feature * width + dim) : rows.vectorOf(feature));
      if (!cosine) continue;
      const length = Math.sqrt(squaresOf(v)) || 1;
      for (let d = 0; d < dim; d++) v[d]! /= length;
    }
    return { w: Float32Array.from({ length: n }, (_, i) => rows.weightsOf(i)[0]!), vectors };
  }

  /** Returns the vectors before the propagation layers, f32[numFeatures * dim]; undefined without layers. */
  base(): Float32Array | undefined {
    if (!this.#layout.propagated) return undefined;
    const { dim } = this.#shape;
    const rows = this.#rows;
    const vectors = new Float32Array(rows.count * dim);
    for (let feature = 0; feature < rows.count; feature++) vectors.set(rows.vectorOf(feature), feature * dim);
    return vectors;
  }

  /**
   * Returns the optimizer state. If scores are cosines, the accumulator of a weight is replaced by the length by which
   * the feature's vector was divided, because the effect of a step depends on this length.
   */
  get optimizer(): OptimizerState {
    const { cosine } = this.#shape;
    const { kept } = this.#layout;
    const rows = this.#rows;
    const n = rows.count;
    const vectors = new Float32Array(n * kept.vector);
    for (let feature = 0; feature < n; feature++) vectors.set(rows.keptOf(feature), feature * kept.vector);
    const width = cosine ? 1 : kept.weight;
    const w = new Float32Array(n * width);
    // with propagation layers, the trained vectors are not normalized
    const isDivided = !this.#layout.propagated;
    for (let feature = 0; feature < n; feature++) {
      if (cosine) w[feature] = isDivided ? Math.sqrt(squaresOf(rows.vectorOf(feature))) : 1;
      else w.set(rows.weightsOf(feature).subarray(1, 1 + width), feature * width);
    }
    return { vectors, w, w0: 0 };
  }

  startFrom(start: FactorStart): void {
    const rows = this.#rows;
    for (let feature = 0; feature < rows.count; feature++) rows.startFrom(start, feature, feature);
  }

  get #rows(): RankingRows {
    return new RankingRows(this.arena, this.#layout, this.#shape);
  }
}

/**
 * Returns the kernel calls by which the threads train on an epoch's events in rounds. In a round, threads train on
 * blocks of events that have no group of features in common.
 */
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

/**
 * Reads and changes the rows of features in shared memory: vectors, weights and optimizer state. The arrays that it
 * returns are views, except for vectors that are divided among several tables.
 */
export class RankingRows {
  readonly #layout: RankingLayout;
  readonly #shape: RankingShape;
  readonly #vectors: FeatureVectors;
  readonly #weights: Float32Array;
  readonly #moments: Float32Array | undefined;

  constructor(arena: Arena, layout: RankingLayout, shape: RankingShape) {
    this.#layout = layout;
    this.#shape = shape;
    this.#vectors = new FeatureVectors(arena, layout.vectors);
    this.#weights = arena.f32(layout.weights);
    this.#moments = layout.moments && arena.f32(layout.moments);
  }

  get count(): number {
    return this.#layout.weights.bytes / this.#layout.weightStride;
  }

  vectorOf(row: number): Float32Array {
    return this.#vectors.read(row).subarray(0, this.#shape.dim);
  }

  /** Returns the optimizer state of the row's vector. */
  keptOf(row: number, numbers = this.#vectors.read(row)): Float32Array {
    const { slices, momentStride, kept } = this.#layout;
    const [from, first] = [(row * momentStride) / 4, 8 * slices];
    return this.#moments
      ? this.#moments.subarray(from, from + kept.vector)
      : numbers.subarray(first, first + kept.vector);
  }

  /** Returns a row's weight and its optimizer state. */
  weightsOf(row: number): Float32Array {
    const from = (row * this.#layout.weightStride) / 4;
    return this.#weights.subarray(from, from + 1 + this.#layout.kept.weight);
  }

  /** Returns the sum of the squares of the vectors of consecutive rows. */
  squares(first: number, end: number): number {
    let sum = 0;
    for (let row = first; row < end; row++) sum += this.#vectors.squares(row, this.#shape.dim);
    return sum;
  }

  /**
   * Replaces the initial vector of a feature that the run of --init knows. An all-zero vector was never trained and
   * keeps its random initialization, unless it is frozen. Frozen features take no step.
   */
  startFrom({ known, w, vectors, freezes, optimizer }: FactorStart, feature: number, row: number): void {
    if (!known[feature]) return;
    const { dim, cosine, method } = this.#shape;
    const { kept, slices } = this.#layout;
    const v = vectors.subarray(feature * dim, (feature + 1) * dim);
    if (!freezes && w[feature] === 0 && squaresOf(v) === 0) return;
    const own = this.weightsOf(row);
    own[0] = w[feature]!;
    const numbers = this.#vectors.read(row);
    const [vector, sums] = [numbers.subarray(0, dim), this.keptOf(row, numbers)];
    vector.set(v);
    if (optimizer) {
      sums.set(optimizer.vectors.subarray(feature * kept.vector, (feature + 1) * kept.vector));
      if (cosine) vector.forEach((x, d) => (vector[d] = x * optimizer.w[feature]!));
      else own.set(optimizer.w.subarray(feature * kept.weight, (feature + 1) * kept.weight), 1);
    }
    if (freezes) {
      // a step is divided by the root of AdaGrad's sum, or of Adam's second moment, which is stored after the first
      // moment
      if (method === "adam") sums.fill(Infinity, 8 * slices, 16 * slices);
      else sums.fill(Infinity);
      own[method === "adam" ? 2 : 1] = Infinity;
    }
    this.#vectors.write(row, numbers);
  }
}

function squaresOf(v: Float32Array): number {
  let squares = 0;
  for (let d = 0; d < v.length; d++) squares += v[d]! * v[d]!;
  return squares;
}
