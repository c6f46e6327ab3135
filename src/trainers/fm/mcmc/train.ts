// ALS and MCMC: sweeps of coordinate descent, to a minimum or through the posterior.
//
//   input ──► coordinate machine ──► sweeps ──► ALS:  the best sweep's parameters
//                                          └─► MCMC: draws, thinned ──► their mean prediction, and a table of their mean
//
// Source: Rendle 2012 (10.1145/2168752.2168771), algorithms 2 and 4. Equations and deviations: docs/algorithms/fm-mcmc.md.

import type { FeatureRows } from "../../../dataset/rows.js";
import { DivergedError } from "../../../errors.js";
import { normalDraw } from "../../../kernels/reference/normal.js";
import { draw } from "../../../kernels/reference/random.js";
import type { EpochEvent } from "../../epoch.js";
import type { FmModel, FmParameters } from "../model.js";
import type { FmOptions } from "../options.js";
import { DrawScorer, MeanPrediction, meanOfDraws, type Ensemble, type Link } from "./draws.js";
import { meanLoss } from "./losses.js";
import { AT_MEAN, CoordinateMachine, DRAWN, FIXED, type Totals } from "./machine.js";
import { drawAlpha, drawPrior, type Prior } from "./priors.js";
import { withMachine } from "../../../workers/with-machine.js";

/** First vectors are normal with this deviation. */
const SPREAD = 0.1;
/**
 * MCMC's precisions of weights and vectors in the first sweep. Drawn from first weights, which are all 0, that of the weights
 * would be near their number, hold them at 0 for dozens of sweeps, and leave the vectors to take their place.
 */
const FIRST_LAMBDAS = { l2Weight: 4, l2Vector: 1 / SPREAD ** 2 };

export interface CoordinateInput {
  /** ALS: the penalties of each field's parameters; by default those of the options */
  penalties?: readonly { l2Weight: number; l2Vector: number }[];
  /** field f owns features [offsets[f], offsets[f + 1]) */
  offsets: readonly number[];
  /** u32[numFeatures][2] */
  featureHashes: Uint32Array;
  /** u32[numFeatures]: events of the training part that hold it */
  counts: Uint32Array;
  /** whether a feature without events stands for unseen keys and takes its prior's mean; else it is 0 */
  standsForUnseen: (feature: number) => boolean;
  train: FeatureRows;
  valid?: FeatureRows;
}

/** The table's parameters, and what predicts: for ALS the same, for MCMC the draws. */
export interface CoordinateModel extends FmModel {
  ensemble: Ensemble;
}

/**
 * Trains a factorization machine by alternating least squares or Markov chain Monte Carlo.
 *
 * The same input, options and seed give the same bytes at any number of threads.
 *
 * @param observe called after every sweep
 * @param signal  ends the training promptly; the promise rejects with its reason
 * @throws {UsageError} rows and parameters do not fit 4 GiB
 * @throws {DivergedError} a parameter became NaN or infinite
 */
export async function trainCoordinates(
  input: CoordinateInput,
  options: FmOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<CoordinateModel> {
  signal?.throwIfAborted();
  const { rows, w0, scale } = scaled(input.train, options.loss);
  const machine = await CoordinateMachine.start(machineInput(input, options, rows, w0), options);
  return await withMachine(machine, signal, async () => {
    const validation = input.valid && (await Validation.start(input.valid, input, options));
    try {
      return await runSweeps(machine, validation, input, { rows, w0, scale }, options, observe);
    } finally {
      await validation?.terminate();
    }
  });
}

async function runSweeps(
  machine: CoordinateMachine,
  validation: Validation | undefined,
  input: CoordinateInput,
  { rows, w0, scale }: ReturnType<typeof scaled>,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
): Promise<CoordinateModel> {
  const run = new Run(machine, input, options, w0);
  const kept = options.method === "als" ? new BestSweep(options) : new ThinnedDraws(options);
  const epochs: EpochEvent[] = [];
  await run.start();
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    const start = performance.now();
    const { loss } = await run.sweep(epoch);
    const swept = performance.now();
    const parameters = () => unscaled(machine.parameters(run.w0), scale);
    const validLoss = validation && (await validation.look(parameters(), kept.counts(epoch)));
    const best = kept.take(epoch, validLoss, parameters);
    const event: EpochEvent = {
      epoch,
      trainLoss: (loss / rows.numRows) * (options.loss === "squared" ? scale ** 2 : 1),
      ...(validLoss !== undefined && { validLoss }),
      rowsPerSecond: (rows.numRows / (swept - start)) * 1000,
      seconds: (performance.now() - start) / 1000,
      best,
    };
    epochs.push(event);
    observe(event);
    if (kept.ends(epoch)) break;
  }
  const ensemble: Ensemble = { link: linkOf(options), draws: kept.draws };
  const table = kept.draws.length === 1 ? kept.draws[0]! : meanOfDraws(kept.draws, input.counts);
  return { ...table, loss: options.loss, bestEpoch: kept.bestEpoch, epochs, ensemble };
}

function linkOf({ loss }: FmOptions): Link {
  return loss === "logistic" ? "probit" : "identity";
}

/** The chain: machine, w0 and hyperparameters. */
class Run {
  w0: number;
  readonly #machine: CoordinateMachine;
  readonly #options: FmOptions;
  readonly #numRows: number;
  readonly #numFields: number;
  readonly #isDrawn: (f: number) => (i: number) => boolean;
  /** [1 + dim][numFields] */
  #priors: Prior[];
  #totals: Totals = { loss: 0, e: 0, squares: 0 };

  constructor(
    machine: CoordinateMachine,
    { offsets, counts, train, penalties }: CoordinateInput,
    options: FmOptions,
    w0: number,
  ) {
    this.#machine = machine;
    this.#options = options;
    this.w0 = w0;
    this.#numRows = train.numRows;
    this.#numFields = offsets.length - 1;
    this.#isDrawn = (f) => (i) => counts[offsets[f]! + i]! > 0;
    const { method, dim } = options;
    this.#priors = Array.from({ length: (1 + dim) * this.#numFields }, (_, i) => {
      const { l2Weight, l2Vector } =
        method === "mcmc" ? FIRST_LAMBDAS : (penalties?.[i % this.#numFields] ?? options);
      return { lambda: i < this.#numFields ? l2Weight : l2Vector, mu: 0 };
    });
  }

  async start(): Promise<void> {
    this.#totals = await this.#run({ kind: "start", targetsKey: this.#key(0, TARGETS) }, 0);
  }

  /** Moves every parameter once. @returns sums of the rows after it */
  async sweep(epoch: number): Promise<Totals> {
    const { method, loss, dim } = this.#options;
    const samples = method === "mcmc";
    const { e, squares } = this.#totals;
    const numRows = this.#numRows;

    // the precision of the labels; of probit's targets it is 1
    const alpha = samples && loss === "squared" ? drawAlpha(numRows, squares, this.#key(epoch, ALPHA)) : 1;
    // w0 has a flat prior
    const noise = samples ? normalDraw(this.#key(epoch, BIAS)) / Math.sqrt(alpha * numRows) : 0;
    const shift = Math.fround(noise - e / numRows);
    this.w0 += shift;

    if (samples && epoch > 1) this.#priors = this.#drawPriors(epoch);
    this.#totals = await this.#run(
      {
        kind: "sweep",
        alpha,
        shift,
        priors: Float64Array.from(this.#priors.flatMap(({ lambda, mu }) => [lambda, mu])),
        keys: Uint32Array.from({ length: 1 + dim }, (_, d) => (samples ? this.#key(epoch, d) : 0)),
        targetsKey: this.#key(epoch, TARGETS),
      },
      epoch,
    );
    return this.#totals;
  }

  #drawPriors(epoch: number): Prior[] {
    return this.#priors.map(({ mu }, i) => {
      const [d, f] = [Math.floor(i / this.#numFields), i % this.#numFields];
      const key = draw(this.#key(epoch, PRIORS), i);
      return drawPrior(this.#machine.parametersOf(f, d), this.#isDrawn(f), mu, key);
    });
  }

  async #run(task: Parameters<CoordinateMachine["run"]>[0], epoch: number): Promise<Totals> {
    const totals = await this.#machine.run(task);
    if (totals && Number.isFinite(totals.loss)) return totals;
    throw new DivergedError(
      `a parameter is no longer finite in epoch ${epoch}: ` +
        "try a greater --l2-vector with --method als, or numeric columns of smaller range",
    );
  }

  /** What a sweep's draw hangs on: 0, which means no draw, for ALS. */
  #key(epoch: number, what: number): number {
    return this.#options.method === "als" ? 0 : draw(draw(this.#options.seed, epoch), what) || 1;
  }
}

/** What keys stand for beside dimensions. */
const [TARGETS, ALPHA, BIAS, PRIORS] = [0xffffff00, 0xffffff01, 0xffffff02, 0xffffff03] as const;

/** The validation part, scored sweep by sweep. */
class Validation {
  readonly #rows: FeatureRows;
  readonly #scorer: DrawScorer;
  readonly #options: FmOptions;
  #mean: MeanPrediction;

  private constructor(rows: FeatureRows, scorer: DrawScorer, options: FmOptions) {
    this.#rows = rows;
    this.#scorer = scorer;
    this.#options = options;
    this.#mean = new MeanPrediction(linkOf(options), rows.numRows);
  }

  static async start(
    rows: FeatureRows,
    { counts }: CoordinateInput,
    options: FmOptions,
  ): Promise<Validation | undefined> {
    if (rows.numRows === 0) return undefined;
    const shape = { w: new Float32Array(counts.length), dim: options.dim };
    return new Validation(rows, await DrawScorer.start(shape, options.threads, rows), options);
  }

  /** The mean loss: of the sweeps that count so far together, or of one that does not, alone. */
  async look(parameters: FmParameters, counts: boolean): Promise<number> {
    const scores = await this.#scorer.score(parameters);
    const mean = counts ? this.#mean : new MeanPrediction(linkOf(this.#options), this.#rows.numRows);
    mean.add(scores);
    return meanLoss(this.#options.loss, mean.scores(), this.#rows.labels);
  }

  async terminate(): Promise<void> {
    await this.#scorer.terminate();
  }
}

/** ALS keeps the sweep of the lowest validation loss, or the last. */
class BestSweep {
  draws: FmParameters[] = [];
  bestEpoch = 0;
  #loss = Infinity;
  readonly #options: FmOptions;

  constructor(options: FmOptions) {
    this.#options = options;
  }

  /** no sweep is averaged with another */
  counts(): boolean {
    return false;
  }

  take(epoch: number, validLoss: number | undefined, parameters: () => FmParameters): boolean {
    const { epochs, patience } = this.#options;
    const best = validLoss === undefined || validLoss < this.#loss;
    const stopsEarly = validLoss !== undefined && patience > 0;
    if (best) this.#loss = validLoss ?? Infinity;
    if (stopsEarly ? best : epoch === epochs) this.draws = [parameters()];
    if (best || (!stopsEarly && epoch === epochs)) this.bestEpoch = epoch;
    return best;
  }

  ends(epoch: number): boolean {
    return (
      this.#loss < Infinity && this.#options.patience > 0 && epoch - this.bestEpoch >= this.#options.patience
    );
  }
}

/** MCMC keeps draws at equal distances, the last sweep's among them. */
class ThinnedDraws {
  draws: FmParameters[] = [];
  bestEpoch = 0;
  readonly #options: FmOptions;

  constructor(options: FmOptions) {
    this.#options = options;
  }

  counts(epoch: number): boolean {
    return epoch > this.#burnIn;
  }

  take(epoch: number, _: number | undefined, parameters: () => FmParameters): boolean {
    const { epochs, draws } = this.#options;
    this.bestEpoch = epoch;
    const sweeps = epochs - this.#burnIn;
    const keptUpTo = (sweep: number) => Math.floor((Math.max(0, sweep) * Math.min(draws, sweeps)) / sweeps);
    if (keptUpTo(epoch - this.#burnIn) > keptUpTo(epoch - 1 - this.#burnIn)) this.draws.push(parameters());
    return true;
  }

  ends(): boolean {
    return false;
  }

  /** at most half of the sweeps */
  get #burnIn(): number {
    return Math.min(this.#options.burnIn, Math.floor(this.#options.epochs / 2));
  }
}

/** Labels as the machine takes them, where w0 starts, and what squared labels were divided by. */
function scaled(
  rows: FeatureRows,
  loss: FmOptions["loss"],
): { rows: FeatureRows; w0: number; scale: number } {
  if (loss === "logistic") return { rows, w0: 0, scale: 1 };
  const { labels, numRows } = rows;
  let sum = 0;
  for (const y of labels) sum += y;
  const mean = sum / numRows;
  let squares = 0;
  for (const y of labels) squares += (y - mean) ** 2;
  const scale = Math.sqrt(squares / numRows) || 1;
  return { rows: { ...rows, labels: labels.map((y) => y / scale) }, w0: Math.fround(mean / scale), scale };
}

/** Scores of divided labels multiplied back: w by the scale, products of two vectors by its root twice. */
function unscaled({ dim, w0, w, vectors }: FmParameters, scale: number): FmParameters {
  const root = Math.sqrt(scale);
  if (scale === 1) return { dim, w0: Math.fround(w0), w, vectors };
  return {
    dim,
    w0: Math.fround(w0 * scale),
    w: w.map((x) => x * scale),
    vectors: vectors.map((x) => x * root),
  };
}

function machineInput(
  { offsets, featureHashes, counts, standsForUnseen }: CoordinateInput,
  { dim, seed, loss }: FmOptions,
  rows: FeatureRows,
  w0: number,
): Parameters<typeof CoordinateMachine.start>[0] {
  const numFeatures = counts.length;
  const kinds = new Uint8Array(numFeatures);
  const first = Array.from({ length: 1 + dim }, () => new Float32Array(numFeatures));
  for (let i = 0; i < numFeatures; i++) {
    kinds[i] = counts[i]! > 0 ? DRAWN : standsForUnseen(i) ? AT_MEAN : FIXED;
    if (kinds[i] !== DRAWN) continue;
    const key = draw(draw(seed, featureHashes[2 * i]!), featureHashes[2 * i + 1]!);
    for (let d = 1; d <= dim; d++) first[d]![i] = SPREAD * normalDraw(draw(key, d));
  }
  const residuals = rows.labels.map((y) => (loss === "squared" ? w0 - y : w0));
  return { rows, offsets, featureHashes, kinds, first, residuals };
}
