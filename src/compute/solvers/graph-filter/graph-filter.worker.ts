// A thread that scores users with a graph filter. It takes blocks of users until none is left.
//
//   a block of 64 users ──► panels of 16: the polynomial ──► W z added ──► masked items set to -Infinity
//     ──► scores of the best items, or of listed items

import {
  BLOCK_USERS,
  componentIndex,
  LANES,
  queryIndex,
  type FilterKernel,
  type FilterLayout,
} from "../../kernels/graph-filter/binding.js";
import type { ItemLists } from "../../kernels/top-items/binding.js";
import { kernelThread, type KernelThread } from "../../threads/kernel-thread.js";

/** A list of the user's items for each query, with the items' weights if they are not all 1. */
export interface FilterQueries extends ItemLists {
  weights?: Float64Array;
}

/** Data of one task that threads share. Results are in shared memory outside the kernel's memory. */
export type FilterTask = {
  queries: FilterQueries;
  /** i32[1]: number of blocks that threads have taken */
  counter: Int32Array;
} & (
  | {
      kind: "best";
      masks: ItemLists;
      top: number;
      /** items and scores of each query's list, u32[numQueries][top] and f32[numQueries][top] */
      found: Uint32Array;
      scores: Float32Array;
      /** byte offsets of each thread's lists for the 16 users of a panel: u32[16][top] items and f32[16][top] scores */
      lists: { found: number; scores: number }[];
    }
  /** f32: score of each listed item for the query of its list */
  | { kind: "listed"; lists: ItemLists; scores: Float32Array }
);

export interface FilterConstants {
  layout: FilterLayout;
  coefficients: Float64Array;
  before: Float64Array;
  beforeIdeal: Float64Array;
}

/** Scores blocks of a task's queries until none is left. Results do not depend on which thread takes a block. */
export const start = kernelThread<FilterKernel, FilterConstants, FilterTask, null>((thread) => (task) => {
  const worker = new BlockWorker(thread);
  const numQueries = task.queries.indptr.length - 1;
  for (;;) {
    const first = Atomics.add(task.counter, 0, 1) * BLOCK_USERS;
    if (first >= numQueries) return null;
    const panels = worker.score(task.queries, first, Math.min(BLOCK_USERS, numQueries - first));
    panels.forEach((panel, p) => {
      const from = first + p * LANES;
      const range = { panel, from, to: Math.min(from + LANES, numQueries) };
      if (task.kind === "best") worker.putBest(range, task, task.lists[thread.index]!);
      else worker.putListed(range, task);
    });
  }
});

/** The queries from .. to - 1 of a task, at most 16, whose scores are the lanes of one panel f32[numItems][16]. */
interface PanelRange {
  panel: number;
  from: number;
  to: number;
}

class BlockWorker {
  readonly #kernel: FilterKernel;
  readonly #buffer: ArrayBufferLike;
  readonly #constants: FilterConstants;
  readonly #scratch: FilterLayout["scratches"][number];

  constructor({ kernel, memory, index, own }: KernelThread<FilterKernel, FilterConstants>) {
    this.#kernel = kernel;
    this.#buffer = memory.buffer;
    this.#constants = own;
    this.#scratch = own.layout.scratches[index]!;
  }

  /** Returns offsets of panels with the scores, f32[numItems][16], valid until the next block. */
  score(queries: FilterQueries, first: number, count: number): number[] {
    const { plan, dim } = this.#constants.layout;
    const { itemPanels, queries: z, panels, tile } = this.#scratch;
    const free = [...itemPanels];
    const scored: number[] = [];
    for (let from = first; from < first + count; from += LANES) {
      const [one, other] = [free.pop()!, free.pop()!];
      const result = this.#filter(queries, from, Math.min(from + LANES, first + count), one, other);
      scored.push(result);
      free.push(result === one ? other : one);
    }
    if (dim > 0) this.#project(queries, first, count);
    new Uint32Array(this.#buffer, panels, scored.length).set(scored);
    this.#kernel.finishPanels(plan, panels, scored.length, z, tile);
    return scored;
  }

  /**
   * Applies the polynomial c(P) to up to sixteen queries.
   * @returns the one of the two panels that contains the result
   */
  #filter(queries: FilterQueries, from: number, to: number, one: number, other: number): number {
    const { layout, coefficients } = this.#constants;
    const { plan, numUsers } = layout;
    const { users } = this.#scratch;
    let [last, next] = [one, other];
    for (const panel of [last, next]) this.#panel(panel).fill(0);
    this.#f32(users, numUsers * LANES).fill(0);
    const degree = coefficients.length - 1;
    const c = coefficients[degree]!;
    this.#addQueries(queries, from, to, c, last);
    for (let k = degree - 1; k >= 0; k--) {
      // the first product needs no dense pass over the items, because its input is 0 except for the queries' own items
      if (k === degree - 1) this.#scatterQueries(queries, from, to, c);
      else this.#kernel.gatherUsers(plan, last, users);
      this.#kernel.stepItems(plan, users, last, next, k === 0 ? 1 : 2);
      this.#addQueries(queries, from, to, coefficients[k]!, next);
      [last, next] = [next, last];
    }
    return last;
  }

  #addQueries(queries: FilterQueries, from: number, to: number, factor: number, panel: number): void {
    const rows = this.#panel(panel);
    this.#eachItem(queries, from, to, (lane, item, x) => (rows[item * LANES + lane]! += factor * x));
  }

  #scatterQueries(queries: FilterQueries, from: number, to: number, factor: number): void {
    const { plan } = this.#constants.layout;
    this.#eachItem(queries, from, to, (lane, item, x) =>
      this.#kernel.scatterItem(plan, item, 4 * lane, factor * x, this.#scratch.users),
    );
  }

  /** Calls `visit` with the value of each item of the queries in the polynomial's input. */
  #eachItem(
    { indptr, items, weights }: FilterQueries,
    from: number,
    to: number,
    visit: (lane: number, item: number, x: number) => void,
  ): void {
    const { before } = this.#constants;
    for (let q = from; q < to; q++) {
      for (let at = indptr[q]!; at < indptr[q + 1]!; at++) {
        const item = items[at]!;
        visit(q - from, item, (weights ? weights[at]! : 1) * before[item]!);
      }
    }
  }

  /** Computes the vectors of a block's users in the space of the leading eigenvectors, z = W' D_i^-2g r. */
  #project({ indptr, items, weights }: FilterQueries, first: number, count: number): void {
    const { layout, beforeIdeal } = this.#constants;
    const { dim, numItems, components } = layout;
    const W = this.#f32(components, Math.ceil(numItems / 4) * 4 * dim);
    const z = this.#f32(this.#scratch.queries, BLOCK_USERS * dim).fill(0);
    const sums = new Float64Array(dim);
    for (let q = 0; q < count; q++) {
      sums.fill(0);
      for (let at = indptr[first + q]!; at < indptr[first + q + 1]!; at++) {
        const item = items[at]!;
        const x = (weights ? weights[at]! : 1) * beforeIdeal[item]!;
        for (let d = 0, w = componentIndex(dim, item, 0); d < dim; d++, w += 4) sums[d]! += x * W[w]!;
      }
      for (let d = 0, to = queryIndex(dim, q, 0); d < dim; d++, to += 8) z[to] = sums[d]!;
    }
  }

  putBest(
    { panel, from, to }: PanelRange,
    { masks, top, found, scores }: Extract<FilterTask, { kind: "best" }>,
    lists: { found: number; scores: number },
  ): void {
    const rows = this.#panel(panel);
    for (let q = from; q < to; q++) {
      for (let at = masks.indptr[q]!; at < masks.indptr[q + 1]!; at++)
        rows[masks.items[at]! * LANES + (q - from)] = -Infinity;
    }
    this.#kernel.bestOfPanel(
      this.#constants.layout.plan,
      panel,
      top,
      lists.found,
      lists.scores,
      this.#scratch.worst,
    );
    const length = (to - from) * top;
    found.set(new Uint32Array(this.#buffer, lists.found, length), from * top);
    scores.set(this.#f32(lists.scores, length), from * top);
  }

  putListed(
    { panel, from, to }: PanelRange,
    { lists, scores }: Extract<FilterTask, { kind: "listed" }>,
  ): void {
    const rows = this.#panel(panel);
    for (let q = from; q < to; q++) {
      for (let at = lists.indptr[q]!; at < lists.indptr[q + 1]!; at++)
        scores[at] = rows[lists.items[at]! * LANES + (q - from)]!;
    }
  }

  #panel(offset: number): Float32Array {
    return this.#f32(offset, this.#constants.layout.numItems * LANES);
  }

  #f32(offset: number, length: number): Float32Array {
    return new Float32Array(this.#buffer, offset, length);
  }
}
