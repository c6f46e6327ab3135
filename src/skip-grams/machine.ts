// Centre and context vectors in shared memory with the threads that train them by skip-grams with negative sampling, on streams that
// are copied in or on walks over a graph, which the threads make a chunk at a time.

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
} from "../kernels/sgns/binding.js";
import { checkNodes, composedRows, type Attention } from "../kernels/sgns/parts.js";
import type { Region } from "../kernels/shared/memory.js";
import { readArrays, wholeRegions, writeArrays, type PlacedArrays } from "../kernels/shared/placed.js";
import {
  allocateWalks,
  NO_NODE,
  WALKS_OF_CALL,
  walksOfChunk,
  type WalksKernel,
  type WalksLayout,
  type WalksShape,
} from "../kernels/walks/binding.js";
import { draw } from "../numeric/random.js";
import { floatsOf, type NamedArrays } from "../training/epochs/named-arrays.js";
import { ThreadedKernel } from "../workers/threaded-kernel.js";
import type { Squares } from "./optimizer-file.js";
import type { ComposedStart, SgnsStart } from "./warm-start.js";

/** What is trained, and how. */
export interface SgnsInput extends Omit<SgnsShape, "threads"> {
  seed: number;
  /** u32[numRows][2]: a 64-bit hash of each row's key, from which its first vector is drawn */
  firstVectorHashes: Uint32Array;
}

/** The same on walks over a graph, whose nodes are the rows. */
export interface WalkInput extends Omit<SgnsInput, "mostTokens"> {
  walks: WalksShape;
}

/** Learning rates at the ends of a stream or of an epoch, linear between. */
export interface Rates {
  from: number;
  to: number;
}

/** Names the noise of an epoch; draw(seed, epoch) itself is left to what shuffles the sessions. */
export function noiseKey(seed: number, epoch: number): number {
  return draw(draw(seed, epoch), 1);
}

/** Names the walks of an epoch. */
export function walksKey(seed: number, epoch: number): number {
  return draw(draw(seed, epoch), 2);
}

/** Names the noise of a chunk of walks. */
export function chunkNoiseKey(seed: number, epoch: number, chunk: number): number {
  return draw(noiseKey(seed, epoch), chunk);
}

/** Vectors, a stream and threads; `terminate` ends the threads and must be called. */
export class SgnsMachine extends ThreadedKernel<SgnsKernel & WalksKernel> {
  readonly #input: SgnsInput;
  readonly #layout: SgnsLayout;
  readonly #walks: (WalksLayout & { length: number }) | undefined;
  #numTokens = 0;
  /** of the centres that see a context, what their events count */
  #mass = 0;
  #composedStart: ComposedStart | undefined;

  private constructor(given: SgnsInput | WalkInput, threads: number) {
    super();
    // the graph is copied, and not kept: whoever holds it may let it go
    const { walks, ...rest } = "walks" in given ? given : { ...given, walks: undefined };
    if (walks && walks.graph.numNodes !== given.numRows)
      throw new RangeError(`${walks.graph.numNodes} nodes for ${given.numRows} rows`);
    if (walks && given.parts) checkNodes(given.parts, walks.graph.offsets);
    this.#input = { mostTokens: walks ? walks.length * walksOfChunk(walks) : 0, ...rest };
    this.#layout = allocateSgns(this.arena, { ...this.#input, threads });
    this.#walks = walks && { ...allocateWalks(this.arena, walks, this.#layout), length: walks.length };
  }

  /**
   * Lays the vectors out, starts the threads and draws first vectors: centres uniform in plus or minus 1 / (2 dim), contexts 0.
   *
   * @param threads at most; slices of 16 dimensions are dealt to them, and the vectors are the same bytes at any number
   * @throws {UsageError} it does not fit one memory
   * @throws {RangeError} the graph has other nodes than there are rows, or cannot be walked so
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

  /** Puts known rows where the run of --init had them; they may be frozen. */
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

  /** Copies the stream of the next epochs in. @throws {RangeError} it is longer than `mostTokens`, or a number is out of range */
  load(stream: SgnsStream): void {
    this.#mass = loadStream(this.arena, this.#layout, this.#input, stream);
    this.#numTokens = stream.tokens.length;
  }

  /**
   * One pass over the stream that was loaded last.
   *
   * @param epoch names the noise, together with the seed
   * @param rates learning rates at the stream's start and end, linear between
   * @returns mean loss in nats of the centres that see a context, weighted by what their events count, each before its batch's step; 0 when none does
   */
  async train(epoch: number, rates: Rates): Promise<number> {
    return (await this.#train(noiseKey(this.#input.seed, epoch), rates)) / (this.#mass || 1);
  }

  /** @returns the sum of the losses */
  async #train(key: number, { from, to }: Rates): Promise<number> {
    await this.run({
      every: { end: numBatches(this.#numTokens), size: BATCHES_OF_CALL },
      call: ["trainBatches", this.#layout.plan, "thread", "index", "first", "end", key, from, to],
    });
    return takeSgnsLoss(this.arena, this.#layout);
  }

  /** The graph's walks. @throws {RangeError} the machine was started without a graph */
  get #walked(): WalksLayout & { length: number } {
    if (!this.#walks) throw new RangeError("a machine without a graph has no walks");
    return this.#walks;
  }

  /** Chunks of an epoch's walks, numbered from 0. */
  get numChunks(): number {
    const { numWalks, chunkWalks } = this.#walked;
    return Math.ceil(numWalks / chunkWalks);
  }

  /** Walks, and nodes of a walk: an epoch is so many slots. */
  get numSlots(): number {
    return this.#walked.numWalks * this.#walked.length;
  }

  /**
   * Makes a chunk of the epoch's walks the stream.
   *
   * @returns u32[walks][length]: its nodes, NO_NODE after a dead end; a view that the next chunk overwrites
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
   * One pass over new walks, chunk after chunk.
   *
   * @param epoch names the walks and the noise, together with the seed
   * @param rates at the epoch's start and end
   * @returns mean loss as of `train`
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

  /** How often the epoch's walks visit each node. @returns f64[numRows] */
  async visits(epoch: number): Promise<Float64Array> {
    const counts = new Float64Array(this.#input.numRows);
    for (let chunk = 0; chunk < this.numChunks; chunk++)
      for (const node of await this.walk(epoch, chunk)) if (node !== NO_NODE) counts[node]!++;
    return counts;
  }

  /** Draws noise by other chances from now on. @param noise f64[numRows], sum 1 */
  set noise(noise: Float64Array) {
    putNoise(this.arena, this.#layout, noise);
  }

  /** A copy of the centres' vectors, composed where rows have parts. @returns f32[numRows * dim], row-major */
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

  /** A copy of what centres are composed of: without parts their vectors. @returns f32[numRows * dim], row-major */
  rows(): Float32Array {
    return denseRows(this.arena, this.#layout.centres, this.#input);
  }

  /** Copies of AdaGrad's sums of squares: f32[numRows][ceil(dim / 16)], of attention f32[numRows]; infinite for frozen rows. */
  squares(): Squares {
    const { centreSquares, contextSquares } = this.#layout;
    const of = (squares: Region) => squaresByRow(this.arena, squares, this.#input.numRows);
    return {
      centres: of(centreSquares),
      contexts: of(contextSquares),
      ...(this.isComposed && { attention: this.attention().squares }),
    };
  }

  /** A copy of the contexts' vectors; in one table the centres'. @returns f32[numRows * dim], row-major */
  contexts(): Float32Array {
    return denseRows(this.arena, this.#layout.contexts, this.#input);
  }

  /** Centres are composed of parts. */
  get isComposed(): boolean {
    return this.#input.parts !== undefined;
  }

  /** A copy of what the softmax is taken of, f32[kinds of all rows], and of AdaGrad's sums, f32[numRows]; of machines whose centres are composed. */
  attention(): { attention: Float32Array; squares: Float32Array } {
    const [own] = this.#layout.attention;
    if (!own) throw new RangeError("no centre is composed");
    // copies in memory of their own: what is shared cannot be written to disk
    const of = (region: Region) => Float32Array.from(this.arena.f32(region));
    return { attention: of(own.attention), squares: of(own.squares) };
  }

  /** Copies of all that training has made, as it lies in memory; given back, training goes on as if it had not stopped. */
  get state(): NamedArrays {
    return readArrays(this.arena, this.#placed);
  }

  /** @throws {ArtifactError} it is of another shape */
  set state(arrays: NamedArrays) {
    const put = (placed: PlacedArrays) =>
      writeArrays(this.arena, placed, (name, length) => floatsOf(arrays, name, length));
    put(this.#placed);
    // every thread has its own copy of the attention
    for (const own of this.#layout.attention.slice(1)) put(placedAttention(own));
  }

  /** What training changes; contexts that have a table of their own. */
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
