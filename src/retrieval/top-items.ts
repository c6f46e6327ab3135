// The best items of many queries at once, exactly: every item is compared with every query, on all threads.

import { loadKernel } from "../kernels/shared/load.js";
import { Arena } from "../kernels/shared/memory.js";
import {
  packItems,
  queriesOfBlock,
  SearchRoom,
  type PackedItems,
  type Queries,
  type TopItems,
  type TopItemsInput,
} from "../kernels/top-items/binding.js";
import { WorkerPool } from "../workers/pool.js";
import { withMachine } from "../workers/with-machine.js";
import type { SearchInit, SearchTask } from "./top-items.worker.js";

/** Queries that are worth a thread. */
const THREAD_QUERIES = 64;

/** Items that are searched. */
export type SearchedItems = Pick<TopItemsInput, "items" | "weights">;

/** Sets of items in shared memory, and the threads that search one of them at a time. `terminate` ends the threads and must be called. */
export class ItemSearch {
  readonly #room: SearchRoom;
  readonly #sets: readonly PackedItems[];
  readonly #pool: WorkerPool<SearchTask, null>;
  readonly #threads: number;

  private constructor(
    room: SearchRoom,
    sets: readonly PackedItems[],
    pool: WorkerPool<SearchTask, null>,
    threads: number,
  ) {
    this.#room = room;
    this.#sets = sets;
    this.#pool = pool;
    this.#threads = threads;
  }

  /** @throws {UsageError} the items do not fit 4 GiB */
  static async start(dim: number, sets: readonly SearchedItems[], threads: number): Promise<ItemSearch> {
    const arena = new Arena();
    const packed = sets.map((items) => packItems(arena, { dim, ...items }));
    const room = new SearchRoom(arena, dim, threads);
    const { search, scratches, counter } = room;
    const module = await loadKernel("top-items");
    const init: SearchInit = { memory: arena.memory, module, search, scratches, counter };
    const url = new URL("./top-items.worker.js", import.meta.url);
    const pool = await WorkerPool.start<SearchTask, null>(url, threads, init);
    return new ItemSearch(room, packed, pool, threads);
  }

  /**
   * The `top` items of a set of highest weight plus inner product of each query, best first, ties in the items' order.
   *
   * The same bytes at any number of threads.
   *
   * @param set which of them
   * @throws {UsageError} the queries do not fit beside the items
   */
  async best(set: number, queries: Queries): Promise<TopItems> {
    const items = this.#sets[set]!;
    this.#room.layOut(items, queries);
    const numQueries = queries.queries.length / items.dim;
    await this.#pool.run({ numQueries, blockQueries: queriesOfBlock(numQueries, this.#threads) });
    return this.#room.results();
  }

  /** Ends the threads, whatever they do. */
  async terminate(): Promise<void> {
    await this.#pool.terminate();
  }
}

/**
 * The best items of queries that come at once, as ItemSearch.best.
 *
 * @param top >= 1
 * @param signal ends the search promptly; the promise rejects with its reason
 * @throws {UsageError} the vectors do not fit 4 GiB
 */
export async function topItems(
  { dim, queries, items, weights, masks }: TopItemsInput,
  top: number,
  threads: number,
  signal?: AbortSignal,
): Promise<TopItems> {
  signal?.throwIfAborted();
  const size = Math.max(1, Math.min(threads, Math.ceil(queries.length / dim / THREAD_QUERIES)));
  const search = await ItemSearch.start(dim, [{ items, weights }], size);
  return await withMachine(search, signal, async () => await search.best(0, { queries, masks, top }));
}
