// A network in shared memory, with the threads that train it and score rows.
//
//   rows ──► chunks of whole batches, copied to memory ──► threads: trainBatch after trainBatch ──► loss
//                                               └─► threads: scoreRows of their share    ──► scores

import { sizeText, UsageError } from "../../base/errors.js";
import { GrowingArrays } from "../../compute/kernels/shared/memory.js";
import {
  alignWide,
  allocateNet,
  type NetKernel,
  type NetLayout,
  placedParameters,
  placedState,
  reservePairs,
  setRates,
  startState,
  takeLoss,
} from "../../compute/kernels/net/binding.js";
import { readArrays, writeArrays } from "../../compute/kernels/shared/placed.js";
import {
  denseLayersOf,
  embeddingWidth,
  type NetInputs,
  numFeaturesOf,
} from "../../compute/kernels/net/shape.js";
import { paddedUnits, transposeWeights } from "../../compute/kernels/shared/dense.js";
import { NetRows } from "../../compute/kernels/net/layout.js";
import { PairRows } from "../../compute/kernels/shared/layout.js";
import { allocateStruct, putStruct } from "../../compute/kernels/shared/struct.js";
import { ThreadedKernel } from "../../compute/threads/threaded-kernel.js";
import { pow } from "../../base/numeric/exp.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { rowsOfBatch } from "./rows.js";
import type { NetMachine, NetDesign } from "./plan.js";

/** Number of rows that are copied to memory at once; each chunk costs messages to the threads. */
const CHUNK_ROWS = 65536;
/** Bytes of a WebAssembly memory, and of it for chunks of rows, the pairs of a batch and the threads' buffers. */
const [LIMIT, BUFFERS] = [2 ** 32, 64 << 20];
/** Small, so that the engine soon replaces unoptimized code, which it does between calls. */
const SCORE_ROWS = 256;

/**
 * Starts a network with the given parameters. A network that only scores takes less memory, but cannot train.
 *
 * @param parameters parameters with the names and shapes of `parameterShapes`
 * @throws {UsageError} it does not fit into 4 GiB
 */
export async function startNet(
  plan: NetDesign,
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
  readonly #plan: NetDesign;
  readonly #rows: GrowingArrays;
  readonly #rowsOffset: number;
  readonly #crossesOffset: number;
  #steps = 0;

  constructor(plan: NetDesign, threads: number, trains: boolean) {
    super();
    this.layout = allocateNet(this.arena, { ...plan, threads, trains });
    if (trains) startState(this.arena, this.layout);
    this.#plan = plan;
    this.#rows = new GrowingArrays(this.arena, "the rows");
    this.#rowsOffset = allocateStruct(this.arena, "the rows", NetRows);
    this.#crossesOffset = allocateStruct(this.arena, "the crosses", PairRows);
  }

  async train(rows: NetInputs, { epoch, first }: { epoch: number; first: number }): Promise<number> {
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
      const rowArguments = [this.#rowsOffset, "first", "count"] as const;
      await this.run({
        every: { end: chunk.numRows, size: batch },
        call: ["trainBatch", this.layout.plan, "thread", "index", ...rowArguments, epoch, places, steps],
      });
      this.#steps += numBatches;
    }
    return takeLoss(this.arena, this.layout);
  }

  async score(rows: NetInputs): Promise<Float32Array> {
    return (await this.#encode(rows, 0)).scores;
  }

  async encode(rows: NetInputs): Promise<{ hidden: Float32Array; scores: Float32Array }> {
    return await this.#encode(rows, denseLayersOf(this.#plan).at(-1)!.inputs);
  }

  /** Scores rows, and reads the inputs of the last layer. @param width number of these inputs; 0 to omit them */
  async #encode(rows: NetInputs, width: number): Promise<{ hidden: Float32Array; scores: Float32Array }> {
    const scores = new Float32Array(rows.numRows);
    const hidden = new Float32Array(rows.numRows * width);
    for (const [from, chunk] of chunksOf(rows, 1)) {
      this.#put(chunk);
      const { numRows } = chunk;
      const target = this.#rows.put("scores", new Float32Array(numRows));
      const units = this.#rows.put("the hidden units", new Float32Array(numRows * width));
      const rowArguments = [this.layout.plan, "thread", this.#rowsOffset, "first", "count", target] as const;
      await this.run({
        deal: { end: numRows, size: SCORE_ROWS },
        call: width > 0 ? ["encodeRows", ...rowArguments, units, width] : ["scoreRows", ...rowArguments],
      });
      scores.set(this.#read("scores", numRows), from);
      if (width > 0) hidden.set(this.#read("the hidden units", numRows * width), from * width);
    }
    return { hidden, scores };
  }

  #read(part: string, length: number): Float32Array {
    return this.arena.f32(this.#rows.regionOf(part)).subarray(0, length);
  }

  parameters(): NamedArrays {
    return readArrays(this.arena, placedParameters(this.layout, this.#plan));
  }

  load(parameters: NamedArrays): void {
    const placed = [...placedParameters(this.layout, this.#plan)];
    const named = new Map(placed.filter(([name]) => Object.hasOwn(parameters, name)));
    writeArrays(this.arena, named, (name, length) => floatsOf(parameters, name, length));
    transposeWeights(this.arena, this.layout.layers);
    if ("wide" in parameters) alignWide(this.arena, this.layout, this.#plan);
  }

  state(): NamedArrays {
    const kept = readArrays(this.arena, placedState(this.layout, this.#plan));
    return { ...this.parameters(), ...kept, steps: Uint32Array.of(this.#steps) };
  }

  restore(state: NamedArrays): void {
    this.load(state);
    const placed = placedState(this.layout, this.#plan);
    writeArrays(this.arena, placed, (name, length) => floatsOf(state, name, length));
    this.#steps = arrayOf(state, "steps", Uint32Array, 1)[0]!;
  }

  #put({ width, indptr, ids, values, labels, weights, numeric, crosses }: NetInputs): void {
    const put = (part: string, array: Uint32Array | Float32Array | undefined) => this.#rows.put(part, array);
    putStruct(this.arena, NetRows, this.#rowsOffset, {
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

/** Divides rows into chunks of whole batches, each with the number of its first row. */
function* chunksOf(rows: NetInputs, batch: number): Generator<[number, NetInputs]> {
  const size = Math.max(1, Math.floor(CHUNK_ROWS / batch)) * batch;
  for (let from = 0; from < rows.numRows; from += size)
    yield [from, rowsOfBatch(rows, from, Math.min(size, rows.numRows - from))];
}

function pairsOfLargestBatch({ numRows, indptr, width }: NetInputs, batch: number): number {
  if (!indptr) return width * Math.min(batch, numRows);
  let pairs = 0;
  for (let from = 0; from < numRows; from += batch)
    pairs = Math.max(pairs, indptr[Math.min(from + batch, numRows)]! - indptr[from]!);
  return pairs;
}

/**
 * Returns the number of bytes of a network: the table with AdaGrad's sums, the wide part with FTRL's, dense weights
 * with Adam's moments and their transposes, and a batch's activations and gradients of every layer.
 */
export function bytesOfNet(plan: NetDesign, { trains }: { trains: boolean }): number {
  const moves = trains && plan.embeddingLearningRate > 0;
  const width = Math.ceil(embeddingWidth(plan) / 4) * 4;
  const features = numFeaturesOf(plan);
  const table = features * ((moves ? 2 : 1) * width * 4 + (moves ? (plan.keyPenalties ? 8 : 4) : 0));
  const wide = plan.arch === "wide-deep" ? 16 * (features + plan.numCrosses) : 0;
  const dense = denseLayersOf(plan).reduce((sum, { inputs, outputs, normalized }) => {
    const [ins, outs] = [paddedUnits(inputs), paddedUnits(outputs)];
    // a normalized layer also stores the gradients of its scale and shift
    const kept = ins + (normalized ? 3 : 1) * outs;
    return sum + 4 * (ins * outs * (trains ? 4 : 1) + (trains ? plan.batch * kept : 0));
  }, 0);
  return table + wide + dense + BUFFERS;
}

/** Checks a network's memory. @throws {UsageError} it does not fit; the message says which options reduce it */
export function checkMemory(plan: NetDesign, options: { trains: boolean }): void {
  const bytes = bytesOfNet(plan, options);
  if (bytes <= LIMIT) return;
  const features = numFeaturesOf(plan).toLocaleString("en");
  throw new UsageError(
    `a network with ${features} features of dim ${plan.dim}, hidden ${plan.hidden.join(",")} and batch ` +
      `${plan.batch} needs ${sizeText(bytes)} of memory, the limit is 4 GiB: reduce --dim, --hidden, ` +
      "--batch-size or --cross-bits, raise --min-count, set --max-vocab or --hash FIELD:BITS, or use " +
      "--freeze-embeddings",
  );
}
