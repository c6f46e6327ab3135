// The epoch loop of the factorization machine.
//
//   input ──► machine (parameters and rows in shared memory, threads) ──► epochs ──► model of the best epoch
//
// Source: Rendle 2010 (10.1109/ICDM.2010.127); AdaGrad: Duchi et al. 2011. Equations and deviations: docs/algorithms/fm.md.

import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import { DataError, UsageError } from "../../errors.js";
import type { FieldAwareness } from "../../kernels/ffm.js";
import { METHODS, type FeatureRates, type FmMethod } from "../../kernels/fm.js";
import { log } from "../../kernels/reference/exp.js";
import { draw } from "../../kernels/reference/random.js";
import type { OptimizerState } from "../../kernels/fm-state.js";
import type { Region } from "../../kernels/memory.js";
import type { Checkpoint, TrainingControls } from "../controls.js";
import type { EpochEvent } from "../epoch.js";
import { EarlyStopping } from "./early-stopping.js";
import { checkGrowth, diverged } from "./growth.js";
import { Interruption } from "./interruption.js";
import { labelsOf } from "./label-scale.js";
import { FmMachine, type ParameterRegions } from "./machine.js";
import { checkMemory } from "./memory.js";
import type { FmModel } from "./model.js";
import { checkFmOptions, type FmOptions } from "./options.js";
import { type FmStart, freezingRates, keepUntouched, startFrom } from "./start.js";
import { prepareTraining } from "./training-rows.js";
import { validationOf } from "./validation.js";
import { withMachine } from "../../workers/with-machine.js";

/** Bytes left free for the threads' copies of batches. */
const RESERVE = 64 << 20;

export interface FmInput {
  numFeatures: number;
  /** u32[numFeatures][2]: a 64-bit hash of each feature's field and key, from which its first vector is drawn */
  featureHashes: Uint32Array;
  /** u32[numFeatures]: events of the training part that hold it; with 0 its w and v are and stay zero */
  counts: Uint32Array;
  /** trains a field-aware machine: a feature's vector is one of options.dim numbers for each field, one after another */
  fields?: FieldAwareness;
  train: TrainingRows;
  valid?: FeatureRows;
  /** an earlier model to go on from */
  start?: FmStart;
  controls?: TrainingControls;
  /** L2 and rate of each feature, where they differ */
  ratesOf?: (feature: number) => FeatureRates;
}

/**
 * Trains a factorization machine on batches of 256 rows, by AdaGrad or another method that steps along gradients.
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
  told: FmOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<FmModel> {
  checkFmOptions(told);
  // logistic or linear regression is a machine without factors
  const options = told.model === "lr" ? { ...told, dim: 0 } : told;
  signal?.throwIfAborted();
  const { train } = input;
  if ((train.kind === "drawn" ? train.numRows : train.rows.numRows) === 0) {
    throw new DataError("no training rows: nothing to learn from");
  }
  const { numFeatures } = input;
  const shape = {
    ...options,
    numFeatures,
    method: stepsOf(options.method),
    hasRates: input.ratesOf !== undefined || input.start?.freezes === true,
    ...(input.fields && { fields: input.fields }),
  };
  // a field-aware machine says itself what it needs
  if (!input.fields) checkMemory(numFeatures, shape);
  const machine = await FmMachine.start(shape);
  return await withMachine(machine, signal, () => runEpochs(machine, input, options, observe));
}

async function runEpochs(
  machine: FmMachine,
  { numFeatures, featureHashes, counts, train, valid, start, ratesOf, controls = {} }: FmInput,
  options: FmOptions,
  observe: (event: EpochEvent) => void,
): Promise<FmModel> {
  await machine.initialise(featureHashes, counts, options.seed);
  const rates = ratesOf ?? (() => ({ l2Weight: options.l2Weight, l2Vector: options.l2Vector, factor: 1 }));
  if (start?.freezes) machine.setRates(freezingRates(start, rates));
  else if (ratesOf) machine.setRates(ratesOf);
  const labels = labelsOf(train, options.loss);
  machine.bias = labels.bias / labels.scale;
  const kept = machine.allocateParameters();
  // negatives that training does not see would lower every score alike: He et al. 2014, section 6.3, in log-odds
  const correction = log(options.negativeDownsampling);
  if (start) {
    const own = { ...start, w0: start.w0 - correction };
    await startFrom(machine, kept, own, labels.scale, (feature) => rates(feature).l2Weight);
  }
  const { judge, checkpoint, resume } = controls;
  const validation = valid && validationOf(machine, valid, labels.scale, correction, judge);
  const trainOnce = prepareTraining(machine, train, labels.scale, machine.arena.freeBytes - RESERVE);
  const stopsEarly = validation !== undefined && options.patience > 0;
  const stopping = new EarlyStopping(judge?.better ?? "lower", options.minDelta, resume?.standing);
  const epochs: EpochEvent[] = [...(resume?.epochs ?? [])];
  if (resume) goBack(machine, kept, resume);
  let optimizer = resume?.kept?.optimizer;
  const interruption = new Interruption(machine, controls.onInterrupt);

  for (let epoch = epochs.length + 1; epoch <= options.epochs; epoch++) {
    try {
      // one pass over the training rows, in an order named by (seed, epoch)
      const began = performance.now();
      machine.learningRate = options.learningRate / (1 + options.learningRateDecay * (epoch - 1));
      const pass = await trainOnce(epoch, options.shuffle ? draw(options.seed, epoch) : undefined);
      const trained = performance.now();
      const trainLoss = (pass.loss / pass.weight) * labels.scale ** 2;

      // a look at the validation part, and at how far vectors have grown
      const seen = validation && (await validation());
      const isBest = stopping.see(epoch, seen?.judged);
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
        if (isNeeded && controls.keepsState) optimizer = machine.optimizer;
        stopping.keep(epoch, machine.bias);
      }
      epochs.push(event);
      observe(event);
    } catch (error) {
      if (interruption.isWanted) break;
      throw error;
    }
    if (interruption.isWanted) break;
    if (stopsEarly && stopping.waited(epoch) >= options.patience) break;
    if (checkpoint && epoch % checkpoint.every === 0 && epoch < options.epochs) {
      const whole = standingOf(machine, stopsEarly ? { ...kept, optimizer } : undefined, stopping, epochs);
      await interruption.hold(() => checkpoint.save(whole));
      if (interruption.isWanted) break;
    }
    interruption.offer();
  }
  interruption.end();

  const { kept: bestEpoch, w0 } = stopping.standing;
  const root = Math.sqrt(labels.scale);
  const model: FmModel = {
    dim: machine.vectorWidth,
    loss: options.loss,
    // scores of divided labels are multiplied back: w by the scale, products of two vectors by its root twice
    w0: Math.fround(w0 * labels.scale + correction),
    w: machine.arena
      .f32(kept.w)
      .slice(0, numFeatures)
      .map((w) => w * labels.scale),
    vectors: machine.arena
      .f32(kept.vectors)
      .slice(0, numFeatures * machine.vectorWidth)
      .map((v) => v * root),
    bestEpoch,
    epochs,
    ...(interruption.isWanted && { interrupted: true }),
    ...(optimizer && { optimizer }),
  };
  if (start) keepUntouched(model, start, counts);
  return model;
}

/** Where training stands, copied. */
function standingOf(
  { arena, state }: FmMachine,
  kept: (ParameterRegions & { optimizer: OptimizerState | undefined }) | undefined,
  { standing }: EarlyStopping,
  epochs: readonly EpochEvent[],
): Checkpoint {
  // copies in memory of their own: what is shared cannot be written to disk
  const copyOf = (region: Region) => Float32Array.from(arena.f32(region));
  return {
    state,
    ...(kept && {
      kept: {
        vectors: copyOf(kept.vectors),
        w: copyOf(kept.w),
        ...(kept.optimizer && { optimizer: kept.optimizer }),
      },
    }),
    standing,
    epochs: [...epochs],
  };
}

/** The kernel's method. @throws {UsageError} it is none of the kernel's */
function stepsOf(method: FmOptions["method"]): FmMethod {
  for (const name of Object.keys(METHODS) as FmMethod[]) if (name === method) return name;
  throw new UsageError(`--method ${method} does not step along gradients`);
}

/** Puts a machine where an earlier training stood. */
function goBack(machine: FmMachine, kept: ParameterRegions, { state, kept: earlier }: Checkpoint): void {
  machine.state = state;
  if (!earlier) return;
  machine.arena.f32(kept.vectors).set(earlier.vectors);
  machine.arena.f32(kept.w).set(earlier.w);
}
