// Center and context vectors in shared memory, with the threads that train them by skip-grams with negative sampling.
// The tokens are copied into memory, or are random walks over a graph, which the threads generate chunk by chunk.

import {
  allocateSgns,
  BATCHES_OF_CALL,
  denseRows,
  freezeRows,
  loadStream,
  numBatches,
  putNoise,
  putRows,
  putSquares,
  squaresByRow,
  takeSgnsLoss,
  useStream,
  type SgnsKernel,
  type SgnsLayout,
  type SgnsShape,
  type SgnsStream,
} from "../../../compute/kernels/sgns/binding.js";
import { checkNodes, composedRows, type Attention } from "../../../compute/kernels/sgns/parts.js";
import type { Region } from "../../../compute/kernels/shared/memory.js";
import {
  readArrays,
  wholeRegions,
  writeArrays,
  type PlacedArrays,
} from "../../../compute/kernels/shared/placed.js";
import {
  allocateWalks,
  NO_NODE,
  WALKS_OF_CALL,
  walksOfChunk,
  type WalksKernel,
  type WalksLayout,
  type WalksShape,
} from "../../../compute/kernels/walks/binding.js";
import { draw } from "../../../base/numeric/random.js";
import { floatsOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import { ThreadedKernel } from "../../../compute/threads/threaded-kernel.js";
import type { Squares, ComposedStart, SgnsStart } from "./warm-start.js";

export interface SgnsInput extends Omit<SgnsShape, "threads"> {
  seed: number;
  /** u32[numRows][2]: a 64-bit hash of each row's key, which determines its initial vector */
  firstVectorHashes: Uint32Array;
}

/** Settings of a training on random walks over a graph whose nodes are the rows. */
export interface WalkInput extends Omit<SgnsInput, "mostTokens"> {
  walks: WalksShape;
}

/** Learning rates at the beginning and at the end of a pass, linear in between. */
export interface Rates {
  from: number;
  to: number;
}

/** Not draw(seed, epoch) itself, by which the sessions are shuffled. */
export function noiseKey(seed: number, epoch: number): number {
  return draw(draw(seed, epoch), 1);
}

export function walksKey(seed: number, epoch: number): number {
  return draw(draw(seed, epoch), 2);
}

export function chunkNoiseKey(seed: number, epoch: number, chunk: number): number {
  return draw(noiseKey(seed, epoch), chunk);
}

/** Vectors, tokens and threads of a training. The caller must call `terminate`, which ends the threads. */
export class SgnsMachine extends ThreadedKernel<SgnsKernel & WalksKernel> {
  readonly #input: SgnsInput;
  readonly #layout: SgnsLayout;
  readonly #walks: (WalksLayout & { length: number }) | undefined;
  #numTokens = 0;
  /** total weight of the centers that have a context */
  #mass = 0;
  #composedStart: ComposedStart | undefined;

  private constructor(given: SgnsInput | WalkInput, threads: number) {
    super();
    // copies the graph without a reference to it, so that the caller can release it
    const { walks, ...rest } = "walks" in given ? given : { ...given, walks: undefined };
    if (walks && walks.graph.numNodes !== given.numRows)
      throw new RangeError(`${walks.graph.numNodes} nodes for ${given.numRows} rows`);
    if (walks && given.parts) checkNodes(given.parts, walks.graph.offsets);
    this.#input = { mostTokens: walks ? walks.length * walksOfChunk(walks) : 0, ...rest };
    this.#layout = allocateSgns(this.arena, { ...this.#input, threads });
    this.#walks = walks && { ...allocateWalks(this.arena, walks, this.#layout), length: walks.length };
  }

  /**
   * Allocates the vectors, starts the threads and draws the initial vectors: centers are uniform within ±1 / (2 dim),
   * contexts are 0.
   *
   * @param threads maximum number of threads. Each processes slices of 16 dimensions, so that the vectors do not depend
   * on the number.
   * @throws {UsageError} the vectors do not fit into one memory
   * @throws {RangeError} the number of nodes differs from the number of rows, or the settings of the walks do not suit
   * the graph
   */
  static async start(given: SgnsInput | WalkInput, threads: number): Promise<SgnsMachine> {
    const machine = new SgnsMachine(given, threads);
    const { plan, numSlices } = machine.#layout;
    const hashes = machine.arena.put("the hashes of the rows", given.firstVectorHashes);
    await machine.begin(machine.#walks ? ["sgns", "walks"] : "sgns", machine.#layout);
    await machine.run({
      deal: { end: numSlices, size: 1 },
      call: ["initialize", plan, "first", hashes, given.seed, 0.5 / given.dim],
    });
    return machine;
  }

  /** Sets known rows to the vectors of the run of --init, and freezes them if requested. */
  startFrom({ known, vectors, contexts, squares, freezes, composed }: SgnsStart): void {
    const { centreSquares, contextSquares } = this.#layout;
    this.#composedStart = composed;
    for (const own of this.#layout.attention) {
      if (composed) this.arena.f32(own.attention).set(composed.attention);
      if (squares?.attention) putSquares(this.arena, own.squares, squares.attention, known);
    }
    if (squares) {
      putSquares(this.arena, centreSquares, squares.centres, known);
      if (!this.#input.oneTable) putSquares(this.arena, contextSquares, squares.contexts, known);
    }
    putRows(this.arena, this.#layout.centres, this.#input, vectors, known);
    if (!this.#input.oneTable) putRows(this.arena, this.#layout.contexts, this.#input, contexts, known);
    if (freezes) freezeRows(this.arena, this.#layout, known);
  }

  /**
   * Copies the tokens of the next epochs into memory.
   *
   * @throws {RangeError} there are more than `mostTokens`, or a number is out of range
   */
  load(stream: SgnsStream): void {
    this.#mass = loadStream(this.arena, this.#layout, this.#input, stream);
    this.#numTokens = stream.tokens.length;
  }

  /**
   * Trains one pass over the tokens that were loaded last.
   *
   * @param epoch epoch, which determines the noise together with the seed
   * @param rates learning rates at the beginning and at the end, linear in between
   * @returns mean loss in nats of the centers that have a context, weighted by the weights of their events; each loss
   * is computed before the step of its batch. 0 if no center has a context
   */
  async train(epoch: number, rates: Rates): Promise<number> {
    return (await this.#train(noiseKey(this.#input.seed, epoch), rates)) / (this.#mass || 1);
  }

  /** Trains on the tokens that were loaded last. @returns sum of the losses */
  async #train(key: number, { from, to }: Rates): Promise<number> {
    await this.run({
      every: { end: numBatches(this.#numTokens), size: BATCHES_OF_CALL },
      call: ["trainBatches", this.#layout.plan, "thread", "index", "first", "end", key, from, to],
    });
    return takeSgnsLoss(this.arena, this.#layout);
  }

  get #walked(): WalksLayout & { length: number } {
    if (!this.#walks) throw new RangeError("a machine without a graph has no walks");
    return this.#walks;
  }

  get numChunks(): number {
    const { numWalks, chunkWalks } = this.#walked;
    return Math.ceil(numWalks / chunkWalks);
  }

  /** Number of walks times nodes per walk in an epoch. */
  get numSlots(): number {
    return this.#walked.numWalks * this.#walked.length;
  }

  /**
   * Generates a chunk of the epoch's walks as the tokens of the next pass.
   *
   * @returns u32[walks][length]: nodes of the walks, NO_NODE after a dead end; a view that the next chunk overwrites
   */
  async walk(epoch: number, chunk: number): Promise<Uint32Array> {
    const { plan, numWalks, chunkWalks, length } = this.#walked;
    const from = chunk * chunkWalks;
    const to = Math.min(from + chunkWalks, numWalks);
    const key = walksKey(this.#input.seed, epoch);
    const centres = await this.run({
      deal: { first: from, end: to, size: WALKS_OF_CALL },
      call: ["writeWalks", plan, from, "first", "end", key],
    });
    this.#mass = centres.reduce((a, b) => a + b, 0);
    this.#numTokens = (to - from) * length;
    useStream(this.arena, this.#layout, this.#numTokens);
    return this.arena.u32(this.#layout.tokens).subarray(0, this.#numTokens);
  }

  /**
   * Trains one pass over new walks, chunk by chunk.
   *
   * @param epoch epoch, which determines the walks and the noise together with the seed
   * @param rates learning rates at the beginning and at the end of the epoch
   * @returns mean loss, defined as in `train`
   */
  async trainOnWalks(epoch: number, { from, to }: Rates): Promise<number> {
    const { numChunks } = this;
    const { numWalks, chunkWalks } = this.#walked;
    const rateAt = (chunk: number) => from + (to - from) * Math.min(1, (chunk * chunkWalks) / numWalks);
    let [loss, mass] = [0, 0];
    for (let chunk = 0; chunk < numChunks; chunk++) {
      await this.walk(epoch, chunk);
      const key = chunkNoiseKey(this.#input.seed, epoch, chunk);
      loss += await this.#train(key, { from: rateAt(chunk), to: rateAt(chunk + 1) });
      mass += this.#mass;
    }
    return loss / (mass || 1);
  }

  /** Returns the number of visits to each node by the epoch's walks. @returns f64[numRows] */
  async visits(epoch: number): Promise<Float64Array> {
    const counts = new Float64Array(this.#input.numRows);
    for (let chunk = 0; chunk < this.numChunks; chunk++)
      for (const node of await this.walk(epoch, chunk)) if (node !== NO_NODE) counts[node]!++;
    return counts;
  }

  /** @param noise f64[numRows], sum 1 */
  set noise(noise: Float64Array) {
    putNoise(this.arena, this.#layout, noise);
  }

  /**
   * Returns a copy of the center vectors; if centers are composed of several rows, the composed vectors.
   *
   * @returns f32[numRows * dim], row-major
   */
  vectors(): Float32Array {
    const { parts, dim } = this.#input;
    const rows = this.rows();
    if (!parts) return rows;
    const composed = composedRows(parts, this.attention().attention, rows, dim);
    const start = this.#composedStart;
    start?.stays.forEach((stays, row) => {
      if (stays) composed.set(start.vectors.subarray(row * dim, (row + 1) * dim), row * dim);
    });
    return composed;
  }

  /** Returns a copy of the rows, f32[numRows * dim], of which centers are composed; else of the center vectors. */
  rows(): Float32Array {
    return denseRows(this.arena, this.#layout.centres, this.#input);
  }

  /**
   * Returns copies of AdaGrad's sums of squares: f32[numRows][ceil(dim / 16)] for vectors, f32[numRows] for the
   * attention; infinite for frozen rows.
   */
  squares(): Squares {
    const { centreSquares, contextSquares } = this.#layout;
    const of = (squares: Region) => squaresByRow(this.arena, squares, this.#input.numRows);
    return {
      centres: of(centreSquares),
      contexts: of(contextSquares),
      ...(this.isComposed && { attention: this.attention().squares }),
    };
  }

  /** Returns a copy of the context vectors, f32[numRows * dim]; if both share a table, of this table. */
  contexts(): Float32Array {
    return denseRows(this.arena, this.#layout.contexts, this.#input);
  }

  get isComposed(): boolean {
    return this.#input.parts !== undefined;
  }

  /**
   * Returns copies of the attention's logits, f32: for each center one per kind of row of which it is composed; and of
   * AdaGrad's sum of squares of each center's logits, f32[numRows]. Only for machines with composed centers.
   */
  attention(): { attention: Float32Array; squares: Float32Array } {
    const [own] = this.#layout.attention;
    if (!own) throw new RangeError("no centre is composed");
    // copies to unshared memory, because shared memory cannot be written to disk
    const of = (region: Region) => Float32Array.from(this.arena.f32(region));
    return { attention: of(own.attention), squares: of(own.squares) };
  }

  /** Copies of all arrays that training changes. Once they are restored, training continues as if uninterrupted. */
  get state(): NamedArrays {
    return readArrays(this.arena, this.#placed);
  }

  /** Restores the arrays. @throws {ArtifactError} an array has another shape */
  set state(arrays: NamedArrays) {
    const put = (placed: PlacedArrays) =>
      writeArrays(this.arena, placed, (name, length) => floatsOf(arrays, name, length));
    put(this.#placed);
    // copies the attention to the memory of every thread
    for (const own of this.#layout.attention.slice(1)) put(placedAttention(own));
  }

  /** The arrays that training changes. Contexts are included only if they have their own table. */
  get #placed(): PlacedArrays {
    const { centres, contexts, centreSquares, contextSquares, attention } = this.#layout;
    const matrices = this.#input.oneTable
      ? { centres, centreSquares }
      : { centres, contexts, centreSquares, contextSquares };
    return new Map([...wholeRegions(matrices), ...placedAttention(attention[0])]);
  }
}

function placedAttention(own: Attention | undefined): PlacedArrays {
  return wholeRegions({ attention: own?.attention, attentionSquares: own?.squares });
}
