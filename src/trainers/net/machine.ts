// A network in shared memory with the threads that work on it: what training and scoring have in common.
//
//   rows ──► chunks of whole batches, copied in ──► threads: trainBatch after trainBatch ──► loss
//                                               └─► threads: scoreRows of their share    ──► scores

import { GrowingArrays } from "../../kernels/shared/growing-arrays.js";
import {
  allocateNet,
  type NetKernel,
  type NetLayout,
  reservePairs,
  setRates,
  takeLoss,
} from "../../kernels/net/binding.js";
import { alignWide, placedParameters, placedState, startState } from "../../kernels/net/parameters.js";
import { transposeWeights } from "../../kernels/shared/dense-parameters.js";
import { readPlaced, writePlaced } from "../../kernels/shared/placed.js";
import { denseLayersOf, type NetRows } from "../../kernels/net/shape.js";
import { NetRows as NetRowsStruct } from "../../kernels/net/layout.js";
import { PairRows } from "../../kernels/shared/layout.js";
import { allocateStruct, putStruct } from "../../kernels/shared/struct.js";
import { ThreadedKernel } from "../../workers/threaded-kernel.js";
import { pow } from "../../numeric/exp.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { rowsOfBatch } from "./batches.js";
import { checkMemory } from "./memory.js";
import type { NetMachine, NetPlan } from "./plan.js";

/** Rows copied in at once, in whole batches: a chunk's start and end cost the threads a message. */
const CHUNK_ROWS = 65536;
/** Rows of one call that scores: short, so that the first calls are soon replaced by optimised code. */
const SCORE_ROWS = 256;

/**
 * Starts a network of the given parameters; one that only scores takes less memory and cannot train.
 *
 * @param parameters by the names and in the shapes of `parameterShapes`
 * @throws {UsageError} it does not fit 4 GiB
 */
export async function startNet(
  plan: NetPlan,
  parameters: NamedArrays,
  { threads, trains = true }: { threads: number; trains?: boolean },
): Promise<NetMachine> {
  checkMemory(plan, { trains });
  const net = new KernelNet(plan, threads, trains);
  await net.begin("net", net.layout);
  net.load(parameters);
  return net;
}

class KernelNet extends ThreadedKernel<NetKernel> implements NetMachine {
  readonly layout: NetLayout;
  readonly #plan: NetPlan;
  readonly #rows: GrowingArrays;
  readonly #rowsOffset: number;
  readonly #crossesOffset: number;
  #steps = 0;

  constructor(plan: NetPlan, threads: number, trains: boolean) {
    super();
    this.layout = allocateNet(this.arena, { ...plan, threads, trains });
    if (trains) startState(this.arena, this.layout);
    this.#plan = plan;
    this.#rows = new GrowingArrays(this.arena, "the rows");
    this.#rowsOffset = allocateStruct(this.arena, "the rows", NetRowsStruct);
    this.#crossesOffset = allocateStruct(this.arena, "the crosses", PairRows);
  }

  async train(rows: NetRows, { epoch, first }: { epoch: number; first: number }): Promise<number> {
    const { batch, learningRate, embeddingLearningRate, learningRateDecay } = this.#plan;
    const share = pow(learningRateDecay, epoch - 1);
    const rates = {
      learningRate: share * learningRate,
      embeddingLearningRate: share * embeddingLearningRate,
    };
    setRates(this.arena, this.layout, rates);
    for (const [from, chunk] of chunksOf(rows, batch)) {
      this.#put(chunk);
      reservePairs(this.arena, this.layout, pairsOfLargestBatch(chunk, batch));
      const numBatches = Math.ceil(chunk.numRows / batch);
      const places = Uint32Array.from({ length: numBatches }, (_, b) => first + from + b * batch);
      const steps = places.map((_, b) => this.#steps + b + 1);
      const rowsOf = [this.#rowsOffset, "first", "count"] as const;
      await this.run({
        every: { end: chunk.numRows, size: batch },
        call: ["trainBatch", this.layout.plan, "thread", "index", ...rowsOf, epoch, places, steps],
      });
      this.#steps += numBatches;
    }
    return takeLoss(this.arena, this.layout);
  }

  async score(rows: NetRows): Promise<Float32Array> {
    return (await this.#encode(rows, 0)).scores;
  }

  async encode(rows: NetRows): Promise<{ hidden: Float32Array; scores: Float32Array }> {
    return await this.#encode(rows, denseLayersOf(this.#plan).at(-1)!.inputs);
  }

  /** @param width of what the last layer reads; 0 if it is not wanted */
  async #encode(rows: NetRows, width: number): Promise<{ hidden: Float32Array; scores: Float32Array }> {
    const scores = new Float32Array(rows.numRows);
    const hidden = new Float32Array(rows.numRows * width);
    for (const [from, chunk] of chunksOf(rows, 1)) {
      this.#put(chunk);
      const { numRows } = chunk;
      const target = this.#rows.put("scores", new Float32Array(numRows));
      const units = this.#rows.put("the hidden units", new Float32Array(numRows * width));
      const rowsOf = [this.layout.plan, "thread", this.#rowsOffset, "first", "count", target] as const;
      await this.run({
        deal: { end: numRows, size: SCORE_ROWS },
        call: width > 0 ? ["encodeRows", ...rowsOf, units, width] : ["scoreRows", ...rowsOf],
      });
      scores.set(this.#read("scores", numRows), from);
      if (width > 0) hidden.set(this.#read("the hidden units", numRows * width), from * width);
    }
    return { hidden, scores };
  }

  /** The first numbers of an array of rows. */
  #read(part: string, length: number): Float32Array {
    return this.arena.f32(this.#rows.regionOf(part)!).subarray(0, length);
  }

  parameters(): NamedArrays {
    return this.#copies(placedParameters(this.layout, this.#plan));
  }

  load(parameters: NamedArrays): void {
    const placed = placedParameters(this.layout, this.#plan);
    for (const [name, where] of placed) {
      if (!Object.hasOwn(parameters, name)) continue;
      writePlaced(this.arena, where, floatsOf(parameters, name, where.rows * where.columns));
    }
    transposeWeights(this.arena, this.layout.layers);
    if ("wide" in parameters) alignWide(this.arena, this.layout, this.#plan);
  }

  state(): NamedArrays {
    return {
      ...this.parameters(),
      ...this.#copies(placedState(this.layout, this.#plan)),
      steps: Uint32Array.of(this.#steps),
    };
  }

  restore(state: NamedArrays): void {
    this.load(state);
    for (const [name, where] of placedState(this.layout, this.#plan))
      writePlaced(this.arena, where, floatsOf(state, name, where.rows * where.columns));
    this.#steps = arrayOf(state, "steps", Uint32Array, 1)[0]!;
  }

  #copies(placed: ReturnType<typeof placedParameters>): NamedArrays {
    return Object.fromEntries([...placed].map(([name, where]) => [name, readPlaced(this.arena, where)]));
  }

  /** Copies rows to where the kernel reads them. */
  #put({ width, indptr, ids, values, labels, weights, numeric, crosses }: NetRows): void {
    const put = (part: string, array: Uint32Array | Float32Array | undefined) => this.#rows.put(part, array);
    putStruct(this.arena, NetRowsStruct, this.#rowsOffset, {
      width,
      indptr: put("indptr", indptr),
      ids: put("features", ids),
      values: put("values", values),
      labels: put("labels", labels),
      weights: put("weights", weights),
      numeric: put("numbers", numeric),
      crosses: crosses ? this.#crossesOffset : 0,
    });
    if (crosses) {
      putStruct(this.arena, PairRows, this.#crossesOffset, {
        width: crosses.width,
        indptr: put("crosses' indptr", crosses.indptr),
        ids: put("crosses", crosses.ids),
        values: 0,
      });
    }
  }
}

/** Rows cut into chunks of whole batches, each with the place of its first row. */
function* chunksOf(rows: NetRows, batch: number): Generator<[number, NetRows]> {
  const size = Math.max(1, Math.floor(CHUNK_ROWS / batch)) * batch;
  for (let from = 0; from < rows.numRows; from += size)
    yield [from, rowsOfBatch(rows, from, Math.min(size, rows.numRows - from))];
}

function pairsOfLargestBatch({ numRows, indptr, width }: NetRows, batch: number): number {
  if (!indptr) return width * Math.min(batch, numRows);
  let pairs = 0;
  for (let from = 0; from < numRows; from += batch)
    pairs = Math.max(pairs, indptr[Math.min(from + batch, numRows)]! - indptr[from]!);
  return pairs;
}
