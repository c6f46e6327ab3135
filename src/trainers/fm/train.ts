// The epoch loop of the factorization machine.
//
//   input ──► machine (parameters and rows in shared memory, threads) ──► epochs ──► model of the best epoch
//
// Source: Rendle 2010 (10.1109/ICDM.2010.127); AdaGrad: Duchi et al. 2011. Equations and deviations: docs/algorithms/fm.md.

import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import { DataError, DivergedError } from "../../errors.js";
import { log } from "../../kernels/reference/exp.js";
import { draw } from "../../kernels/reference/random.js";
import type { Region } from "../../kernels/memory.js";
import type { Checkpoint, Judge, TrainingControls } from "../controls.js";
import type { EpochEvent } from "../trained.js";
import { EarlyStopping } from "./early-stopping.js";
import { Interruption } from "./interruption.js";
import { FmMachine, type ParameterRegions } from "./machine.js";
import type { FmModel } from "./model.js";
import { checkFmOptions, type FmOptions } from "./options.js";
import { RowsBuffer } from "./rows-buffer.js";
import { type FmStart, keepUntouched, startFrom } from "./start.js";
import { prepareTraining } from "./training-rows.js";

/** Bytes left free for the threads' copies of batches. */
const RESERVE = 64 << 20;
/** Mean length of a vector above which a training is lost: a score is then millions, whatever the label. */
const MAX_LENGTH = 1000;
/** Mean loss above which a training is lost: nats, or so many times the labels' variance. */
const MAX_LOSS = { logistic: 10, squared: 100 };

export interface FmInput {
  numFeatures: number;
  /** u32[numFeatures][2]: a 64-bit hash of each feature's field and key, from which its first vector is drawn */
  featureHashes: Uint32Array;
  /** u32[numFeatures]: events of the training part that hold it; with 0 its w and v are and stay zero */
  counts: Uint32Array;
  train: TrainingRows;
  valid?: FeatureRows;
  /** an earlier model to go on from */
  start?: FmStart;
  controls?: TrainingControls;
}

/**
 * Trains a factorization machine by AdaGrad on batches of 256 rows.
 *
 * The same input, options and seed give the same bytes at any number of threads. With a validation part and a patience above
 * 0, training stops after so many epochs without a lower validation loss (or better judged value), and the model is the best epoch's; else the last's.
 *
 * @param observe called after every epoch
 * @param signal  ends the training promptly; the promise rejects with its reason
 * @throws {UsageError} an option is out of range, or the parameters do not fit 4 GiB
 * @throws {DataError} there are no training rows
 * @throws {DivergedError} a loss or a parameter became NaN or infinite, or vectors grew beyond all use
 */
export async function trainFm(
  input: FmInput,
  options: FmOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<FmModel> {
  checkFmOptions(options);
  signal?.throwIfAborted();
  const { train } = input;
  if ((train.kind === "resident" ? train.rows.numRows : train.numRows) === 0) {
    throw new DataError("no training rows: nothing to learn from");
  }
  const machine = await FmMachine.start({ ...options, numFeatures: input.numFeatures });
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
  { numFeatures, featureHashes, counts, train, valid, start, controls = {} }: FmInput,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
): Promise<FmModel> {
  await machine.initialise(featureHashes, counts, options.seed);
  const labels = labelsOf(train, options.loss);
  machine.bias = labels.bias / labels.scale;
  const kept = machine.allocateParameters();
  if (start) await startFrom(machine, kept, start, labels.scale);
  const { judge, checkpoint, resume } = controls;
  const validation = valid && validationOf(machine, valid, labels.scale, judge);
  const trainOnce = prepareTraining(machine, train, labels.scale, machine.arena.freeBytes - RESERVE);
  const stopsEarly = validation !== undefined && options.patience > 0;
  const stopping = new EarlyStopping(judge?.better ?? "lower", options.minDelta, resume?.standing);
  const epochs: EpochEvent[] = [...(resume?.epochs ?? [])];
  if (resume) goBack(machine, kept, resume);
  const interruption = new Interruption(machine, controls.onInterrupt);

  for (let epoch = epochs.length + 1; epoch <= options.epochs; epoch++) {
    try {
      // one pass over the training rows, in an order named by (seed, epoch)
      const began = performance.now();
      const pass = await trainOnce(epoch, options.shuffle ? draw(options.seed, epoch) : undefined);
      const trained = performance.now();
      const trainLoss = (pass.loss / pass.numRows) * labels.scale ** 2;

      // a look at the validation part, and at how far vectors have grown
      const seen = validation && (await validation());
      const isBest = stopping.isBest(seen?.judged);
      const event: EpochEvent = {
        epoch,
        trainLoss,
        ...(seen && { validLoss: seen.loss }),
        ...(seen && judge && { [judge.name]: seen.judged }),
        vectorNorm: machine.vectorNorm() * Math.sqrt(labels.scale),
        rowsPerSecond: (pass.numRows / (trained - began)) * 1000,
        seconds: (performance.now() - began) / 1000,
        best: isBest,
      };
      checkGrowth(event, numFeatures, labels.scale, options);

      // keep the best parameters, or the last where nothing stops early
      if (isBest || !stopsEarly) {
        const isNeeded = stopsEarly || epoch === options.epochs || interruption.isOffered;
        const isFinite = !isNeeded || (await interruption.hold(() => machine.export(kept)));
        if (!isFinite) throw diverged("a parameter is no longer finite", epoch, options);
        stopping.keep(epoch, seen?.judged, machine.bias);
      }
      epochs.push(event);
      observe(event);
    } catch (error) {
      if (interruption.isWanted && stopping.standing.best > 0) break;
      throw error;
    }
    if (interruption.isWanted) break;
    if (stopsEarly && stopping.waited(epoch) >= options.patience) break;
    if (checkpoint && epoch % checkpoint.every === 0 && epoch < options.epochs) {
      const whole = standingOf(machine, stopsEarly ? kept : undefined, stopping, epochs);
      await interruption.hold(() => checkpoint.save(whole));
      if (interruption.isWanted) break;
    }
    interruption.offer();
  }
  interruption.end();

  const { best, w0 } = stopping.standing;
  const root = Math.sqrt(labels.scale);
  const model: FmModel = {
    dim: options.dim,
    loss: options.loss,
    // scores of divided labels are multiplied back: w by the scale, products of two vectors by its root twice
    w0: Math.fround(w0 * labels.scale),
    w: machine.arena
      .f32(kept.w)
      .slice(0, numFeatures)
      .map((w) => w * labels.scale),
    vectors: machine.arena
      .f32(kept.vectors)
      .slice(0, numFeatures * options.dim)
      .map((v) => v * root),
    bestEpoch: best,
    epochs,
    ...(interruption.isWanted && { interrupted: true }),
  };
  if (start) keepUntouched(model, start, counts);
  return model;
}

/** Where training stands, copied. */
function standingOf(
  { arena, state }: FmMachine,
  kept: ParameterRegions | undefined,
  { standing }: EarlyStopping,
  epochs: readonly EpochEvent[],
): Checkpoint {
  // copies in memory of their own: what is shared cannot be written to disk
  const copyOf = (region: Region) => Float32Array.from(arena.f32(region));
  return {
    state,
    ...(kept && { kept: { vectors: copyOf(kept.vectors), w: copyOf(kept.w) } }),
    standing,
    epochs: [...epochs],
  };
}

/** Puts a machine where an earlier training stood. */
function goBack(machine: FmMachine, kept: ParameterRegions, { state, kept: earlier }: Checkpoint): void {
  machine.state = state;
  if (!earlier) return;
  machine.arena.f32(kept.vectors).set(earlier.vectors);
  machine.arena.f32(kept.w).set(earlier.w);
}

/** What the validation part says of the parameters as they are. */
interface Validation {
  /** mean a row, in the label's unit */
  loss: number;
  /** what early stopping goes by */
  judged: number;
}

/** Loads the validation part and returns what scores it. */
function validationOf(
  machine: FmMachine,
  valid: FeatureRows,
  labelScale: number,
  judge: Judge | undefined,
): (() => Promise<Validation>) | undefined {
  if (valid.numRows === 0) return undefined;
  const buffer = new RowsBuffer(machine.arena, "the validation rows").load(valid, labelScale);
  const scores = machine.allocateScores(valid.numRows);
  return async () => {
    const loss = ((await machine.score(buffer, scores)) / valid.numRows) * labelScale ** 2;
    if (!judge) return { loss, judged: loss };
    const own = Float32Array.from(
      machine.arena.f32(scores).subarray(0, valid.numRows),
      (s) => s * labelScale,
    );
    return { loss, judged: Number.isFinite(loss) ? judge.of(own, valid.labels) : loss };
  };
}

/**
 * The best constant score, where w0 starts, and what labels are divided by, so that steps and penalties mean the same whatever
 * their unit: the labels' mean and standard deviation for the squared loss, log-odds and 1 for the logistic loss.
 *
 * Of drawn rows only the first chunk is looked at.
 */
function labelsOf(train: TrainingRows, loss: FmOptions["loss"]): { bias: number; scale: number } {
  const { numRows, labels } = train.kind === "resident" ? train.rows : firstOf(train.draw(1));
  let sum = 0;
  for (let r = 0; r < numRows; r++) sum += labels[r]!;
  // one event of each kind more than there are, so that a log of one kind has finite odds
  if (loss === "logistic") return { bias: log((sum + 1) / (numRows - sum + 1)), scale: 1 };

  const mean = sum / numRows;
  let squares = 0;
  for (let r = 0; r < numRows; r++) squares += (labels[r]! - mean) ** 2;
  return { bias: mean, scale: Math.sqrt(squares / numRows) || 1 };
}

function firstOf(chunks: Iterable<FeatureRows>): FeatureRows {
  for (const chunk of chunks) if (chunk.numRows > 0) return chunk;
  throw new DataError("no training rows: nothing to learn from");
}

/** @throws {DivergedError} a loss is no longer finite, or vectors have grown beyond all use */
function checkGrowth(
  { epoch, trainLoss, validLoss, vectorNorm = 0 }: EpochEvent,
  numFeatures: number,
  labelScale: number,
  options: FmOptions,
): void {
  if (!Number.isFinite(trainLoss)) throw diverged("the training loss is no longer finite", epoch, options);
  if (validLoss !== undefined && !Number.isFinite(validLoss))
    throw diverged("the validation loss is no longer finite", epoch, options);
  if (trainLoss > MAX_LOSS[options.loss] * labelScale ** 2)
    throw diverged(`the training loss has grown to ${trainLoss.toPrecision(2)}`, epoch, options);
  const length = vectorNorm / Math.sqrt(numFeatures);
  if (!(length <= MAX_LENGTH)) {
    const grown = Number.isFinite(length)
      ? `have grown to a length of ${length.toPrecision(2)}`
      : "are no longer finite";
    throw diverged(`vectors ${grown}`, epoch, options);
  }
}

function diverged(what: string, epoch: number, { learningRate }: FmOptions): DivergedError {
  return new DivergedError(
    `${what} in epoch ${epoch}, at learning rate ${learningRate}: ` +
      `try --learning-rate ${learningRate / 5}, a greater --l2-vector, or numeric columns of smaller range`,
  );
}
