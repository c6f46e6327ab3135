import { aliasTable } from "../../../base/numeric/alias.js";
import { longestRow } from "../../../base/numeric/indices.js";
import { allocateBarrier } from "../shared/barrier.js";
import type { Arena, Region } from "../shared/memory.js";
import { setField, writeStruct } from "../shared/struct.js";
import { threadsInUse } from "../shared/threads-in-use.js";
import { B, BatchRows, CALL, G, LEVELS, N, Plan, R, SL, Thread } from "./layout.js";
import {
  allocateAttention,
  checkParts,
  batchOfParts,
  copyAttention,
  planOfParts,
  threadOfParts,
  type Attention,
  type SgnsParts,
} from "./parts.js";

export {
  B as SGNS_GROUPS,
  CALL as BATCHES_OF_CALL,
  G as SGNS_GROUP,
  N as SGNS_NOISE,
  R as SGNS_BATCH,
  SL as SGNS_SLICE,
};
export type { Kernel as SgnsKernel } from "./layout.js";

/** Distances are stored in bytes. */
const MAX_WINDOW = 255;

/** Market of rows without one. */
export const NO_MARKET = 0xffffffff;

export interface SgnsPairs {
  lists: {
    /** u32[lists + 1]: list l is rows[ends[l] .. ends[l + 1]) */
    ends: Uint32Array;
    rows: Uint32Array;
    /** f32, weight of each row of a list: positive for a context, negative for a negative sample */
    weights: Float32Array;
  };
  markets?: {
    /** u32[numRows]: market of each row, or NO_MARKET */
    of: Uint32Array;
    /** u32[markets + 1]: market m is rows[ends[m] .. ends[m + 1]) */
    ends: Uint32Array;
    rows: Uint32Array;
    /** negatives, with weight 1, that each centre samples from its market */
    drawn: number;
  };
}

export interface SgnsShape {
  numRows: number;
  dim: number;
  /** at most one per slice of 16 dimensions is used */
  threads: number;
  /** context positions on either side of a centre, 1 to 255; a context's weight decreases with distance */
  window: number;
  negatives: number;
  /** f64[numRows], sum 1: probability of each row as a noise sample */
  noise: Float64Array;
  /** of a stream */
  mostTokens: number;
  /** contexts of centres in addition to those of the window */
  pairs?: SgnsPairs;
  /** rows whose weighted mean is the vector of a centre; cannot be combined with `pairs` or `oneTable` */
  parts?: SgnsParts;
  /**
   * whether a row has the same vector as a centre and as a context (LINE's first order); contexts then are the centres
   */
  oneTable?: boolean;
}

/** A stream of consecutive sessions, of which each position has a token. */
export interface SgnsStream {
  /** u32[n]: token at each position, a row of the matrices */
  tokens: Uint32Array;
  /** u8[n] each: positions before and after a centre that are its contexts: at most the window, within its session */
  left: Uint8Array;
  right: Uint8Array;
  /**
   * f32[n]: square root of each event's weight; a pair, and its noise, has the product of two. Absent when all are 1.
   */
  weights?: Float32Array;
  /** u32[n]: list of further contexts of each position; not read without such lists */
  lists?: Uint32Array;
}

export interface SgnsLayout {
  plan: number;
  threads: number[];
  /** sets the number of threads that train */
  use: (threads: number) => void;
  numSlices: number;
  barrier: Region;
  /** f32[J][V][16] each: vectors of V rows in J slices of 16 dimensions */
  centres: Region;
  contexts: Region;
  /** f32[J][V] each: AdaGrad's sums of squares */
  centreSquares: Region;
  contextSquares: Region;
  tokens: Region;
  left: Region;
  right: Region;
  /** f32, padded on both sides; allocated when first needed */
  weights: Region | undefined;
  /** u32[n]; undefined without lists */
  lists: Region | undefined;
  /** of each thread; empty without parts */
  attention: Attention[];
  /** u32[V][2]: alias table */
  noise: Region;
  losses: Region;
}

/** Returns nb: the blocks of four columns with the contexts of four adjacent centres, an even number. */
export function columnBlocks(window: number): number {
  return 2 * Math.ceil((4 + 2 * window) / 8);
}

/** Allocates parameters, buffers and structs, with room for a stream. @throws {UsageError} they do not fit */
export function allocateSgns(arena: Arena, shape: SgnsShape): SgnsLayout {
  const { numRows: V, dim, window, negatives, noise, mostTokens } = shape;
  if (!(window >= 1 && window <= MAX_WINDOW)) {
    throw new RangeError(`window must be between 1 and ${MAX_WINDOW}, got ${window}`);
  }
  const J = Math.ceil(dim / SL);
  const numThreads = Math.max(1, Math.min(shape.threads, J));
  const nb = columnBlocks(window);
  const numColumns = 4 * (G / 4 + nb - 1);
  const Q = numColumns + N;
  const blocks = (R / 4) * (nb + N / 4);
  const matrix = (name: string) => arena.allocate(`the ${name} vectors of ${V} rows`, J * V * SL * 4);
  const sums = (name: string) => arena.allocate(`AdaGrad's sums of ${V} rows' ${name} vectors`, J * V * 4);

  if (shape.pairs) checkPairs(shape.pairs, V);
  const P = shape.pairs ? mostPairs(shape.pairs) : 0;
  const { lists, markets } = shape.pairs ?? {};
  const { parts } = shape;
  if (parts) checkParts(parts, V);
  if (parts && (shape.pairs ?? shape.oneTable))
    throw new RangeError("composed centres have no pairs beside the band, and contexts of their own");
  const attention = Array.from({ length: parts ? numThreads : 0 }, () => allocateAttention(arena, parts!));

  const barrier = allocateBarrier(arena);
  const [centres, centreSquares] = [matrix("centre"), sums("centre")];
  const [contexts, contextSquares] = shape.oneTable
    ? [centres, centreSquares]
    : [matrix("context"), sums("context")];
  const tokens = arena.allocate(`a stream of ${mostTokens} tokens`, Math.max(1, mostTokens) * 4);
  const left = arena.allocate("a stream's windows", Math.max(1, mostTokens));
  const right = arena.allocate("a stream's windows", Math.max(1, mostTokens));
  const pairLists = P > 0 ? arena.allocate("a stream's lists", Math.max(1, mostTokens) * 4) : undefined;
  const losses = arena.allocate("losses", (R / 4 + B) * 8);
  const noiseTable = arena.allocate("the noise", V * 8);
  arena.u32(noiseTable).set(aliasTable(noise));
  const mostContexts = B * Q + P;
  const mostRows = shape.oneTable ? R + mostContexts : mostContexts;
  const batches = Uint32Array.from({ length: 2 * CALL }, () => {
    const own = arena.numbers("rows", 1 + (shape.oneTable ? mostRows : R));
    return writeStruct(arena, "a batch", BatchRows, {
      centreSlots: arena.numbers("slots", R),
      contextSlots: arena.numbers("slots", B * Q),
      numCentreSlots: 0,
      numContextSlots: 0,
      centreRows: own,
      contextRows: shape.oneTable ? own : arena.numbers("rows", 1 + mostRows),
      pairEnds: arena.numbers("pairs", R),
      pairSlots: arena.numbers("pairs", P),
      pairWeights: arena.numbers("pairs", P),
      ...batchOfParts(arena, parts),
    });
  });
  const plan = writeStruct(arena, "a plan", Plan, {
    ...{ barrier, numThreads, dim, window, numColumns, tokens, left, right, losses },
    ...{ centres, contexts, centreSquares, contextSquares },
    numRows: V,
    numSlices: J,
    numBlocks: nb,
    weights: 0,
    numTokens: 0,
    alias: noiseTable,
    distanceWeights: arena.put("weights of distances", bandWeights(window)),
    noiseWeights: arena.put("weights of the noise", noiseWeights(window, negatives)),
    batches: arena.put("batches", batches),
    vectors: arena.numbers("a batch's vectors", J * B * (G + Q) * SL),
    partials: arena.numbers("partial scores", J * blocks * 16),
    gradients: arena.numbers("gradients", blocks * 16),
    mostPairs: P,
    pairLists,
    listEnds: arena.put("lists of pairs", lists?.ends),
    listRows: arena.put("lists of pairs", lists?.rows),
    listWeights: arena.put("lists of pairs", lists?.weights),
    numDrawn: markets?.drawn ?? 0,
    marketOf: arena.put("markets", markets?.of),
    marketEnds: arena.put("markets", markets?.ends),
    marketRows: arena.put("markets", markets?.rows),
    pairPartials: arena.numbers("partial scores of pairs", J * P),
    pairGradients: arena.numbers("gradients of pairs", P),
    ...planOfParts(arena, parts, J),
  });
  const threads = Array.from({ length: numThreads }, (_, t) => {
    const slotsOf = (count: number) => ({
      slotOf: arena.numbers("slots", V),
      sums: arena.numbers("sums of gradients", (1 + count) * SL),
    });
    const own = slotsOf(shape.oneTable ? mostRows : R);
    const others = shape.oneTable ? own : slotsOf(mostRows);
    return writeStruct(arena, "a thread", Thread, {
      centreSlotOf: own.slotOf,
      contextSlotOf: others.slotOf,
      packed: arena.numbers("packed vectors", (G + Q) * SL),
      scores: arena.numbers("scores", LEVELS * (nb + N / 4) * 16),
      shares: arena.numbers("weights of contexts", 4 * nb),
      centreSums: own.sums,
      contextSums: others.sums,
      ...threadOfParts(arena, parts, attention[t]),
    });
  });
  const state = { centres, contexts, centreSquares, contextSquares };
  const stream = { tokens, left, right, weights: undefined, lists: pairLists };
  const use = threadsInUse(arena, Plan, plan, {
    ...{ thread: Thread, threads },
    follow: () => copyAttention(arena, attention),
  });
  const layout = { plan, threads, use, numSlices: J, barrier };
  return { ...layout, ...state, ...stream, attention, noise: noiseTable, losses };
}

/**
 * Returns the weight of a context by its distance: the probability that a window drawn from 1 .. window reaches it, as
 * in word2vec.c.
 */
export function distanceWeight(window: number, distance: number): number {
  const d = Math.abs(distance);
  return d === 0 || d > window ? 0 : (window - d + 1) / window;
}

/** Returns Plan.distanceWeights. */
function bandWeights(window: number): Float32Array {
  const width = 4 * columnBlocks(window);
  return Float32Array.from({ length: 4 * width }, (_, i) =>
    distanceWeight(window, (i % width) - window - Math.floor(i / width)),
  );
}

/** Returns Plan.noiseWeights. */
function noiseWeights(window: number, negatives: number): Float32Array {
  let mass = 0;
  return Float32Array.from({ length: window + 1 }, (_, d) => {
    mass += distanceWeight(window, d);
    return (negatives * mass) / N;
  });
}

/**
 * Replaces the layout's stream by a copy of the given one; must not be called while the threads run.
 *
 * @returns sum of the weights of the centres that have a context
 * @throws {RangeError} the stream is too long for the layout, or a token, window or list is out of range
 */
export function loadStream(
  arena: Arena,
  layout: SgnsLayout,
  { numRows, window, pairs, parts }: Pick<SgnsShape, "numRows" | "window" | "pairs" | "parts">,
  { tokens, left, right, weights, lists }: SgnsStream,
): number {
  const n = tokens.length;
  if (
    n * 4 > layout.tokens.bytes ||
    left.length !== n ||
    right.length !== n ||
    (weights?.length ?? n) !== n
  ) {
    throw new RangeError(`a stream of ${n} tokens in room for ${layout.tokens.bytes / 4}`);
  }
  // checks tokens and windows, because the kernel uses them as indexes without a check
  let mass = 0;
  for (let i = 0; i < n; i++) {
    if (tokens[i]! >= numRows || left[i]! > Math.min(window, i) || right[i]! > Math.min(window, n - 1 - i)) {
      throw new RangeError(`token ${i} is row ${tokens[i]} and looks ${left[i]} back and ${right[i]} ahead`);
    }
    if (parts && parts.ends[tokens[i]!] === parts.ends[tokens[i]! + 1])
      throw new RangeError(`token ${i} is row ${tokens[i]}, which has no parts`);
    if (left[i]! + right[i]! > 0) mass += weights ? weights[i]! ** 2 : 1;
  }
  if (pairs && layout.lists) {
    const numLists = pairs.lists.ends.length - 1;
    if (lists?.length !== n || lists.some((list) => list >= numLists))
      throw new RangeError(`a stream of ${n} tokens whose lists are none of ${numLists}`);
    arena.u32(layout.lists).set(lists);
  }
  // the kernel reads the weights of positions before the first and after the last token
  const pad = 4 * columnBlocks(window);
  if (weights) layout.weights ??= arena.allocate("a stream's weights", layout.tokens.bytes + 8 * pad);
  arena.u32(layout.tokens).set(tokens);
  new Uint8Array(arena.memory.buffer, layout.left.offset, n).set(left);
  new Uint8Array(arena.memory.buffer, layout.right.offset, n).set(right);
  if (weights) arena.f32(layout.weights!).set(weights, pad);
  setField(arena, Plan, layout.plan, "weights", weights ? layout.weights!.offset + 4 * pad : 0);
  setField(arena, Plan, layout.plan, "numTokens", n);
  return mass;
}

/**
 * Uses the first numTokens tokens in the layout's arrays as the stream, with weight 1; must not be called while the
 * threads run.
 */
export function useStream(arena: Arena, layout: SgnsLayout, numTokens: number): void {
  setField(arena, Plan, layout.plan, "weights", 0);
  setField(arena, Plan, layout.plan, "numTokens", numTokens);
}

/** Replaces the noise distribution. @param noise f64[numRows], sum 1 */
export function putNoise(arena: Arena, layout: SgnsLayout, noise: Float64Array): void {
  arena.u32(layout.noise).set(aliasTable(noise));
}

export function numBatches(numTokens: number): number {
  return Math.ceil(numTokens / R);
}

/** Returns the sum of the losses since the last call. */
export function takeSgnsLoss(arena: Arena, { losses }: SgnsLayout): number {
  const sums = arena.f64(losses);
  const sum = sums.reduce((a, b) => a + b, 0);
  sums.fill(0);
  return sum;
}

/**
 * Writes rows of a dense matrix into a matrix of the kernel, which is stored in slices of 16 dimensions.
 *
 * @param rows f32[numRows * dim]
 * @param which u8[numRows]: 1 for each row to write
 */
export function putRows(
  arena: Arena,
  matrix: Region,
  { numRows, dim }: Pick<SgnsShape, "numRows" | "dim">,
  rows: Float32Array,
  which: Uint8Array,
): void {
  const sliced = arena.f32(matrix);
  for (let first = 0, to = 0; first < dim; first += SL) {
    for (let row = 0; row < numRows; row++, to += SL) {
      const end = Math.min(first + SL, dim);
      if (which[row]) sliced.set(rows.subarray(row * dim + first, row * dim + end), to);
    }
  }
}

/** Returns AdaGrad's sums of squares of the centres or of the contexts. @returns f32[numRows][J], by row and slice */
export function squaresByRow(arena: Arena, squares: Region, numRows: number): Float32Array {
  const sums = arena.f32(squares);
  const numSlices = sums.length / numRows;
  return Float32Array.from(sums, (_, i) => sums[(i % numSlices) * numRows + Math.floor(i / numSlices)]!);
}

/** Writes AdaGrad's sums of squares of selected rows. @param which u8[numRows]: 1 for each row to write */
export function putSquares(arena: Arena, squares: Region, byRow: Float32Array, which: Uint8Array): void {
  const [sums, numRows] = [arena.f32(squares), which.length];
  const numSlices = sums.length / numRows;
  for (let i = 0; i < sums.length; i++) {
    const row = i % numRows;
    if (which[row]) sums[i] = byRow[row * numSlices + Math.floor(i / numRows)]!;
  }
}

/**
 * Freezes rows by setting their AdaGrad sums to infinity, so that their steps are 0.
 * @param which u8[numRows]: 1 for each row to freeze
 */
export function freezeRows(arena: Arena, layout: SgnsLayout, which: Uint8Array): void {
  for (const squares of [layout.centreSquares, layout.contextSquares]) {
    const sums = arena.f32(squares);
    for (let i = 0; i < sums.length; i++) if (which[i % which.length]) sums[i] = Infinity;
  }
  for (const { squares } of layout.attention) {
    const sums = arena.f32(squares);
    for (let row = 0; row < which.length; row++) if (which[row]) sums[row] = Infinity;
  }
}

/** Returns a matrix of the kernel as a dense matrix, without padding. @returns f32[numRows * dim], row-major */
export function denseRows(
  arena: Arena,
  matrix: Region,
  { numRows, dim }: Pick<SgnsShape, "numRows" | "dim">,
): Float32Array {
  const sliced = arena.f32(matrix);
  const dense = new Float32Array(numRows * dim);
  for (let first = 0, from = 0; first < dim; first += SL) {
    const used = Math.min(SL, dim - first);
    for (let row = 0; row < numRows; row++, from += SL) {
      for (let d = 0; d < used; d++) dense[row * dim + first + d] = sliced[from + d]!;
    }
  }
  return dense;
}

/**
 * Returns the pairs of a batch at most: each centre's longest list and sampled negatives, plus the padding of groups.
 */
function mostPairs({ lists, markets }: SgnsPairs): number {
  const most = longestRow(lists.ends) + (markets?.drawn ?? 0);
  return most === 0 ? 0 : R * most + 4 * B;
}

/**
 * Checks lists and markets, which the kernel does not check.
 * @throws {RangeError} a row, market or end is out of range
 */
function checkPairs({ lists, markets }: SgnsPairs, numRows: number): void {
  const isRow = (row: number) => row < numRows;
  const ascends = (ends: Uint32Array, size: number) =>
    ends[0] === 0 && ends.at(-1) === size && ends.every((end, i) => i === 0 || end >= ends[i - 1]!);
  const areLists =
    ascends(lists.ends, lists.rows.length) &&
    lists.weights.length === lists.rows.length &&
    lists.rows.every(isRow);
  if (!areLists) throw new RangeError("lists of pairs that are none");
  if (!markets) return;
  const { of, ends, rows } = markets;
  // a market must have rows, because negatives are sampled from it
  const isMarket = (market: number) =>
    market === NO_MARKET || (market < ends.length - 1 && ends[market + 1]! > ends[market]!);
  const areMarkets =
    ascends(ends, rows.length) && of.length === numRows && rows.every(isRow) && of.every(isMarket);
  if (!areMarkets) throw new RangeError("markets that are none");
}
