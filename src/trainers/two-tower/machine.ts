// The two towers in shared memory, with the threads that train them and encode users and items.

import { ascending, mapTo } from "../../base/numeric/indices.js";
import {
  allocateTowers,
  setTowersSteps,
  takeTowersLoss,
  towersSteps,
  TOWER_EVENTS,
  type TowerData,
  type TowerLayout,
  type TowerLearning,
  type TowerShape,
  type TowersKernel,
} from "../../compute/kernels/two-tower/binding.js";
import {
  noTowerEvents,
  placeUsers,
  useTowerEvents,
  type TowerEvents,
  type TowerUsers,
} from "../../compute/kernels/two-tower/inputs.js";
import { placedDense, placedMoments, transposeWeights } from "../../compute/kernels/shared/dense.js";
import { GrowingArrays, type Region } from "../../compute/kernels/shared/memory.js";
import {
  type Placed,
  readArrays,
  readPlaced,
  wholeRegions,
  writeArrays,
} from "../../compute/kernels/shared/placed.js";
import { blockVisits, draw, permutation } from "../../base/numeric/random.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { ThreadedKernel } from "../../compute/threads/threaded-kernel.js";

const CHUNK = 65_536;
const CALL_ROWS = 1024;
/** Counter of the random key from which an epoch draws the order of the partitions. */
const ORDER = 0xfffffffd;

/** Events to learn from in partitions, one of which at a time is in the kernel's memory. */
export interface EventPartitions {
  /** number of events of each partition */
  numEvents: readonly number[];
  /** size of the largest partition in u32 numbers */
  mostNumbers: number;
  /** Reads a partition's numbers. @returns its events, as views of `into` */
  read: (partition: number, into: Uint32Array) => Promise<TowerEvents>;
}

/** Parameters, events and threads of the two towers. The caller must call `terminate`, which ends the threads. */
export class TowersMachine extends ThreadedKernel<TowersKernel> {
  readonly #shape: TowerShape;
  readonly #layout: TowerLayout;
  readonly #numEvents: readonly number[];
  readonly #numItems: number;
  readonly #growing: GrowingArrays;
  readonly #stored: { partitions: EventPartitions; region: Region } | undefined;
  #loaded: number | undefined;

  private constructor(
    data: TowerData,
    shape: TowerShape,
    learning: TowerLearning,
    partitions: EventPartitions | undefined,
  ) {
    super();
    this.#shape = shape;
    this.#layout = allocateTowers(this.arena, data, shape, learning);
    this.#numEvents = partitions?.numEvents ?? [data.items.length];
    this.#numItems = data.numItems;
    this.#growing = new GrowingArrays(this.arena, "the users");
    if (partitions) {
      const region = this.arena.numbers("the events of users", partitions.mostNumbers);
      this.#stored = { partitions, region };
    }
  }

  /**
   * @param partitions events that are read partition by partition; `data` then has none
   * @throws {UsageError} they do not fit into one memory
   */
  static async start(
    data: TowerData,
    shape: TowerShape,
    learning: TowerLearning,
    partitions?: EventPartitions,
  ): Promise<TowersMachine> {
    const machine = new TowersMachine(data, shape, learning, partitions);
    return await machine.begin("two-tower", machine.#layout);
  }

  /**
   * Starts threads that only encode users and items, without memory for learning.
   * @param rowEnds first vector row of each context field, and the end of the last
   */
  static async startEncoding(
    rows: Pick<TowerData, "numRows" | "numItems" | "firstHistoryRow" | "side">,
    { numHistories, rowEnds }: { numHistories: number; rowEnds: Uint32Array },
    shape: TowerShape,
    threads: number,
  ): Promise<TowersMachine> {
    const events = noTowerEvents(numHistories, rowEnds);
    const sizes = { batchSize: 256, negatives: 8, inBatch: false };
    const unused = { seed: 0, negativeWeight: 1, temperature: 1, l2: 0, dropout: 0 };
    return await TowersMachine.start({ ...rows, ...events }, shape, {
      ...{ threads, ...sizes, ...unused, trains: false },
    });
  }

  /**
   * Trains one epoch.
   *
   * @param key of the order of events; undefined keeps their order
   * @param negativeKey of the sampled negatives
   * @param epoch selects the units that dropout zeroes
   * @param rateAt learning rate at a fraction of the epoch
   * @returns the sum of the losses, each measured before its batch's step
   */
  async train(
    { key, negativeKey, epoch }: { key: number | undefined; negativeKey: number; epoch: number },
    rateAt: (share: number) => number,
  ): Promise<number> {
    const numBlocks = this.#numEvents.map((count) => Math.ceil(count / TOWER_EVENTS));
    const total = numBlocks.reduce((sum, count) => sum + count, 0);
    let done = 0;
    for (const partition of this.#visits(key)) {
      const count = numBlocks[partition]!;
      await this.#load(partition);
      const own = (of: number) => (partition === 0 ? of : draw(of, partition));
      const { order, keys } = blockVisits(count, key === undefined ? undefined : own(key));
      const rates = mapTo(Float32Array, { length: count }, (_, i) => rateAt((done + i) / total));
      const epochOf = [keys, own(negativeKey), own(epoch), rates] as const;
      await this.run({
        every: { end: this.#numEvents[partition]!, size: TOWER_EVENTS, order },
        call: ["trainEvents", this.#layout.plan, "thread", "index", "first", "count", ...epochOf],
      });
      done += count;
    }
    return takeTowersLoss(this.arena, this.#layout);
  }

  #visits(key: number | undefined): number[] {
    const count = this.#numEvents.length;
    const order = key === undefined ? ascending(count) : permutation(count, draw(key, ORDER));
    return [...order].filter((partition) => this.#numEvents[partition]! > 0);
  }

  async #load(partition: number): Promise<void> {
    if (!this.#stored || this.#loaded === partition) return;
    this.#loaded = undefined;
    const { partitions, region } = this.#stored;
    useTowerEvents(this.arena, this.#layout.plan, await partitions.read(partition, this.arena.u32(region)));
    this.#loaded = partition;
  }

  /** f32[numUsers * dim]; normalized if the similarity is the cosine. */
  async users(users: TowerUsers, numUsers: number): Promise<Float32Array> {
    const { dim } = this.#shape;
    const vectors = new Float32Array(numUsers * dim);
    const width = 8 * this.#layout.slices;
    for (let from = 0; from < numUsers; from += CHUNK) {
      const count = Math.min(CHUNK, numUsers - from);
      const target = this.#growing.put("vectors", new Float32Array(count * width));
      const at = placeUsers(this.arena, this.#growing, users, from, count);
      await this.run({
        deal: { end: count, size: CALL_ROWS },
        call: ["encodeUsers", this.#layout.plan, "thread", at, "first", "count", target],
      });
      this.#read("vectors", vectors, from, count);
    }
    return vectors;
  }

  /** f32[numItems * dim]; normalized if the similarity is the cosine. */
  async items(): Promise<Float32Array> {
    const { dim } = this.#shape;
    const vectors = new Float32Array(this.#numItems * dim);
    const width = 8 * this.#layout.slices;
    const target = this.#growing.put("items", new Float32Array(this.#numItems * width));
    await this.run({
      deal: { end: this.#numItems, size: CALL_ROWS },
      call: ["encodeItems", this.#layout.plan, "thread", "first", "count", target],
    });
    this.#read("items", vectors, 0, this.#numItems);
    return vectors;
  }

  #read(part: string, vectors: Float32Array, first: number, count: number): void {
    const { dim } = this.#shape;
    const width = 8 * this.#layout.slices;
    const rows = this.arena.f32(this.#growing.regionOf(part));
    for (let r = 0; r < count; r++) vectors.set(rows.subarray(r * width, r * width + dim), (first + r) * dim);
  }

  /** A copy of the items' biases, f32[numItems]; undefined if scores are cosines. */
  biases(): Float32Array | undefined {
    const biases = this.#placed().get("biases");
    return biases && readPlaced(this.arena, biases);
  }

  /** Copies: `vectors` f32[numRows * dim], `biases` f32[numItems] unless scores are cosines, NAME.weight, NAME.bias. */
  parameters(): NamedArrays {
    return readArrays(this.arena, this.#placed());
  }

  /** Parameters that are not named stay unchanged. */
  load(parameters: NamedArrays): void {
    const named = [...this.#placed()].filter(([name]) => Object.hasOwn(parameters, name));
    writeArrays(this.arena, new Map(named), (name, length) => floatsOf(parameters, name, length));
    const { userLayers, itemLayers } = this.#layout;
    transposeWeights(this.arena, [...userLayers, ...itemLayers]);
  }

  /** A copy of the parameters and Adam's state; training continues from it after `restore`. */
  state(): NamedArrays {
    const steps = Uint32Array.of(towersSteps(this.arena, this.#layout));
    return { ...this.parameters(), ...readArrays(this.arena, this.#kept()), steps };
  }

  restore(state: NamedArrays): void {
    this.load(state);
    writeArrays(this.arena, this.#kept(), (name, length) => floatsOf(state, name, length));
    const [first, ...others] = this.#layout.corrections.map((region) => this.arena.f32(region));
    for (const other of others) other.set(first!);
    setTowersSteps(this.arena, this.#layout, arrayOf(state, "steps", Uint32Array, 1)[0]!);
  }

  #placed(): Map<string, Placed> {
    const { dim } = this.#shape;
    const { vectors, biases, slices, userLayers, itemLayers } = this.#layout;
    const width = 8 * slices;
    const placed = new Map<string, Placed>([["vectors", rowsAt(vectors, width, dim)]]);
    if (biases) placed.set("biases", rowsAt(biases, 8, 1));
    for (const [name, where] of placedDense([...userLayers, ...itemLayers])) placed.set(name, where);
    return placed;
  }

  /** Adam's state in memory. */
  #kept(): Map<string, Placed> {
    const { moments, corrections, biases, slices, userLayers, itemLayers } = this.#layout;
    const [width, rows] = [8 * slices, moments.bytes / (64 * slices)];
    // a row has all first moments, then all second moments; in memory, each slice of dimensions is a separate table
    const at = (row: number, column: number) =>
      16 * (((column % width) >>> 3) * rows + row) + (column < width ? 0 : 8) + (column & 7);
    const placed = new Map<string, Placed>(wholeRegions({ corrections: corrections[0] }));
    placed.set("moments", { rows, columns: 2 * width, region: moments, at });
    if (biases)
      placed.set("biases:kept", { ...rowsAt(biases, 8, 4), at: (row, column) => 8 * row + 1 + column });
    for (const [name, where] of placedMoments([...userLayers, ...itemLayers])) placed.set(name, where);
    return placed;
  }
}

/** The first `columns` elements of each row, in an array whose rows are padded to `width`. */
function rowsAt(region: Region, width: number, columns: number): Placed {
  return {
    rows: region.bytes / 4 / width,
    columns,
    region,
    at: (row, column) => row * width + column,
  };
}
