// The epoch loop of the factorization machine.
//
//   input ──► machine (parameters and rows in shared memory, threads) ──► epochs ──► model of the best epoch
//
// Source: Rendle 2010 (10.1109/ICDM.2010.127); AdaGrad: Duchi et al. 2011. Equations and deviations: docs/algorithms/fm.md.

import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import { DataError, DivergedError, UsageError } from "../../errors.js";
import { METHODS, type FeatureRates, type FmMethod } from "../../kernels/fm.js";
import { log } from "../../kernels/reference/exp.js";
import { draw } from "../../kernels/reference/random.js";
import { FmMachine } from "./machine.js";
import type { EpochEvent } from "../trained.js";
import type { FmModel } from "./model.js";
import { checkFmOptions, type FmOptions } from "./options.js";
import { RowsBuffer } from "./rows-buffer.js";
import { prepareTraining } from "./training-rows.js";

/** Bytes left free for the threads' copies of batches. */
const RESERVE = 64 << 20;

export interface FmInput {
  numFeatures: number;
  /** u32[numFeatures][2]: a 64-bit hash of each feature's field and key, from which its first vector is drawn */
  featureHashes: Uint32Array;
  /** u32[numFeatures]: events of the training part that hold it; with 0 its w and v are and stay zero */
  counts: Uint32Array;
  train: TrainingRows;
  valid?: FeatureRows;
  /** L2 and rate of each feature, where they differ */
  ratesOf?: (feature: number) => FeatureRates;
}

/**
 * Trains a factorization machine on batches of 256 rows, by AdaGrad or another method that steps along gradients.
 *
 * The same input, options and seed give the same bytes at any number of threads. With a validation part and a patience above
 * 0, training stops after so many epochs without a lower validation loss, and the model is the best epoch's; else the last's.
 *
 * @param observe called after every epoch
 * @param signal  ends the training promptly; the promise rejects with its reason
 * @throws {UsageError} an option is out of range, or the parameters do not fit 4 GiB
 * @throws {DataError} there are no training rows
 * @throws {DivergedError} a loss or a parameter became NaN or infinite
 */
export async function trainFm(
  input: FmInput,
  told: FmOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<FmModel> {
  checkFmOptions(told);
  // logistic or linear regression is a machine without factors
  const options = told.model === "lr" ? { ...told, dim: 0 } : told;
  signal?.throwIfAborted();
  const { train } = input;
  if ((train.kind === "resident" ? train.rows.numRows : train.numRows) === 0) {
    throw new DataError("no training rows: nothing to learn from");
  }
  const machine = await FmMachine.start({
    ...options,
    method: stepsOf(options.method),
    numFeatures: input.numFeatures,
    hasRates: input.ratesOf !== undefined,
  });
  const abort = () => void machine.terminate();
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    return await runEpochs(machine, input, options, observe);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    await machine.terminate();
  }
}

async function runEpochs(
  machine: FmMachine,
  { numFeatures, featureHashes, counts, train, valid, ratesOf }: FmInput,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
): Promise<FmModel> {
  await machine.initialise(featureHashes, counts, options.seed);
  if (ratesOf) machine.setRates(ratesOf);
  const labels = labelsOf(train, options.loss);
  machine.bias = labels.bias / labels.scale;
  const kept = machine.allocateParameters();
  // negatives that training does not see would lower every score alike: He et al. 2014, section 6.3, in log-odds
  const correction = log(options.negativeDownsampling);
  const validation = valid && validationOf(machine, valid, labels.scale, correction);
  const trainOnce = prepareTraining(machine, train, labels.scale, machine.arena.freeBytes - RESERVE);
  const stopsEarly = validation !== undefined && options.patience > 0;

  const epochs: EpochEvent[] = [];
  let best: { epoch: number; loss: number; w0: number } | undefined;
  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    // one pass over the training rows, in an order named by (seed, epoch)
    const start = performance.now();
    machine.learningRate = options.learningRate / (1 + options.learningRateDecay * (epoch - 1));
    const pass = await trainOnce(epoch, options.shuffle ? draw(options.seed, epoch) : undefined);
    const trained = performance.now();
    const trainLoss = (pass.loss / pass.weight) * labels.scale ** 2;

    // a look at the validation part
    const validLoss = validation && (await validation()) * labels.scale ** 2;
    const isBest = validLoss === undefined || !best || validLoss < best.loss;
    const event: EpochEvent = {
      epoch,
      trainLoss,
      ...(validLoss !== undefined && { validLoss }),
      rowsPerSecond: (pass.numRows / (trained - start)) * 1000,
      seconds: (performance.now() - start) / 1000,
      best: isBest,
    };
    epochs.push(event);
    checkFinite(trainLoss, validLoss, epoch, options);

    // keep the best parameters, or at the end the last
    if (isBest || (epoch === options.epochs && !stopsEarly)) {
      best = { epoch, loss: validLoss ?? Infinity, w0: machine.bias };
      if (stopsEarly || epoch === options.epochs) {
        if (!(await machine.export(kept))) throw diverged("a parameter", epoch, options);
      }
    }
    observe(event);
    if (stopsEarly && epoch - best!.epoch >= options.patience) break;
  }
  const root = Math.sqrt(labels.scale);
  return {
    dim: options.dim,
    loss: options.loss,
    // scores of divided labels are multiplied back: w by the scale, products of two vectors by its root twice
    w0: Math.fround(best!.w0 * labels.scale + correction),
    w: machine.arena
      .f32(kept.w)
      .slice(0, numFeatures)
      .map((w) => w * labels.scale),
    vectors: machine.arena
      .f32(kept.vectors)
      .slice(0, numFeatures * options.dim)
      .map((v) => v * root),
    bestEpoch: best!.epoch,
    epochs,
  };
}

/** The kernel's method. @throws {UsageError} it is none of the kernel's */
function stepsOf(method: FmOptions["method"]): FmMethod {
  for (const name of Object.keys(METHODS) as FmMethod[]) if (name === method) return name;
  throw new UsageError(`--method ${method} does not step along gradients`);
}

/** Loads the validation part and returns what computes its mean loss. */
function validationOf(
  machine: FmMachine,
  valid: FeatureRows,
  labelScale: number,
  correction: number,
): (() => Promise<number>) | undefined {
  if (valid.numRows === 0) return undefined;
  const buffer = new RowsBuffer(machine.arena, "the validation rows").load(valid, labelScale);
  const scores = machine.allocateScores(valid.numRows);
  const total = valid.weights ? sumOf(valid.weights) : valid.numRows;
  return async () => {
    const trained = machine.bias;
    machine.bias = trained + correction;
    const loss = await machine.score(buffer, scores);
    machine.bias = trained;
    return loss / total;
  };
}

/**
 * The best constant score, where w0 starts, and what labels are divided by, so that steps and penalties mean the same whatever
 * their unit: the labels' mean and standard deviation for the squared loss, log-odds and 1 for the logistic loss. Rows count
 * by their weights.
 *
 * Of drawn rows only the first chunk is looked at.
 */
function labelsOf(train: TrainingRows, loss: FmOptions["loss"]): { bias: number; scale: number } {
  const { numRows, labels, weights } = train.kind === "resident" ? train.rows : firstOf(train.draw(1));
  const total = weights ? sumOf(weights) : numRows;
  let sum = 0;
  for (let r = 0; r < numRows; r++) sum += (weights ? weights[r]! : 1) * labels[r]!;
  // one event of each kind more than there are, so that a log of one kind has finite odds
  if (loss === "logistic") return { bias: log((sum + 1) / (total - sum + 1)), scale: 1 };

  const mean = sum / total;
  let squares = 0;
  for (let r = 0; r < numRows; r++) squares += (weights ? weights[r]! : 1) * (labels[r]! - mean) ** 2;
  return { bias: mean, scale: Math.sqrt(squares / total) || 1 };
}

function sumOf(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

function firstOf(chunks: Iterable<FeatureRows>): FeatureRows {
  for (const chunk of chunks) if (chunk.numRows > 0) return chunk;
  throw new DataError("no training rows: nothing to learn from");
}

function checkFinite(
  trainLoss: number,
  validLoss: number | undefined,
  epoch: number,
  options: FmOptions,
): void {
  if (!Number.isFinite(trainLoss)) throw diverged("the training loss", epoch, options);
  if (validLoss !== undefined && !Number.isFinite(validLoss)) {
    throw diverged("the validation loss", epoch, options);
  }
}

function diverged(what: string, epoch: number, { learningRate }: FmOptions): DivergedError {
  return new DivergedError(
    `${what} is no longer finite in epoch ${epoch}, at learning rate ${learningRate}: ` +
      `try --learning-rate ${learningRate / 5}, a greater --l2-vector, or numeric columns of smaller range`,
  );
}
