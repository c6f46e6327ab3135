// Centre and context vectors in shared memory with the threads that train them by skip-grams with negative sampling.

import {
  allocateSgns,
  denseRows,
  freezeRows,
  loadStream,
  numBatches,
  putRows,
  putSquares,
  squaresByRow,
  takeSgnsLoss,
  type SgnsLayout,
  type SgnsShape,
  type SgnsStream,
} from "../kernels/sgns/binding.js";
import { stopBarrier } from "../kernels/shared/barrier.js";
import { loadKernel } from "../kernels/shared/load.js";
import { Arena, type Region } from "../kernels/shared/memory.js";
import { draw } from "../numeric/random.js";
import { floatsOf, type NamedArrays } from "../training/named-arrays.js";
import { WorkerPool } from "../workers/pool.js";
import type { SgnsInit } from "./sgns.worker.js";
import type { Squares } from "./optimizer-file.js";
import type { SgnsStart } from "./start.js";
import type { SgnsTask } from "./tasks.js";

/** What is trained, and how. */
export interface SgnsInput extends Omit<SgnsShape, "threads"> {
  seed: number;
  /** u32[numRows][2]: a 64-bit hash of each row's key, from which its first vector is drawn */
  firstVectorHashes: Uint32Array;
}

/** Learning rates at a stream's start and end, linear between. */
export interface Rates {
  from: number;
  to: number;
}

const matrices = ["centres", "contexts", "centreSquares", "contextSquares"] as const;

/** Names the noise of an epoch; draw(seed, epoch) itself is left to what shuffles the sessions. */
export function noiseKey(seed: number, epoch: number): number {
  return draw(draw(seed, epoch), 1);
}

/** Vectors, a stream and threads; `terminate` ends the threads and must be called. */
export class SgnsMachine {
  readonly #arena: Arena;
  readonly #input: SgnsInput;
  readonly #layout: SgnsLayout;
  readonly #pool: WorkerPool<SgnsTask, null>;
  #numTokens = 0;
  /** of the centres that see a context, what their events count */
  #mass = 0;

  private constructor(arena: Arena, input: SgnsInput, layout: SgnsLayout, pool: WorkerPool<SgnsTask, null>) {
    this.#arena = arena;
    this.#input = input;
    this.#layout = layout;
    this.#pool = pool;
  }

  /**
   * Lays the vectors out, starts the threads and draws first vectors: centres uniform in plus or minus 1 / (2 dim), contexts 0.
   *
   * @param threads at most; slices of 16 dimensions are dealt to them, and the vectors are the same bytes at any number
   * @throws {UsageError} it does not fit one memory
   */
  static async start(input: SgnsInput, threads: number): Promise<SgnsMachine> {
    const arena = new Arena();
    const layout = allocateSgns(arena, { ...input, threads });
    const hashes = arena.put("the hashes of the rows", input.firstVectorHashes);
    const init: SgnsInit = { memory: arena.memory, module: await loadKernel("sgns"), layout };
    const url = new URL("./sgns.worker.js", import.meta.url);
    const stop = () => stopBarrier(arena, layout.barrier);
    const pool = await WorkerPool.start<SgnsTask, null>(url, layout.threads.length, init, stop);
    const machine = new SgnsMachine(arena, input, layout, pool);
    await pool.run({ kind: "initialise", hashes, seed: input.seed, spread: 0.5 / input.dim });
    return machine;
  }

  /** Goes on from the rows that an earlier model knows, which may be frozen. */
  startFrom({ known, vectors, contexts, squares, freezes }: SgnsStart): void {
    const { centreSquares, contextSquares } = this.#layout;
    if (squares) {
      putSquares(this.#arena, centreSquares, squares.centres, known);
      putSquares(this.#arena, contextSquares, squares.contexts, known);
    }
    putRows(this.#arena, this.#layout.centres, this.#input, vectors, known);
    putRows(this.#arena, this.#layout.contexts, this.#input, contexts, known);
    if (freezes) freezeRows(this.#arena, this.#layout, known);
  }

  /** Copies the stream of the next epochs in. @throws {RangeError} it is longer than `mostTokens`, or a number is out of range */
  load(stream: SgnsStream): void {
    this.#mass = loadStream(this.#arena, this.#layout, this.#input, stream);
    this.#numTokens = stream.tokens.length;
  }

  /**
   * One pass over the stream that was loaded last.
   *
   * @param epoch names the noise, together with the seed
   * @param rates learning rates at the stream's start and end, linear between
   * @returns mean loss in nats of the centres that see a context, weighted by what their events count, each before its batch's step; 0 when none does
   */
  async train(epoch: number, { from, to }: Rates): Promise<number> {
    const key = noiseKey(this.#input.seed, epoch);
    await this.#pool.run({ kind: "train", numBatches: numBatches(this.#numTokens), key, from, to });
    return takeSgnsLoss(this.#arena, this.#layout) / (this.#mass || 1);
  }

  /** A copy of the centres' vectors. @returns f32[numRows * dim], row-major */
  vectors(): Float32Array {
    return denseRows(this.#arena, this.#layout.centres, this.#input);
  }

  /** Copies of AdaGrad's sums of squares: f32[numRows][ceil(dim / 16)]; infinite for frozen rows. */
  squares(): Squares {
    const { centreSquares, contextSquares } = this.#layout;
    const of = (squares: Region) => squaresByRow(this.#arena, squares, this.#input.numRows);
    return { centres: of(centreSquares), contexts: of(contextSquares) };
  }

  /** A copy of the contexts' vectors. @returns f32[numRows * dim], row-major */
  contexts(): Float32Array {
    return denseRows(this.#arena, this.#layout.contexts, this.#input);
  }

  /** Copies of all that training has made, as it lies in memory; given back, training goes on as if it had not stopped. */
  get state(): NamedArrays {
    // copies in memory of their own: what is shared cannot be written to disk
    return Object.fromEntries(
      matrices.map((name) => [name, Float32Array.from(this.#arena.f32(this.#layout[name]))]),
    );
  }

  /** @throws {ArtifactError} it is of another shape */
  set state(arrays: NamedArrays) {
    for (const name of matrices) {
      const target = this.#arena.f32(this.#layout[name]);
      target.set(floatsOf(arrays, name, target.length));
    }
  }

  /** Ends the threads, whatever they do. */
  async terminate(): Promise<void> {
    await this.#pool.terminate();
  }
}
