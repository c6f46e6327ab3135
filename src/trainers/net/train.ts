// Training of a network on top of embeddings.
//
//   input ──► plan, initial parameters (random or a table's) ──► machine ──► epochs ──► model of the best epoch
//
// The architectures are in compute/kernels/net/shape.ts, sources and deviations in docs/algorithms/networks.md.

import type { FeatureRows, TrainingRows } from "../../dataset/rows.js";
import { featureHashes, type FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { DataError } from "../../base/errors.js";
import { type NetInputs, embeddingWidth } from "../../compute/kernels/net/shape.js";
import { rowLoss } from "../../base/numeric/losses.js";
import { draw } from "../../base/numeric/random.js";
import { areFinite, weightOf } from "../../base/numeric/indices.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import {
  type Controls,
  runEpochs,
  type Steered,
  type EpochEvent,
  diverged,
} from "../../training/epochs/epoch-loop.js";
import { labelScaleOf } from "../../training/examples/training-examples.js";
import { prefixed, unprefixed, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { ADDED_PER_EPOCH, ParameterAverage } from "./average.js";
import { rowsOfBatch, chunksOfEpoch, netRowsOf, type RowForm } from "./rows.js";
import { crosserOf, numCrossesOf, type CrossPlan } from "./crosses.js";
import { startNet } from "./machine.js";
import { scoreRows, type NetModel, type NetParameters, NET_MODEL, netModelFiles, netTable } from "./model.js";
import type { NetOptions } from "./options.js";
import { initialParameters, type NetMachine, type NetDesign } from "./plan.js";
import { putTable, type NetStart } from "./initialization.js";
import { metricsOf } from "../../metrics/metrics.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import type { StoppingMetric } from "../../training/epochs/early-stopping.js";

interface NetInput {
  space: FeatureSpace;
  /** u32[numFeatures]: training rows with each feature; without rows an embedding starts at 0, or the table's */
  counts: Uint32Array;
  train: TrainingRows;
  valid?: FeatureRows;
  /** initialization of the embedding layer; random when absent */
  start?: NetStart;
  validate?: (scores: Float32Array, valid: FeatureRows) => Pick<EpochEvent, "auc" | "rmse">;
  controls?: Controls;
}

/** Maximum mean loss; above it, a training counts as diverged. In nats, or in multiples of the labels' variance. */
const MAX_LOSS = { logistic: 10, squared: 100 };
/** Prefix of the best epoch's parameters in a checkpoint, which also has those of the last epoch. */
const KEPT = "kept.";
const REMEDIES = "a smaller --embedding-learning-rate, or scale numeric columns to a smaller range";

/**
 * Trains dense layers by Adam, the embedding layer by AdaGrad, the wide part by FTRL, on batches of rows that are
 * shuffled in each epoch. The same input, options and seed give the same bytes at any number of threads.
 *
 * With a validation split and a patience above 0, the model is the best epoch's; otherwise the last epoch's. With
 * averageEpochs above 0, the model and its validation loss are those of the moving average of the parameters.
 */
export async function trainNet(
  input: NetInput,
  options: NetOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<NetModel> {
  const { space, counts, train, start } = input;
  if (numRowsOf(train) === 0) throw new DataError("no training rows");
  const labels = labelScaleOf(train, options.loss);
  const crosses: CrossPlan = { fields: options.cross, bits: options.crossBits };
  const plan: NetDesign = {
    ...planOf(space, crosses, options),
    ...keyPenalties(options, space, counts),
  };
  const first = initialParameters(plan, featureHashes(space), counts);
  first["output.bias"]![0] = labels.bias / labels.scale;
  if (start) putTable(plan, space, first, start.table, { kind: start.kind, labelScale: labels.scale });
  const form: RowForm = { crosses: crosserOf(space, crosses), labelScale: labels.scale };
  const machine = await startNet(plan, first, { threads: options.threads });
  const { parameters, ...done } = await withMachine(machine, signal, () =>
    trainEpochs(machine, input, form, options, observe),
  );
  const trained: NetModel = {
    ...{ shape: plan, crosses, ...done },
    parameters: inLabelUnits(parameters, labels.scale),
  };
  const machineStart = start && machineNetwork(plan, space, counts, start);
  if (!machineStart || !(await fallsBack({ ...machineStart, crosses }, trained, input, options)))
    return trained;
  return { ...trained, ...machineStart, bestEpoch: 0 };
}

async function fallsBack(
  machine: NetParameters,
  { epochs, bestEpoch }: NetModel,
  { space, valid, controls }: NetInput,
  { loss, patience, threads, epochs: most }: NetOptions,
): Promise<boolean> {
  if (most === 0) return true;
  if (!valid || patience === 0) return false;
  const scores = await scoreRows(space, machine, valid, { threads });
  const byLoss = { name: "validLoss", better: "lower", of: () => lossOf(loss, scores, valid) } as const;
  return isMachineBetter(scores, valid, epochs[bestEpoch - 1], controls?.stoppingMetric ?? byLoss);
}

/** L2 factor of each feature per row: keyL2 penalizes the mean loss of an epoch, and is divided among the key's rows. */
function keyPenalties(
  { keyL2, freezeEmbeddings }: NetOptions,
  { offsets }: FeatureSpace,
  counts: Uint32Array,
): Pick<NetDesign, "keyPenalties"> {
  if (keyL2 === 0 || freezeEmbeddings) return {};
  // the number of events is a field's sum of `counts`, which do not include sampled negatives
  let events = 0;
  for (let f = 0; f + 1 < offsets.length; f++)
    events = Math.max(
      events,
      counts.subarray(offsets[f], offsets[f + 1]).reduce((sum, rows) => sum + rows, 0),
    );
  return { keyPenalties: Float32Array.from(counts, (rows) => (rows > 0 ? (keyL2 * events) / rows : 0)) };
}

function planOf(space: FeatureSpace, crosses: CrossPlan, options: NetOptions): NetDesign {
  const { arch, dim, hidden, activation, embeddingRelu, dropout, loss, batchSize, freezeEmbeddings } =
    options;
  const { learningRate, l2, embeddingLearningRate, wideLearningRate, wideL1, wideL2, seed } = options;
  const { embeddingL2, learningRateDecay, clipNorm, layerNorm } = options;
  return {
    ...{ arch, dim, hidden, activation, embeddingRelu, dropout, layerNorm, loss, seed },
    offsets: space.offsets,
    numNumeric: 0,
    numCrosses: numCrossesOf(crosses),
    ...{ learningRate, l2, embeddingL2, wideLearningRate, wideL1, wideL2, learningRateDecay, clipNorm },
    embeddingLearningRate: freezeEmbeddings ? 0 : embeddingLearningRate,
    batch: batchSize,
  };
}

async function trainEpochs(
  machine: NetMachine,
  { train, valid, validate, controls = {} }: NetInput,
  form: RowForm,
  options: NetOptions,
  observe: (event: EpochEvent) => void,
): Promise<Omit<NetModel, "shape" | "crosses">> {
  const { stoppingMetric } = controls;
  const validation = valid && netRowsOf(valid, form);
  const unit = form.labelScale ** 2;
  const average = options.averageEpochs > 0 ? new ParameterAverage(options.averageEpochs) : undefined;
  let kept: NamedArrays = {};

  const training: Steered = {
    async epoch(epoch) {
      // make one pass over the training rows, in an order determined by (seed, epoch)
      const began = performance.now();
      const pass = await trainOnce(machine, train, form, options, epoch, average);
      const rowsPerSecond = (pass.numRows / (performance.now() - began)) * 1000;
      const trainLoss = (pass.loss / pass.weight) * unit;
      if (!(trainLoss <= MAX_LOSS[options.loss] * unit))
        throw diverged(
          `the training loss has grown to ${trainLoss.toPrecision(2)}`,
          epoch,
          options,
          REMEDIES,
        );
      if (!validation || !valid) return { event: { trainLoss, rowsPerSecond } };

      // compute the validation loss
      const own = await scoresOf(machine, average, validation);
      const validLoss = lossOf(options.loss, own, validation) * unit;
      if (!Number.isFinite(validLoss))
        throw diverged("the validation loss is not finite", epoch, options, REMEDIES);
      const scores = own.map((s) => s * form.labelScale);
      const stoppingValue = stoppingMetric ? stoppingMetric.of(scores, valid) : validLoss;
      const seen = {
        ...validate?.(scores, valid),
        ...(stoppingMetric && { [stoppingMetric.name]: stoppingValue }),
      };
      return { event: { trainLoss, validLoss, ...seen, rowsPerSecond }, stoppingValue };
    },
    keep(epoch) {
      kept = (average ?? machine).parameters();
      const isFinite = Object.values(kept).every((array) => areFinite(array as Float32Array));
      if (!isFinite) throw diverged("a parameter is not finite", epoch, options, REMEDIES);
    },
    save: (withKept) => ({ ...machine.state(), ...average?.state(), ...(withKept && prefixed(KEPT, kept)) }),
    restore(arrays) {
      machine.restore(arrays);
      average?.restore(arrays, machine.parameters());
      kept = unprefixed(KEPT, arrays);
    },
    terminate: () => machine.terminate(),
    threadsInUse: () => machine.threadsInUse,
    better: stoppingMetric?.better ?? "lower",
    validates: valid !== undefined,
  };
  const { interrupted, ...done } = await runEpochs(training, options, controls, observe);
  return { ...done, parameters: kept, ...(interrupted && { interrupted }) };
}

/** Does not change the machine's own parameters. */
async function scoresOf(
  machine: NetMachine,
  average: ParameterAverage | undefined,
  rows: NetInputs,
): Promise<Float32Array> {
  if (!average) return await machine.score(rows);
  const latest = machine.state();
  machine.load(average.parameters());
  const scores = await machine.score(rows);
  machine.restore(latest);
  return scores;
}

/** Each chunk is prepared while the threads train on the previous chunk. */
async function trainOnce(
  machine: NetMachine,
  train: TrainingRows,
  form: RowForm,
  { seed, batchSize }: NetOptions,
  epoch: number,
  average: ParameterAverage | undefined,
): Promise<{ numRows: number; weight: number; loss: number }> {
  const pass = { numRows: 0, weight: 0, loss: 0 };
  const numBatches = Math.ceil(numRowsOf(train) / batchSize);
  // number of training rows between two additions of the parameters to the average
  const stretch = average ? Math.ceil(numBatches / ADDED_PER_EPOCH) * batchSize : Infinity;
  let added = 0;
  let running = Promise.resolve(0);
  for (const chunk of chunksOfEpoch(train, epoch, draw(seed, epoch), batchSize)) {
    const rows = netRowsOf(chunk, form);
    for (let from = 0; from < rows.numRows;) {
      const due = added + stretch - pass.numRows;
      const count = Math.min(Math.ceil(due / batchSize) * batchSize, rows.numRows - from);
      pass.loss += await running;
      running = machine.train(rowsOfBatch(rows, from, count), { epoch, first: pass.numRows });
      // an error in a thread is thrown at the next await; until then, this handler avoids an unhandled rejection
      running.catch(() => undefined);
      from += count;
      pass.numRows += count;
      if (!average || count < due) continue;
      pass.loss += await running;
      running = Promise.resolve(0);
      average.add(machine.parameters());
      added = pass.numRows;
    }
    pass.weight += weightOf(rows);
  }
  pass.loss += await running;
  if (added < pass.numRows) average?.add(machine.parameters());
  return pass;
}

function numRowsOf(train: TrainingRows): number {
  return train.kind === "drawn" ? train.numRows : train.rows.numRows;
}

function lossOf(
  loss: NetOptions["loss"],
  scores: Float32Array,
  { labels, weights }: Pick<FeatureRows, "labels" | "weights">,
): number {
  let [sum, total] = [0, 0];
  scores.forEach((score, r) => {
    const weight = weights ? weights[r]! : 1;
    sum += weight * rowLoss(loss, score, labels[r]!);
    total += weight;
  });
  return sum / total;
}

/** Training divided labels by a scale: multiplies the output layer and the wide part, whose sum is the score. */
function inLabelUnits(parameters: NamedArrays, scale: number): NamedArrays {
  if (scale === 1) return parameters;
  const scaled = (name: string) => (parameters[name] as Float32Array).map((x) => x * scale);
  const last = ["output.weight", "output.bias", "wide"].filter((name) => Object.hasOwn(parameters, name));
  return { ...parameters, ...Object.fromEntries(last.map((name) => [name, scaled(name)])) };
}

export async function learnNet(
  { space, counts, train, valid, start, controls, ...labels }: LearnerInput<NetStart>,
  options: NetOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const model = await trainNet(
    {
      ...{ space, counts, train },
      ...(valid && { valid, validate: validatorOf(labels) }),
      start,
      controls,
    },
    options,
    observe,
    signal,
  );
  const { epochs, bestEpoch, interrupted = false } = model;
  return {
    name: NET_MODEL,
    loss: options.loss,
    ...{ epochs, bestEpoch, interrupted },
    table: (of) => netTable(of, model),
    files: (of) => netModelFiles(of, model),
    score: (rows, { threads }) => scoreRows(space, model, rows, { threads }),
  };
}

/** Computes the AUC of the validation split, if it has both labels. */
function validatorOf({ task, labelRange }: Pick<LearnerInput, "task" | "labelRange">) {
  return (scores: Float32Array, { labels, weights }: FeatureRows): Pick<EpochEvent, "auc"> => {
    if (task !== "binary") return {};
    const { auc } = metricsOf("binary", scores, labels, { clip: labelRange, weights });
    return auc === undefined ? {} : { auc };
  };
}

// A training returns a network that predicts exactly like the factorization machine of its table if no epoch is better
// on the validation split, because vectors that overfit the network's training rows can make it worse than the machine.
//
//   embeddings, w0 and the wide part   the table's, 0 for keys that it lacks
//   dense layers                       contribute nothing: the output layer is 0
//   score                              the machine's score of x_0

/** Undefined if the table has no scores of its own, or the architecture has no place for its weights. */
function machineNetwork(
  plan: NetDesign,
  space: FeatureSpace,
  counts: Uint32Array,
  { table, kind, fallsBack = false }: NetStart,
): Pick<NetParameters, "shape" | "parameters"> | undefined {
  const { known, w, w0 } = table;
  if (!fallsBack || kind !== "table" || !w || w0 === undefined || plan.arch === "deep-crossing")
    return undefined;
  const parameters = initialParameters(plan, featureHashes(space), counts);
  const width = embeddingWidth(plan);
  known.forEach((isKnown, feature) => {
    if (!isKnown) parameters["embeddings"]!.fill(0, feature * width, (feature + 1) * width);
  });
  putTable(plan, space, parameters, table, { kind, labelScale: 1 });
  parameters["output.weight"]!.fill(0);
  return { shape: { ...plan, machine: true }, parameters };
}

/** Compares by the stopping metric with the network's best epoch. */
function isMachineBetter(
  scores: Float32Array,
  valid: FeatureRows,
  kept: EpochEvent | undefined,
  metric: StoppingMetric | { name: "validLoss"; better: "lower"; of: StoppingMetric["of"] },
): boolean {
  if (!kept) return true;
  const own = Number(new Map<string, unknown>(Object.entries(kept)).get(metric.name));
  const machine = metric.of(scores, valid);
  return metric.better === "lower" ? machine < own : machine > own;
}
