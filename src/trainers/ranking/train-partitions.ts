// The epoch loop of a ranking whose users are trained one partition after another. It returns the same kind of model as
// train.ts. Rows may be on disk; the bytes of the result do not depend on it.

import { areFinite } from "../../base/numeric/indices.js";
import { BlockStore } from "../../base/io/block-store.js";
import { numPartitions, Partitions, rankingRowBytes } from "../../compute/kernels/ranking/partitions.js";
import { sharesNegatives, type RankingData } from "../../compute/kernels/ranking/binding.js";
import type { OptimizerState } from "../../compute/kernels/fm/state.js";
import { draw } from "../../base/numeric/random.js";
import { noEvents, type RankingExamples } from "../../dataset/sampling/ranking-events.js";
import { diverged, type EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { FactorStart } from "../shared/factor-model/warm-start.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { isMatrix, rankingData, userFeatures } from "./data.js";
import { storeBudget } from "./memory.js";
import type { RankingOptions } from "./options.js";
import { PartitionedMachine, type ItemRows } from "./partitioned-machine.js";
import {
  vectorsInPartitions,
  type PartitionedModel,
  type StoredResult,
} from "../shared/factor-model/stored-vectors.js";
import {
  noteDisk,
  trainStored,
  type KeptState,
  type StoredEpochs,
  type StoreInput,
} from "../shared/factor-model/stored-training.js";
import { FIRST_SQUARES, rateOf, SPREAD, type RankingInput } from "./train.js";

interface PartitionedInput extends Omit<RankingInput, "validate">, StoreInput {
  /** range of the users' features */
  users: { first: number; count: number };
}

/** Returns the number of partitions of a training's users; 1 if the model is trained in one memory. */
export function partitionsFor(
  examples: RankingExamples,
  numUsers: number,
  { loss, layers, dim, optimizer }: Pick<RankingOptions, "loss" | "layers" | "dim" | "optimizer">,
): number {
  if (!isMatrix(examples) || sharesNegatives(loss) || layers > 0) return 1;
  return numPartitions(numUsers, rankingRowBytes(dim, optimizer));
}

/**
 * Trains a ranking model as trainRanking does, but in partitions of users.
 *
 * @param first initial parameters of known features
 * @throws {IoError} the disk is full
 * @throws {ArtifactError} the rows on disk were truncated or changed
 */
export async function trainPartitions(
  input: PartitionedInput,
  count: number,
  first: FactorStart | undefined,
  options: RankingOptions,
  observe: (event: EpochEvent) => void,
  signal: AbortSignal | undefined,
): Promise<StoredResult> {
  const numEvents = input.examples.train.items.length;
  const { machine, store } = await startMachine(input, count, first, options);
  noteDisk(store, count, input);
  return await withMachine(machine, signal, () =>
    trainEpochs(machine, input, numEvents, options, first, observe),
  );
}

/** Stores the events by partition, and the initial vectors. The examples lose their events. */
async function startMachine(
  { examples, numFeatures, users, featureHashes, counts, maxMemory, isStored, beside }: PartitionedInput,
  count: number,
  start: FactorStart | undefined,
  options: RankingOptions,
): Promise<{ machine: PartitionedMachine; store: BlockStore }> {
  const partitions = new Partitions(numFeatures, users, count);
  const rowBytes = rankingRowBytes(options.dim, options.optimizer);
  const sizes = {
    features: numFeatures,
    numItems: partitions.itemRows,
    numEvents: examples.train.items.length,
    isStored,
  };
  const store = new BlockStore(beside, storeBudget(sizes, { rowBytes, numUsers: users.count, maxMemory }));
  const data: RankingData = rankingData(numFeatures, examples, options);
  const shape = { ...options, method: options.optimizer, cosine: false, averages: options.averagePositives };
  const drawn = { seed: options.seed, spread: SPREAD, accumulator: FIRST_SQUARES };
  const how = { partitions, featureOfUser: userFeatures(examples), store };
  examples.train = noEvents();
  const firstRows = { featureHashes, counts, ...drawn, start };
  return { machine: await PartitionedMachine.start(data, shape, how, firstRows), store };
}

async function trainEpochs(
  machine: PartitionedMachine,
  input: PartitionedInput,
  numEvents: number,
  options: RankingOptions,
  first: FactorStart | undefined,
  observe: (event: EpochEvent) => void,
): Promise<StoredResult> {
  const { seed, shuffle, dim } = options;
  const { partitions, rows, stride } = machine;
  const modelOf = ({ state, places }: KeptState<ItemRows>): PartitionedModel => ({
    ...{ dim, partitions, stride, rows, places },
    itemRows: state.items,
    w: weightsOf(partitions, state.weights, 1 + machine.kept.weight, first, input.numFeatures),
  });
  const steps: StoredEpochs<ItemRows> = {
    numEvents,
    async train(epoch) {
      const order = draw(seed, epoch);
      const trainLoss =
        (await machine.train(shuffle, draw(order, 1), rateOf(options, epoch - 1))) / numEvents;
      if (!Number.isFinite(trainLoss)) throw diverged("the training loss is not finite", epoch, options);
      const vectorNorm = machine.vectorNorm();
      if (!Number.isFinite(vectorNorm)) throw diverged("vectors are not finite", epoch, options);
      return { trainLoss, vectorNorm };
    },
    modelOf: (kept) => vectorsInPartitions(modelOf(kept)),
    check(kept, epoch) {
      if (!areFinite(modelOf(kept).w)) throw diverged("a parameter is not finite", epoch, options);
    },
    threadsInUse: () => machine.threadsInUse,
  };
  const { result, kept } = await trainStored(machine, steps, input, options, observe);
  const keepsState = input.controls?.keepsState === true;
  return {
    ...result,
    optimizer: keepsState ? await optimizerOf(machine, modelOf(kept), kept, first) : undefined,
  };
}

/**
 * Returns the weights of all features, f32[numFeatures]; weights of users are not trained and keep their initial value.
 */
function weightsOf(
  partitions: Partitions,
  ofItems: Float32Array,
  width: number,
  first: FactorStart | undefined,
  numFeatures: number,
): Float32Array {
  const w = new Float32Array(numFeatures);
  for (let feature = 0; feature < numFeatures; feature++) {
    if (!partitions.isUser(feature)) w[feature] = ofItems[partitions.itemRow(feature) * width]!;
    else if (first?.known[feature]) w[feature] = first.w[feature]!;
  }
  return w;
}

async function optimizerOf(
  machine: PartitionedMachine,
  { partitions, rows, places, stride, itemRows }: PartitionedModel,
  { state }: KeptState<ItemRows>,
  first: FactorStart | undefined,
): Promise<OptimizerState> {
  const { vector, weight, from } = machine.kept;
  const { numFeatures } = partitions;
  const vectors = new Float32Array(numFeatures * vector);
  const w = new Float32Array(numFeatures * weight).fill(FIRST_SQUARES);
  const put = (feature: number, numbers: Float32Array, row: number) =>
    vectors.set(numbers.subarray(row * stride + from, row * stride + from + vector), feature * vector);
  for (let feature = 0; feature < numFeatures; feature++) {
    if (partitions.isUser(feature)) {
      if (first?.optimizer && first.known[feature])
        w.set(first.optimizer.w.subarray(feature * weight, (feature + 1) * weight), feature * weight);
      continue;
    }
    const row = partitions.itemRow(feature);
    put(feature, itemRows, row);
    w.set(state.weights.subarray(row * (1 + weight) + 1, (row + 1) * (1 + weight)), feature * weight);
  }
  const bits = new Uint32Array(partitions.rows * stride);
  const numbers = new Float32Array(bits.buffer);
  for (let p = 0; p < partitions.count; p++) {
    await rows.read(p, bits, places);
    for (let row = 0; row < partitions.rows; row++) {
      const feature = partitions.featureOf(p, row);
      if (feature !== undefined) put(feature, numbers, row);
    }
  }
  return { vectors, w, w0: 0 };
}
