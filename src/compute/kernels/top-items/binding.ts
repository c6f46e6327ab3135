import { sizeText, UsageError } from "../../../base/errors.js";
import { type Arena, GrowingArrays, type Region } from "../shared/memory.js";
import { allocateStruct, putStruct, writeStruct } from "../shared/struct.js";
import { BLOCK_QUERIES, INTEGER_BYTES, NUM_PAIRS, QueryBound, Scratch, Search } from "./layout.js";

export type { Kernel as TopItemsKernel } from "./layout.js";

/** Lists of items, one for each row, each ascending. */
export interface ItemLists {
  /** u32[numRows + 1] */
  indptr: Uint32Array;
  /** u32: items of all lists; row r has items[indptr[r] .. indptr[r + 1]) */
  items: Uint32Array;
}

/** Vectors and masks of a search. The score of an item is its weight plus the dot product. */
export interface TopItemsInput {
  dim: number;
  /** f32[numQueries * dim], row-major */
  queries: Float32Array;
  /** f32[numItems * dim], row-major */
  items: Float32Array;
  /** f32[numItems]; absent: 0. An item with the weight -Infinity is never found */
  weights?: Float32Array;
  /** for each query, the items that must not be found */
  masks: ItemLists;
}

/** Results of a search: row q of both arrays has the best items of query q, best first. */
export interface TopItems {
  /** u32[numQueries * top]: numbers of the found items; NO_ITEM fills the unused places of a list */
  items: Uint32Array;
  /** f32[numQueries * top] */
  scores: Float32Array;
}

/** Fills the positions of a list that have no item. */
export const NO_ITEM = 0xffffffff;

/** Items in the arena, stored eight side by side. */
export interface PackedItems {
  dim: number;
  numItems: number;
  panels: Region;
  weights: Region;
  /** whether any weight is neither 0 nor -Infinity */
  weighted: boolean;
}

/** Copies items into the arena, eight side by side. @throws {UsageError} they do not fit */
export function packItems(
  arena: Arena,
  { dim, items, weights }: Pick<TopItemsInput, "dim" | "items" | "weights">,
): PackedItems {
  const numItems = items.length / dim;
  const numPanels = Math.ceil(numItems / 8);
  const packed = {
    ...{ dim, numItems, weighted: false },
    panels: arena.allocate("the vectors of the items", numPanels * 8 * dim * 4),
    weights: arena.allocate("the weights of the items", numPanels * 8 * 4),
  };
  repackItems(arena, packed, { items, weights });
  return packed;
}

/** Replaces items in the arena by as many others. */
export function repackItems(
  arena: Arena,
  packed: PackedItems,
  { items, weights }: Pick<TopItemsInput, "items" | "weights">,
): void {
  const { dim, numItems } = packed;
  const panels = arena.f32(packed.panels);
  for (let i = 0; i < numItems; i++) {
    const at = (i >>> 3) * 8 * dim + (i & 7);
    for (let d = 0; d < dim; d++) panels[at + d * 8] = items[i * dim + d]!;
  }
  if (weights) arena.f32(packed.weights).set(weights);
  packed.weighted = weights?.some((w) => w !== 0 && w !== -Infinity) ?? false;
}

/**
 * Returns the number of queries of a call, so that threads get about equally many calls: a multiple of 4, at most
 * BLOCK_QUERIES.
 */
export function queriesOfBlock(numQueries: number, threads: number): number {
  const numBlocks = threads * Math.max(1, Math.ceil(numQueries / threads / BLOCK_QUERIES));
  return 4 * Math.max(1, Math.ceil(numQueries / numBlocks / 4));
}

/** Queries of a search with their masks, and the length of their lists. */
export interface TopItemsQueries extends Pick<TopItemsInput, "queries" | "masks"> {
  /** length of the lists, at least 1 */
  top: number;
}

/** Bytes that the lists of one search may take. */
const MOST_LIST_BYTES = 2 ** 32;

/** @throws {UsageError} the lists would take more memory than a search may use */
export function checkLists(numQueries: number, top: number): void {
  const bytes = numQueries * top * 8;
  if (bytes <= MOST_LIST_BYTES) return;
  throw new UsageError(
    `lists of ${top.toLocaleString("en")} items for ${numQueries.toLocaleString("en")} queries need ` +
      `${sizeText(bytes)}, the limit is ${sizeText(MOST_LIST_BYTES)}: use a smaller --k`,
  );
}

/** Regions of the arena for the queries and results of a search; each search reuses them. */
export class SearchRoom {
  readonly search: number;
  readonly scratches: readonly number[];
  readonly #arena: Arena;
  readonly #growing: GrowingArrays;
  #length = 0;

  constructor(arena: Arena, dim: number, threads: number) {
    this.#arena = arena;
    this.#growing = new GrowingArrays(arena, "a search");
    this.search = allocateStruct(arena, "a search", Search);
    this.scratches = Array.from({ length: threads }, () => writeScratch(arena, dim));
  }

  /** Copies queries into the arena. @throws {UsageError} they do not fit */
  layOut(
    { dim, numItems, panels, weights, weighted }: PackedItems,
    { queries, masks, top }: TopItemsQueries,
  ): void {
    const numQueries = queries.length / dim;
    checkLists(numQueries, top);
    this.#length = numQueries * top;
    putStruct(this.#arena, Search, this.search, {
      ...{ dim, numItems, top, weighted, panels: panels.offset, weights: weights.offset },
      queries: this.#growing.put("queries", queries),
      maskEnds: this.#growing.put("masks' ends", masks.indptr),
      masks: this.#growing.put("masks", masks.items),
      found: this.#growing.reserve("items", this.#length * 4),
      scores: this.#growing.reserve("scores", this.#length * 4),
    });
  }

  /** Returns copies of the lists that the search found. */
  results(): TopItems {
    return {
      items: this.#arena.u32(this.#growing.regionOf("items")).slice(0, this.#length),
      scores: this.#arena.f32(this.#growing.regionOf("scores")).slice(0, this.#length),
    };
  }
}

/** Allocates a thread's buffers. @returns byte offset of their Scratch struct */
function writeScratch(arena: Arena, dim: number): number {
  const bytesOfPair = 4 * Math.ceil((dim + 1) / 2);
  const room = (bytes: number) => arena.allocate("a thread's scratch", bytes);
  return writeStruct(arena, "a thread's scratch", Scratch, {
    tile: room(128),
    packed: room(BLOCK_QUERIES * dim * 4),
    integerQueries: room(BLOCK_QUERIES * bytesOfPair),
    integerItems: room(Math.max(INTEGER_BYTES, 8 * bytesOfPair)),
    bounds: room(BLOCK_QUERIES * QueryBound.size),
    pairs: room(NUM_PAIRS * 8),
  });
}
