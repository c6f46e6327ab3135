// Rows, residuals and parameters in shared memory, with the threads that sweep over them.
//
//   machine.start() ──► machine.sweep(priors, keys) ──► sums over the rows; parameters can be read between two sweeps

import { firstPair, type FeatureRows } from "../../../dataset/rows.js";
import { allocateBarrier } from "../../../kernels/shared/barrier.js";
import type { Arena } from "../../../kernels/shared/memory.js";
import { readArrays, wholeRegions, writeArrays, type PlacedArrays } from "../../../kernels/shared/placed.js";
import { AT_MEAN, CALL_FEATURES, DRAWN, type CoordinateKernel } from "../../../kernels/coordinate/binding.js";
import { ThreadedKernel } from "../../../workers/threaded-kernel.js";
import type { FmParameters } from "../../../factors/model.js";
import { floatsOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import { transposedColumns } from "./columns.js";
import type { Link } from "./link.js";
import { MOMENTS_STRIDE, TOTALS_STRIDE, type SweepPlan, type SweepTask } from "./sweep.worker.js";

/** Minimum number of rows per chunk, and maximum number of chunks. */
const CHUNK_ROWS = 16_384;
const MAX_CHUNKS = 8;

/** Kinds of features in a sweep: the parameter stays fixed, is drawn, or is set to the mean of its prior. */
export const FIXED = 0;
export { AT_MEAN, DRAWN };

export interface MachineInput {
  /** rows with labels 0 and 1, or labels centered at 0; weights, if there are any, have mean 1 */
  rows: FeatureRows;
  /** field f owns features [offsets[f], offsets[f + 1]) */
  offsets: readonly number[];
  /** hash of each feature's field and key, u32[numFeatures][2] */
  featureHashes: Uint32Array;
  /** u8[numFeatures]: kind of each feature: FIXED, DRAWN or AT_MEAN */
  kinds: Uint8Array;
  /** f32[1 + dim][numFeatures]: initial weights and vectors */
  first: Float32Array[];
  /** f32[numRows]: initial residuals: w0, minus the label unless labels are 0 and 1 */
  residuals: Float32Array;
}

export interface CoordinateMachineShape {
  dim: number;
  link: Link;
  /** maximum number of threads; at most one per chunk is used */
  threads: number;
}

/**
 * Sums over all rows: of the weighted loss, and of the residual e, of e^2 and of 1, each weighted by the row's
 * precision.
 */
export interface Totals {
  loss: number;
  e: number;
  squares: number;
  precision: number;
}

/** Threads and memory of coordinate descent. The caller must call `terminate`, which ends the threads. */
export class CoordinateMachine extends ThreadedKernel<CoordinateKernel, SweepTask, boolean> {
  readonly #plan: SweepPlan;

  private constructor(input: MachineInput, shape: CoordinateMachineShape) {
    super();
    this.#plan = layOut(this.arena, input, shape);
  }

  /** Lays out the arrays and starts the threads. @throws {UsageError} rows and parameters do not fit into 4 GiB */
  static async start(input: MachineInput, shape: CoordinateMachineShape): Promise<CoordinateMachine> {
    const machine = new CoordinateMachine(input, shape);
    const plan = machine.#plan;
    const script = { url: new URL("./sweep.worker.js", import.meta.url), own: plan };
    return await machine.begin("coordinate", { ...plan, threads: plan.numThreads }, script);
  }

  /** Executes a task on every thread. @returns sums over the rows; undefined if a parameter became NaN or infinite */
  async sweep(task: SweepTask): Promise<Totals | undefined> {
    this.arena.f64(this.#plan.totals).fill(0);
    this.moved.fill(0).forEach((_, i, moved) => (moved[i] = i % 2 === 0 ? 1 : 0));
    const finite = await this.runTask(task);
    if (!finite.every(Boolean)) return undefined;
    const sums = this.arena.f64(this.#plan.totals);
    const total = (i: number) =>
      this.#plan.chunks.reduce((sum, _, c) => sum + sums[(c * TOTALS_STRIDE) / 8 + i]!, 0);
    return { loss: total(0), e: total(1), squares: total(2), precision: total(3) };
  }

  /**
   * Returns a view, f64[1 + dim][numFields][2], of the factor and the shift by which the last sweep rescaled each field
   * as a whole; 1 and 0 if it did not.
   */
  get moved(): Float64Array {
    return this.arena.f64(this.#plan.moved);
  }

  /** Returns a view of field f's weights (d = 0) or of dimension d - 1 of its vectors, valid until the next task. */
  parametersOf(f: number, d: number): Float32Array {
    const { fields, stride } = this.#plan;
    const { first, size } = fields[f]!;
    const from = (d * stride) / 4 + first;
    return this.arena.f32(this.#plan.parameters).subarray(from, from + size);
  }

  /** Returns copies of all state that later sweeps need. */
  get state(): NamedArrays {
    return readArrays(this.arena, this.#placed());
  }

  /** Restores the state. @throws {ArtifactError} the arrays have other lengths */
  set state(arrays: NamedArrays) {
    writeArrays(this.arena, this.#placed(), (name, length) => floatsOf(arrays, name, length));
  }

  /**
   * Returns the location of the arrays that sweeps change. The sum q of a row, stored next to its residual, is omitted,
   * because each sweep recomputes it.
   */
  #placed(): PlacedArrays {
    const { chunks, parameters, eq, targets, precisions, link } = this.#plan;
    const numRows = chunks.at(-1)?.[1] ?? 0;
    const numbers = (name: string, offset: number, count: number) => ({ name, offset, bytes: 4 * count });
    const region = numbers("residuals", eq, 2 * numRows);
    return new Map([
      ...wholeRegions({ parameters }),
      ["residuals", { rows: numRows, columns: 1, region, at: (row) => 2 * row }],
      ...wholeRegions({
        targets: numbers("targets", targets, link === "identity" ? 0 : numRows),
        precisions: numbers("precisions", precisions, link === "logit" ? numRows : 0),
      }),
    ]);
  }

  /** Returns a copy of the parameters, by feature. */
  parameters(w0: number): FmParameters {
    const { dim, fields } = this.#plan;
    const numFeatures = fields.reduce((sum, { size }) => sum + size, 0);
    const w = new Float32Array(numFeatures);
    const vectors = new Float32Array(numFeatures * dim);
    let offset = 0;
    for (const [f, { size }] of fields.entries()) {
      w.set(this.parametersOf(f, 0), offset);
      for (let d = 0; d < dim; d++) {
        const values = this.parametersOf(f, d + 1);
        for (let i = 0; i < size; i++) vectors[(offset + i) * dim + d] = values[i]!;
      }
      offset += size;
    }
    return { dim, w0, w, vectors };
  }
}

/** Copies rows and initial parameters into the arena. */
function layOut(
  arena: Arena,
  input: MachineInput,
  { dim, link, threads }: CoordinateMachineShape,
): SweepPlan {
  const { rows, offsets, featureHashes, kinds, first, residuals } = input;
  const { numRows } = rows;
  const barrier = allocateBarrier(arena);
  const chunks = cut(numRows);
  const sizes = offsets.slice(1).map((end, f) => end - offsets[f]!);
  const n = offsets.at(-1)! + sizes.length;
  const largest = Math.max(...sizes) + 1;
  const numBlocks = Math.ceil(largest / CALL_FEATURES);
  const room = (name: string, bytes: number) => arena.allocate(name, bytes).offset;

  const parameters = arena.allocate(`the parameters of ${offsets.at(-1)!} features`, (1 + dim) * n * 4);
  const eq = arena.allocate("the residuals", numRows * 8);
  const kindsAt = arena.allocate("the kinds of the features", n);
  const hashes = arena.allocate("the hashes of the features", n * 8);
  const weights = arena.put("the weights of the rows", rows.weights);
  const columns = transposedColumns(arena, rows, offsets);

  // each field has one additional parameter for "no feature", which stays 0
  const kindBytes = new Uint8Array(arena.memory.buffer, kindsAt.offset, n);
  for (const [f, size] of sizes.entries()) {
    const from = offsets[f]!;
    kindBytes.set(kinds.subarray(from, from + size), from + f);
    arena.u32(hashes).set(featureHashes.subarray(2 * from, 2 * (from + size)), 2 * (from + f));
    for (let d = 0; d <= dim; d++) {
      arena.f32(parameters).set(first[d]!.subarray(from, from + size), d * n + from + f);
    }
  }
  const eqs = arena.f32(eq);
  const { ids, values } = rows;
  for (let r = 0; r < numRows; r++) {
    let e = residuals[r]!;
    for (let p = firstPair(rows, r); p < firstPair(rows, r + 1); p++)
      e += (values ? values[p]! : 1) * first[0]![ids[p]!]!;
    eqs[2 * r] = e;
  }
  return {
    numThreads: Math.max(1, Math.min(threads, chunks.length)),
    barrier,
    link,
    dim,
    chunks,
    fields: sizes.map((size, f) => ({ size, first: offsets[f]! + f, column: columns[f]! })),
    eq: eq.offset,
    targets: room("the targets", link === "identity" ? 0 : numRows * 4),
    labels: arena.put("the labels", rows.labels),
    weights,
    precisions: link === "logit" ? room("the precisions of the rows", numRows * 4) : weights,
    parameters,
    stride: n * 4,
    step: room("the steps of a field", largest * 8),
    sums: room("the sums of a field", chunks.length * largest * 8),
    sumsStride: largest * 8,
    moments: room("the moments of a field", numBlocks * MOMENTS_STRIDE),
    moved: arena.allocate("the common moves of the fields", (1 + dim) * sizes.length * 16),
    kinds: kindsAt.offset,
    hashes: hashes.offset,
    totals: arena.allocate("the totals of the rows", chunks.length * TOTALS_STRIDE),
  };
}

/** Divides rows into chunks of about equal length, which depend only on the number of rows. */
function cut(numRows: number): [first: number, end: number][] {
  const size = Math.max(CHUNK_ROWS, Math.ceil(numRows / MAX_CHUNKS));
  return Array.from({ length: Math.ceil(numRows / size) }, (_, c) => [
    c * size,
    Math.min((c + 1) * size, numRows),
  ]);
}
