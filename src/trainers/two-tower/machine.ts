// The two towers in shared memory with the threads that work on them.

import {
  allocateTowers,
  placeUsers,
  setTowersSteps,
  takeTowersLoss,
  towersSteps,
  TOWER_EVENTS,
  type TowerData,
  type TowerLayout,
  type TowerLearning,
  type TowerShape,
  type TowerUsers,
} from "../../kernels/two-tower/binding.js";
import { stopBarrier } from "../../kernels/shared/barrier.js";
import {
  placedDense,
  placedMoments,
  transposeWeights,
  type Placed,
  readPlaced,
  writePlaced,
} from "../../kernels/shared/dense-parameters.js";
import { GrowingArrays } from "../../kernels/shared/growing-arrays.js";
import { loadKernel } from "../../kernels/shared/load.js";
import { Arena, type Region } from "../../kernels/shared/memory.js";
import { blockOrder } from "../../numeric/random.js";
import { arrayOf, floatsOf, type NamedArrays } from "../../training/epochs/named-arrays.js";
import { WorkerPool } from "../../workers/pool.js";
import type { TowersInit, TowersTask } from "./two-tower.worker.js";

/** Users encoded at once. */
const CHUNK = 65_536;

/** Parameters, events and threads; `terminate` ends the threads and must be called. */
export class TowersMachine {
  readonly #arena: Arena;
  readonly #shape: TowerShape;
  readonly #layout: TowerLayout;
  readonly #numEvents: number;
  readonly #numItems: number;
  readonly #pool: WorkerPool<TowersTask, null>;
  readonly #growing: GrowingArrays;

  private constructor(
    arena: Arena,
    { items, numItems }: TowerData,
    shape: TowerShape,
    layout: TowerLayout,
    pool: WorkerPool<TowersTask, null>,
  ) {
    this.#arena = arena;
    this.#shape = shape;
    this.#layout = layout;
    this.#numEvents = items.length;
    this.#numItems = numItems;
    this.#pool = pool;
    this.#growing = new GrowingArrays(arena, "the users");
  }

  /** Copies the events, lays the parameters out and starts the threads. @throws {UsageError} it does not fit one memory */
  static async start(data: TowerData, shape: TowerShape, learning: TowerLearning): Promise<TowersMachine> {
    const arena = new Arena();
    const layout = allocateTowers(arena, data, shape, learning);
    const init: TowersInit = {
      memory: arena.memory,
      module: await loadKernel("two-tower"),
      plan: layout.plan,
      threads: layout.threads,
    };
    const url = new URL("./two-tower.worker.js", import.meta.url);
    const stop = () => stopBarrier(arena, layout.barrier);
    const pool = await WorkerPool.start<TowersTask, null>(url, layout.threads.length, init, stop);
    return new TowersMachine(arena, data, shape, layout, pool);
  }

  /** Ends the threads, whatever they do. */
  async terminate(): Promise<void> {
    await this.#pool.terminate();
  }

  /**
   * One pass over the events.
   *
   * @param key         names the order; undefined visits the events as they stand
   * @param negativeKey names the negatives
   * @param epoch       names what dropout drops
   * @param rateAt      the step size when a share of the pass is over
   * @returns the sum of the losses, each before its batch's step
   */
  async train(
    { key, negativeKey, epoch }: { key: number | undefined; negativeKey: number; epoch: number },
    rateAt: (share: number) => number,
  ): Promise<number> {
    const numEvents = this.#numEvents;
    const numBlocks = Math.ceil(numEvents / TOWER_EVENTS);
    const blocks = key === undefined ? undefined : blockOrder(numBlocks, key);
    const rates = Float32Array.from({ length: numBlocks }, (_, i) => rateAt(i / numBlocks));
    await this.#pool.run({ kind: "train", numEvents, blocks, key: key ?? 0, negativeKey, epoch, rates });
    return takeTowersLoss(this.#arena, this.#layout);
  }

  /** Vectors of users, of length 1 when cosine. @param numUsers of the ranges and context rows @returns f32[numUsers * dim] */
  async users(users: TowerUsers, numUsers: number): Promise<Float32Array> {
    const { dim } = this.#shape;
    const vectors = new Float32Array(numUsers * dim);
    const width = 8 * this.#layout.slices;
    for (let from = 0; from < numUsers; from += CHUNK) {
      const count = Math.min(CHUNK, numUsers - from);
      const target = this.#growing.put("vectors", new Float32Array(count * width));
      const at = placeUsers(this.#arena, this.#growing, users, from, count);
      await this.#pool.run({ kind: "users", users: at, count, target });
      this.#read("vectors", vectors, from, count);
    }
    return vectors;
  }

  /** Vectors of all items, of length 1 when cosine. @returns f32[numItems * dim] */
  async items(): Promise<Float32Array> {
    const { dim } = this.#shape;
    const vectors = new Float32Array(this.#numItems * dim);
    const width = 8 * this.#layout.slices;
    const target = this.#growing.put("items", new Float32Array(this.#numItems * width));
    await this.#pool.run({ kind: "items", count: this.#numItems, target });
    this.#read("items", vectors, 0, this.#numItems);
    return vectors;
  }

  #read(part: string, vectors: Float32Array, first: number, count: number): void {
    const { dim } = this.#shape;
    const width = 8 * this.#layout.slices;
    const rows = this.#arena.f32(this.#growing.regionOf(part)!);
    for (let r = 0; r < count; r++) vectors.set(rows.subarray(r * width, r * width + dim), (first + r) * dim);
  }

  /** f32[I]: a copy; undefined for cosines. */
  biases(): Float32Array | undefined {
    const biases = this.#placed().get("biases");
    return biases && readPlaced(this.#arena, biases);
  }

  /** Copies of the parameters: `vectors` f32[n * dim], `biases` f32[I] unless cosine, NAME.weight and NAME.bias of the layers. */
  parameters(): NamedArrays {
    return this.#copies(this.#placed());
  }

  /** Puts parameters in; those that are not named stay. */
  load(parameters: NamedArrays): void {
    for (const [name, where] of this.#placed())
      if (Object.hasOwn(parameters, name))
        writePlaced(this.#arena, where, floatsOf(parameters, name, where.rows * where.columns));
    const { userLayers, itemLayers } = this.#layout;
    transposeWeights(this.#arena, userLayers);
    transposeWeights(this.#arena, itemLayers);
  }

  /** Copies of all that training has made; given to `restore`, training goes on as if it had not stopped. */
  state(): NamedArrays {
    return {
      ...this.#copies(this.#placed()),
      ...this.#copies(this.#kept()),
      steps: Uint32Array.of(towersSteps(this.#arena, this.#layout)),
    };
  }

  restore(state: NamedArrays): void {
    this.load(state);
    for (const [name, where] of this.#kept())
      writePlaced(this.#arena, where, floatsOf(state, name, where.rows * where.columns));
    setTowersSteps(this.#arena, this.#layout, arrayOf(state, "steps", Uint32Array, 1)[0]!);
  }

  #copies(placed: Map<string, Placed>): NamedArrays {
    return Object.fromEntries([...placed].map(([name, where]) => [name, readPlaced(this.#arena, where)]));
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

  /** What Adam keeps, by name. */
  #kept(): Map<string, Placed> {
    const { moments, momentStride, biases, userLayers, itemLayers } = this.#layout;
    const placed = new Map<string, Placed>([
      ["moments", rowsAt(moments, momentStride / 4, momentStride / 4)],
    ]);
    if (biases)
      placed.set("biases:kept", { ...rowsAt(biases, 8, 4), at: (row, column) => 8 * row + 1 + column });
    for (const [name, where] of placedMoments([...userLayers, ...itemLayers])) placed.set(name, where);
    return placed;
  }
}

/** The first numbers of rows of some width. */
function rowsAt(region: Region, width: number, columns: number): Placed {
  return {
    rows: region.bytes / 4 / width,
    columns,
    region,
    at: (row, column) => row * width + column,
  };
}
