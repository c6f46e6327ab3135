// The training of implicit feedback: each epoch solves the vectors of the users, then those of the items, while the
// others are fixed.
//
//   events ──► machine (vectors of both sides, threads) ──► epochs ──► vectors
//
// Source: Hu, Koren and Volinsky 2008 (doi:10.1109/ICDM.2008.22), Rendle et al. 2021 (arXiv:2110.14037). Equations and
// deviations: docs/algorithms/implicit.md.

import { DataError, DivergedError } from "../../base/errors.js";
import type { SparseRows } from "../../compute/kernels/als/binding.js";
import { withMachine } from "../../compute/threads/with-machine.js";
import { pow } from "../../base/numeric/exp.js";
import { mapTo } from "../../base/numeric/indices.js";
import { featureKey } from "../../base/numeric/initial.js";
import { signedDraw } from "../../base/numeric/random.js";
import { columnSums, rowSums, type FieldFeatures } from "../../dataset/sequences/interactions.js";
import type { RowRange } from "../../table/table.js";
import type { Controls, EpochEvent } from "../../training/epochs/epoch-loop.js";
import type { LearnerInput } from "../../training/session/feature-training.js";
import {
  noteDisk,
  trainStored,
  type KeptState,
  type StoreInput,
} from "../shared/factor-model/stored-training.js";
import type { StoredResult, StoredVectors } from "../shared/factor-model/stored-vectors.js";
import {
  ResidentMachine,
  withoutPadding,
  type AlsMachine,
  type ItemVectors,
  type SideName,
} from "./machine.js";
import { heldBytes, isStreamed } from "./memory.js";
import type { AlsOptions, ImplicitOptions } from "./options.js";
import { StreamedMachine } from "./streamed-machine.js";

/** Root mean square length of an item's first vector: a dimension has a standard deviation of this / sqrt(dim). */
const FIRST_LENGTH = 0.1;

export interface ImplicitInput
  extends Partial<Pick<StoreInput, "validate" | "note">>, Pick<LearnerInput, "memory"> {
  /** events grouped by user; values are confidences, which are 1 when absent */
  users: SparseRows;
  /** ranges of the features of users and items, and number of features */
  user: FieldFeatures;
  item: FieldFeatures;
  numFeatures: number;
  /** u32[numItems][2]: hash of each item's key, from which the item's first vector is generated */
  itemHashes: Uint32Array;
  /**
   * first vectors of users and items that the run of --init has; if `freezes` is true, all of them keep these vectors,
   * otherwise only those without events
   */
  start?: Record<SideName, StartSide> & { freezes: boolean };
  controls?: Controls | undefined;
}

export interface StartSide {
  /** u8[numRows]: 1 for rows whose key the run of --init contains */
  known: Uint8Array;
  /** f32[numRows * dim]: vectors of known rows; 0 for other rows */
  vectors: Float32Array;
}

/**
 * Factorizes users x items by alternating least squares, with a small weight for pairs without events. If the vectors
 * and events exceed --max-memory, users are read block by block from a store; the bytes do not depend on it.
 * `input.users` loses its events once the machine has them.
 *
 * The same input, options and seed give the same bytes at any number of threads. With `validate` and a patience above
 * 0, training stops after that many epochs without improvement and returns the vectors of the best epoch; otherwise it
 * returns those of the last epoch.
 *
 * @param signal ends the training promptly; the promise rejects with its reason
 * @throws {DataError} there are no events
 * @throws {UsageError} the vectors do not fit 4 GiB
 * @throws {DivergedError} the loss is no longer finite
 * @throws {IoError} the disk is full
 * @throws {ArtifactError} the vectors on disk were truncated or changed
 */
export async function trainImplicit(
  input: ImplicitInput,
  options: ImplicitOptions & Pick<AlsOptions, "k" | "metric">,
  observe: (event: EpochEvent) => void = () => undefined,
  signal?: AbortSignal,
): Promise<StoredResult> {
  signal?.throwIfAborted();
  const { users, user, item, start, numFeatures, memory, validate, note, controls } = input;
  const numEvents = users.indices.length;
  if (numEvents === 0) throw new DataError("no events with a known user and item");
  const { dim, threads } = options;
  const mass = { users: rowSums(users), items: columnSums(users, item.count) };
  const penalties = {
    users: penaltiesOf(mass.users, item.count, options),
    items: penaltiesOf(mass.items, mass.users.length, options),
  };
  // gives rows that are not trained a penalty below 0
  const knownRows = (name: SideName) => {
    const isFirst = start && startFrom(start, name, penalties[name], mass[name]);
    return isFirst && Uint8Array.from(mass[name], (_, row) => Number(isFirst(row)));
  };
  const known = { users: knownRows("users"), items: knownRows("items") };
  const shape = { dim, threads, users, numItems: item.count, penalties };
  const size = { numUsers: mass.users.length, numItems: item.count, numEvents };
  const isFromStore = memory && isStreamed(size, dim, memory.most);
  const machine = isFromStore
    ? await StreamedMachine.start({
        ...shape,
        beside: memory.beside,
        maxMemory: Math.max(
          0,
          memory.most - heldBytes({ ...size, numFeatures, dim, isStored: memory.isStored }),
        ),
      })
    : await ResidentMachine.start(shape);
  // frees the events, of which the machine has a copy
  Object.assign(users, { indices: new Uint32Array(), values: undefined });
  return await withMachine(machine, signal, async () => {
    const itemRows = machine.arena.f32(machine.items);
    const valueOf = firstValue(input.itemHashes, mass.items, options);
    for (let i = 0; i < item.count; i++)
      for (let d = 0; d < dim; d++)
        itemRows[i * machine.D + d] = known.items?.[i] ? start!.items.vectors[i * dim + d]! : valueOf(i, d);
    if (known.users) await setUsers(machine, dim, known.users, start!.users.vectors);
    if (isFromStore) noteDisk(machine.store, machine.sizes.numPartitions, { maxMemory: memory.most, note });
    const solve = solvingEpochs(machine, mass.users, options);
    const w = new Float32Array(numFeatures);
    const epochs = {
      numEvents,
      train: async (epoch: number) => ({ trainLoss: await solve(epoch) }),
      modelOf: (kept: KeptState<ItemVectors>) => storedVectors(machine, kept, { dim, w, user, item }),
    };
    return (await trainStored(machine, epochs, { validate, controls }, options, observe)).result;
  });
}

/** Stores the initial vectors of known users. @param vectors f32[numUsers * dim] */
async function setUsers(machine: AlsMachine, dim: number, known: Uint8Array, vectors: Float32Array) {
  const { starts, D, sizes } = machine;
  for (let block = 0; block + 1 < starts.length; block++) {
    const rows = new Float32Array(sizes.length);
    for (let user = starts[block]!; user < starts[block + 1]!; user++)
      if (known[user]) rows.set(vectors.subarray(user * dim, (user + 1) * dim), (user - starts[block]!) * D);
    await machine.setPartition(block, new Uint32Array(rows.buffer));
  }
}

/** Returns the model, whose users' vectors are read from the block store; it has only features of users and items. */
function storedVectors(
  { rows, starts, D, sizes }: AlsMachine,
  { state: { items }, places }: KeptState<ItemVectors>,
  { dim, w, user, item }: { dim: number; w: Float32Array; user: FieldFeatures; item: FieldFeatures },
): StoredVectors {
  const isUser = (feature: number) => feature >= user.first && feature < user.first + user.count;
  // the last block that does not begin after the user
  const blockOf = (id: number): number => {
    let [low, high] = [0, starts.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts[middle]! <= id) low = middle;
      else high = middle;
    }
    return low;
  };
  const vectorsOf = ({ first, last }: RowRange): Float32Array => {
    if (!isUser(first)) return items.slice((first - item.first) * dim, (last - item.first) * dim);
    const vectors = new Float32Array((last - first) * dim);
    const [begin, end] = [first - user.first, last - user.first];
    for (let block = blockOf(begin), id = begin; id < end; block++) {
      const next = Math.min(end, starts[block + 1]!);
      const padded = new Float32Array((next - id) * D);
      rows.readPart(block, (id - starts[block]!) * D, new Uint32Array(padded.buffer), places);
      vectors.set(withoutPadding(padded, D, dim), (id - begin) * dim);
      id = next;
    }
    return vectors;
  };
  return {
    ...{ dim, w, vectorsOf },
    vectorOf: (feature) => vectorsOf({ first: feature, last: feature + 1 }),
    async check() {
      const numbers = new Uint32Array(sizes.length);
      for (let block = 0; block + 1 < starts.length; block++) await rows.read(block, numbers, places);
    },
  };
}

/**
 * Returns the function that trains an epoch and returns its loss: the objective without its penalties, divided by the
 * sum of all confidences.
 *
 * @param mass f64[numUsers]: sum of each user's confidences
 */
function solvingEpochs(
  solver: Pick<AlsMachine, "itemGram" | "solveUsers" | "solveItems">,
  mass: Float64Array,
  { unobservedWeight }: ImplicitOptions,
): (epoch: number) => Promise<number> {
  const total = mass.reduce((sum, c) => sum + c, 0);
  const scaled = (gram: Float64Array) => gram.map((g) => unobservedWeight * g);
  let itemGram: Float64Array | undefined;
  return async (epoch) => {
    itemGram ??= await solver.itemGram();
    const userGram = await solver.solveUsers(scaled(itemGram));
    const observed = await solver.solveItems(scaled(userGram));
    const gram = await solver.itemGram();
    itemGram = gram;
    // the sum of s^2 over all pairs is the inner product of the Gram matrices of users and items
    const all = userGram.reduce((sum, g, i) => sum + g * gram[i]!, 0);
    const trainLoss = (observed + unobservedWeight * all) / total;
    if (Number.isFinite(trainLoss)) return trainLoss;
    throw new DivergedError(
      `the training loss is not finite in epoch ${epoch}: try a larger --l2-vector, or smaller weights`,
    );
  };
}

/**
 * Returns whether a row starts from its vector in the run of --init. A penalty below 0 marks a row that is not trained:
 * frozen rows, and rows without events in the log. A known row that is all zero was never trained and starts as a new
 * one, unless it is frozen.
 *
 * @param penalties changed by the returned function
 */
function startFrom(
  start: NonNullable<ImplicitInput["start"]>,
  name: SideName,
  penalties: Float32Array,
  mass: Float64Array,
): (row: number) => boolean {
  const { known, vectors } = start[name];
  const dim = vectors.length / known.length;
  return (row) => {
    if (!known[row]) return false;
    const stays = start.freezes || mass[row] === 0;
    if (stays) penalties[row] = -1;
    return stays || vectors.subarray(row * dim, (row + 1) * dim).some((v) => v !== 0);
  };
}

/**
 * Returns f32[numRows]: the penalty p = l2 (sum of the row's confidences + a numOthers)^exponent, where a is the weight
 * of a pair without events, and numOthers the number of rows on the other side. Rendle et al. 2021 (arXiv:2110.14037),
 * eq. 4.
 */
function penaltiesOf(
  mass: Float64Array,
  numOthers: number,
  { l2Vector, l2Exponent, unobservedWeight }: ImplicitOptions,
): Float32Array {
  return mapTo(Float32Array, mass, (c) => l2Vector * pow(c + unobservedWeight * numOthers, l2Exponent));
}

/**
 * Draws the first vectors of the items: uniform with the standard deviation FIRST_LENGTH / sqrt(dim), by a hash of the
 * item's key; an item without events gets zeros.
 */
function firstValue(
  hashes: Uint32Array,
  mass: Float64Array,
  { dim, seed }: ImplicitOptions,
): (item: number, d: number) => number {
  const spread = FIRST_LENGTH * Math.sqrt(3 / dim);
  const keys = Uint32Array.from(mass, (_, item) => featureKey(seed, hashes, item));
  return (item, d) => (mass[item] === 0 ? 0 : signedDraw(keys[item]!, d) * spread);
}
