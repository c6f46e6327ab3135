// Rows, residuals and parameters in shared memory, with the threads that sweep over them.
//
//   machine.start() ──► machine.sweep(priors, keys) ──► sums over the rows; parameters can be read between two sweeps

import { firstPair, type FeatureRows } from "../../../dataset/rows.js";
import { fieldOfFeatures } from "../../../dataset/vocabulary/vocabulary.js";
import { allocateBarrier } from "../../../compute/kernels/shared/barrier.js";
import type { Arena } from "../../../compute/kernels/shared/memory.js";
import {
  readArrays,
  wholeRegions,
  writeArrays,
  type PlacedArrays,
} from "../../../compute/kernels/shared/placed.js";
import { CALL_FEATURES, type CoordinateKernel } from "../../../compute/kernels/coordinate/binding.js";
import { ThreadedKernel } from "../../../compute/threads/threaded-kernel.js";
import type { FmParameters } from "../../shared/factor-model/model.js";
import { floatsOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import type { Link } from "./link.js";
import {
  MOMENTS_STRIDE,
  TOTALS_STRIDE,
  type FieldColumn,
  type SweepPlan,
  type SweepTask,
} from "./sweep.worker.js";

/** Minimum number of rows per chunk, and maximum number of chunks. */
const CHUNK_ROWS = 16_384;
const MAX_CHUNKS = 8;

/** Kind of a feature in a sweep: its parameters stay fixed. Otherwise they are DRAWN, or AT_MEAN of their prior. */
export const FIXED = 0;

export interface MachineInput {
  /** rows with labels 0 and 1, or labels centered at 0; weights, if there are any, have mean 1 */
  rows: FeatureRows;
  /** field f owns features [offsets[f], offsets[f + 1]) */
  offsets: readonly number[];
  /** hash of each feature's field and key, u32[numFeatures][2] */
  featureHashes: Uint32Array;
  /** u8[numFeatures]: FIXED, DRAWN or AT_MEAN */
  kinds: Uint8Array;
  /** f32[1 + dim][numFeatures]: initial weights and vectors */
  first: Float32Array[];
  /** f32[numRows]: initial residuals: w0, minus the label unless labels are 0 and 1 */
  residuals: Float32Array;
}

interface CoordinateMachineShape {
  dim: number;
  link: Link;
  /** maximum number of threads; at most one per chunk is used */
  threads: number;
}

/** Sums over all rows: of the weighted loss; of the residual e, of e^2 and of 1, weighted by the row's precision. */
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

  /** @returns undefined if a parameter became NaN or infinite */
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

  /** A view, f64[1 + dim][numFields][2]: factor and shift by which the last sweep rescaled each field, or 1 and 0. */
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

  /** Copies of all state that later sweeps need. */
  get state(): NamedArrays {
    return readArrays(this.arena, this.#placed());
  }

  /** @throws {ArtifactError} the arrays have other lengths */
  set state(arrays: NamedArrays) {
    writeArrays(this.arena, this.#placed(), (name, length) => floatsOf(arrays, name, length));
  }

  /** The arrays that sweeps change. The sum q, next to a row's residual, is omitted: each sweep recomputes it. */
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

  /** a copy, by feature */
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

/** The cells of a field. */
interface Shape {
  pairs: number;
  /** whether a row may have several features of the field */
  several: boolean;
  /** whether any value of the field differs from 1 */
  valued: boolean;
}

/**
 * Transposes feature rows to columns of the fields, in the order in which sweeps read them, and copies them into the
 * arena.
 *
 *   rows:     row 0: (user 3, film 17, genre 2, genre 5)   ...
 *   columns:  user   ids  [3, ...]    at most one feature per row: its id within the field; the field's size if missing
 *             film   ids  [17, ...]
 *             genre  sparse              several features per row: for each feature its rows and values
 *
 * @throws {UsageError} they do not fit
 */
function transposedColumns(arena: Arena, rows: FeatureRows, offsets: readonly number[]): FieldColumn[] {
  const fieldOf = fieldOfFeatures(offsets);
  return shapesOf(rows, fieldOf, offsets.length - 1).map((shape, f) => {
    const cells = { rows, fieldOf, field: f, offset: offsets[f]!, size: offsets[f + 1]! - offsets[f]! };
    return shape.several ? sparseColumn(arena, cells, shape) : singleColumn(arena, cells, shape);
  });
}

function shapesOf(rows: FeatureRows, fieldOf: Uint32Array, numFields: number): Shape[] {
  const shapes = Array.from({ length: numFields }, () => ({ pairs: 0, several: false, valued: false }));
  const lastRow = new Int32Array(numFields).fill(-1);
  const { ids, values } = rows;
  for (let r = 0; r < rows.numRows; r++) {
    for (let p = firstPair(rows, r); p < firstPair(rows, r + 1); p++) {
      const f = fieldOf[ids[p]!]!;
      const shape = shapes[f]!;
      shape.pairs++;
      if (lastRow[f] === r) shape.several = true;
      lastRow[f] = r;
      if (values && values[p] !== 1) shape.valued = true;
    }
  }
  return shapes;
}

interface Cells {
  rows: FeatureRows;
  fieldOf: Uint32Array;
  field: number;
  offset: number;
  size: number;
}

/** @param put called for each pair of the field, row by row, with the feature's id within the field */
function visit(
  { rows, fieldOf, field, offset }: Cells,
  put: (feature: number, row: number, pair: number) => void,
): void {
  for (let r = 0; r < rows.numRows; r++) {
    for (let p = firstPair(rows, r); p < firstPair(rows, r + 1); p++) {
      if (fieldOf[rows.ids[p]!] === field) put(rows.ids[p]! - offset, r, p);
    }
  }
}

function singleColumn(arena: Arena, cells: Cells, { valued }: Shape): FieldColumn {
  const { rows, size } = cells;
  const idsAt = arena.allocate("the columns of the training rows", rows.numRows * 4);
  const valuesAt = valued ? arena.allocate("the columns of the training rows", rows.numRows * 4) : undefined;
  const ids = arena.u32(idsAt).fill(size);
  const values = valuesAt && arena.f32(valuesAt);
  visit(cells, (feature, row, pair) => {
    ids[row] = feature;
    if (values) values[row] = rows.values![pair]!;
  });
  return { kind: "single", ids: idsAt.offset, values: valuesAt?.offset ?? 0 };
}

function sparseColumn(arena: Arena, cells: Cells, { pairs }: Shape): FieldColumn {
  const { rows, size } = cells;
  const allocate = (numbers: number) => arena.allocate("the columns of the training rows", numbers * 4);
  const [indptrAt, rowsAt, valuesAt] = [allocate(size + 1), allocate(pairs), allocate(pairs)];
  const [indptr, rowIndexes, values] = [arena.u32(indptrAt), arena.u32(rowsAt), arena.f32(valuesAt)];
  // counting sort by feature: counts the pairs of each feature, then writes each pair behind those of earlier features
  visit(cells, (feature) => indptr[feature + 1]!++);
  for (let i = 0; i < size; i++) indptr[i + 1]! += indptr[i]!;
  const end = indptr.slice(0, size);
  visit(cells, (feature, row, pair) => {
    rowIndexes[end[feature]!] = row;
    values[end[feature]!++] = rows.values ? rows.values[pair]! : 1;
  });
  return { kind: "sparse", indptr: indptrAt.offset, rows: rowsAt.offset, values: valuesAt.offset };
}
