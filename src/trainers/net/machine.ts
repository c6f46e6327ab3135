// A network in shared memory with the threads that work on it: what training and scoring have in common.
//
//   rows ──► chunks of whole batches, copied in ──► threads: trainBatch after trainBatch ──► loss
//                                               └─► threads: scoreRows of their share    ──► scores

import { stopBarrier } from "../../kernels/shared/barrier.js";
import { GrowingArrays } from "../../kernels/shared/growing-arrays.js";
import { loadKernel } from "../../kernels/shared/load.js";
import { Arena } from "../../kernels/shared/memory.js";
import { allocateNet, type NetLayout, reservePairs, setRates, takeLoss } from "../../kernels/net/binding.js";
import { alignWide, placedParameters, placedState, startState } from "../../kernels/net/parameters.js";
import { transposeWeights } from "../../kernels/shared/dense-parameters.js";
import { readPlaced, writePlaced } from "../../kernels/shared/placed.js";
import { denseLayersOf, type NetRows } from "../../kernels/net/shape.js";
import { NetRows as NetRowsStruct } from "../../kernels/net/layout.js";
import { PairRows } from "../../kernels/shared/layout.js";
import { allocateStruct, putStruct } from "../../kernels/shared/struct.js";
import { WorkerPool } from "../../workers/pool.js";
import { pow } from "../../numeric/exp.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { rowsOfBatch } from "./rows.js";
import { checkMemory } from "./memory.js";
import type { NetInit } from "./net.worker.js";
import type { NetMachine, NetPlan } from "./plan.js";
import type { NetTask } from "./tasks.js";

/** Rows copied in at once, in whole batches: a chunk's start and end cost the threads a message. */
const CHUNK_ROWS = 65536;

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
  const arena = new Arena();
  const layout = allocateNet(arena, { ...plan, threads, trains });
  if (trains) startState(arena, layout);
  const init: NetInit = {
    memory: arena.memory,
    module: await loadKernel("net"),
    place: { plan: layout.plan, threads: layout.threads },
  };
  const pool = await WorkerPool.start<NetTask, null>(
    new URL("./net.worker.js", import.meta.url),
    threads,
    init,
    () => stopBarrier(arena, layout.barrier),
  );
  const net = new KernelNet(arena, plan, layout, pool);
  net.load(parameters);
  return net;
}

class KernelNet implements NetMachine {
  readonly #arena: Arena;
  readonly #plan: NetPlan;
  readonly #layout: NetLayout;
  readonly #pool: WorkerPool<NetTask, null>;
  readonly #rows: GrowingArrays;
  readonly #rowsOffset: number;
  readonly #crossesOffset: number;
  #steps = 0;

  constructor(arena: Arena, plan: NetPlan, layout: NetLayout, pool: WorkerPool<NetTask, null>) {
    this.#arena = arena;
    this.#plan = plan;
    this.#layout = layout;
    this.#pool = pool;
    this.#rows = new GrowingArrays(arena, "the rows");
    this.#rowsOffset = allocateStruct(arena, "the rows", NetRowsStruct);
    this.#crossesOffset = allocateStruct(arena, "the crosses", PairRows);
  }

  async train(rows: NetRows, { epoch, first }: { epoch: number; first: number }): Promise<number> {
    const { batch, learningRate, embeddingLearningRate, learningRateDecay } = this.#plan;
    const share = pow(learningRateDecay, epoch - 1);
    const rates = {
      learningRate: share * learningRate,
      embeddingLearningRate: share * embeddingLearningRate,
    };
    setRates(this.#arena, this.#layout, rates);
    for (const [from, chunk] of chunksOf(rows, batch)) {
      this.#put(chunk);
      reservePairs(this.#arena, this.#layout, pairsOfLargestBatch(chunk, batch));
      const task = { kind: "train", rows: this.#rowsOffset, numRows: chunk.numRows, batch } as const;
      await this.#pool.run({ ...task, epoch, first: first + from, steps: this.#steps });
      this.#steps += Math.ceil(chunk.numRows / batch);
    }
    return takeLoss(this.#arena, this.#layout);
  }

  async score(rows: NetRows): Promise<Float32Array> {
    const scores = new Float32Array(rows.numRows);
    for (const [from, chunk] of chunksOf(rows, 1)) {
      this.#put(chunk);
      const { numRows } = chunk;
      const target = this.#rows.put("scores", new Float32Array(numRows));
      await this.#pool.run({ kind: "score", rows: this.#rowsOffset, numRows, scores: target });
      scores.set(this.#arena.f32(this.#rows.regionOf("scores")!).subarray(0, numRows), from);
    }
    return scores;
  }

  async encode(rows: NetRows): Promise<{ hidden: Float32Array; scores: Float32Array }> {
    const width = denseLayersOf(this.#plan).at(-1)!.inputs;
    const scores = new Float32Array(rows.numRows);
    const hidden = new Float32Array(rows.numRows * width);
    for (const [from, chunk] of chunksOf(rows, 1)) {
      this.#put(chunk);
      const { numRows } = chunk;
      const task = {
        scores: this.#rows.put("scores", new Float32Array(numRows)),
        hidden: { at: this.#rows.put("the hidden units", new Float32Array(numRows * width)), width },
      };
      await this.#pool.run({ kind: "score", rows: this.#rowsOffset, numRows, ...task });
      scores.set(this.#arena.f32(this.#rows.regionOf("scores")!).subarray(0, numRows), from);
      const units = this.#arena.f32(this.#rows.regionOf("the hidden units")!);
      hidden.set(units.subarray(0, numRows * width), from * width);
    }
    return { hidden, scores };
  }

  parameters(): NamedArrays {
    return this.#read(placedParameters(this.#layout, this.#plan));
  }

  load(parameters: NamedArrays): void {
    const placed = placedParameters(this.#layout, this.#plan);
    for (const [name, where] of placed) {
      if (!Object.hasOwn(parameters, name)) continue;
      writePlaced(this.#arena, where, floatsOf(parameters, name, where.rows * where.columns));
    }
    transposeWeights(this.#arena, this.#layout.layers);
    if ("wide" in parameters) alignWide(this.#arena, this.#layout, this.#plan);
  }

  state(): NamedArrays {
    return {
      ...this.parameters(),
      ...this.#read(placedState(this.#layout, this.#plan)),
      steps: Uint32Array.of(this.#steps),
    };
  }

  restore(state: NamedArrays): void {
    this.load(state);
    for (const [name, where] of placedState(this.#layout, this.#plan))
      writePlaced(this.#arena, where, floatsOf(state, name, where.rows * where.columns));
    this.#steps = arrayOf(state, "steps", Uint32Array, 1)[0]!;
  }

  async terminate(): Promise<void> {
    await this.#pool.terminate();
  }

  #read(placed: ReturnType<typeof placedParameters>): NamedArrays {
    return Object.fromEntries([...placed].map(([name, where]) => [name, readPlaced(this.#arena, where)]));
  }

  /** Copies rows to where the kernel reads them. */
  #put({ width, indptr, ids, values, labels, weights, numeric, crosses }: NetRows): void {
    const put = (part: string, array: Uint32Array | Float32Array | undefined) => this.#rows.put(part, array);
    putStruct(this.#arena, NetRowsStruct, this.#rowsOffset, {
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
      putStruct(this.#arena, PairRows, this.#crossesOffset, {
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
