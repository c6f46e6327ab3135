import { longestRow } from "../../../base/numeric/indices.js";
import { degreesOf, inverseRoots } from "../../../base/numeric/scales.js";
import { allocateBarrier } from "../shared/barrier.js";
import type { Arena, Region } from "../shared/memory.js";
import { setField, takeField, writeStruct, writeStructs } from "../shared/struct.js";
import { threadsInUse } from "../shared/threads-in-use.js";
import type { ItemLists } from "../top-items/binding.js";
import { placeVectors, type PlacedVectors } from "./tables.js";
import { PairRows as PairRowsStruct } from "../shared/layout.js";
import {
  ADAGRAD,
  ADAM,
  B,
  BLOCK,
  BPR,
  CCL,
  Contrast,
  PropagationGraph,
  ITEM_FACTOR,
  K,
  MIXED_FACTOR,
  Plan,
  SAMPLED_SOFTMAX,
  SGD,
  Strata,
  Thread,
  USER_FACTOR,
  VectorTable,
  WARP,
} from "./layout.js";

export { B as RANKING_BATCH, BLOCK as RANKING_BLOCK };

export type RankingLoss = "bpr" | "warp" | "sampled-softmax" | "ccl";
export type RankingMethod = "adagrad" | "adam" | "sgd";
const METHODS = { adagrad: ADAGRAD, adam: ADAM, sgd: SGD };
const LOSSES = { bpr: BPR, warp: WARP, "sampled-softmax": SAMPLED_SOFTMAX, ccl: CCL };

/** Returns whether the events of a batch share their negatives under this loss. */
export function sharesNegatives(loss: RankingLoss): boolean {
  return loss === "sampled-softmax" || loss === "ccl";
}

export type { Kernel as RankingKernel } from "./layout.js";

/** Rows of (feature, value) pairs in the format of dataset/rows.ts; the kernel ignores labels. */
export interface ContextRows {
  width: number;
  indptr?: Uint32Array;
  ids: Uint32Array;
  values?: Float32Array;
}

/** Events, and the distribution from which their negatives are sampled. */
export interface RankingData {
  numFeatures: number;
  /** one row per event */
  context: ContextRows;
  /** one row per item */
  templates: ContextRows;
  /** u32[E]: user of each event; NO_ITEM for an event without a user */
  users: Uint32Array;
  /** u32[E] */
  items: Uint32Array;
  /** f32[E]; absent when all weights are 1 */
  weights?: Float32Array;
  numItems: number;
  /** the items with which each user has events */
  history: ItemLists;
  /** u32[I][2]: alias table of the noise distribution; absent for the uniform distribution */
  alias?: Uint32Array;
  /**
   * f32[I]: log of the probability that each item is drawn as a negative; absent if all are equal, or scores are
   * uncorrected
   */
  logNoise?: Float32Array;
  /** groups of users, and of items, for training in strata, a power of two; by default the result of strataGroups */
  groups?: number;
  /** for layers; each context and each item then has one feature of value 1 */
  graph?: RankingGraph;
}

/**
 * The features that events connect, in both directions: neighbors[ends[f]] .. neighbors[ends[f + 1] - 1] are those of
 * f.
 */
export interface RankingGraph {
  layers: number;
  /** true: layers are part of the trained model; false: they are applied after the training */
  through: boolean;
  /** u32[n + 1] and u32 */
  ends: Uint32Array;
  neighbors: Uint32Array;
}

export interface RankingShape {
  dim: number;
  /** at most one per slice of dimensions, or per group for training in strata, is used */
  threads: number;
  loss: RankingLoss;
  cosine: boolean;
  /** Adam requires shared negatives; SGD a loss over pairs, and one feature of value 1 per context and item */
  method: RankingMethod;
  /** events between two steps if negatives are shared: a divisor of 4,096 and a multiple of 8 */
  batchSize: number;
  /** candidates per event (bpr, warp), or negatives that a batch samples and shares, a multiple of 8 */
  negatives: number;
  /** true: the items of the batch are shared negatives as well */
  inBatch: boolean;
  /** true: all events of a user in a batch together have the weight of one */
  averages: boolean;
  /** the negative has a rank by score in this range, 1 the highest (bpr) */
  hardNegatives: readonly [from: number, to: number];
  learningRate: number;
  l2Weight: number;
  l2Vector: number;
  margin: number;
  negativeWeight: number;
  temperature: number;
}

/** Addresses of the kernel's structs and arrays in shared memory. */
export interface RankingLayout {
  plan: number;
  threads: number[];
  /** sets the number of threads that train */
  use: (threads: number) => void;
  barrier: Region;
  vectors: PlacedVectors;
  /** f32[n][momentStride / 4]; absent for AdaGrad */
  moments?: Region;
  /** f32[n][weightStride / 4]: weights with their optimizer state */
  weights: Region;
  /** bytes per row of `moments`, and of `weights` */
  momentStride: number;
  weightStride: number;
  slices: number;
  /** floats of optimizer state per vector, and per weight */
  kept: { vector: number; weight: number };
  /** f32[n][D]: output of `propagateVectors`; absent without layers */
  propagated?: Region;
  /** absent unless events are trained in strata; `losses` is f64[groups^2], of an epoch */
  strata?: { groups: number; losses: Region };
}

/**
 * Copies the events into the arena, and reserves memory for parameters, buffers and structs.
 * @throws {UsageError} they do not fit in the memory
 */
export function allocateRanking(arena: Arena, data: RankingData, shape: RankingShape): RankingLayout {
  const { numFeatures, numItems, context, templates } = data;
  const { negatives: M, loss, dim, method, batchSize, inBatch, averages, cosine } = shape;
  const { learningRate, l2Weight, l2Vector, margin, negativeWeight, temperature } = shape;
  const J = Math.ceil(dim / K);
  const D = K * J;
  const isAdam = method === "adam";
  const kept = {
    adagrad: { vector: J, weight: 1 },
    adam: { vector: 2 * D + 2 * J, weight: 4 },
    sgd: { vector: 0, weight: 0 },
  }[method];
  // Adam's moments are in a separate table, so that the layers read only the vectors
  const momentStride = isAdam ? Math.ceil((kept.vector * 4) / 64) * 64 : 0;
  const weightStride = isAdam ? 32 : 4 + 4 * kept.weight;
  const putRows = (name: string, { width, indptr, ids, values }: ContextRows) =>
    writeStruct(arena, name, PairRowsStruct, {
      width,
      indptr: arena.put(name, indptr),
      ids: arena.put(name, ids),
      values: arena.put(name, values),
    });
  const shared = sharesNegatives(loss);
  const longest = ({ width, indptr }: ContextRows) => (indptr ? longestRow(indptr) : width);
  const isSingle = (rows: ContextRows) => rows.width === 1 && !rows.indptr && !rows.values;
  const single = isSingle(context) && isSingle(templates);
  const groups = single && !shared ? (data.groups ?? strataGroups(data)) : 0;
  const numThreads = Math.max(1, Math.min(shape.threads, groups || J));
  // negatives that a batch shares, and features that it contains, at most
  const N = shared ? M + (inBatch ? batchSize : 0) : 0;
  const R = shared
    ? Math.min(numFeatures, batchSize * longest(context) + (batchSize + N) * longest(templates))
    : 0;
  const { graph } = data;

  const isSliced = !shared && groups === 0;
  const size = { n: numFeatures, slices: J };
  const vectors = placeVectors(arena, size, isSliced ? numThreads : 1, method === "adagrad");
  const moments =
    momentStride > 0
      ? arena.allocate(`the moments of ${numFeatures} features`, numFeatures * momentStride)
      : undefined;
  const weights = arena.allocate(`the weights of ${numFeatures} features`, numFeatures * weightStride);
  const barrier = allocateBarrier(arena);
  const contrast = shared
    ? writeStruct(arena, "a batch", Contrast, {
        negatives: arena.numbers("negatives", N * D),
        panels: arena.numbers("negatives", N * D),
        negativeScales: arena.numbers("negatives", N),
        offsets: arena.numbers("negatives", N),
        negativeGradients: arena.numbers("negatives", N * D),
        rowGradients: arena.numbers("the batch's features", R * D),
        rowWeightGradients: arena.numbers("the batch's features", R),
        rows: graph?.through ? arena.numbers("the batch's features", R * D) : undefined,
        contexts: arena.numbers("contexts", B * D),
        contextScales: arena.numbers("contexts", B),
        positives: arena.numbers("items", B * D),
        positiveScales: arena.numbers("items", B),
        gradients: arena.numbers("gradients", B * N),
        columns: arena.numbers("columns", (B / 4) * N),
        contextGradients: arena.numbers("gradients", B * D),
        positiveScores: arena.numbers("scores", B),
        positiveGradients: arena.numbers("gradients", B),
        losses: arena.numbers("losses", B),
      })
    : 0;
  const propagation = graph && putGraph(arena, graph, numFeatures * D);
  const memberships = membershipsOf(data.history);
  const strata = groups > 0 ? putStrata(arena, data, groups, numThreads) : undefined;
  const plan = writeStruct(arena, "a plan", Plan, {
    ...{ barrier, numThreads, numFeatures, dim, cosine, inBatch, averages, batchSize },
    ...{ moments, momentStride, weights, weightStride },
    tables: writeStructs(arena, "where the vectors lie", VectorTable, vectors.tables),
    numTables: vectors.tables.length,
    ...{ learningRate, l2Weight, l2Vector, margin, negativeWeight, temperature },
    numSlices: J,
    method: METHODS[method],
    context: putRows("the events' contexts", context),
    templates: putRows("the items' features", templates),
    single,
    users: arena.put("the events' users", data.users),
    items: arena.put("the events' items", data.items),
    eventWeights: arena.put("the events' weights", data.weights),
    numUsers: data.history.indptr.length - 1,
    numItems,
    historyEnds: arena.put("the users' items", data.history.indptr),
    history: arena.put("the users' items", data.history.items),
    memberships: arena.put("the users' items", memberships.bits),
    membershipShift: memberships.shift,
    alias: arena.put("the noise", data.alias),
    logNoise: arena.put("the noise", data.logNoise),
    loss: LOSSES[loss],
    numNegatives: M,
    fromRank: shape.hardNegatives[0],
    toRank: shape.hardNegatives[1],
    rankWeights: loss === "warp" ? arena.put("rank weights", rankWeights(numItems, M)) : 0,
    candidates: isSliced ? arena.numbers("candidates", 2 * BLOCK * (M + 2)) : undefined,
    partials: isSliced ? arena.numbers("partial scores", 2 * (J + 1) * B * (M + 1)) : undefined,
    strata,
    contrast,
    graph: propagation,
    through: graph?.through ?? false,
  });
  const threads = Array.from({ length: numThreads }, () =>
    writeStruct(arena, "a thread", Thread, {
      // training in strata and with shared negatives uses a single table of vectors, because its threads read all
      // slices
      ...vectors.tables[0]!,
      ...{ loss: 0, batchNumber: 0, blockNumber: 0, numShared: 0, numRows: 0, learningRate: 0 },
      order: arena.numbers("an order", BLOCK),
      scores: shared ? 0 : arena.numbers("scores", (strata ? 1 : B) * (M + 1)),
      gradients: arena.numbers("gradients", B),
      negatives: arena.numbers("negatives", B),
      places: strata ? arena.numbers("the events by block", groups * groups) : undefined,
      sorted: strata ? arena.numbers("the events of a step", B) : undefined,
      pairs: strata ? arena.numbers("the events of a step", 3 * B) : undefined,
      drawn: strata ? arena.numbers("candidates", M + 1) : undefined,
      best: shared ? 0 : arena.numbers("the best candidates", Math.max(B, shape.hardNegatives[1])),
      tile: arena.numbers("a tile", B),
      packed: arena.numbers("packed contexts", 4 * D),
      slots: shared ? arena.numbers("slots", numItems) : undefined,
      next: arena.numbers("slots", N),
      shared: arena.numbers("negatives", N),
      negativeNoise: arena.numbers("negatives", N),
      columns: arena.numbers("columns", N),
      rowOf: shared ? arena.numbers("the batch's features", numFeatures) : undefined,
      features: arena.numbers("the batch's features", R),
      occurrences: arena.numbers("the batch's features", R),
      panel: graph ? arena.numbers("the layers", numFeatures * 16) : undefined,
      panel2: graph ? arena.numbers("the layers", numFeatures * 16) : undefined,
      eventsOf: averages ? arena.numbers("the users' events", data.history.indptr.length - 1) : undefined,
    }),
  );
  return {
    ...{ plan, threads, barrier, vectors, weights, momentStride, weightStride, slices: J, kept },
    use: threadsInUse(arena, Plan, plan, {
      ...{ thread: Thread, threads, ofLast: ["loss"] },
      alike: ["batchNumber", "blockNumber"],
    }),
    moments,
    propagated: propagation?.propagated,
    ...(strata && { strata: { groups, losses: strata.losses } }),
  };
}

/** @param size floats of all vectors @returns the struct's offset, and the address of propagated vectors */
function putGraph(
  arena: Arena,
  { layers, ends, neighbors }: RankingGraph,
  size: number,
): { offset: number; propagated: Region } {
  const name = "the layers";
  const propagated = arena.allocate(name, size * 4);
  const offset = writeStruct(arena, name, PropagationGraph, {
    numLayers: layers,
    ends: arena.put(name, ends),
    neighbors: arena.put(name, neighbors),
    scales: arena.put(name, inverseRoots(degreesOf(ends))),
    propagated,
  });
  return { offset, propagated };
}

/**
 * Builds a Bloom filter of the history: each pair of user and item sets one bit, about one in eight bits. A pair whose
 * bit is not set is not in the history.
 *
 * @param numPairs number of pairs that determines b; by default that of the history
 * @returns u32[2^b / 32], and 32 - b: the shift that turns the kernel's hash into a bit number
 */
export function membershipsOf(
  { indptr, items }: ItemLists,
  numPairs = items.length,
): { bits: Uint32Array; shift: number } {
  const b = Math.max(5, Math.min(31, Math.ceil(Math.log2(8 * numPairs + 1))));
  const shift = 32 - b;
  const bits = new Uint32Array(2 ** (b - 5));
  for (let user = 0; user + 1 < indptr.length; user++) {
    for (let i = indptr[user]!; i < indptr[user + 1]!; i++) {
      const h = (Math.imul(user, USER_FACTOR) + Math.imul(items[i]!, ITEM_FACTOR)) >>> 0;
      const bit = Math.imul(h ^ (h >>> 15), MIXED_FACTOR) >>> shift;
      bits[bit >>> 5]! |= 1 << (bit & 31);
    }
  }
  return { bits, shift };
}

/** Sets the learning rate; must not be called while the threads run. */
export function setRankingRate(arena: Arena, { plan }: RankingLayout, learningRate: number): void {
  setField(arena, Plan, plan, "learningRate", learningRate);
}

/**
 * Returns f32[M + 1]: WARP's weight of an event by the number k of its first candidate that violates the margin,
 * L(floor((I - 1) / k)) for I items, where L(r) = 1 + 1/2 + ... + 1/r and at least 1. Source: Weston et al. 2011, eq. 2
 * and 6.
 */
export function rankWeights(numItems: number, candidates: number): Float32Array {
  const weights = new Float32Array(candidates + 1);
  let [sum, terms] = [0, 0];
  for (let k = candidates; k >= 1; k--) {
    for (const rank = Math.max(1, Math.floor((numItems - 1) / k)); terms < rank;) sum += 1 / ++terms;
    weights[k] = sum;
  }
  return weights;
}

/** Returns the sum of the losses since the last call; for training in strata, of the last epoch. */
export function takeRankingLoss(arena: Arena, { threads, strata }: RankingLayout): number {
  if (strata) return arena.f64(strata.losses).reduce((sum, loss) => sum + loss, 0);
  return takeField(arena, Thread, threads.at(-1)!, "loss");
}

/** Groups are doubled while they have this many items, and blocks this many events, on average. */
const [GROUP_ITEMS, BLOCK_EVENTS, MOST_GROUPS] = [64, 1024, 64];

/**
 * Returns the number of groups of users, and of items, for training in strata: a power of two that depends only on the
 * data.
 */
export function strataGroups({ numItems, items }: { numItems: number; items: { length: number } }): number {
  let groups = 1;
  while (
    groups < MOST_GROUPS &&
    numItems >= 2 * groups * GROUP_ITEMS &&
    items.length >= 4 * groups * groups * BLOCK_EVENTS
  )
    groups *= 2;
  return groups;
}

/** @returns offset of the struct, and address of the losses of the blocks */
function putStrata(
  arena: Arena,
  { items, numItems, alias }: RankingData,
  groups: number,
  numThreads: number,
): { offset: number; losses: Region } {
  const blocks = groups * groups;
  const losses = arena.allocate("the losses", blocks * 8);
  const offset = writeStruct(arena, "blocks", Strata, {
    groups,
    rounds: arena.numbers("rounds", groups),
    counts: arena.numbers("the events by block", numThreads * blocks),
    ends: arena.numbers("the events by block", blocks + 1),
    blocks: arena.numbers("the events by block", Math.ceil(items.length / 2)),
    events: arena.numbers("the events by block", 4 * items.length),
    itemEnds: arena.numbers("the items by group", groups + 1),
    groupItems: arena.numbers("the items by group", numItems),
    chances: arena.put("the noise", alias && aliasChances(alias)),
    sums: alias ? arena.numbers("the noise", numItems) : undefined,
    taken: arena.numbers("rounds", groups * 16 * Math.ceil(numThreads / 16)),
    losses,
  });
  return { offset, losses };
}

/** Returns u32[I]: probability of each item of an alias table in units of 2^-31, at least 1. */
export function aliasChances(alias: Uint32Array): Uint32Array {
  const numItems = alias.length / 2;
  const shares = new Float64Array(numItems);
  for (let i = 0; i < numItems; i++) {
    const own = (alias[2 * i]! + 1) / 2 ** 32;
    shares[i]! += own;
    shares[alias[2 * i + 1]!]! += 1 - own;
  }
  return Uint32Array.from(shares, (share) => Math.max(1, Math.floor((share / numItems) * 2 ** 31)));
}
