// ALS and MCMC: sweeps of coordinate descent that find a minimum (ALS) or sample the posterior (MCMC).
//
//   input ──► coordinate machine ──► chain of sweeps ──► ALS:  the best sweep's parameters
//                                                   └──► MCMC: thinned draws ──► their mean prediction, and a table
//
// Source: Rendle 2012 (10.1145/2168752.2168771), algorithms 2 and 4. Equations and deviations:
// docs/algorithms/fm-mcmc.md.

import type { StoppingMetric } from "../../../training/epochs/early-stopping.js";
import type { FeatureRows } from "../../../dataset/rows.js";
import { AT_MEAN, DRAWN } from "../../../compute/kernels/coordinate/binding.js";
import { featureKey } from "../../../base/numeric/initial.js";
import { normalDraw } from "../../../base/numeric/normal.js";
import { draw } from "../../../base/numeric/random.js";
import { weightOf } from "../../../base/numeric/indices.js";
import { withMachine } from "../../../compute/threads/with-machine.js";
import { keepUntouched, type FactorStart } from "../../shared/factor-model/warm-start.js";
import {
  runEpochs,
  type Steered,
  type Controls,
  type EpochEvent,
} from "../../../training/epochs/epoch-loop.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../../training/epochs/named-arrays.js";
import { labelScaleOf } from "../../../training/examples/training-examples.js";
import type { FmModel, FmParameters } from "../../shared/factor-model/model.js";
import type { FmOptions } from "../options.js";
import { Chain, SPREAD, type ChainInput } from "./chain.js";
import {
  bestScale,
  drawScorer,
  MeanPrediction,
  meanOfDraws,
  rotatedOnto,
  scaledBy,
  type Ensemble,
} from "./draws.js";
import { linkOf, meanLoss } from "./link.js";
import { CoordinateMachine, FIXED, type MachineInput } from "./machine.js";

export interface CoordinateInput extends Omit<ChainInput, "numRows"> {
  /** u32[numFeatures][2]: hash of each feature's field and key */
  featureHashes: Uint32Array;
  /**
   * whether a feature without events represents unknown keys and is set to its prior's mean; other such features keep
   * their initial value
   */
  standsForUnseen: (feature: number) => boolean;
  train: FeatureRows;
  valid?: FeatureRows;
  /** initial parameters of a warm start; none of them is frozen */
  start?: FactorStart;
  controls?: Controls;
}

/** The model is the table; for MCMC, predictions use the posterior draws instead. */
interface CoordinateModel extends FmModel {
  ensemble: Ensemble;
}

/**
 * Trains a factorization machine by alternating least squares or Markov chain Monte Carlo. The same input, options and
 * seed give the same bytes at any number of threads.
 *
 * @param observe called after every sweep
 * @param signal   stops the training promptly; the promise then rejects with its reason
 * @throws {UsageError} rows and parameters do not fit into 4 GiB
 * @throws {DivergedError} a parameter became NaN or infinite
 */
export async function trainCoordinates(
  input: CoordinateInput,
  options: FmOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<CoordinateModel> {
  signal?.throwIfAborted();
  const { bias, scale } = labelScaleOf({ kind: "resident", rows: input.train }, options.loss);
  const w0 = Math.fround((input.start?.w0 ?? bias) / scale);
  const machine = await CoordinateMachine.start(machineInput(input, options, w0, scale), {
    ...options,
    link: linkOf(options),
  });
  return await withMachine(machine, signal, async () => {
    const { valid, counts, controls } = input;
    const validation = valid && (await validationOf(valid, counts.length, options, controls?.stoppingMetric));
    try {
      return await runSweeps(machine, validation, input, { w0, scale }, options, observe);
    } finally {
      await validation?.terminate();
    }
  });
}

async function runSweeps(
  machine: CoordinateMachine,
  validation: Validation | undefined,
  input: CoordinateInput,
  { w0, scale }: { w0: number; scale: number },
  options: FmOptions,
  observe: (event: EpochEvent) => void,
): Promise<CoordinateModel> {
  const { train, start, counts, controls = {} } = input;
  const { stoppingMetric } = controls;
  const samples = options.method === "mcmc";
  const { numRows } = train;
  const weight = weightOf(train);
  const chain = new Chain(machine, { ...input, numRows }, options, w0);
  const kept = new KeptDraws(options);
  const parameters = () => {
    // parameters are converted to the unit of the labels, which training divided by their deviation
    const own = scaledBy(scale, machine.parameters(chain.w0));
    return start && samples ? withUnseen(own, start, input) : own;
  };
  if (!controls.resume) await chain.start();

  const training: Steered = {
    async epoch(epoch) {
      const began = performance.now();
      const { loss } = await chain.sweep(epoch);
      const swept = performance.now();
      kept.see(epoch, parameters);
      const seen = validation && (await validation.validate(parameters(), kept.counts(epoch)));
      const event = {
        trainLoss: (loss / weight) * (options.loss === "squared" ? scale ** 2 : 1),
        validLoss: seen?.loss,
        ...(seen && stoppingMetric && { [stoppingMetric.name]: seen.stoppingValue }),
        rowsPerSecond: (numRows / (swept - began)) * 1000,
      };
      // posterior draws have no best sweep, so early stopping gets no value
      return { event, stoppingValue: samples ? undefined : seen?.stoppingValue };
    },
    keep: () => kept.keep(parameters),
    save: (withKept) => ({
      ...chain.arrays,
      ...((withKept || samples) && kept.arrays),
      ...(samples && validation?.mean.arrays),
    }),
    restore(arrays) {
      chain.arrays = arrays;
      if (samples || (validation && options.patience > 0)) kept.restore(arrays, parameters().w.length);
      if (samples && validation) validation.mean.arrays = arrays;
    },
    terminate: () => machine.terminate(),
    better: stoppingMetric?.better ?? "lower",
    validates: validation !== undefined && !samples,
  };
  const { interrupted, ...done } = await runEpochs(training, options, controls, observe);

  const { draws } = kept;
  const mean = draws.length === 1 ? draws[0]! : meanOfDraws(draws, counts);
  if (start && !samples) keepUntouched(mean, start, counts);
  const link = linkOf(options);
  const isModerated = draws.length > 1 && link !== "identity";
  const tableScale = isModerated ? (options.tableScale ?? (await validation?.scaleOf(mean)) ?? 1) : 1;
  const table = scaledBy(tableScale, mean);
  // the scores of a single parameter set already are the log-odds of a logit link
  const ensemble = { link: samples || link !== "logit" ? link : "identity", draws, tableScale } as const;
  return { ...table, ...done, loss: options.loss, interrupted: interrupted || undefined, ensemble };
}

/**
 * Restores known features without training rows to their initial values, rotated to match the other vectors, which the
 * chain has rotated.
 */
function withUnseen(
  own: FmParameters,
  { known, w, vectors }: FactorStart,
  { counts, standsForUnseen }: CoordinateInput,
): FmParameters {
  const { dim } = own;
  const rotated = rotatedOnto(vectors, own.vectors, counts, dim);
  for (let i = 0; i < counts.length; i++) {
    if (!known[i] || counts[i]! > 0 || standsForUnseen(i)) continue;
    own.w[i] = w[i]!;
    own.vectors.set(rotated.subarray(i * dim, (i + 1) * dim), i * dim);
  }
  return own;
}

function machineInput(
  { offsets, featureHashes, counts, standsForUnseen, train, start }: CoordinateInput,
  { dim, seed, loss }: FmOptions,
  w0: number,
  scale: number,
): MachineInput {
  const numFeatures = counts.length;
  const kinds = new Uint8Array(numFeatures);
  const first = Array.from({ length: 1 + dim }, () => new Float32Array(numFeatures));
  const root = Math.sqrt(scale);
  for (let i = 0; i < numFeatures; i++) {
    kinds[i] = counts[i]! > 0 ? DRAWN : standsForUnseen(i) ? AT_MEAN : FIXED;
    if (kinds[i] !== DRAWN) continue;
    const vector = start?.vectors.subarray(i * dim, (i + 1) * dim);
    // a known feature whose vector is all zero was never trained, and is initialized like a new feature
    if (start?.known[i] && (start.w[i] !== 0 || vector!.some((v) => v !== 0))) {
      first[0]![i] = start.w[i]! / scale;
      for (let d = 1; d <= dim; d++) first[d]![i] = vector![d - 1]! / root;
      continue;
    }
    const key = featureKey(seed, featureHashes, i);
    for (let d = 1; d <= dim; d++) first[d]![i] = SPREAD * normalDraw(draw(key, d));
  }
  const rows = loss === "squared" ? { ...train, labels: train.labels.map((y) => y / scale) } : train;
  const residuals = rows.labels.map((y) => (loss === "squared" ? w0 - y : w0));
  return { rows, offsets, featureHashes, kinds, first, residuals };
}

/** Scores the validation split after each sweep. The caller must call `terminate`. */
interface Validation {
  /** Evaluates the mean prediction over all sweeps counted so far if `counts` is true, else this sweep alone. */
  validate(parameters: FmParameters, counts: boolean): Promise<{ loss: number; stoppingValue: number }>;
  /** Returns the factor of a table's scores that minimizes the validation loss. */
  scaleOf(table: FmParameters): Promise<number>;
  /** mean of the predictions of the sweeps that were counted */
  mean: MeanPrediction;
  terminate(): Promise<void>;
}

/** @returns undefined if the split has no rows */
async function validationOf(
  rows: FeatureRows,
  numFeatures: number,
  options: FmOptions,
  stoppingMetric: StoppingMetric | undefined,
): Promise<Validation | undefined> {
  if (rows.numRows === 0) return undefined;
  const shape = { w: new Float32Array(numFeatures), dim: options.dim };
  const scorer = await drawScorer(shape, options.threads, rows);
  const link = linkOf(options);
  const mean = new MeanPrediction(link, rows.numRows);
  return {
    async validate(parameters, counts) {
      const own = await scorer.score(parameters);
      const prediction = counts ? mean : new MeanPrediction(link, rows.numRows);
      prediction.add(own);
      const scores = prediction.scores();
      const loss = meanLoss(options.loss, scores, rows);
      return { loss, stoppingValue: stoppingMetric?.of(scores, rows) ?? loss };
    },
    scaleOf: async (table) => bestScale(link, await scorer.score(table), rows),
    mean,
    terminate: () => scorer.terminate(),
  };
}

/** At most half of all sweeps are burn-in. */
function burnInOf({ burnIn, epochs }: FmOptions): number {
  return Math.min(burnIn, Math.floor(epochs / 2));
}

/**
 * The sweeps that become the model: the parameters of one sweep for ALS; for MCMC evenly spaced draws, of which the last
 * sweep is one.
 */
class KeptDraws {
  #draws: FmParameters[] = [];
  /** parameters of the sweep for which `keep` was called last; used only if there are no draws */
  #alone: FmParameters | undefined;
  readonly #options: FmOptions;

  constructor(options: FmOptions) {
    this.#options = options;
  }

  /** Whether a sweep contributes to the mean prediction on the validation split, even if its draw is not kept. */
  counts(epoch: number): boolean {
    return this.#options.method === "mcmc" && epoch > burnInOf(this.#options);
  }

  /** Called after each sweep; stores the sweep's parameters if the next draw is to be kept. */
  see(epoch: number, parameters: () => FmParameters): void {
    if (!this.counts(epoch)) return;
    const { epochs, draws } = this.#options;
    const burnIn = burnInOf(this.#options);
    const sweeps = epochs - burnIn;
    const keptUpTo = (sweep: number) => Math.floor((sweep * Math.min(draws, sweeps)) / sweeps);
    if (keptUpTo(epoch - burnIn) > keptUpTo(epoch - 1 - burnIn)) this.#draws.push(parameters());
  }

  /** Stores the sweep's parameters as those of the model, unless there are posterior draws. */
  keep(parameters: () => FmParameters): void {
    this.#alone = this.#draws.length === 0 ? parameters() : undefined;
  }

  /** The stored draws or, if there are none (as for ALS), the parameters of the sweep that was kept last. */
  get draws(): FmParameters[] {
    return this.#alone ? [this.#alone] : this.#draws;
  }

  /** The stored parameters by their names in a checkpoint. */
  get arrays(): NamedArrays {
    const draws = this.#options.method === "mcmc" ? this.#draws : this.draws;
    const all = (of: (draw: FmParameters) => Float32Array) => {
      const parts = draws.map(of);
      const concatenated = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
      parts.reduce((at, part) => (concatenated.set(part, at), at + part.length), 0);
      return concatenated;
    };
    return {
      drawsW0: Float64Array.from(draws, ({ w0 }) => w0),
      drawsW: all(({ w }) => w),
      drawsVectors: all(({ vectors }) => vectors),
    };
  }

  /**
   * @param n number of features
   * @throws {ArtifactError} the arrays have other lengths
   */
  restore(arrays: NamedArrays, n: number): void {
    const w0 = arrayOf(arrays, "drawsW0", Float64Array);
    const { dim, method } = this.#options;
    const allW = floatsOf(arrays, "drawsW", w0.length * n);
    const allVectors = floatsOf(arrays, "drawsVectors", w0.length * n * dim);
    const draws = Array.from(w0, (own, i) => ({
      dim,
      w0: own,
      w: allW.slice(i * n, (i + 1) * n),
      vectors: allVectors.slice(i * n * dim, (i + 1) * n * dim),
    }));
    if (method === "mcmc") this.#draws = draws;
    else this.#alone = draws[0];
  }
}
