// Creates the input of a skip-gram kernel for one epoch: a sequence of center tokens with the size of their contexts.
//
//   sequences ──► sessions in random order ──► frequent tokens subsampled ──► context size of each token
//
// Every random number is a hash of the seed, the epoch and the token's position in the sequences, so that results do
// not depend on the order of the draws.

import type { Sequences } from "../sequences/sequences.js";
import { streamOf, uniformAt } from "../../base/numeric/hash.js";
import { permutation } from "../../base/numeric/random.js";

const ORDER = 0;
const KEEP = 1;

export interface WeightedSequences extends Sequences {
  /** f32, one per token: square root of the event's weight, as a pair has the product of both; absent when all are 1 */
  weights?: Float32Array;
}

interface SkipGramOptions {
  /** number of tokens on each side of a center that form its context, from 1 to 255; 255 denotes the whole session */
  window: number;
  /** "after" if only tokens that follow a center are its context */
  direction: "both" | "after";
  /** threshold t of word2vec as a share of all events: more frequent tokens are dropped at random; 0 keeps all */
  subsample: number;
  seed: number;
}

interface SkipGramEpoch {
  tokens: Uint32Array;
  /** u8, one per token: number of tokens before and after it, in the same session, that are its context */
  left: Uint8Array;
  right: Uint8Array;
  /** u32, one per token: index of its row in the dataset */
  rows: Uint32Array;
  /** f32, one per token: square root of the event's weight; absent if the sequences have no weights */
  weights?: Float32Array;
}

export class SkipGrams {
  readonly #keep: Float64Array | undefined;
  readonly #tokens: Uint32Array;
  readonly #left: Uint8Array;
  readonly #right: Uint8Array;
  readonly #rows: Uint32Array;
  readonly #weights: Float32Array | undefined;

  /** Allocates the arrays of an epoch. @param counts total weight of the events of each token */
  constructor(
    private readonly sequences: WeightedSequences,
    counts: ArrayLike<number>,
    private readonly options: SkipGramOptions,
  ) {
    const size = sequences.tokens.length;
    this.#keep = options.subsample > 0 ? keepChances(counts, options.subsample) : undefined;
    this.#tokens = new Uint32Array(size);
    this.#left = new Uint8Array(size);
    this.#right = new Uint8Array(size);
    this.#rows = new Uint32Array(size);
    this.#weights = sequences.weights && new Float32Array(size);
  }

  /** The next call overwrites the arrays. Sessions with fewer than two kept tokens are omitted. */
  epoch(e: number): SkipGramEpoch {
    const { numSessions, offsets } = this.sequences;
    const { seed } = this.options;
    const keepStream = streamOf(seed, e, KEEP);
    let to = 0;
    for (const s of permutation(numSessions, streamOf(seed, e, ORDER))) {
      const from = to;
      to = this.#copyKept(offsets[s]!, offsets[s + 1]!, from, keepStream);
      if (to - from < 2) to = from;
      else this.#reach(from, to);
    }
    return {
      tokens: this.#tokens.subarray(0, to),
      left: this.#left.subarray(0, to),
      right: this.#right.subarray(0, to),
      rows: this.#rows.subarray(0, to),
      ...(this.#weights && { weights: this.#weights.subarray(0, to) }),
    };
  }

  /** Copies the kept tokens of tokens[from .. end) to positions from `to` on. @returns the end of the copy */
  #copyKept(from: number, end: number, to: number, stream: number): number {
    const { tokens, rows, weights } = this.sequences;
    // copies private fields to variables, because they are slow to read in a loop
    const [keep, ownTokens, ownRows, ownWeights] = [this.#keep, this.#tokens, this.#rows, this.#weights];
    for (let i = from; i < end; i++) {
      const token = tokens[i]!;
      if (keep && uniformAt(stream, i) >= keep[token]!) continue;
      ownTokens[to] = token;
      if (weights) ownWeights![to] = weights[i]!;
      ownRows[to++] = rows[i]!;
    }
    return to;
  }

  #reach(from: number, to: number): void {
    const { window, direction } = this.options;
    const [left, right] = [this.#left, this.#right];
    for (let i = from; i < to; i++) {
      left[i] = direction === "after" ? 0 : Math.min(window, i - from);
      right[i] = Math.min(window, to - 1 - i);
    }
  }
}

/**
 * Returns the probability that an event of each token is kept: min(1, (sqrt(f / t) + 1) t / f), where f is the token's
 * share of all events.
 *
 * Source: word2vec.c (Mikolov et al. 2013). Deviation: the paper's text (arXiv:1310.4546, eq. 5) has sqrt(t / f).
 *
 * @returns f64[counts.length]
 */
function keepChances(counts: ArrayLike<number>, subsample: number): Float64Array {
  const all = Float64Array.from(counts);
  const total = all.reduce((sum, count) => sum + count, 0);
  return all.map((count) => {
    const excess = count / total / subsample;
    return excess > 0 ? Math.min(1, (Math.sqrt(excess) + 1) / excess) : 1;
  });
}
