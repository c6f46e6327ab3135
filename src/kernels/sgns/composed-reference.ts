// Skip-grams of composed centres in plain f64: what assembly/composed.ts does.
//
//   h_v = sum over parts s of share_s W_s       share = softmax of the row's attention, or 1 / parts
//   D   = sum of g z over v's pairs             dW_s += share_s D       dAttention_s = share_s D . (W_s - h_v)
//
// Source: Wang et al. 2018 (arXiv:1803.02349), equations 6 to 12.

import { exp } from "../../numeric/exp.js";
import { SGNS_BATCH, type SgnsStream } from "./binding.js";
import type { SgnsParts } from "./parts.js";
import { moveRows, ReferenceSgns, type Pair, type ReferenceShape } from "./reference.js";

/** Minus the derivatives of the loss. */
export interface ComposedGradients {
  rows: Float64Array;
  contexts: Float64Array;
  attention: Float64Array;
}

/** The kernel's twin where centres are composed. */
export class ReferenceComposed {
  readonly #dim: number;
  readonly #parts: SgnsParts;
  /** its centres are the composed ones */
  readonly #sgns: ReferenceSgns;
  /** W, f64[numRows * dim] */
  readonly rows: Float64Array;
  readonly rowSquares: Float64Array;
  /** f64[parts], f64[numRows] */
  readonly attention: Float64Array;
  readonly attentionSquares: Float64Array;

  constructor(shape: ReferenceShape & { parts: SgnsParts }, hashes: Uint32Array, seed: number) {
    this.#dim = shape.dim;
    this.#parts = shape.parts;
    this.#sgns = new ReferenceSgns(shape, hashes, seed);
    this.rows = this.#sgns.vectors.centres.slice();
    this.rowSquares = this.#sgns.squares.centres.slice();
    this.attention = new Float64Array(shape.parts.rows.length);
    this.attentionSquares = new Float64Array(shape.numRows).fill(1);
  }

  get contexts(): Float64Array {
    return this.#sgns.vectors.contexts;
  }

  pairs(stream: SgnsStream, batch: number, key: number): Pair[] {
    return this.#sgns.pairs(stream, batch, key);
  }

  /** The shares of a row's parts. */
  shares(row: number): number[] {
    const { ends, attends } = this.#parts;
    const own = Array.from(this.attention.subarray(ends[row], ends[row + 1]));
    if (!attends) return own.map(() => 1 / own.length);
    const most = Math.max(...own);
    const exps = own.map((a) => exp(a - most));
    const sum = exps.reduce((all, e) => all + e, 0);
    return exps.map((e) => e / sum);
  }

  /** h of every row that has parts, f64[numRows * dim]; 0 for others. */
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

  /** Sum of the losses of pairs, in nats. */
  loss(pairs: readonly Pair[]): number {
    this.#sgns.vectors.centres.set(this.composed());
    return this.#sgns.loss(pairs);
  }

  gradients(pairs: readonly Pair[]): ComposedGradients {
    const { ends, rows, attends } = this.#parts;
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
            dAttention[ends[v]! + s]! +=
              share * D[v * dim + d]! * (this.rows[part * dim + d]! - h[v * dim + d]!);
        }
      });
    }
    return { rows: dRows, contexts, attention: dAttention };
  }

  /** One pass. @returns the sum of the losses, each before its batch's step */
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

  /** AdaGrad with one sum a row. */
  #moveAttention(gradients: Float64Array, rate: number): void {
    const { ends } = this.#parts;
    for (let v = 0; v + 1 < ends.length; v++) {
      const own = gradients.subarray(ends[v], ends[v + 1]);
      if (own.length === 0) continue;
      this.attentionSquares[v]! += own.reduce((sum, x) => sum + x * x, 0) / own.length;
      const step = rate / Math.sqrt(this.attentionSquares[v]!);
      own.forEach((x, s) => (this.attention[ends[v]! + s]! += step * x));
    }
  }
}
