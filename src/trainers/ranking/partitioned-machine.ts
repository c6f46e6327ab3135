// Trains a ranking model one partition of users after another (compute/kernels/ranking/partitions.ts). The rows of all items
// and of two partitions are in the kernel's memory, those of the other partitions in a store, which is in memory or on
// disk.
//
//   store ──► slot 0: trained      │ meanwhile: slot 1 ──► store, store ──► slot 1 │      slot 1: trained ...
//
// The rows of the best epoch remain in the store: a partition that is trained later is written to another block.

import type { BlockStore } from "../../base/io/block-store.js";
import {
  allocateRanking,
  membershipsOf,
  setRankingRate,
  strataGroups,
  takeRankingLoss,
  type RankingData,
  type RankingKernel,
  type RankingLayout,
  type RankingShape,
} from "../../compute/kernels/ranking/binding.js";
import {
  allocateSlot,
  partitionSections,
  rankingRowBytes,
  useSlot,
  type Partitions,
  type PartitionSizes,
  type PartitionSlot,
} from "../../compute/kernels/ranking/partitions.js";
import { NO_ITEM } from "../../compute/kernels/top-items/binding.js";
import { groupStarts, orderByGroup } from "../../base/numeric/groups.js";
import { draw, permutation } from "../../base/numeric/random.js";
import type { FactorStart } from "../shared/factor-model/warm-start.js";
import { floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { ThreadedKernel } from "../../compute/threads/threaded-kernel.js";
import { NONE } from "../../training/warm-start/carried-keys.js";
import { RankingRows, strataRounds } from "./machine.js";
import { KeptRows } from "../shared/factor-model/kept-rows.js";
import type { RankingInput } from "./train.js";

/** Counters of draws with an epoch's random key: the order of the partitions, and the random key of each turn. */
const [ORDER, KEYS] = [0xfffffffb, 0xfffffffa];

/**
 * Number of turns of each partition in an epoch; each turn trains on a part of its events. With few turns, users learn
 * less from the changes that other users make to items: with 1, 2, 4 and 8 turns of ten partitions, Recall@20 on
 * gowalla's validation split after 40 epochs is .131, .134, .136 and .139; without partitions, it is .139. Eight turns
 * transfer twice as many bytes as four.
 */
const VISITS = 4;

/** A turn of a partition: training on a part of its events within an epoch. */
interface Visit {
  partition: number;
  /** number of the turn, from 0, and number of turns of the partition */
  visit: number;
  of: number;
  /** random key of the order of events and of the negatives */
  key: number;
}

interface FirstRows extends Pick<RankingInput, "featureHashes" | "counts"> {
  seed: number;
  spread: number;
  accumulator: number;
  start: FactorStart | undefined;
}

/** Rows and weights of all items, under the names that they have in checkpoints. */
export type ItemRows = Record<"items" | "weights", Float32Array>;

/** Threads, items and partitions of a training. The caller must call `terminate`, which ends the threads. */
export class PartitionedMachine extends ThreadedKernel<RankingKernel> {
  readonly partitions: Partitions;
  readonly rows: KeptRows;
  readonly #store: BlockStore;
  readonly #shape: RankingShape;
  readonly #layout: RankingLayout;
  readonly #laid: readonly Laid[];
  readonly #slots: readonly [PartitionSlot, PartitionSlot];
  readonly #hasWeights: boolean;
  readonly #shift: number;
  /** number of floats in a feature's row: its vector with padding, and its optimizer state */
  readonly stride: number;
  /** sum of squares of the vectors of each partition's users, as of its last turn in an epoch */
  readonly #squares: Float64Array;

  private constructor(
    data: RankingData,
    shape: RankingShape,
    partitions: Partitions,
    store: BlockStore,
    laid: readonly Laid[],
  ) {
    super();
    this.partitions = partitions;
    this.#shape = shape;
    this.#store = store;
    this.#laid = laid;
    this.#hasWeights = laid.some(({ sections }) => sections.historyEnds > sections.weights);
    const allEvents = laid.reduce((sum, { sizes }) => sum + sizes.numEvents, 0);
    const most = (numberOf: (one: Laid) => number) => Math.max(1, ...laid.map(numberOf));
    const numEvents = most(({ sizes }) => sizes.numEvents);
    this.#shift = shiftOf(laid);
    const { itemRows, rows, localRows, count } = partitions;
    const single = (ids: Uint32Array) => ({ width: 1, ids });
    this.#layout = allocateRanking(
      this.arena,
      {
        numFeatures: localRows,
        // the arrays of events and users contain nothing yet: they are read later, one partition of users at a time
        context: single(new Uint32Array(1)),
        templates: single(data.templates.ids.map((feature) => partitions.itemRow(feature))),
        users: new Uint32Array(1),
        items: new Uint32Array(numEvents),
        numItems: data.numItems,
        history: { indptr: new Uint32Array(rows + 1), items: new Uint32Array() },
        alias: data.alias,
        groups: strataGroups({ ...data, items: { length: Math.floor(allEvents / count / VISITS) } }),
      },
      shape,
    );
    const largest = { numbers: most(({ sections }) => sections.end), numEvents };
    this.#slots = [
      allocateSlot(this.arena, itemRows, largest),
      allocateSlot(this.arena, itemRows + rows, largest),
    ];
    this.stride = this.#layout.vectors.tables[0]!.stride / 4;
    this.#squares = new Float64Array(count);
    this.rows = new KeptRows(store, count);
  }

  /**
   * Writes the events to the store by partition, lays out the kernel's memory, starts the threads and draws the initial
   * vectors. `data` loses its events once the store has them.
   *
   * @param featureOfUser u32: feature of each user of the history; NONE for users without events
   * @throws {UsageError} the items and two partitions do not fit into one memory
   * @throws {IoError} the store cannot be written, for example because the disk is full
   */
  static async start(
    data: RankingData,
    shape: RankingShape,
    {
      partitions,
      featureOfUser,
      store,
    }: { partitions: Partitions; featureOfUser: Uint32Array; store: BlockStore },
    first: FirstRows,
  ): Promise<PartitionedMachine> {
    // events leave memory free for the vectors, which are read and written, while events are only read
    const rowBytes = partitions.count * partitions.rows * rankingRowBytes(shape.dim, shape.method);
    const laid = await storeEvents(data, partitions, featureOfUser, store, rowBytes);
    // frees the events, of which the store has a copy
    const none = new Uint32Array();
    const context = { width: 1, ids: none };
    Object.assign(data, { context, users: none, items: none, weights: undefined });
    const machine = new PartitionedMachine(data, shape, partitions, store, laid);
    await machine.begin("ranking", machine.#layout);
    await machine.#initialize(first);
    return machine;
  }

  /** Trains one epoch; parameters and result are those of RankingMachine.train. */
  async train(isShuffled: boolean, epochKey: number, rate: number): Promise<number> {
    setRankingRate(this.arena, this.#layout, rate);
    const order = this.#visits(epochKey);
    let loss = 0;
    if (order.length > 0) await this.#load(order[0]!.partition, 0);
    for (const [i, visit] of order.entries()) {
      const slot = i & 1;
      const training = this.#trainOne(visit, slot, isShuffled);
      const moving = this.#move(order[i - 1], order[i + 1], 1 - slot);
      await Promise.all([training, moving]);
      loss += takeRankingLoss(this.arena, this.#layout);
    }
    await this.#move(order.at(-1), undefined, (order.length - 1) & 1);
    return loss;
  }

  /** No partition has two consecutive turns; if only one partition has events, it has one turn. */
  #visits(epochKey: number): Visit[] {
    const partitions = Array.from(permutation(this.partitions.count, draw(epochKey, ORDER))).filter(
      (p) => this.#laid[p]!.sizes.numEvents > 0,
    );
    const of = partitions.length === 1 ? 1 : VISITS;
    const key = draw(epochKey, KEYS);
    return Array.from({ length: of }, (_, visit) =>
      partitions.map((partition) => ({ partition, visit, of, key: draw(draw(key, visit), partition) })),
    ).flat();
  }

  async #trainOne({ partition, visit, of, key }: Visit, slot: number, isShuffled: boolean): Promise<void> {
    const { sizes, sections } = this.#laid[partition]!;
    const { plan, strata } = this.#layout;
    const first = Math.floor((visit * sizes.numEvents) / of);
    const end = Math.floor(((visit + 1) * sizes.numEvents) / of);
    const how = { first, hasWeights: this.#hasWeights, shift: this.#shift };
    useSlot(this.arena, plan, this.#slots[slot]!, sections, how);
    await this.run(...strataRounds(plan, strata!.groups, end - first, key, isShuffled));
  }

  /** Writes the rows of the last turn from a slot, the memory of one partition, and reads those of the next turn. */
  async #move(last: Visit | undefined, next: Visit | undefined, slot: number): Promise<void> {
    if (last) await this.#save(last.partition, slot, last.visit === last.of - 1);
    if (next) await this.#load(next.partition, slot);
  }

  async #load(partition: number, slot: number): Promise<void> {
    const { firstRow, events, contexts } = this.#slots[slot]!;
    const { sizes, sections } = this.#laid[partition]!;
    const numbers = this.arena.u32(events).subarray(0, sections.end);
    await this.#store.read(eventsName(partition), numbers);
    const features = this.arena.u32(contexts);
    // an event without a user gets the out-of-vocabulary feature, which is the first feature of the user field
    const unknown = this.partitions.rowOf(this.partitions.users.first);
    for (let e = 0; e < sizes.numEvents; e++)
      features[e] = firstRow + (numbers[e] === NO_ITEM ? unknown : numbers[e]!);
    await this.rows.read(partition, this.#numbersOf(slot));
  }

  async #save(partition: number, slot: number, isMeasured = true): Promise<void> {
    const { firstRow } = this.#slots[slot]!;
    if (isMeasured)
      this.#squares[partition] = this.#features.squares(firstRow, firstRow + this.partitions.rows);
    await this.rows.write(partition, this.#numbersOf(slot));
  }

  /** Returns a view of the users' rows in a slot, u32. */
  #numbersOf(slot: number): Uint32Array {
    const from = this.#slots[slot]!.firstRow * this.stride;
    return this.arena
      .u32(this.#layout.vectors.region)
      .subarray(from, from + this.partitions.rows * this.stride);
  }

  get #features(): RankingRows {
    return new RankingRows(this.arena, this.#layout, this.#shape);
  }

  vectorNorm(): number {
    const items = this.#features.squares(0, this.partitions.itemRows);
    return Math.sqrt(this.#squares.reduce((sum, squares) => sum + squares, items));
  }

  /** Draws all rows; those of features that the warm start knows are replaced. */
  async #initialize({ featureHashes, counts, seed, spread, accumulator, start }: FirstRows): Promise<void> {
    const { itemRows, rows, localRows, count } = this.partitions;
    const hashes = this.arena.numbers("the hashes of the features", 2 * localRows);
    const numEvents = this.arena.numbers("the counts of the features", localRows);
    const drawRows = async (
      first: number,
      numRows: number,
      featureOf: (row: number) => number | undefined,
    ) => {
      const [ofHashes, ofCounts] = [this.arena.u32(hashes), this.arena.u32(numEvents)];
      const features = Array.from({ length: numRows }, (_, row) => featureOf(row));
      features.forEach((feature, row) => {
        ofCounts[first + row] = feature === undefined ? 0 : counts[feature]!;
        if (feature === undefined) return;
        ofHashes.set(featureHashes.subarray(2 * feature, 2 * feature + 2), 2 * (first + row));
      });
      const how = [hashes.offset, numEvents.offset, seed, spread, accumulator] as const;
      await this.run({
        deal: { first, end: first + numRows, size: Infinity, parts: this.numThreads },
        call: ["initialize", this.#layout.plan, "thread", "first", "end", ...how],
      });
      if (!start) return;
      const own = this.#features;
      for (const [row, feature] of features.entries())
        if (feature !== undefined) own.startFrom(start, feature, first + row);
    };
    const itemFeatures = new Uint32Array(itemRows).fill(NONE);
    for (let feature = 0; feature < this.partitions.numFeatures; feature++)
      if (!this.partitions.isUser(feature)) itemFeatures[this.partitions.itemRow(feature)] = feature;
    await drawRows(0, itemRows, (row) => (itemFeatures[row] === NONE ? undefined : itemFeatures[row]));
    for (let p = 0; p < count; p++) {
      await drawRows(itemRows, rows, (row) => this.partitions.featureOf(p, row));
      await this.#save(p, 0);
    }
  }

  /**
   * Number of floats of optimizer state per vector and per weight, and the index in a feature's row at which the state
   * of its vector begins.
   */
  get kept(): { vector: number; weight: number; from: number } {
    return { ...this.#layout.kept, from: 8 * this.#layout.slices };
  }

  get sizes(): { numPartitions: number; length: number } {
    return { numPartitions: this.partitions.count, length: this.partitions.rows * this.stride };
  }

  get state(): ItemRows {
    const { itemRows } = this.partitions;
    const of = (numbers: Float32Array, width: number) => numbers.slice(0, itemRows * width);
    return {
      items: of(this.arena.f32(this.#layout.vectors.region), this.stride),
      weights: of(this.arena.f32(this.#layout.weights), this.#layout.weightStride / 4),
    };
  }

  set state(arrays: NamedArrays) {
    const { items, weights } = this.state;
    this.arena.f32(this.#layout.vectors.region).set(floatsOf(arrays, "items", items.length));
    this.arena.f32(this.#layout.weights).set(floatsOf(arrays, "weights", weights.length));
  }

  async setPartition(p: number, numbers: Uint32Array): Promise<void> {
    this.#numbersOf(0).set(numbers);
    await this.#save(p, 0);
  }
}

/** The events of one partition in the store. */
interface Laid {
  sizes: PartitionSizes;
  sections: ReturnType<typeof partitionSections>;
}

const eventsName = (partition: number): string => `events ${partition}`;

/**
 * Returns the shift that turns a hash into a bit number of a partition's Bloom filter. The filters of all partitions
 * have the size that the partition with the most pairs needs.
 */
function shiftOf(laid: readonly { sizes: PartitionSizes }[]): number {
  return placesFor(Math.max(0, ...laid.map(({ sizes }) => sizes.numPairs))).shift;
}

function placesFor(numPairs: number): { shift: number; bits: number } {
  const none = { indptr: new Uint32Array(1), items: new Uint32Array() };
  const { bits, shift } = membershipsOf(none, numPairs);
  return { shift, bits: 32 * bits.length };
}

/** Maximum number of events that are sorted at a time; tests set another. */
export const sortedEvents = { most: 16 << 20 };

/**
 * Writes the events of each partition to the store; the events of a partition keep their order.
 *
 * @param featureOfUser u32: feature of each user of the history; NONE for users without events
 * @param reserved bytes of memory that the store keeps free for other blocks
 */
async function storeEvents(
  { users, items, weights, history }: Pick<RankingData, "users" | "items" | "weights" | "history">,
  partitions: Partitions,
  featureOfUser: Uint32Array,
  store: BlockStore,
  reserved: number,
): Promise<Laid[]> {
  const { count, rows } = partitions;
  const sourceUsers = new Uint32Array(partitions.users.count).fill(NONE);
  const partitionOf = new Uint32Array(featureOfUser.length);
  featureOfUser.forEach((feature, user) => {
    if (feature === NONE) return;
    sourceUsers[feature - partitions.users.first] = user;
    partitionOf[user] = partitions.partitionOf(feature);
  });
  // an event without a user has the out-of-vocabulary feature, the first of the users
  const partitionOfEvent = (e: number): number => (users[e] === NO_ITEM ? 0 : partitionOf[users[e]!]!);
  const ends = groupStarts(partitionOfEvent, items.length, count);
  /** Returns u32: the events of partitions first .. last - 1, sorted by partition. */
  const eventsOf = (first: number, last: number): Uint32Array =>
    orderByGroup((e) => partitionOfEvent(e) - first, items.length, ends.subarray(first, last + 1));

  const sourceOf = (p: number, row: number): number => {
    const feature = partitions.featureOf(p, row);
    return feature === undefined ? NONE : sourceUsers[feature - partitions.users.first]!;
  };
  const pairsOf = (user: number) => (user === NONE ? 0 : history.indptr[user + 1]! - history.indptr[user]!);
  const sizes = Array.from({ length: count }, (_, p): PartitionSizes => {
    let numPairs = 0;
    for (let row = 0; row < rows; row++) numPairs += pairsOf(sourceOf(p, row));
    return { numEvents: ends[p + 1]! - ends[p]!, numPairs };
  });
  const mostPairs = Math.max(0, ...sizes.map(({ numPairs }) => numPairs));
  const how = { rows, hasWeights: weights !== undefined, bits: placesFor(mostPairs).bits };
  const laid = sizes.map((size) => ({ sizes: size, sections: partitionSections(size, how) }));
  let [from, to] = [0, 0];
  let sorted: Uint32Array = new Uint32Array();
  // all partitions use one array: hundreds of dead ones would stay in memory until the garbage collector runs
  const longest = new Uint32Array(Math.max(0, ...laid.map(({ sections }) => sections.end)));
  for (const [p, { sections }] of laid.entries()) {
    if (p === to) {
      [from, to] = [p, p + 1];
      while (to < count && ends[to + 1]! - ends[from]! <= sortedEvents.most) to++;
      sorted = eventsOf(from, to);
    }
    const numbers = longest.subarray(0, sections.end).fill(0);
    const floats = new Float32Array(numbers.buffer);
    sorted.subarray(ends[p]! - ends[from]!, ends[p + 1]! - ends[from]!).forEach((e, i) => {
      numbers[i] = users[e] === NO_ITEM ? NO_ITEM : partitions.rowOf(featureOfUser[users[e]!]!);
      numbers[sections.items + i] = items[e]!;
      if (weights) floats[sections.weights + i] = weights[e]!;
    });
    const indptr = numbers.subarray(sections.historyEnds, sections.historyEnds + rows + 1);
    const pairs = numbers.subarray(sections.history, sections.memberships);
    for (let row = 0; row < rows; row++) {
      const user = sourceOf(p, row);
      indptr[row + 1] = indptr[row]! + pairsOf(user);
      if (user !== NONE)
        pairs.set(history.items.subarray(history.indptr[user], history.indptr[user + 1]), indptr[row]);
    }
    numbers.set(membershipsOf({ indptr, items: pairs }, mostPairs).bits, sections.memberships);
    await store.write(eventsName(p), numbers, reserved);
  }
  return laid;
}
