// The threads that score users with a graph filter. Apart from graph-filter.ts, because the library's types name the
// choices of a filter, and a thread's types need those of WebAssembly.

import { allocateFilter, BLOCK_USERS, LANES, type FilterKernel } from "../../kernels/graph-filter/binding.js";
import type { ItemLists, TopItems } from "../../kernels/top-items/binding.js";
import { ThreadedKernel } from "../../threads/threaded-kernel.js";
import { withMachine } from "../../threads/with-machine.js";
import type { GraphFilter, GraphFilterOptions } from "./graph-filter.js";
import type { FilterConstants, FilterQueries, FilterTask } from "./graph-filter.worker.js";

export class FilterMachine extends ThreadedKernel<FilterKernel, FilterTask, null> {
  #lists: { top: number; of: { found: number; scores: number }[] } = { top: 0, of: [] };

  /**
   * Copies the filter to shared memory and starts the threads.
   * @throws {UsageError} the filter does not fit into one memory
   */
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
   * Returns the `top` best items of each query in descending order of score, ties in item order. The result does not
   * depend on the number of threads.
   *
   * For a query without items, all scores are 0, so its list contains the first unmasked items.
   *
   * @param masks one list per query: items to exclude
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
   * Returns the scores of listed items for their query.
   *
   * @param lists one list of items per query
   * @returns f32, one per entry of lists.items
   */
  async scores(queries: FilterQueries, lists: ItemLists): Promise<Float32Array> {
    const scores = new Float32Array(new SharedArrayBuffer(4 * lists.items.length));
    await this.runTask({ kind: "listed", queries, lists, scores, counter: counter() });
    return scores.slice();
  }

  /**
   * Returns each thread's memory for the lists of best items of a panel's 16 users. It is reused for lists of the same
   * length.
   */
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
 * Starts the threads, calls a function with them, and ends them afterwards.
 *
 * @param numQueries number of queries per task, which limits the number of threads
 * @param signal     ends the threads promptly; the promise rejects with its reason
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
