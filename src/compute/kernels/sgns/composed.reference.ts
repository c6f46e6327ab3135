// Reference of assembly/composed.ts in plain f64: skip-grams whose centres are composed of several rows.
//
//   share_p   m_p exp(a_k) / sum over the row's kinds of exp(a), for part p of kind k, in which p has the weight m_p
//   h_v       sum over parts of share_p W_p                D   sum of g z over v's pairs
//   dW_p += share_p D                                      da_k = sum over the kind's parts of share_p D . (W_p - h_v)
//
// Source: Wang et al. 2018 (arXiv:1803.02349), equations 6 to 12.

import { exp } from "../../../base/numeric/exp.js";
import { SGNS_BATCH, type SgnsStream } from "./binding.js";
import { numKinds, type SgnsParts } from "./parts.js";
import { moveRows, ReferenceSgns, type Pair, type ReferenceShape } from "./sgns.reference.js";

/** Negated derivatives of the loss. */
export interface ComposedGradients {
  rows: Float64Array;
  contexts: Float64Array;
  attention: Float64Array;
}

interface ComposedShape extends ReferenceShape {
  parts: SgnsParts;
}

export class ReferenceComposed {
  readonly #dim: number;
  readonly #parts: SgnsParts;
  /** its centres are set to the composed vectors */
  readonly #sgns: ReferenceSgns;
  /** W, f64[numRows * dim] */
  readonly rows: Float64Array;
  readonly rowSquares: Float64Array;
  /** f64 and f64[numRows]: a, and AdaGrad's sum of squares of each centre's */
  readonly attention: Float64Array;
  readonly attentionSquares: Float64Array;

  constructor(shape: ComposedShape, hashes: Uint32Array, seed: number) {
    this.#dim = shape.dim;
    this.#parts = shape.parts;
    this.#sgns = new ReferenceSgns(shape, hashes, seed);
    this.rows = this.#sgns.vectors.centres.slice();
    this.rowSquares = this.#sgns.squares.centres.slice();
    this.attention = new Float64Array(numKinds(shape.parts));
    this.attentionSquares = new Float64Array(shape.numRows).fill(1);
  }

  get contexts(): Float64Array {
    return this.#sgns.vectors.contexts;
  }

  pairs(stream: SgnsStream, batch: number, key: number): Pair[] {
    return this.#sgns.pairs(stream, batch, key);
  }

  /** Returns the shares of a row's parts. */
  shares(row: number): number[] {
    const { ends, kinds, weights } = this.#parts;
    const own = Array.from(kinds.subarray(ends[row], ends[row + 1]), (kind) => this.attention[kind]!);
    const most = Math.max(...own);
    const exps = own.map((a, p) => weights[ends[row]! + p]! * exp(a - most));
    const sum = exps.reduce((all, e) => all + e, 0);
    return exps.map((e) => e / sum);
  }

  /** Returns h, f64[numRows * dim]; 0 for rows without parts. */
  composed(): Float64Array {
    const { ends, rows } = this.#parts;
    const h = new Float64Array(this.rows.length);
    for (let v = 0; v + 1 < ends.length; v++) {
      this.shares(v).forEach((share, s) => {
        const part = rows[ends[v]! + s]!;
        for (let d = 0; d < this.#dim; d++) h[v * this.#dim + d]! += share * this.rows[part * this.#dim + d]!;
      });
    }
    return h;
  }

  /** Returns the sum of the losses of (centre, context) pairs, in nats. */
  loss(pairs: readonly Pair[]): number {
    this.#sgns.vectors.centres.set(this.composed());
    return this.#sgns.loss(pairs);
  }

  gradients(pairs: readonly Pair[]): ComposedGradients {
    const { ends, rows, kinds, attends } = this.#parts;
    const dim = this.#dim;
    const h = this.composed();
    this.#sgns.vectors.centres.set(h);
    const { centres: D, contexts } = this.#sgns.gradients(pairs);
    const [dRows, dAttention] = [new Float64Array(this.rows.length), new Float64Array(this.attention.length)];
    for (let v = 0; v + 1 < ends.length; v++) {
      this.shares(v).forEach((share, s) => {
        const part = rows[ends[v]! + s]!;
        for (let d = 0; d < dim; d++) {
          dRows[part * dim + d]! += share * D[v * dim + d]!;
          if (attends)
            dAttention[kinds[ends[v]! + s]!]! +=
              share * D[v * dim + d]! * (this.rows[part * dim + d]! - h[v * dim + d]!);
        }
      });
    }
    return { rows: dRows, contexts, attention: dAttention };
  }

  /** Trains on every batch of the stream once. @returns the sum of the losses, each computed before its batch's step */
  train(stream: SgnsStream, key: number, { from, to }: { from: number; to: number }): number {
    const n = stream.tokens.length;
    let sum = 0;
    for (let batch = 0; batch * SGNS_BATCH < n; batch++) {
      const pairs = this.pairs(stream, batch, key);
      sum += this.loss(pairs);
      const { rows, contexts, attention } = this.gradients(pairs);
      const rate = Math.fround(from + ((to - from) * batch * SGNS_BATCH) / n);
      moveRows(this.rows, this.rowSquares, rows, this.#dim, rate);
      moveRows(this.contexts, this.#sgns.squares.contexts, contexts, this.#dim, rate);
      this.#moveAttention(attention, rate);
    }
    return sum;
  }

  /** Takes an AdaGrad step of the attention, with one sum of squares per row. */
  #moveAttention(gradients: Float64Array, rate: number): void {
    const { ends, kinds } = this.#parts;
    for (let v = 0; v + 1 < ends.length; v++) {
      if (ends[v] === ends[v + 1]) continue;
      const first = kinds[ends[v]!]!;
      const own = gradients.subarray(first, kinds[ends[v + 1]! - 1]! + 1);
      this.attentionSquares[v]! += own.reduce((sum, x) => sum + x * x, 0) / own.length;
      const step = rate / Math.sqrt(this.attentionSquares[v]!);
      own.forEach((x, s) => (this.attention[first + s]! += step * x));
    }
  }
}
