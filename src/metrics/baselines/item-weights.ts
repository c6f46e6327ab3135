// Baselines with a sparse matrix W of weights from item to item:
//
//   score(u, j) = s_j  sum over i of u's query of w_i W_ij           W_jj = 0
//
// Each baseline has a grid of settings, and the best is selected on the training part: a fifth of the items of some
// users is hidden, W is computed from the remaining events, and the setting with the best NDCG@20 for the hidden items
// is used to compute W from all events. Held-out rows are not used.

import type { ItemLists } from "../../compute/kernels/top-items/binding.js";
import { streamOf, uniformAt } from "../../base/numeric/hash.js";
import { ascending } from "../../base/numeric/indices.js";
import { UsageError } from "../../base/errors.js";
import { pace } from "../pace.js";
import { scoreRanker, type Ranker, type RankerFor } from "../rankers.js";
import { rankingMetrics } from "../ranking.js";
import type { AskedUsers, Baseline, BaselineInput, BaselineOptions, QueryItems } from "./input.js";
import { ownersOf } from "./item-cf.js";

/**
 * Maximum number of users whose items are hidden, share of items that are hidden, minimum number of items of such a
 * user, and length of the lists that are compared.
 */
const HIDING_USERS = 1000;
const HIDDEN = 0.2;
const LEAST_ITEMS = 5;
const TOP = 20;
/** Maximum number of additions in a pass over the pairs of items of each user; 200 million take about a second. */
const MOST_ADDITIONS = 2e11;
/** Number of items between two checks whether the pass is canceled. */
const BREATH = 256;

/**
 * Weights by target item j: column j is items[indptr[j] .. indptr[j + 1]). Entries are in descending order if a setting
 * uses only the largest.
 */
export interface ItemColumns extends ItemLists {
  /** f32: weight of each entry, parallel to `items` */
  weights: Float32Array;
}

export interface ItemWeights {
  columns: ItemColumns;
  /** number of entries of a column that are used, starting with the largest; all when absent */
  most?: number;
  /** f64[numItems]: factor s_j of the scores of item j; 1 when absent */
  scales?: Float64Array;
}

export interface ItemModel<S extends object> {
  name: string;
  /** Candidate settings of the hyperparameters; those with the same columns of weights are adjacent. */
  grid: readonly S[];
  textOf: (setting: S) => string;
  /** Returns a text that is equal for settings with the same columns of weights. */
  columnsOf: (setting: S) => string;
  columns: (events: ItemEvents, setting: S, pause: () => Promise<void>) => Promise<ItemColumns>;
  /** Returns how many of the largest weights of each column a setting uses, and the factor of each item's scores. */
  view: (setting: S, counts: Float64Array) => Omit<ItemWeights, "columns">;
}

export interface ItemEvents {
  users: ItemLists;
  owners: ItemLists;
  /** f64[numItems]: number of users of each item */
  counts: Float64Array;
}

export function itemModelBaseline<S extends object>(model: ItemModel<S>): Baseline {
  return {
    ranker: async (input, options) => await itemWeightsRanker(model, input, options),
    check: ({ history }) => {
      checkItemModel(model.name, history);
      return [];
    },
  };
}

/** The caller has checked that the log is small enough (checkItemModel). */
export async function itemWeightsRanker<S extends object>(
  model: ItemModel<S>,
  { history, counts }: BaselineInput,
  { seed, threads, signal, note, timeLeft }: BaselineOptions,
): Promise<RankerFor<AskedUsers>> {
  const numItems = counts.length;
  // one pass over the pairs of items for each group of settings with the same columns, and a last one with all events
  const passes = new Set(model.grid.map((setting) => model.columnsOf(setting))).size + 1;
  const at = pace(`${model.name}: ${passes} passes over the pairs of items`, note, timeLeft);
  let pass = -1;
  let breaths = 0;
  const pause = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    at(pass + Math.min(1, (breaths++ * BREATH) / numItems), passes);
  };
  const columnsOf = async (events: ItemEvents, setting: S): Promise<ItemColumns> => {
    [pass, breaths] = [pass + 1, 0];
    return await model.columns(events, setting, pause);
  };
  const all = eventsOf(history, numItems);
  const { shown, hidden, asked } = hide(history, seed);
  let chosen = { setting: model.grid[0]!, ndcg: -1 };
  if (asked.length > 0) {
    note?.(
      `${model.name}: tries ${model.grid.length} settings on items that ${asked.length} users of the training part hide`,
    );
    const left = eventsOf(shown, numItems);
    const queries = selectedLists(shown, asked);
    let [made, columns]: [string | undefined, ItemColumns | undefined] = [undefined, undefined];
    for (const setting of model.grid) {
      if (model.columnsOf(setting) !== made) columns = await columnsOf(left, setting);
      made = model.columnsOf(setting);
      const ranker = weightsRanker(
        { columns: columns!, ...model.view(setting, left.counts) },
        queries,
        numItems,
      );
      const ranked = await ranker.top(queries, TOP + 1, { threads, signal });
      const { sums } = rankingMetrics(ranked, TOP + 1, [TOP], hidden).find(
        ({ name }) => name === `ndcgAt${TOP}`,
      )!;
      const ndcg = sums.reduce((sum, value) => sum + value, 0) / sums.length;
      if (ndcg > chosen.ndcg) chosen = { setting, ndcg };
    }
    note?.(
      `${model.name}: ${model.textOf(chosen.setting)}, the best of ${model.grid.length} settings by NDCG@${TOP} ` +
        `(${chosen.ndcg.toFixed(4)}) on items that ${asked.length} users of the training part hide`,
    );
  } else {
    note?.(
      `${model.name}: ${model.textOf(chosen.setting)}; no user has ${LEAST_ITEMS} items, so that no setting could be chosen`,
    );
  }
  const columns = await columnsOf(all, chosen.setting);
  const weights = { columns, ...model.view(chosen.setting, all.counts) };
  return ({ queries }) => weightsRanker(weights, queries, numItems);
}

/** @throws {UsageError} users have too many items for a pass over all pairs */
function checkItemModel(name: string, { indptr }: ItemLists): void {
  let additions = 0;
  for (let u = 0; u + 1 < indptr.length; u++) additions += (indptr[u + 1]! - indptr[u]!) ** 2;
  if (additions <= MOST_ADDITIONS) return;
  throw new UsageError(
    `the baseline ${name} adds up ${additions.toExponential(1)} pairs of items that users share for each of its settings, ` +
      `about ${Math.ceil(additions / 2e8 / 60)} minutes each: leave it out, or limit the log with --max-events-per-user`,
  );
}

export function eventsOf(users: ItemLists, numItems: number): ItemEvents {
  const owners = ownersOf(users, numItems);
  const counts = new Float64Array(numItems);
  for (let i = 0; i < numItems; i++) counts[i] = owners.indptr[i + 1]! - owners.indptr[i]!;
  return { users, owners, counts };
}

/** Hides items of some users. Returns the remaining history and the hidden items. */
function hide(history: ItemLists, seed: number): { shown: ItemLists; hidden: ItemLists; asked: Uint32Array } {
  const { indptr, items } = history;
  const numUsers = indptr.length - 1;
  const [ofUser, ofPair] = [streamOf(seed, 1), streamOf(seed, 2)];
  const able = ascending(numUsers).filter((u) => indptr[u + 1]! - indptr[u]! >= LEAST_ITEMS);
  const asked = able
    .sort((a, b) => uniformAt(ofUser, a) - uniformAt(ofUser, b) || a - b)
    .slice(0, HIDING_USERS)
    .sort();
  const hides = new Uint8Array(numUsers);
  for (const user of asked) hides[user] = 1;
  const ends = new Uint32Array(numUsers + 1);
  const shown: number[] = [];
  const hidden: number[] = [];
  const hiddenEnds = [0];
  for (let user = 0; user < numUsers; user++) {
    const [from, to] = [indptr[user]!, indptr[user + 1]!];
    // the items of a user are sorted by a hash of the pair, and the first ones are hidden: at least one, never all
    const isHidden = new Set<number>();
    if (hides[user]) {
      const order = ascending(to - from).map((j) => from + j);
      order.sort((a, b) => uniformAt(ofPair, a) - uniformAt(ofPair, b) || a - b);
      for (const j of order.subarray(0, Math.max(1, Math.floor(HIDDEN * (to - from))))) isHidden.add(j);
    }
    for (let j = from; j < to; j++) (isHidden.has(j) ? hidden : shown).push(items[j]!);
    ends[user + 1] = shown.length;
    if (hides[user]) hiddenEnds.push(hidden.length);
  }
  return {
    shown: { indptr: ends, items: Uint32Array.from(shown) },
    hidden: { indptr: Uint32Array.from(hiddenEnds), items: Uint32Array.from(hidden) },
    asked,
  };
}

function selectedLists({ indptr, items }: ItemLists, users: Uint32Array): ItemLists {
  const ends = new Uint32Array(users.length + 1);
  users.forEach((user, q) => (ends[q + 1] = ends[q]! + indptr[user + 1]! - indptr[user]!));
  const out = new Uint32Array(ends[users.length]!);
  users.forEach((user, q) => out.set(items.subarray(indptr[user], indptr[user + 1]), ends[q]));
  return { indptr: ends, items: out };
}

/** Exported for tests. */
export function weightsRanker(
  { columns, most = Infinity, scales }: ItemWeights,
  queries: QueryItems,
  numItems: number,
): Ranker {
  // transposes the matrix of weights: for each source item, its target items and their weights
  const lengthOf = (j: number) => Math.min(most, columns.indptr[j + 1]! - columns.indptr[j]!);
  const ends = new Uint32Array(numItems + 1);
  for (let j = 0; j < numItems; j++) {
    const from = columns.indptr[j]!;
    for (let at = from; at < from + lengthOf(j); at++) ends[columns.items[at]! + 1]!++;
  }
  for (let i = 0; i < numItems; i++) ends[i + 1]! += ends[i]!;
  const [targets, weights] = [new Uint32Array(ends[numItems]!), new Float32Array(ends[numItems]!)];
  const next = ends.slice();
  for (let j = 0; j < numItems; j++) {
    const from = columns.indptr[j]!;
    for (let at = from; at < from + lengthOf(j); at++) {
      const place = next[columns.items[at]!]!++;
      targets[place] = j;
      weights[place] = columns.weights[at]!;
    }
  }
  return scoreRanker(numItems, (query, scores) => {
    scores.fill(0);
    for (let at = queries.indptr[query]!; at < queries.indptr[query + 1]!; at++) {
      const item = queries.items[at]!;
      const much = queries.weights?.[at] ?? 1;
      for (let e = ends[item]!; e < ends[item + 1]!; e++) scores[targets[e]!]! += much * weights[e]!;
    }
    if (scales) for (let j = 0; j < numItems; j++) scores[j]! *= scales[j]!;
  });
}

/**
 * Returns the nearest items of each item. x_ij is the sum of the weights of the users who have both items, and each
 * column contains the `most` items of highest similarity; ties are in item order.
 *
 * @param weightOf weight of each user in x
 * @param similarity function of x_ij, i and j
 */
export async function nearestColumns(
  { users, owners, counts }: ItemEvents,
  most: number,
  {
    weightOf,
    similarity,
  }: { weightOf: Float64Array; similarity: (x: number, i: number, j: number) => number },
  pause: () => Promise<void>,
): Promise<ItemColumns> {
  const numItems = counts.length;
  const indptr = new Uint32Array(numItems + 1);
  const shared = new Float64Array(numItems);
  const touched = new Uint32Array(numItems);
  const nearest = new NearestItems(most);
  let items = new Uint32Array(1024);
  let weights = new Float32Array(1024);
  let size = 0;
  for (let j = 0; j < numItems; j++) {
    if (j % BREATH === 0) await pause();
    let numTouched = 0;
    for (let o = owners.indptr[j]!; o < owners.indptr[j + 1]!; o++) {
      const user = owners.items[o]!;
      const much = weightOf[user]!;
      for (let at = users.indptr[user]!; at < users.indptr[user + 1]!; at++) {
        const i = users.items[at]!;
        if (shared[i] === 0) touched[numTouched++] = i;
        shared[i]! += much;
      }
    }
    for (let t = 0; t < numTouched; t++) {
      const i = touched[t]!;
      const x = shared[i]!;
      shared[i] = 0;
      if (i !== j) nearest.offer(i, similarity(x, i, j));
    }
    const held = nearest.sort();
    if (size + held > items.length) {
      [items, weights] = [
        larger(items, Uint32Array, size + held),
        larger(weights, Float32Array, size + held),
      ];
    }
    items.set(nearest.items.subarray(0, held), size);
    weights.set(nearest.values.subarray(0, held), size);
    nearest.clear();
    size += held;
    indptr[j + 1] = size;
  }
  return { indptr, items: items.slice(0, size), weights: weights.slice(0, size) };
}

/** Collects the offered items with the highest values; at equal values, lower item numbers come first. */
class NearestItems {
  /** items and values as a heap with the worst item at its root; sorted after `sort` */
  readonly items: Uint32Array;
  readonly values: Float64Array;
  #size = 0;

  constructor(readonly most: number) {
    this.items = new Uint32Array(most);
    this.values = new Float64Array(most);
  }

  clear(): void {
    this.#size = 0;
  }

  offer(item: number, value: number): void {
    const { items, values, most } = this;
    if (this.#size === most) {
      const worst = values[0]!;
      if (value > worst || (value === worst && item < items[0]!)) this.#sink(item, value, most);
      return;
    }
    let at = this.#size++;
    // moves parents that are better than the new item down, as the worst item is at the root
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isWorse(value, item, values[parent]!, items[parent]!)) break;
      [values[at], items[at]] = [values[parent]!, items[parent]!];
      at = parent;
    }
    [values[at], items[at]] = [value, item];
  }

  /** Sorts the items from best to worst; afterwards no further item may be offered. @returns number of items */
  sort(): number {
    const { items, values } = this;
    for (let end = this.#size - 1; end > 0; end--) {
      const [item, value] = [items[end]!, values[end]!];
      [items[end], values[end]] = [items[0]!, values[0]!];
      this.#sink(item, value, end);
    }
    return this.#size;
  }

  /** Replaces the root of a heap of `size` items, and restores the heap. */
  #sink(item: number, value: number, size: number): void {
    const { items, values } = this;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      const other = child + 1;
      if (other < size && isWorse(values[other]!, items[other]!, values[child]!, items[child]!))
        child = other;
      if (!isWorse(values[child]!, items[child]!, value, item)) break;
      [values[at], items[at]] = [values[child]!, items[child]!];
      at = child;
    }
    [values[at], items[at]] = [value, item];
  }
}

function isWorse(value: number, item: number, other: number, otherItem: number): boolean {
  return value < other || (value === other && item > otherItem);
}

/** Nearest items by c_ij / (sqrt(c_i c_j) + shrink); c_ij is the number of users with both. */
export async function cosineColumns(
  events: ItemEvents,
  most: number,
  shrink: number,
  pause: () => Promise<void>,
): Promise<ItemColumns> {
  const roots = events.counts.map(Math.sqrt);
  const weightOf = new Float64Array(events.users.indptr.length - 1).fill(1);
  const similarity = (x: number, i: number, j: number) => x / (roots[i]! * roots[j]! + shrink);
  return await nearestColumns(events, most, { weightOf, similarity }, pause);
}

// Nearest items by shrunk cosine:
//
//   s_ij = c_ij / (sqrt(c_i c_j) + h)        c_ij  number of users who have both        h  the shrinkage
//   W_ij = s_ij where i is one of the k items nearest to j, else 0
//
// Source: Sarwar et al. 2001 (doi:10.1145/371920.372071), section 3.2, with the shrinkage of Bell and Koren 2007
// (doi:10.1109/ICDM.2007.90); the variant of Ferrari Dacrema et al. 2019 (arXiv:1907.06902).

interface NearestItemsSetting {
  k: number;
  shrink: number;
}

const KS = [20, 50, 100, 200];
const SHRINKS = [0, 5, 20, 100];

export const itemKnn: ItemModel<NearestItemsSetting> = {
  name: "item-knn",
  grid: SHRINKS.flatMap((shrink) => KS.map((k) => ({ k, shrink }))),
  textOf: ({ k, shrink }) => `${k} nearest items, shrinkage ${shrink}`,
  columnsOf: ({ shrink }) => String(shrink),
  columns: async (events, { shrink }, pause) => await cosineColumns(events, Math.max(...KS), shrink, pause),
  view: ({ k }) => ({ most: k }),
};

export const baseline = itemModelBaseline(itemKnn);

function larger<T extends Uint32Array | Float32Array>(
  array: T,
  type: new (length: number) => T,
  least: number,
): T {
  const grown = new type(2 * Math.max(least, array.length));
  grown.set(array);
  return grown;
}
