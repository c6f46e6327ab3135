// Training of two towers.
//
//   examples ──► machine (rows, layers, events, threads) ──► epochs with periodic validation ──► the best epoch's model
//
// Sources and deviations are in docs/algorithms/two-tower.md.

import { areFinite } from "../../numeric/indices.js";
import type { FeatureSpace } from "../../dataset/vocabulary/vocabulary.js";
import { draw } from "../../numeric/random.js";
import { degreeVectors } from "../../factors/degree-vectors.js";
import {
  runEpochs,
  diverged,
  cosineRate,
  type Steered,
  type Controls,
  type EpochEvent,
} from "../../training/epochs/epoch-loop.js";
import { prefixed, unprefixed, type NamedArrays } from "../../training/epochs/named-arrays.js";
import type { NegativeSource } from "../../sampling/negatives.js";
import { sharedNoise } from "../../sampling/noise-distribution.js";
import { listMetric } from "../../training/options/lists.js";
import { withMachine } from "../../workers/with-machine.js";
import type { TowerExamples } from "./examples.js";
import { TowersMachine } from "./machine.js";
import { firstLayers, networkOf } from "./network.js";
import type { TwoTowerOptions } from "./options.js";
import { firstVectors } from "./rows.js";
import { putStart, type TowersStart } from "./warm-start.js";

export interface TowersInput {
  space: FeatureSpace;
  /** u32[numFeatures]: number of training events with each feature */
  counts: Uint32Array;
  examples: TowerExamples;
  /** returns the ranking metrics of vectors on the validation split; absent if there is no such split */
  validate?: (vectors: TowerVectors) => Promise<Record<string, number>>;
  /** initial parameters of a warm start */
  start?: TowersStart;
  controls?: Controls;
}

/** Vectors of users and items, and biases of items, by which items are scored. */
export interface TowerVectors {
  /** f32[numUsers * dim]: vectors of users; f32[numItems * dim]: vectors of items; normalized if scores are cosines */
  users: Float32Array;
  items: Float32Array;
  /** bias of each item, f32[numItems]; absent if scores are cosines */
  biases?: Float32Array;
}

export interface TowersResult extends TowerVectors {
  /** all parameters, by the names that the kernel's machine gives them */
  parameters: NamedArrays;
  bestEpoch: number;
  epochs: EpochEvent[];
  interrupted: boolean;
}

/**
 * Trains by Adam. The same input, options and seed give the same bytes at any number of threads.
 *
 * @param observe called after every epoch
 * @param signal   stops the training promptly; the promise then rejects with its reason
 * @throws {UsageError} the parameters do not fit into 4 GiB
 * @throws {DivergedError} a loss or a parameter became NaN or infinite
 */
export async function trainTowers(
  input: TowersInput,
  options: TwoTowerOptions,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<TowersResult> {
  signal?.throwIfAborted();
  const { space, counts, start } = input;
  const { source, towers } = input.examples;
  const { rows, before, side } = towers;
  const shape = networkOf(options, {
    user: before.histories.length + rows.context.rowEnds.length - 1,
    item: rows.side.fields.length,
  });
  const vectors = firstVectors(space, rows, counts, options);
  if (options.start === "svd" && !start)
    await startFromSvd(vectors, source, rows.firstHistoryRow, options, signal);
  const first: Record<string, Float32Array> = { vectors, ...firstLayers(shape, options.seed) };
  if (!shape.cosine) first["biases"] = new Float32Array(rows.numItems);
  if (start) putStart(first, rows, space, start, options.dim);
  const data = {
    ...{ numRows: rows.numRows, numItems: rows.numItems, firstHistoryRow: rows.firstHistoryRow },
    ...before,
    side,
    ...{ users: towers.users, items: towers.items, taken: source.history },
    weights: towers.weights,
    ...sharedNoise(source.counts, options),
  };
  const machine = await TowersMachine.start(data, shape, options);
  return await withMachine(machine, signal, () => {
    machine.load(first);
    return trainEpochs(machine, input, options, observe);
  });
}

/** Initializes the rows of items, as candidates and in histories, by singular vectors. */
async function startFromSvd(
  vectors: Float32Array,
  { history, items }: NegativeSource,
  firstHistoryRow: number,
  { dim, seed, threads }: TwoTowerOptions,
  signal: AbortSignal | undefined,
): Promise<void> {
  const found = await degreeVectors(history, items.size, { dim, seed, threads }, signal);
  for (let item = 0; item < items.size; item++) {
    const v = found.items.subarray(item * dim, (item + 1) * dim);
    if (v.every((x) => x === 0)) continue;
    vectors.set(v, item * dim);
    if (firstHistoryRow > 0) vectors.set(v, (firstHistoryRow + item) * dim);
  }
}

async function trainEpochs(
  machine: TowersMachine,
  { examples: { towers, source }, validate, controls = {} }: TowersInput,
  options: TwoTowerOptions,
  observe: (event: EpochEvent) => void,
): Promise<TowersResult> {
  const { epochs: most, seed, shuffle, evaluateEvery } = options;
  const numEvents = towers.items.length;
  /** vectors after the current epoch, which are computed when they are first needed */
  let now: TowerVectors | undefined;
  const vectorsNow = async (): Promise<TowerVectors> => {
    if (now) return now;
    const biases = machine.biases();
    now = {
      users: await machine.users(towers.newest, source.users.size),
      items: await machine.items(),
      biases,
    };
    return now;
  };
  let kept: (TowerVectors & { parameters: NamedArrays }) | undefined;
  const training: Steered = {
    async epoch(epoch) {
      const began = performance.now();
      const order = draw(seed, epoch);
      const rateAt = (share: number) => cosineRate(options.learningRate, (epoch - 1 + share) / most);
      const how = { key: shuffle ? order : undefined, negativeKey: draw(order, 1), epoch };
      now = undefined;
      const trainLoss = (await machine.train(how, rateAt)) / numEvents;
      const rowsPerSecond = (numEvents / (performance.now() - began)) * 1000;
      if (!Number.isFinite(trainLoss)) throw lost("the training loss is not finite", epoch, options);
      const validates = validate !== undefined && (epoch % evaluateEvery === 0 || epoch === most);
      const metrics = validates ? await validate(await vectorsNow()) : {};
      const stoppingValue = validates ? (metrics[listMetric(options)] ?? 0) : null;
      return {
        event: { trainLoss, ...metrics, rowsPerSecond },
        stoppingValue: validate ? stoppingValue : undefined,
      };
    },
    async keep(epoch) {
      kept = { ...(await vectorsNow()), parameters: machine.parameters() };
      const isFinite = Object.values(kept.parameters).every((array) => areFinite(array as Float32Array));
      if (!isFinite) throw lost("a parameter is not finite", epoch, options);
    },
    save(withKept) {
      if (!withKept || !kept) return machine.state();
      const { users, items, parameters } = kept;
      return { ...machine.state(), ...prefixed(KEPT, { ...parameters, users, items }) };
    },
    restore(arrays) {
      machine.restore(arrays);
      if (arrays[`${KEPT}users`]) kept = restoreKept(arrays);
    },
    terminate: () => machine.terminate(),
    threadsInUse: () => machine.threadsInUse,
    better: "higher",
    validates: validate !== undefined,
  };
  const done = await runEpochs(training, options, controls, observe);
  return { ...kept!, ...done };
}

/** Prefix of the arrays of the best epoch in a checkpoint. */
const KEPT = "kept ";

function lost(what: string, epoch: number, options: TwoTowerOptions) {
  return diverged(what, epoch, options, "or a larger --temperature");
}

/** Returns the best epoch's vectors and parameters from the arrays of a checkpoint. */
function restoreKept(arrays: NamedArrays): TowerVectors & { parameters: NamedArrays } {
  const { users, items, ...parameters } = unprefixed(KEPT, arrays) as Record<string, Float32Array>;
  return { users: users!, items: items!, biases: parameters["biases"], parameters };
}
