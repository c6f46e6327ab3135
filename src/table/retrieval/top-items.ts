// Finds the items with the highest scores for many queries with an exact search: all threads compare every item with
// every query.

import {
  packItems,
  repackItems,
  queriesOfBlock,
  SearchRoom,
  type PackedItems,
  type TopItemsQueries,
  type TopItems,
  type TopItemsInput,
  type TopItemsKernel,
} from "../../compute/kernels/top-items/binding.js";
import { ThreadedKernel } from "../../compute/threads/threaded-kernel.js";
import { withMachine } from "../../compute/threads/with-machine.js";

/** Minimum number of queries per thread, below which starting another thread costs more time than it saves. */
const THREAD_QUERIES = 64;

type SearchedItems = Pick<TopItemsInput, "items" | "weights">;

/** Sets of items in shared memory, with threads that search one set at a time until the caller calls `terminate`. */
export class ItemSearch extends ThreadedKernel<TopItemsKernel> {
  readonly #room: SearchRoom;
  readonly #sets: readonly PackedItems[];

  private constructor(dim: number, sets: readonly SearchedItems[], threads: number) {
    super();
    this.#sets = sets.map((items) => packItems(this.arena, { dim, ...items }));
    this.#room = new SearchRoom(this.arena, dim, threads);
  }

  /** Copies the items to shared memory and starts the threads. @throws {UsageError} the items exceed 4 GiB */
  static async start(dim: number, sets: readonly SearchedItems[], threads: number): Promise<ItemSearch> {
    const search = new ItemSearch(dim, sets, threads);
    return await search.begin("top-items", { threads: search.#room.scratches });
  }

  /** Replaces the items of a set by as many others. */
  replace(set: number, items: SearchedItems): void {
    repackItems(this.arena, this.#sets[set]!, items);
  }

  /**
   * Returns for each query the `top` items of a set with the highest scores, in descending order of the score. A score
   * is the inner product of query and item plus the item's weight. Ties are in item order.
   *
   * The result does not depend on the number of threads.
   *
   * @param set index of the set
   * @throws {UsageError} queries and items together exceed the memory of a kernel
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
 * Returns the items with the highest scores for queries that are all in memory, as ItemSearch.best does.
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
