// Finds the best items of many queries at once, exactly: every item is compared with every query, on all threads.

import {
  packItems,
  queriesOfBlock,
  SearchRoom,
  type PackedItems,
  type TopItemsQueries,
  type TopItems,
  type TopItemsInput,
  type TopItemsKernel,
} from "../kernels/top-items/binding.js";
import { ThreadedKernel } from "../workers/threaded-kernel.js";
import { withMachine } from "../workers/with-machine.js";

/** Fewest queries for which another thread is worthwhile. */
const THREAD_QUERIES = 64;

/** Items that are searched. */
export type SearchedItems = Pick<TopItemsInput, "items" | "weights">;

/**
 * Sets of items in shared memory, and the threads that search one set at a time. `terminate` ends the threads and must
 * be called.
 */
export class ItemSearch extends ThreadedKernel<TopItemsKernel> {
  readonly #room: SearchRoom;
  readonly #sets: readonly PackedItems[];

  private constructor(dim: number, sets: readonly SearchedItems[], threads: number) {
    super();
    this.#sets = sets.map((items) => packItems(this.arena, { dim, ...items }));
    this.#room = new SearchRoom(this.arena, dim, threads);
  }

  /** @throws {UsageError} the items exceed 4 GiB */
  static async start(dim: number, sets: readonly SearchedItems[], threads: number): Promise<ItemSearch> {
    const search = new ItemSearch(dim, sets, threads);
    return await search.begin("top-items", { threads: search.#room.scratches });
  }

  /**
   * Returns the `top` items of a set with the highest weight plus inner product for each query, best first, ties in the
   * items' order.
   *
   * The result does not depend on the number of threads.
   *
   * @param set index of the set
   * @throws {UsageError} the queries do not fit beside the items
   */
  async best(set: number, queries: TopItemsQueries): Promise<TopItems> {
    const items = this.#sets[set]!;
    this.#room.layOut(items, queries);
    const numQueries = queries.queries.length / items.dim;
    await this.run({
      take: { end: numQueries, size: queriesOfBlock(numQueries, this.numThreads) },
      call: ["searchBlock", this.#room.search, "thread", "first", "count"],
    });
    return this.#room.results();
  }
}

/**
 * Returns the best items of queries that are all in memory, as ItemSearch.best.
 *
 * @param top >= 1
 * @param signal ends the search promptly; the promise rejects with its reason
 * @throws {UsageError} the vectors exceed 4 GiB
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
