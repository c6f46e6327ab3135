// Decayed transitions: how often an item is followed by another one of the same user.
//
//   T_ij = (sum over pairs of a user's events of decay^(d - 1))^p     the first with item i, the second, d steps later,
//                                                                     with item j; d = 1 .. window
//   score(u, j) = sum over the user's latest steps d = 1 .. history, and their items h, of q^(d - 1) T_hj / (r_h + s)
//
//   r  row sums of T      s  smoothing      q  query decay
//
// A step is all events of a user with the same time: the items of a basket are in no order.

import type { SparseRows } from "../../compute/kernels/als/binding.js";
import { pow } from "../../base/numeric/exp.js";
import { byGroup } from "../../base/numeric/groups.js";
import { rowSums, SparseWriter } from "./interactions.js";
import type { OrderedEvents } from "./ordered-events.js";

/** Events with known items; without `firsts`, every event is a step. */
export type Steps = Pick<OrderedEvents, "ends" | "users" | "items" | "firsts">;

export interface TransitionSettings {
  /** greatest distance of a pair, in steps */
  window: number;
  decay: number;
  /** exponent p of the sums */
  countPower: number;
  smoothing: number;
}

export interface QuerySettings {
  /** number of a user's latest steps */
  history: number;
  queryDecay: number;
}

/** Settings that are near the best on logs of films, games and tweets (docs/algorithms/pca.md). */
export const TRANSITIONS = {
  ...{ window: 7, decay: 0.75, countPower: 0.75, smoothing: 20 },
  ...{ history: 12, queryDecay: 0.7 },
} as const satisfies TransitionSettings & QuerySettings;

/** Rows of T, and the sum of each. */
export interface Transitions {
  sums: Float64Array;
  /** returns the columns of an item's row, ascending, and their entries */
  rowOf: (item: number) => { indices: Uint32Array; values: Float32Array };
}

/**
 * Yields blocks of rows of T, each row in ascending order of its columns.
 * @param begins returns whether a block begins with an item, and not with an earlier one whose block has `entries` already
 */
export function* transitionBlocks(
  { ends, users, items, firsts }: Steps,
  numItems: number,
  { window, decay, countPower }: Omit<TransitionSettings, "smoothing">,
  begins: (item: number, entries: number) => boolean,
): Generator<SparseRows> {
  const { starts, order } = byGroup((n) => items[n]!, items.length, numItems);
  const weights = new Float64Array(window).fill(1);
  for (let d = 1; d < window; d++) weights[d] = weights[d - 1]! * decay;
  const sums = new Float64Array(numItems);
  let out = new SparseWriter();
  for (let i = 0; i < numItems; i++) {
    if (i > 0 && begins(i, out.size)) {
      yield out.rows();
      out = new SparseWriter();
    }
    const found: number[] = [];
    for (const n of order.subarray(starts[i], starts[i + 1])) {
      const end = ends[users[n]! + 1]!;
      for (let later = n + 1, d = 0; later < end; later++) {
        if (!firsts || firsts[later] === later) d++;
        if (d > window) break;
        if (d === 0) continue;
        const j = items[later]!;
        if (sums[j] === 0) found.push(j);
        sums[j]! += weights[d - 1]!;
      }
    }
    for (const j of Uint32Array.from(found).sort()) {
      out.add(j, pow(sums[j]!, countPower));
      sums[j] = 0;
    }
    out.endRow();
  }
  yield out.rows();
}

/** Returns the rows of T whose entries are in memory. */
export function rowsInMemory(transitions: SparseRows): Transitions {
  const { indptr, indices, values } = transitions;
  return {
    sums: rowSums(transitions),
    rowOf(item) {
      const [from, to] = [indptr[item]!, indptr[item + 1]!];
      return { indices: indices.subarray(from, to), values: values!.subarray(from, to) };
    },
  };
}

/** Visits the items of a user's latest steps with their weights, the newest first. */
export function forLatest(
  { ends, items, firsts }: Steps,
  user: number,
  { history, queryDecay }: QuerySettings,
  visit: (item: number, weight: number) => void,
): void {
  let weight = 1;
  for (let n = ends[user + 1]!, step = 0; n-- > ends[user]! && step < history;) {
    visit(items[n]!, weight);
    if (firsts && firsts[n] !== n) continue;
    step++;
    weight *= queryDecay;
  }
}

/** Returns a function that writes a user's score of every item to f64[numItems]. */
export function transitionScores(
  { sums, rowOf }: Transitions,
  steps: Steps,
  settings: QuerySettings & Pick<TransitionSettings, "smoothing">,
): (user: number, scores: Float64Array) => void {
  return (user, scores) => {
    scores.fill(0);
    forLatest(steps, user, settings, (item, weight) => {
      const scale = weight / (sums[item]! + settings.smoothing);
      const { indices, values } = rowOf(item);
      for (let e = 0; e < indices.length; e++) scores[indices[e]!]! += scale * values[e]!;
    });
  };
}
