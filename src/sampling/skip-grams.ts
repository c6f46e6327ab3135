// The stream of centres that a skip-gram kernel reads, an epoch at a time.
//
//   sequences ──► sessions in a drawn order ──► frequent tokens dropped ──► how far each token's context reaches
//
// Every draw is a hash of the seed, the epoch and the token's place in the sequences: who draws first does not matter.

import type { Sequences } from "../dataset/sequences/sequences.js";
import { streamOf, uniformAt } from "../numeric/hash.js";
import { permutation } from "../numeric/random.js";

const ORDER = 0;
const KEEP = 1;

/** Sequences with what their events count. */
export interface WeightedSequences extends Sequences {
  /** f32, one a token: square roots, as a pair counts the product of its two; absent when each counts 1 */
  weights?: Float32Array;
}

interface SkipGramOptions {
  /** 1 to 255: tokens on each side of a centre that are its context; 255 stands for the whole session */
  window: number;
  /** after: only what follows a centre is its context */
  direction: "both" | "after";
  /** word2vec's t, a share of all events: tokens above it are dropped at random; 0 keeps all */
  subsample: number;
  seed: number;
}

/** The tokens of an epoch, session after session. */
interface SkipGramEpoch {
  tokens: Uint32Array;
  /** u8, one a token: how many tokens before it and after it are its context, all of its session */
  left: Uint8Array;
  right: Uint8Array;
  /** u32, one a token: the dataset's row it comes from */
  rows: Uint32Array;
  /** f32, one a token, where the sequences have them */
  weights?: Float32Array;
}

/** Draws epochs from sequences. */
export class SkipGrams {
  readonly #keep: Float64Array | undefined;
  readonly #tokens: Uint32Array;
  readonly #left: Uint8Array;
  readonly #right: Uint8Array;
  readonly #rows: Uint32Array;
  readonly #weights: Float32Array | undefined;

  /** @param counts of each token: what its events count together */
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

  /**
   * The stream of an epoch, the same whenever it is asked for; its arrays are overwritten by the next call. Sessions of which
   * fewer than two tokens are kept are left out.
   */
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

  /** Copies what is kept of tokens[from .. end) to `to` and on. @returns the end of the copy */
  #copyKept(from: number, end: number, to: number, stream: number): number {
    const { tokens, rows, weights } = this.sequences;
    // private fields are slow to read in a loop
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

  /** How far the context of each token of the session [from, to) reaches. */
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
 * The chance that an event of each token is kept, min(1, (sqrt(f / t) + 1) t / f) for its share f of all events.
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
