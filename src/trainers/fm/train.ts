// Training of the factorization machine.
//
//   input ──► machine (parameters and rows in shared memory, threads) ──► epochs ──► model of the best epoch
//
// Source: Rendle 2010 (10.1109/ICDM.2010.127); AdaGrad: Duchi et al. 2011. Equations and deviations:
// docs/algorithms/fm.md.

import { weightOf } from "../../base/numeric/indices.js";
import type { StoppingMetric } from "../../training/epochs/early-stopping.js";
import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import { DataError, UsageError } from "../../base/errors.js";
import type { FieldAwareness } from "../../compute/kernels/ffm/binding.js";
import { METHODS, type FeatureRates, type FmMethod } from "../../compute/kernels/fm/binding.js";
import type { OptimizerState } from "../../compute/kernels/fm/state.js";
import { log } from "../../base/numeric/exp.js";
import { draw } from "../../base/numeric/random.js";
import {
  type Controls,
  runEpochs,
  type Steered,
  type EpochEvent,
  diverged,
} from "../../training/epochs/epoch-loop.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { keepUntouched, type FactorStart } from "../shared/factor-model/warm-start.js";
import { labelScaleOf } from "../../training/examples/training-examples.js";
import { FmMachine, type ParameterArrays } from "../shared/factor-model/machine.js";
import type { FmModel, FmParameters } from "../shared/factor-model/model.js";
import { checkFmOptions, type FmOptions } from "./options.js";
import { prepareTraining } from "./training-rows.js";
import { areShared } from "../../compute/threads/rounds.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { RowsBuffer } from "../shared/factor-model/rows-buffer.js";

/** bytes that are left free for the threads' copies of batches */
const RESERVE = 64 << 20;

export interface FmInput {
  numFeatures: number;
  /** u32[numFeatures][2]: 64-bit hash of each feature's field and key, which determines its initial vector */
  featureHashes: Uint32Array;
  /** u32[numFeatures]: training events with each feature; w and v of a feature without events are 0 and stay 0 */
  counts: Uint32Array;
  /** only for a field-aware machine, whose features have a vector of options.dim numbers per partner field */
  fields?: FieldAwareness;
  train: TrainingRows;
  valid?: FeatureRows;
  start?: FactorStart;
  controls?: Controls;
  /** returns the L2 and learning rate of a feature; absent if all features have the same */
  ratesOf?: (feature: number) => FeatureRates;
}

/**
 * Trains a factorization machine on batches of 256 rows, by AdaGrad or another gradient method.
 *
 * The same input, options and seed give the same bytes at any number of threads. With a validation split and a patience
 * above 0, training stops after that many epochs without a lower validation loss (or better stopping metric), and the
 * model is the best epoch's; otherwise it is the last epoch's.
 *
 * @param observe called after every epoch
 * @param signal   stops the training promptly; the promise then rejects with its reason
 * @throws {UsageError} an option is out of range, or the parameters exceed the limits of a machine
 * @throws {DataError} there are no training rows
 * @throws {DivergedError} a loss or a parameter became NaN or infinite, or vectors grew beyond MAX_LENGTH
 */
export async function trainFm(
  input: FmInput,
  given: FmOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<FmModel> {
  checkFmOptions(given);
  // logistic or linear regression is a machine without vectors
  const options = given.model === "lr" ? { ...given, dim: 0 } : given;
  signal?.throwIfAborted();
  const { train } = input;
  if ((train.kind === "drawn" ? train.numRows : train.rows.numRows) === 0) {
    throw new DataError("no training rows");
  }
  const { numFeatures } = input;
  const shape = {
    ...options,
    numFeatures,
    method: stepsOf(options.method),
    vectorRate: options.learningRate * options.vectorRate,
    hasRates: input.ratesOf !== undefined || input.start?.freezes === true,
    fields: input.fields,
  };
  const machine = await FmMachine.start(shape);
  return await withMachine(machine, signal, () => trainEpochs(machine, input, options, observe));
}

async function trainEpochs(
  machine: FmMachine,
  { numFeatures, featureHashes, counts, train, valid, start, ratesOf, controls = {} }: FmInput,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
): Promise<FmModel> {
  await machine.initialize(featureHashes, counts, options.seed);
  const rates = ratesOf ?? (() => ({ l2Weight: options.l2Weight, l2Vector: options.l2Vector, factor: 1 }));
  // the learning rate of frozen features is 0
  if (start?.freezes)
    machine.setRates((feature) => ({ ...rates(feature), ...(start.known[feature] && { factor: 0 }) }));
  else if (ratesOf) machine.setRates(ratesOf);
  const labels = labelScaleOf(train, options.loss);
  machine.bias = labels.bias / labels.scale;
  const kept = new KeptParameters(machine, controls.keepsState ?? false);
  // dropping negatives raises every score by a constant; this subtracts it in log-odds, as in He et al. 2014, section
  // 6.3
  const correction = log(options.negativeDownsampling);
  if (start) {
    const own = { ...start, w0: start.w0 - correction };
    await startFrom(machine, kept.copy, own, labels.scale, (feature) => rates(feature).l2Weight);
  }
  const { stoppingMetric } = controls;
  const validation = valid && validationOf(machine, valid, labels.scale, correction, stoppingMetric);
  const trainOnce = prepareTraining(machine, train, labels.scale, machine.arena.freeBytes - RESERVE);

  const training: Steered = {
    async epoch(epoch) {
      // make one pass over the training rows, in an order determined by (seed, epoch)
      const began = performance.now();
      const rate = options.learningRate / (1 + options.learningRateDecay * (epoch - 1));
      machine.setLearningRates(rate, rate * options.vectorRate);
      const key = options.shuffle ? draw(options.seed, epoch) : undefined;
      const pass = await trainOnce(epoch, key);
      const trained = performance.now();

      // compute the validation loss, and check the length of vectors
      const seen = validation && (await validation());
      const event = {
        trainLoss: (pass.loss / pass.weight) * labels.scale ** 2,
        validLoss: seen?.loss,
        ...(seen && stoppingMetric && { [stoppingMetric.name]: seen.stoppingValue }),
        vectorNorm: (await machine.vectorNorm()) * Math.sqrt(labels.scale),
        rowsPerSecond: (pass.numRows / (trained - began)) * 1000,
      };
      checkGrowth(epoch, event, numFeatures, labels.scale, options);
      return { event, stoppingValue: seen?.stoppingValue };
    },
    async keep(epoch) {
      if (!(await kept.take())) throw diverged("a parameter is not finite", epoch, options);
    },
    save: (withKept) => ({ ...machine.state, ...(withKept && kept.arrays) }),
    restore(arrays) {
      const [factors, linear, bias] = ["factors", "linear", "bias"].map((name) => floatsOf(arrays, name));
      machine.state = { factors: factors!, linear: linear!, bias: bias! };
      if (validation && options.patience > 0) kept.arrays = arrays;
    },
    terminate: () => machine.terminate(),
    threadsInUse: () => machine.threadsInUse,
    better: stoppingMetric?.better ?? "lower",
    validates: validation !== undefined,
  };
  const { interrupted, ...done } = await runEpochs(training, options, controls, observe);

  const { optimizer } = kept;
  const model: FmModel = {
    ...kept.parameters(labels.scale, correction),
    ...done,
    loss: options.loss,
    interrupted: interrupted || undefined,
    optimizer,
  };
  if (start) keepUntouched(model, start, counts);
  return model;
}

/** @throws {UsageError} not a gradient method */
function stepsOf(method: FmOptions["method"]): FmMethod {
  for (const name of Object.keys(METHODS) as FmMethod[]) if (name === method) return name;
  throw new UsageError(`--method ${method} is not a gradient method`);
}

/** Maximum mean length of vectors; above it, a training counts as diverged, as scores are in the millions. */
const MAX_LENGTH = 1000;
/** Maximum mean loss; above it, a training counts as diverged. In nats, or in multiples of the labels' variance. */
const MAX_LOSS = { logistic: 10, squared: 100 };

/** @throws {DivergedError} a loss is not finite or too large, or vectors are too long */
function checkGrowth(
  epoch: number,
  { trainLoss, validLoss, vectorNorm = 0 }: Pick<EpochEvent, "trainLoss" | "validLoss" | "vectorNorm">,
  numFeatures: number,
  labelScale: number,
  options: FmOptions,
): void {
  if (!Number.isFinite(trainLoss)) throw diverged("the training loss is not finite", epoch, options);
  if (validLoss !== undefined && !Number.isFinite(validLoss))
    throw diverged("the validation loss is not finite", epoch, options);
  if (trainLoss > MAX_LOSS[options.loss] * labelScale ** 2)
    throw diverged(`the training loss has grown to ${trainLoss.toPrecision(2)}`, epoch, options);
  const length = vectorNorm / Math.sqrt(numFeatures);
  if (!(length <= MAX_LENGTH)) {
    const grown = Number.isFinite(length)
      ? `have grown to a norm of ${length.toPrecision(2)}`
      : "are not finite";
    throw diverged(`vectors ${grown}`, epoch, options);
  }
}

/** Returns a function that computes the mean loss per row in the label's unit, and the stopping metric. */
function validationOf(
  machine: FmMachine,
  valid: FeatureRows,
  labelScale: number,
  correction: number,
  stoppingMetric: StoppingMetric | undefined,
): (() => Promise<{ loss: number; stoppingValue: number }>) | undefined {
  if (valid.numRows === 0) return undefined;
  const buffer = new RowsBuffer(machine.arena, "the validation rows").load(valid, labelScale);
  const scores = machine.allocateScores(valid.numRows);
  const total = weightOf(valid);
  return async () => {
    const trained = machine.bias;
    machine.bias = trained + correction;
    const loss = ((await machine.score(buffer, scores)) / total) * labelScale ** 2;
    machine.bias = trained;
    if (!stoppingMetric) return { loss, stoppingValue: loss };
    const own = machine.arena
      .f32(scores)
      .slice(0, valid.numRows)
      .map((s) => s * labelScale);
    return { loss, stoppingValue: Number.isFinite(loss) ? stoppingMetric.of(own, valid) : loss };
  };
}

/**
 * Replaces the initial parameters of known features by those of the run of --init. An all-zero vector was never trained
 * and keeps its random initialization, unless it is frozen; so does a vector for a partner field that the run lacks.
 *
 * Labels are divided by their deviation during training, and so are the run's parameters. At the end, keepUntouched
 * restores parameters without training rows, so that they are bit by bit the same.
 *
 * @param scratch arrays that are overwritten
 */
async function startFrom(
  machine: FmMachine,
  scratch: ParameterArrays,
  { known, knownBlocks = Uint8Array.of(1), w0, w, vectors, freezes, optimizer }: FactorStart,
  scale: number,
  l2Weight: (feature: number) => number,
): Promise<void> {
  await machine.export(scratch);
  const { w: allW, vectors: allVectors } = scratch;
  const width = vectors.length / known.length / knownBlocks.length;
  const root = Math.sqrt(scale);
  known.forEach((isKnown, feature) => {
    if (!isKnown) return;
    allW[feature] = w[feature]! / scale;
    knownBlocks.forEach((isBlockKnown, block) => {
      const from = (feature * knownBlocks.length + block) * width;
      const vector = vectors.subarray(from, from + width);
      if (!isBlockKnown || (!freezes && vector.every((v) => v === 0))) return;
      for (let d = 0; d < width; d++) allVectors[from + d] = vector[d]! / root;
    });
  });
  await machine.import(scratch);
  machine.bias = w0 / scale;
  if (optimizer) machine.setOptimizer(optimizer, known, knownBlocks);
  machine.alignWeights(l2Weight);
  if (freezes) machine.freezeBias();
}

/** Parameters of the epoch that the training will return: the one in which `take` was last called. */
class KeptParameters {
  /** copy of the parameters, which every `take` overwrites; until the first `take`, other code may use its arrays */
  readonly copy: ParameterArrays;
  /** undefined if it is not kept */
  optimizer: OptimizerState | undefined;
  readonly #machine: FmMachine;
  readonly #keepsState: boolean;
  #bias = 0;

  constructor(machine: FmMachine, keepsState: boolean) {
    this.#machine = machine;
    this.#keepsState = keepsState;
    this.copy = machine.allocateParameters();
  }

  /** Copies the machine's parameters. @returns false if one of them is NaN or infinite */
  async take(): Promise<boolean> {
    const isFinite = await this.#machine.export(this.copy);
    this.#bias = this.#machine.bias;
    if (this.#keepsState) this.optimizer = this.#machine.optimizer;
    return isFinite;
  }

  /** The copy by its names in a checkpoint. */
  get arrays(): NamedArrays {
    const { vectors, w } = this.#unshared();
    const { optimizer } = this;
    return {
      keptVectors: vectors,
      keptW: w,
      keptW0: Float32Array.of(this.#bias),
      ...(optimizer && {
        optimizerVectors: optimizer.vectors,
        optimizerW: optimizer.w,
        optimizerW0: Float32Array.of(optimizer.w0),
      }),
    };
  }

  /** @throws {ArtifactError} the arrays have other lengths */
  set arrays(arrays: NamedArrays) {
    for (const [name, target] of [
      ["keptVectors", this.copy.vectors],
      ["keptW", this.copy.w],
    ] as const)
      target.set(floatsOf(arrays, name, target.length));
    this.#bias = floatsOf(arrays, "keptW0", 1)[0]!;
    if (!this.#keepsState) return;
    this.optimizer = {
      vectors: floatsOf(arrays, "optimizerVectors"),
      w: floatsOf(arrays, "optimizerW"),
      w0: floatsOf(arrays, "optimizerW0", 1)[0]!,
    };
  }

  /**
   * Returns the model in the labels' unit; the copy must not be used afterwards. Since training divided labels by a
   * scale, w is multiplied by it, and vectors by its square root.
   *
   * @param correction number that is added to every score
   */
  parameters(labelScale: number, correction: number): FmParameters {
    const { w, vectors } = this.#unshared();
    return {
      dim: this.#machine.vectorWidth,
      w0: Math.fround(this.#bias * labelScale + correction),
      w: multiply(w, labelScale),
      vectors: multiply(vectors, Math.sqrt(labelScale)),
    };
  }

  /** Returns the copied arrays in memory that can be written to disk: those in shared memory are copied again. */
  #unshared(): ParameterArrays {
    const { vectors, w } = this.copy;
    return areShared([vectors]) ? { vectors: vectors.slice(), w: w.slice() } : { vectors, w };
  }
}

/** Multiplies in place. */
function multiply(numbers: Float32Array, factor: number): Float32Array {
  if (factor !== 1) for (let i = 0; i < numbers.length; i++) numbers[i]! *= factor;
  return numbers;
}
