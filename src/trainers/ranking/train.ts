// Training of a ranking: an event's item should score above items that its user lacks.
//
//   examples ──► machine (parameters, events, threads) ──► epochs with periodic validation ──► the best epoch's model
//
// Losses, their sources and deviations: docs/algorithms/ranking.md.

import { DataError } from "../../base/errors.js";
import type { OptimizerState } from "../../compute/kernels/fm/state.js";
import { draw } from "../../base/numeric/random.js";
import type { RankingExamples } from "../../dataset/sampling/ranking-events.js";
import {
  type Controls,
  runEpochs,
  type Steered,
  type EpochEvent,
  diverged,
  cosineRate,
} from "../../training/epochs/epoch-loop.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { keepUntouched, type FactorStart } from "../shared/factor-model/warm-start.js";
import { listMetric } from "../../training/shared-options/passes.js";
import { rankingData, userFeatures } from "./data.js";
import { areFinite } from "../../base/numeric/indices.js";
import { RankingMachine, type RankingParameters } from "./machine.js";
import type { RankingOptions } from "./options.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { degreeVectors } from "../shared/factor-model/degree-vectors.js";
import { NONE } from "../../training/warm-start/carried-keys.js";

/** Bound of initial vectors, which are uniform in ±SPREAD. */
export const SPREAD = 0.05;
/** Initial value of AdaGrad's sums of squares. */
export const FIRST_SQUARES = 0.01;

export interface RankingInput {
  numFeatures: number;
  /** u32[numFeatures][2]: 64-bit hash of each feature's field and key, which determines its initial vector */
  featureHashes: Uint32Array;
  /** u32[numFeatures]: number of training events with each feature; without any, w and v are 0 and stay 0 */
  counts: Uint32Array;
  examples: RankingExamples;
  /** returns the ranking metrics of parameters on the validation split; absent if there is no such split */
  validate?: (parameters: RankingParameters) => Promise<Record<string, number>>;
  start?: FactorStart;
  controls?: Controls;
}

export interface RankingResult extends RankingParameters {
  bestEpoch: number;
  epochs: EpochEvent[];
  interrupted?: boolean;
  /** f32[numFeatures * dim]: vectors before the propagation layers, from which a warm start continues */
  base?: Float32Array;
  /** undefined unless the run keeps it */
  optimizer?: OptimizerState;
}

/**
 * Trains a factorization machine to rank, by AdaGrad, Adam or SGD, in batches of 256 events or more.
 *
 * The same input, options and seed give the same bytes at any number of threads. With a validation split and a patience
 * above 0, training stops after that many validations without a better metric, and the model is that of the best one;
 * otherwise it is the last epoch's.
 *
 * @param signal stops the training promptly; the promise then rejects with its reason
 * @throws {UsageError} the parameters do not fit into 4 GiB
 * @throws {DataError} no event can be learned from
 * @throws {DivergedError} a loss or a parameter became NaN or infinite
 */
export async function trainRanking(
  input: RankingInput,
  options: RankingOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<RankingResult> {
  signal?.throwIfAborted();
  const { examples, numFeatures } = input;
  const { similarity, optimizer: method } = options;
  const first = await firstVectors(input, options, signal);
  const machine = await RankingMachine.start(rankingData(numFeatures, examples, options), {
    ...options,
    method,
    cosine: similarity === "cosine",
    averages: options.averagePositives,
  });
  return await withMachine(machine, signal, () => trainEpochs(machine, input, options, observe, first));
}

/**
 * Returns the initial parameters of known features: those of the run of --init, or of --start svd; undefined if all are
 * random.
 *
 * @throws {DataError} no event can be learned from
 */
export async function firstVectors(
  { examples, numFeatures, start }: Pick<RankingInput, "examples" | "numFeatures" | "start">,
  options: RankingOptions,
  signal?: AbortSignal,
): Promise<FactorStart | undefined> {
  if (examples.train.items.length === 0)
    throw new DataError("cannot sample negatives: every user has every item in the training split");
  // --start svd is ignored with --init, because the run's vectors are not in the space of the SVD
  return options.start === "svd" && !start ? await svdStart(numFeatures, examples, options, signal) : start;
}

async function trainEpochs(
  machine: RankingMachine,
  { examples, featureHashes, counts, validate, start, controls = {} }: RankingInput,
  options: RankingOptions,
  observe: (event: EpochEvent) => void,
  first: FactorStart | undefined,
): Promise<RankingResult> {
  const { epochs: most, seed, shuffle, evaluateEvery } = options;
  const numEvents = examples.train.items.length;
  await machine.initialize(featureHashes, counts, { seed, spread: SPREAD, accumulator: FIRST_SQUARES });
  if (first) machine.startFrom({ ...first, vectors: (options.layers > 0 && first.base) || first.vectors });

  let kept: Kept | undefined;
  const training: Steered = {
    async epoch(epoch) {
      // (seed, epoch) determine the order of the events and their negatives
      const began = performance.now();
      const order = draw(seed, epoch);
      const rateAt = (share: number) => rateOf(options, epoch - 1 + share);
      const trainLoss =
        (await machine.train(shuffle ? order : undefined, draw(order, 1), rateAt)) / numEvents;
      const rowsPerSecond = (numEvents / (performance.now() - began)) * 1000;
      if (!Number.isFinite(trainLoss)) throw diverged("the training loss is not finite", epoch, options);
      const vectorNorm = machine.vectorNorm();
      if (!Number.isFinite(vectorNorm)) throw diverged("vectors are not finite", epoch, options);

      const validates = validate !== undefined && (epoch % evaluateEvery === 0 || epoch === most);
      const metrics = validates ? await validate(machine.parameters()) : {};
      const stoppingValue = validates ? (metrics[listMetric(options)] ?? 0) : null;
      return {
        event: { trainLoss, ...metrics, vectorNorm, rowsPerSecond },
        stoppingValue: validate ? stoppingValue : undefined,
      };
    },
    keep(epoch) {
      kept = {
        parameters: machine.parameters(),
        base: machine.base(),
        ...(controls.keepsState && { optimizer: machine.optimizer }),
      };
      const { w, vectors } = kept.parameters;
      if (!areFinite(w) || !areFinite(vectors)) throw diverged("a parameter is not finite", epoch, options);
    },
    save: (withKept) => ({
      ...machine.state,
      ...(withKept && kept && arraysOf(kept)),
    }),
    restore(arrays) {
      machine.state = arrays;
      if (arrays["keptVectors"]) kept = keptOf(arrays);
    },
    terminate: () => machine.terminate(),
    threadsInUse: () => machine.threadsInUse,
    better: "higher",
    validates: validate !== undefined,
  };
  const { interrupted, ...done } = await runEpochs(training, options, controls, observe);

  const { parameters, base, optimizer } = kept!;
  if (start) keepUntouched({ w0: 0, ...parameters }, start, counts);
  return {
    ...{ ...parameters, ...done },
    base,
    ...(interrupted && { interrupted }),
    optimizer,
  };
}

/** Returns the learning rate after a number of epochs, which may be fractional. */
export function rateOf(
  { schedule, learningRate, learningRateDecay, epochs }: RankingOptions,
  over: number,
): number {
  if (schedule === "inverse") return learningRate / (1 + learningRateDecay * Math.floor(over));
  return cosineRate(learningRate, over / epochs);
}

/** The model of the best epoch so far. */
interface Kept extends Pick<RankingResult, "base" | "optimizer"> {
  parameters: RankingParameters;
}

function arraysOf({ parameters, base, optimizer }: Kept): NamedArrays {
  return {
    ...(base && { keptBase: base }),
    keptVectors: parameters.vectors,
    keptW: parameters.w,
    ...(optimizer && { optimizerVectors: optimizer.vectors, optimizerW: optimizer.w }),
  };
}

/** Reverses `arraysOf`. @throws {ArtifactError} the checkpoint is damaged */
function keptOf(arrays: NamedArrays): Kept {
  const parameters = { vectors: floatsOf(arrays, "keptVectors"), w: floatsOf(arrays, "keptW") };
  const base = arrays["keptBase"] && { base: floatsOf(arrays, "keptBase") };
  if (!arrays["optimizerVectors"]) return { parameters, ...base };
  const optimizer = {
    vectors: floatsOf(arrays, "optimizerVectors"),
    w: floatsOf(arrays, "optimizerW"),
    w0: 0,
  };
  return { parameters, ...base, optimizer };
}

/**
 * Returns the initial vectors of --start svd: singular vectors of all users and items with events; other features stay
 * random. After the same number of epochs, cosines rank better than from random vectors (docs/algorithms/ranking.md has
 * figures).
 */
async function svdStart(
  numFeatures: number,
  examples: RankingExamples,
  { dim, seed, threads }: Pick<RankingOptions, "dim" | "seed" | "threads">,
  signal?: AbortSignal,
): Promise<FactorStart> {
  const { history, templates, items } = examples.source;
  const found = await degreeVectors(history, items.size, { dim, seed, threads }, signal);
  const vectors = new Float32Array(numFeatures * dim);
  const known = new Uint8Array(numFeatures);
  const put = (feature: number, from: Float32Array, row: number) => {
    const v = from.subarray(row * dim, (row + 1) * dim);
    if (v.every((x) => x === 0)) return;
    vectors.set(v, feature * dim);
    known[feature] = 1;
  };
  userFeatures(examples).forEach((feature, user) => {
    if (feature !== NONE) put(feature, found.users, user);
  });
  for (let item = 0; item < items.size; item++) put(templates.ids[item]!, found.items, item);
  return { known, w0: 0, w: new Float32Array(numFeatures), vectors, freezes: false };
}
