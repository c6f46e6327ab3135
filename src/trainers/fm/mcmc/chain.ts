// The chain of ALS or MCMC. CoordinateMachine stores the vectors and weights; this module stores w0 and the priors. A
// sweep updates each parameter once.

import { DivergedError } from "../../../base/errors.js";
import { normalDraw, gammaDraw } from "../../../base/numeric/normal.js";
import { draw } from "../../../base/numeric/random.js";
import { arrayOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import type { FmOptions } from "../options.js";
import type { CoordinateMachine, Totals } from "./machine.js";

/** Standard deviation of initial vectors. */
export const SPREAD = 0.1;
/**
 * Precisions of weights and vectors in MCMC's first sweep. Initial weights are 0; a precision drawn from them would
 * be about the number of weights, with which weights would stay near 0.
 */
const FIRST_LAMBDAS = { l2Weight: 4, l2Vector: 1 / SPREAD ** 2 };

export interface ChainInput {
  /** field f has features offsets[f] .. offsets[f + 1] - 1 */
  offsets: readonly number[];
  /** u32[numFeatures]: training events with each feature */
  counts: Uint32Array;
  numRows: number;
  /** for ALS: penalties of each field's parameters; absent: those of the options for all fields */
  penalties?: readonly { l2Weight: number; l2Vector: number }[];
}

export class Chain {
  w0: number;
  readonly #machine: CoordinateMachine;
  readonly #options: FmOptions;
  readonly #numRows: number;
  readonly #numFields: number;
  readonly #isDrawn: (f: number) => (i: number) => boolean;
  /** prior of each field's weights, then of each dimension of its vectors: [1 + dim][numFields] */
  #priors: Prior[];
  #totals: Totals = { loss: 0, e: 0, squares: 0, precision: 0 };

  constructor(
    machine: CoordinateMachine,
    { offsets, counts, numRows, penalties }: ChainInput,
    options: FmOptions,
    w0: number,
  ) {
    this.#machine = machine;
    this.#options = options;
    this.w0 = w0;
    this.#numRows = numRows;
    this.#numFields = offsets.length - 1;
    this.#isDrawn = (f) => (i) => counts[offsets[f]! + i]! > 0;
    const { method, dim } = options;
    this.#priors = Array.from({ length: (1 + dim) * this.#numFields }, (_, i) => {
      const { l2Weight, l2Vector } =
        method === "mcmc" ? FIRST_LAMBDAS : (penalties?.[i % this.#numFields] ?? options);
      return { lambda: i < this.#numFields ? l2Weight : l2Vector, mu: 0 };
    });
  }

  /** Computes the initial residuals; called once, unless the chain is restored from a checkpoint. */
  async start(): Promise<void> {
    this.#totals = await this.#run({ kind: "start", targetsKey: this.#key(0, TARGETS) }, 0);
  }

  /** Returns the sums after the sweep. @throws {DivergedError} a parameter is not finite */
  async sweep(epoch: number): Promise<Totals> {
    const { method, loss, dim, priorOf } = this.#options;
    const samples = method === "mcmc";
    const { e, squares, precision } = this.#totals;

    // the precision of the labels is drawn; for labels 0 and 1, the link function fixes it
    const alpha =
      samples && loss === "squared" ? drawAlpha(this.#numRows, squares, this.#key(epoch, ALPHA)) : 1;
    // w0 is drawn with a flat prior
    const noise = samples ? normalDraw(this.#key(epoch, BIAS)) / Math.sqrt(alpha * precision) : 0;
    const shift = Math.fround(noise - e / precision);
    this.w0 += shift;

    if (samples && epoch > 1) this.#priors = this.#drawPriors(epoch);
    this.#totals = await this.#run(
      {
        kind: "sweep",
        alpha,
        shift,
        priors: Float64Array.from(this.#priors.flatMap(({ lambda, mu }) => [lambda, mu])),
        keys: Uint32Array.from({ length: 1 + dim }, (_, d) => this.#key(epoch, d)),
        // a random key other than 0 lets the sweep rescale a field as a whole, which requires that each field has its
        // own prior
        moveKeys: Uint32Array.from(this.#priors, (_, i) =>
          priorOf === "field" ? this.#key(epoch, MOVES + i) : 0,
        ),
        targetsKey: this.#key(epoch, TARGETS),
      },
      epoch,
    );
    // if a sweep rescaled a field as a whole, the priors of its parameters are rescaled, too
    const { moved } = this.#machine;
    this.#priors = this.#priors.map(({ lambda, mu }, i) => {
      const [a, c] = [moved[2 * i]!, moved[2 * i + 1]!];
      return { lambda: lambda / (a * a), mu: a * mu + c };
    });
    return this.#totals;
  }

  /** All state that later sweeps need, by its names in a checkpoint. */
  get arrays(): NamedArrays {
    const { loss, e, squares, precision } = this.#totals;
    return {
      ...this.#machine.state,
      priors: Float64Array.from(this.#priors.flatMap(({ lambda, mu }) => [lambda, mu])),
      chain: Float64Array.of(this.w0, loss, e, squares, precision),
    };
  }

  /** @throws {ArtifactError} the arrays have other lengths */
  set arrays(arrays: NamedArrays) {
    this.#machine.state = arrays;
    const priors = arrayOf(arrays, "priors", Float64Array, 2 * this.#priors.length);
    this.#priors = this.#priors.map((_, i) => ({ lambda: priors[2 * i]!, mu: priors[2 * i + 1]! }));
    const [w0, loss, e, squares, precision] = arrayOf(arrays, "chain", Float64Array, 5);
    this.w0 = w0!;
    this.#totals = { loss: loss!, e: e!, squares: squares!, precision: precision! };
  }

  #drawPriors(epoch: number): Prior[] {
    const numFields = this.#numFields;
    const ofField = (f: number, d: number) => ({
      values: this.#machine.parametersOf(f, d),
      counts: this.#isDrawn(f),
    });
    const priorKey = (i: number) => draw(this.#key(epoch, PRIORS), i);
    if (this.#options.priorOf === "field") {
      return this.#priors.map(({ mu }, i) =>
        drawPrior([ofField(i % numFields, Math.floor(i / numFields))], mu, priorKey(i)),
      );
    }
    return Array.from({ length: this.#priors.length / numFields }, (_, d) => {
      const all = Array.from({ length: numFields }, (__, f) => ofField(f, d));
      const prior = drawPrior(all, this.#priors[d * numFields]!.mu, priorKey(d));
      return all.map(() => prior);
    }).flat();
  }

  async #run(task: Parameters<CoordinateMachine["sweep"]>[0], epoch: number): Promise<Totals> {
    const totals = await this.#machine.sweep(task);
    if (totals && Number.isFinite(totals.loss)) return totals;
    throw new DivergedError(
      `a parameter is not finite in epoch ${epoch}: try a larger --l2-vector with --method als, or scale ` +
        "numeric columns to a smaller range",
    );
  }

  /** Returns the random key of a draw in a sweep; 0 for ALS, which draws nothing. */
  #key(epoch: number, what: number): number {
    return this.#options.method === "als" ? 0 : draw(draw(this.#options.seed, epoch), what) || 1;
  }
}

/**
 * Counters from which the random keys of a sweep's draws are computed. Numbers from 0 on are those of the weights and
 * of each dimension of the vectors, numbers from MOVES on those of draws that rescale whole fields; the targets, the
 * labels' precision, w0 and the priors have one each.
 */
const [TARGETS, ALPHA, BIAS, PRIORS] = [0xffffff00, 0xffffff01, 0xffffff02, 0xffffff03] as const;
const MOVES = 0x80000000;

// Hyperparameters of the sampler: precision and mean of the normal prior of a field's (or all) weights, and of each
// dimension of its (or all) vectors; and the precision of the labels.
//
//   lambda ~ Gamma((a + n + 1) / 2, (b (mu - m)^2 + sum (t - mu)^2 + g) / 2)       a = b = g = 1, m = 0
//   mu     ~ N((sum t + b m) / (n + b), 1 / ((n + b) lambda))
//   alpha  ~ Gamma((a + N) / 2, (g + sum e^2) / 2)
//
// Source: Rendle 2012 (10.1145/2168752.2168771), section 3.4.3 with the constants of libFM 1.4.4.

interface Prior {
  lambda: number;
  mu: number;
}

/**
 * Parameters that share a prior: the weights or one dimension of the vectors, with an element for each field. Only
 * parameters for which `counts` is true affect the prior.
 */
type Group = { values: Float32Array; counts: (index: number) => boolean }[];

/** @param before mean of the prior in the previous sweep */
function drawPrior(group: Group, before: number, key: number): Prior {
  let [n, sum, squares] = [0, 0, 0];
  for (const { values, counts } of group) {
    for (let i = 0; i < values.length; i++) {
      if (!counts(i)) continue;
      n++;
      sum += values[i]!;
      squares += (values[i]! - before) ** 2;
    }
  }
  const lambda = gammaDraw(draw(key, 0), (1 + n + 1) / 2, (before * before + squares + 1) / 2);
  const mu = sum / (n + 1) + normalDraw(draw(key, 1)) / Math.sqrt((n + 1) * lambda);
  return { lambda, mu };
}

/** @param squares sum of the squared residuals of the rows */
function drawAlpha(numRows: number, squares: number, key: number): number {
  return gammaDraw(key, (1 + numRows) / 2, (1 + squares) / 2);
}
