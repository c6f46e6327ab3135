// Training of two towers.
//
//   examples ──► machine (rows, layers, events, threads) ──► epochs with periodic validation ──► the best epoch's model
//
// Sources and deviations are in docs/algorithms/two-tower.md.

import { areFinite } from "../../base/numeric/indices.js";
import { BlockStore } from "../../base/io/block-store.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { draw } from "../../base/numeric/random.js";
import { degreeItemVectors } from "../shared/factor-model/degree-vectors.js";
import type { TowerShape } from "../../compute/kernels/two-tower/binding.js";
import { noTowerEvents } from "../../compute/kernels/two-tower/inputs.js";
import {
  runEpochs,
  diverged,
  cosineRate,
  type Steered,
  type Controls,
  type EpochEvent,
  type EpochsDone,
} from "../../training/epochs/epoch-loop.js";
import { prefixed, unprefixed, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { sharedNoise } from "../../dataset/sampling/noise-distribution.js";
import { listMetric } from "../../training/shared-options/passes.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import type { TowerExamples } from "./examples.js";
import { TowersMachine } from "./machine.js";
import { firstLayers, networkOf } from "./network.js";
import type { TwoTowerOptions } from "./options.js";
import { firstVectors } from "./rows.js";
import { putStart, type TowersStart } from "./warm-start.js";
import { storedScorer, storedTable } from "../shared/factor-model/stored-vectors.js";
import type { LearnerInput, Trained } from "../../training/session/feature-training.js";
import { encodeAll, machineRanker } from "./encode-users.js";
import { modelFiles, towerTables } from "./model.js";
import { TWO_TOWER_MODEL } from "./names.js";

interface TowersInput {
  space: FeatureSpace;
  /** u32[numFeatures]: number of training events with each feature */
  counts: Uint32Array;
  examples: TowerExamples;
  /** ranking metrics of the current parameters on the validation split; absent without such a split */
  validate?: (machine: TowersMachine) => Promise<Record<string, number>>;
  start?: TowersStart;
  controls?: Controls;
  /** path next to which temporary files are created */
  beside: string;
}

function shapeOf({ towers: { rows, partitions } }: TowerExamples, options: TwoTowerOptions): TowerShape {
  return networkOf(options, {
    user: partitions.numHistories + rows.context.rowEnds.length - 1,
    item: rows.side.fields.length,
  });
}

async function startMachine(
  input: TowersInput,
  options: TwoTowerOptions,
  signal: AbortSignal | undefined,
): Promise<TowersMachine> {
  const first = await firstParameters(input, options, signal);
  const { source, towers } = input.examples;
  const { rows, side, partitions } = towers;
  const { numRows, numItems, firstHistoryRow, context } = rows;
  const data = {
    ...{ numRows, numItems, firstHistoryRow },
    ...noTowerEvents(partitions.numHistories, context.rowEnds),
    ...{ side, mostUserRows: partitions.mostUserRows },
    ...sharedNoise(source.counts, options),
  };
  const machine = await TowersMachine.start(data, shapeOf(input.examples, options), options, partitions);
  machine.load(first);
  return machine;
}

async function firstParameters(
  { space, counts, examples, start, beside }: TowersInput,
  options: TwoTowerOptions,
  signal: AbortSignal | undefined,
): Promise<Record<string, Float32Array>> {
  const { rows } = examples.towers;
  const shape = shapeOf(examples, options);
  const vectors = firstVectors(space, rows, counts, options);
  if (options.start === "svd" && !start) await startFromSvd(vectors, examples, beside, options, signal);
  const first: Record<string, Float32Array> = { vectors, ...firstLayers(shape, options.seed) };
  if (!shape.cosine) first["biases"] = new Float32Array(rows.numItems);
  if (start) putStart(first, rows, space, start, options.dim);
  return first;
}

/** Rows of items, as candidates and in histories. */
async function startFromSvd(
  vectors: Float32Array,
  { source: { history, items }, towers: { rows, partitions } }: TowerExamples,
  beside: string,
  { dim, seed, threads }: TwoTowerOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { firstHistoryRow } = rows;
  const store =
    partitions.numEvents.length > 1 ? new BlockStore(beside, partitions.store.bytesFree) : undefined;
  const found = await degreeItemVectors(history, items.size, { dim, seed, threads, store }, signal);
  for (let item = 0; item < items.size; item++) {
    const v = found.subarray(item * dim, (item + 1) * dim);
    if (v.every((x) => x === 0)) continue;
    vectors.set(v, item * dim);
    if (firstHistoryRow > 0) vectors.set(v, (firstHistoryRow + item) * dim);
  }
}

async function trainEpochs(
  machine: TowersMachine,
  { examples: { towers }, validate, controls = {} }: TowersInput,
  options: TwoTowerOptions,
  observe: (event: EpochEvent) => void,
): Promise<EpochsDone & { parameters: NamedArrays }> {
  const { epochs: most, seed, shuffle, evaluateEvery } = options;
  const numEvents = towers.partitions.numEvents.reduce((sum, count) => sum + count, 0);
  let kept: NamedArrays | undefined;
  const training: Steered = {
    async epoch(epoch) {
      const began = performance.now();
      const order = draw(seed, epoch);
      const rateAt = (share: number) => cosineRate(options.learningRate, (epoch - 1 + share) / most);
      const how = { key: shuffle ? order : undefined, negativeKey: draw(order, 1), epoch };
      const trainLoss = (await machine.train(how, rateAt)) / numEvents;
      const rowsPerSecond = (numEvents / (performance.now() - began)) * 1000;
      if (!Number.isFinite(trainLoss)) throw lost("the training loss is not finite", epoch, options);
      const validates = validate !== undefined && (epoch % evaluateEvery === 0 || epoch === most);
      const metrics = validates ? await validate(machine) : {};
      const stoppingValue = validates ? (metrics[listMetric(options)] ?? 0) : null;
      return {
        event: { trainLoss, ...metrics, rowsPerSecond },
        stoppingValue: validate ? stoppingValue : undefined,
      };
    },
    keep(epoch) {
      kept = machine.parameters();
      const isFinite = Object.values(kept).every((array) => areFinite(array as Float32Array));
      if (!isFinite) throw lost("a parameter is not finite", epoch, options);
    },
    save(withKept) {
      return { ...machine.state(), ...(withKept && kept && prefixed(KEPT, kept)) };
    },
    restore(arrays) {
      machine.restore(arrays);
      if (arrays[`${KEPT}vectors`]) kept = unprefixed(KEPT, arrays);
    },
    terminate: () => machine.terminate(),
    threadsInUse: () => machine.threadsInUse,
    better: "higher",
    validates: validate !== undefined,
  };
  const done = await runEpochs(training, options, controls, observe);
  return { parameters: kept!, ...done };
}

/** Prefix of the arrays of the best epoch in a checkpoint. */
const KEPT = "kept ";

function lost(what: string, epoch: number, options: TwoTowerOptions) {
  return diverged(what, epoch, options, "or a larger --temperature");
}

/** Trains by Adam. The same input, options and seed give the same bytes at any number of threads. */
export async function learnTowers(
  { space, counts, ranking, start, controls, memory }: LearnerInput<TowersStart>,
  options: TwoTowerOptions,
  observe: (event: EpochEvent) => void,
  signal?: AbortSignal,
): Promise<Trained> {
  const examples = ranking?.examples as TowerExamples | undefined;
  if (!examples?.towers || !memory) throw new RangeError("two towers are learned from histories");
  const { towers } = examples;
  const { beside } = memory;
  const validate = ranking?.validate;
  const rankerOf = validate && machineRanker(towers, options.dim);
  const input: TowersInput = {
    ...{ space, counts, examples, start, controls, beside },
    ...(rankerOf && { validate: (machine) => validate(rankerOf(machine)) }),
  };
  signal?.throwIfAborted();
  const machine = await startMachine(input, options, signal);
  const { parameters, ...result } = await withMachine(machine, signal, () =>
    trainEpochs(machine, input, options, observe),
  );
  const encoded = { space, counts, towers, start, beside };
  const model = await encodeAll(parameters, encoded, shapeOf(examples, options), options, signal);
  return {
    ...storedScorer(model),
    ...{ name: TWO_TOWER_MODEL, loss: "logistic", ...result },
    table: () => storedTable(space, model),
    moreTables: () => towerTables(space, towers, options, parameters, start),
    files: () => modelFiles(space, towers, options, parameters, model.vectorOf),
  };
}
