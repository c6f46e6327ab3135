// A graph filter in shared memory, and the threads that score by it, each a block of users from beginning to end.
//
//   arena   the graph both ways │ degrees, components │ for each thread: panels f32[numItems][16] and f32[numUsers][16]
//
// Queries come and results go in blocks as large as the caller likes: nothing of them stays.

import { allocateFilter, BLOCK_USERS, LANES, type FilterKernel } from "../../kernels/graph-filter/binding.js";
import type { ItemLists, TopItems } from "../../kernels/top-items/binding.js";
import { ThreadedKernel } from "../../workers/threaded-kernel.js";
import { withMachine } from "../../workers/with-machine.js";
import type { GraphFilter, GraphFilterOptions } from "./graph-filter.js";
import type { FilterConstants, FilterQueries, FilterTask } from "./graph-filter.worker.js";

/** `terminate` ends the threads and must be called. */
export class FilterMachine extends ThreadedKernel<FilterKernel, FilterTask, null> {
  #lists: { top: number; of: { found: number; scores: number }[] } = { top: 0, of: [] };

  /** @throws {UsageError} the filter does not fit one memory */
  static async start(
    { graph, coefficients, before, beforeIdeal, ...filter }: GraphFilter,
    threads: number,
  ): Promise<FilterMachine> {
    const machine = new FilterMachine();
    const layout = allocateFilter(machine.arena, { ...graph, ...filter }, threads);
    const own: FilterConstants = { layout, coefficients, before, beforeIdeal };
    const script = { url: new URL("./graph-filter.worker.js", import.meta.url), own };
    return await machine.begin("graph-filter", { threads }, script);
  }

  /**
   * The `top` best items of each query, best first, ties in the items' order; the same bytes at any number of threads.
   *
   * A query of nothing scores 0 everywhere: its list holds the first items that it is not masked from.
   *
   * @param masks a list a query: items that it never finds
   * @param top   >= 1
   */
  async best(queries: FilterQueries, masks: ItemLists, top: number): Promise<TopItems> {
    const numQueries = queries.indptr.length - 1;
    const found = new Uint32Array(new SharedArrayBuffer(4 * numQueries * top));
    const scores = new Float32Array(new SharedArrayBuffer(4 * numQueries * top));
    const lists = this.#listsOf(top);
    await this.runTask({ kind: "best", queries, masks, top, found, scores, lists, counter: counter() });
    return { items: found.slice(), scores: scores.slice() };
  }

  /**
   * What listed items score, each for its query.
   *
   * @param lists a list a query
   * @returns f32, beside lists.items
   */
  async scores(queries: FilterQueries, lists: ItemLists): Promise<Float32Array> {
    const scores = new Float32Array(new SharedArrayBuffer(4 * lists.items.length));
    await this.runTask({ kind: "listed", queries, lists, scores, counter: counter() });
    return scores.slice();
  }

  /** Room for a panel's lists in each thread, kept for the next ones of that length. */
  #listsOf(top: number) {
    if (this.#lists.top !== top) {
      const room = () => this.arena.allocate(`the best ${top} of ${LANES} users`, LANES * top * 4).offset;
      const of = Array.from({ length: this.numThreads }, () => ({ found: room(), scores: room() }));
      this.#lists = { top, of };
    }
    return this.#lists.of;
  }
}

/**
 * Scores with threads that are ended afterwards.
 *
 * @param numQueries of a task: no more threads are started than find work
 * @param signal     ends them promptly; the promise rejects with its reason
 */
export async function withFilterMachine<T>(
  filter: GraphFilter,
  numQueries: number,
  { threads, signal }: GraphFilterOptions,
  work: (machine: FilterMachine) => Promise<T>,
): Promise<T> {
  const most = Math.max(1, Math.min(threads, Math.ceil(numQueries / BLOCK_USERS)));
  return await withMachine(await FilterMachine.start(filter, most), signal, work);
}

function counter(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}
