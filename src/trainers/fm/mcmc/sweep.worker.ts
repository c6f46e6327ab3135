// A thread of coordinate descent. In a sweep, the threads update every parameter once; each has a share of rows and
// features.
//
//   w, then dimension 0, 1, ...:
//     q of every row                                       rows, by chunks
//     each field:  the previous field's steps update e and q,
//                  sums of h e and h^2 by feature          rows, by chunks      ── barrier
//                  new parameters, by feature              features, by blocks  ── barrier
//                  MCMC: the field moves as a whole        features, by blocks  ── barrier
//   targets or losses of the rows, and their sums          rows, by chunks
//
// Rows are divided into at most eight chunks, depending only on their number, and the chunks' sums are added in order,
// so that results do not depend on the thread count. Multi-valued fields are processed by the first thread alone,
// because their features share rows.

import {
  CALL_FEATURES,
  CALL_ROWS,
  type CoordinateKernel,
} from "../../../compute/kernels/coordinate/binding.js";
import type { Region } from "../../../compute/kernels/shared/memory.js";
import { kernelThread } from "../../../compute/threads/kernel-thread.js";
import type { Link } from "./link.js";

/**
 * Data that the threads share; offsets are in bytes of the shared memory. n is the number of features plus one per
 * field, which represents "no feature".
 */
export interface SweepPlan {
  numThreads: number;
  barrier: Region;
  link: Link;
  dim: number;
  /** rows of each chunk: the first one, and the one after the last */
  chunks: [first: number, end: number][];
  fields: { size: number; first: number; column: FieldColumn }[];
  /** f32[numRows][2]: for each row, the residual e, and the sum q of x v over its features for the current dimension */
  eq: number;
  /** f32[numRows]; for probit and logit links only */
  targets: number;
  /** f32[numRows] */
  labels: number;
  /** f32[numRows]: weights of the events; the offset is 0 if all are 1 */
  weights: number;
  /**
   * f32[numRows]: precisions of the targets; the offset is 0 if all are 1. With a logit link they are drawn, otherwise
   * they are the weights
   */
  precisions: number;
  /** f32[1 + dim][n]: w, then each dimension of v */
  parameters: Region;
  /** bytes from one dimension of the parameters to the next */
  stride: number;
  /** f32[largest field][2]: each feature's old value and step, for the field that is updated */
  step: number;
  /** f32[chunks][largest field][2]: two sums per feature of the field that is updated, over each chunk of rows */
  sums: number;
  sumsStride: number;
  /** f64[blocks of the largest field][5]: sums by which the factor and shift of a whole field are drawn */
  moments: number;
  /** f64[1 + dim][numFields][2]: factor and shift that the sweep applied to each field */
  moved: Region;
  /** u8[n]: fixed, drawn or at the mean of the prior */
  kinds: number;
  /** u32[n][2]: hash of each feature's field and key */
  hashes: number;
  /** f64[chunks][8]: sum of the losses; sums of the residuals e, of e^2 and of 1, weighted by precision */
  totals: Region;
}

/** Location of a field's cells; offsets are in bytes. */
export type FieldColumn =
  /** field with at most one feature per row; ids: u32[numRows]; values: f32[numRows], whose offset is 0 if all are 1 */
  | { kind: "single"; ids: number; values: number }
  /** field with any number of features per row; indptr: u32[size + 1]; rows: u32[pairs]; values: f32[pairs] */
  | { kind: "sparse"; indptr: number; rows: number; values: number };

export type SweepTask =
  /** before the first sweep: adds the interactions of the initial vectors to e, and draws the first targets */
  | { kind: "start"; targetsKey: number }
  | {
      kind: "sweep";
      alpha: number;
      /** change of w0 since the last sweep, which is added to the residual of every row */
      shift: number;
      /** f64[1 + dim][numFields][2]: precision lambda and mean mu of each prior */
      priors: Float64Array;
      /** u32[1 + dim]: random keys of the draws; with key 0, the loss is minimized without random draws */
      keys: Uint32Array;
      /** u32[1 + dim][numFields]: random keys of the draws that rescale a whole field; with key 0, it stays as it is */
      moveKeys: Uint32Array;
      targetsKey: number;
    };

/** Number of bytes of the five f64 that each block of features adds to the sums for rescaling its field. */
export const MOMENTS_STRIDE = 40;
/** Distance in bytes from the totals of one chunk to those of the next: a cache line. */
export const TOTALS_STRIDE = 64;

/**
 * Called once in each thread; a task returns false if a parameter is NaN or infinite, or if the pool is being stopped.
 */
export const start = kernelThread<CoordinateKernel, SweepPlan, SweepTask, boolean>(
  ({ kernel, own, index }) =>
    (task) =>
      new Sweep(kernel, own, index).run(task),
);

type Field = SweepPlan["fields"][number];
/** The field that was updated last; the rows' residuals e and sums q do not include the steps of its parameters yet. */
type Pending = { ids: number; values: number; linear: number } | undefined;
type Prior = readonly [alpha: number, lambda: number, mu: number, key: number];
/** Rescaling of a whole field: its index in `moved`, and its key of `moveKeys`. */
type Move = readonly [at: number, key: number];

class Sweep {
  #finite = true;
  readonly #kernel: CoordinateKernel;
  readonly #plan: SweepPlan;
  readonly #index: number;

  constructor(kernel: CoordinateKernel, plan: SweepPlan, index: number) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#index = index;
  }

  run(task: SweepTask): boolean {
    if (task.kind === "start") {
      for (let d = 1; d <= this.#plan.dim; d++) if (!this.#addInteractions(d)) return false;
      this.#finish(task.targetsKey);
      return true;
    }
    let pending: Pending;
    for (let d = 0; d <= this.#plan.dim; d++) {
      if (!this.#prepare(d, pending, task.shift)) return false;
      pending = undefined;
      for (const [f, field] of this.#plan.fields.entries()) {
        const at = d * this.#plan.fields.length + f;
        const prior: Prior = [task.alpha, task.priors[2 * at]!, task.priors[2 * at + 1]!, task.keys[d]!];
        const { column } = field;
        const go =
          column.kind === "single"
            ? this.#single(field, d, pending, prior, [at, task.moveKeys[at]!])
            : this.#sparse(field, d, pending, prior);
        if (!go) return false;
        pending = column.kind === "single" ? { ...column, linear: d === 0 ? 1 : 0 } : undefined;
      }
    }
    this.#rows((first, end) => this.#take(pending, first, end));
    this.#finish(task.targetsKey);
    return this.#finite;
  }

  /**
   * Applies the steps of the field that was updated last to the residuals e and sums q. Then, for the weights (d = 0),
   * adds the step of w0 to e; for a dimension of the vectors, computes q.
   */
  #prepare(d: number, pending: Pending, shift: number): boolean {
    const { eq, fields } = this.#plan;
    this.#rows((first, end) => {
      this.#take(pending, first, end);
      if (d === 0) this.#kernel.shiftE(first, end, eq, shift);
      else this.#sumQ(d, first, end);
    });
    return d === 0 || fields.every(({ column }) => column.kind === "single") || this.#addSparse(d, 0);
  }

  #sumQ(d: number, first: number, end: number): void {
    const { eq, fields } = this.#plan;
    const kernel = this.#kernel;
    kernel.clearQ(first, end, eq);
    const ones: [ids: number, v: number][] = [];
    for (const field of fields) {
      const { column } = field;
      if (column.kind !== "single") continue;
      if (column.values === 0) ones.push([column.ids, this.#at(field, d)]);
      else kernel.addToQ(first, end, column.ids, column.values, eq, this.#at(field, d));
    }
    const fours = ones.length - (ones.length % 4);
    for (let i = 0; i < fours; i += 4) {
      const [a, b, c, e] = [ones[i]!, ones[i + 1]!, ones[i + 2]!, ones[i + 3]!];
      kernel.addFourToQ(first, end, a[0], b[0], c[0], e[0], eq, a[1], b[1], c[1], e[1]);
    }
    for (const [ids, v] of ones.slice(fours)) kernel.addToQ(first, end, ids, 0, eq, v);
  }

  /** Adds the interactions of one dimension, with q = sum x v, to the residuals e: q^2 / 2 - sum (x v)^2 / 2. */
  #addInteractions(d: number): boolean {
    const { eq, fields } = this.#plan;
    this.#rows((first, end) => this.#sumQ(d, first, end));
    if (!this.#addSparse(d, 0)) return false;
    this.#rows((first, end) => {
      this.#kernel.addSquare(first, end, eq);
      for (const field of fields) {
        const { column } = field;
        if (column.kind === "single")
          this.#kernel.subtractSquares(first, end, column.ids, column.values, eq, this.#at(field, d));
      }
    });
    return this.#addSparse(d, 1);
  }

  /**
   * Adds the terms x v of multi-valued fields to the rows' sums q or, if `squares` is 1, subtracts half of their
   * squares from the residuals e.
   */
  #addSparse(d: number, squares: number): boolean {
    const { eq, fields } = this.#plan;
    if (!this.#barrier()) return false;
    if (this.#index === 0) {
      for (const field of fields) {
        const { column } = field;
        if (column.kind !== "sparse") continue;
        this.#features(field.size, (first, end) =>
          this.#kernel.addSparse(
            first,
            end,
            column.indptr,
            column.rows,
            column.values,
            eq,
            this.#at(field, d),
            squares,
          ),
        );
      }
    }
    return this.#barrier();
  }

  #single(field: Field, d: number, pending: Pending, prior: Prior, [at, moveKey]: Move): boolean {
    const { chunks, eq, sums, sumsStride, step, precisions, moments, moved } = this.#plan;
    const { ids, values } = field.column as FieldColumn & { kind: "single" };
    const linear = d === 0 ? 1 : 0;
    const v = this.#at(field, d);
    const fused = pending && pending.values === 0 && values === 0 && linear === 0;
    this.#rows((first, end, chunk) => {
      const to = sums + chunk * sumsStride;
      if (fused) {
        this.#kernel.moveAndAccumulate(first, end, pending.ids, step, ids, precisions, eq, v, to);
      } else {
        this.#take(pending, first, end);
        this.#kernel.accumulate(first, end, ids, values, precisions, eq, v, to, linear);
      }
    });
    if (!this.#barrier()) return false;
    // updates all parameters, including that of "no feature", whose sums are reset and whose step is 0
    const [kinds, hashes] = [this.#plan.kinds + field.first, this.#plan.hashes + 8 * field.first];
    this.#blocks(field.size + 1, (first, end, block) => {
      const own = moveKey && moments + block * MOMENTS_STRIDE;
      const sumsOf = [step, sums, sumsStride, chunks.length] as const;
      if (!this.#kernel.update(first, end, kinds, hashes, v, ...sumsOf, ...prior, own)) this.#finite = false;
    });
    if (!this.#barrier()) return false;
    if (!moveKey) return true;
    const numBlocks = Math.ceil((field.size + 1) / CALL_FEATURES);
    const [alpha, lambda, mu] = prior;
    const how = [moments, numBlocks, alpha, lambda, mu, moveKey, moved.offset + 16 * at] as const;
    this.#blocks(field.size + 1, (first, end) =>
      this.#kernel.moveTogether(first, end, kinds, v, step, ...how),
    );
    return this.#barrier();
  }

  #sparse(field: Field, d: number, pending: Pending, prior: Prior): boolean {
    const { eq, precisions } = this.#plan;
    const { indptr, rows, values } = field.column as FieldColumn & { kind: "sparse" };
    this.#rows((first, end) => this.#take(pending, first, end));
    if (!this.#barrier()) return false;
    if (this.#index === 0) {
      const [kinds, hashes] = [this.#plan.kinds + field.first, this.#plan.hashes + 8 * field.first];
      const [v, linear] = [this.#at(field, d), d === 0 ? 1 : 0];
      this.#features(field.size, (first, end) => {
        const cells = [indptr, rows, values, precisions, eq] as const;
        if (!this.#kernel.updateSparse(first, end, kinds, hashes, ...cells, v, linear, ...prior))
          this.#finite = false;
      });
    }
    return this.#barrier();
  }

  /** Computes losses and sums over the rows; for labels 0 and 1, also draws new targets. */
  #finish(targetsKey: number): void {
    const { eq, targets, labels, weights, precisions, link, totals } = this.#plan;
    const kernel = this.#kernel;
    this.#rows((first, end, chunk) => {
      const at = totals.offset + chunk * TOTALS_STRIDE;
      if (link === "identity") kernel.totalSquared(first, end, eq, weights, at);
      else if (link === "probit") kernel.drawProbit(first, end, eq, targets, labels, weights, targetsKey, at);
      else kernel.drawLogit(first, end, eq, targets, labels, weights, precisions, targetsKey, at);
    });
  }

  #take(pending: Pending, first: number, end: number): void {
    if (!pending) return;
    const { ids, values, linear } = pending;
    this.#kernel.move(first, end, ids, values, this.#plan.eq, this.#plan.step, linear);
  }

  /** Visits the rows of this thread's chunks, CALL_ROWS rows at a time. */
  #rows(visit: (first: number, end: number, chunk: number) => void): void {
    const { chunks, numThreads } = this.#plan;
    for (let c = this.#index; c < chunks.length; c += numThreads) {
      const [from, to] = chunks[c]!;
      for (let first = from; first < to; first += CALL_ROWS) visit(first, Math.min(first + CALL_ROWS, to), c);
    }
  }

  /** Visits this thread's blocks of a field's features. */
  #blocks(size: number, visit: (first: number, end: number, block: number) => void): void {
    this.#features(size, (first, end, block) => {
      if (block % this.#plan.numThreads === this.#index) visit(first, end, block);
    });
  }

  #features(size: number, visit: (first: number, end: number, block: number) => void): void {
    for (let first = 0, block = 0; first < size; first += CALL_FEATURES, block++) {
      visit(first, Math.min(first + CALL_FEATURES, size), block);
    }
  }

  /** Returns the address of the field's weights (d = 0), or of dimension d - 1 of its vectors. */
  #at({ first }: Field, d: number): number {
    return this.#plan.parameters.offset + d * this.#plan.stride + 4 * first;
  }

  #barrier(): boolean {
    return this.#kernel.barrier(this.#plan.barrier.offset, this.#plan.numThreads) !== 0;
  }
}
