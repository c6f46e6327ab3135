// The search for best items as the rest of the program sees it: its functions, and its struct laid out in an arena.

import { sizeText, UsageError } from "../../errors.js";
import { Rooms, type Arena } from "../shared/memory.js";
import { allocateStruct, putStruct, writeStruct } from "../shared/struct.js";
import {
  BLOCK_QUERIES,
  INTEGER_BYTES,
  NUM_PAIRS,
  QueryBound,
  Scratch,
  Search,
  type Kernel,
} from "./layout.js";

/** Its functions; pointers are byte offsets. */
export type TopItemsKernel = Kernel;

/** For each of some rows the items that belong to it, ascending. */
export interface ItemLists {
  /** u32[numRows + 1] */
  indptr: Uint32Array;
  /** u32: items[indptr[r] .. indptr[r + 1]) */
  items: Uint32Array;
}

/** What is searched: the score of an item is its weight plus the inner product. */
export interface TopItemsInput {
  dim: number;
  /** f32[numQueries * dim], row-major */
  queries: Float32Array;
  /** f32[numItems * dim], row-major */
  items: Float32Array;
  /** f32[numItems]; absent for zeros. An item of -Infinity is never found */
  weights?: Float32Array;
  /** a list a query: items that it never finds */
  masks: ItemLists;
}

/** The best of a query stand in row q of both, best first. */
export interface TopItems {
  /** u32[numQueries * top]; NO_ITEM where fewer could be found */
  items: Uint32Array;
  /** f32[numQueries * top] */
  scores: Float32Array;
}

/** What stands where no item was found. */
export const NO_ITEM = 0xffffffff;

/** Items in the arena, eight side by side. */
export interface PackedItems {
  dim: number;
  numItems: number;
  panels: number;
  weights: number;
  /** a weight is neither 0 nor -Infinity */
  weighted: boolean;
}

/** Copies items into the arena. @throws {UsageError} they do not fit */
export function packItems(
  arena: Arena,
  { dim, items, weights }: Pick<TopItemsInput, "dim" | "items" | "weights">,
): PackedItems {
  const numItems = items.length / dim;
  const numPanels = Math.ceil(numItems / 8);
  const panels = arena.allocate("the vectors of the items", numPanels * 8 * dim * 4);
  const packed = arena.f32(panels);
  for (let i = 0; i < numItems; i++) {
    const at = (i >>> 3) * 8 * dim + (i & 7);
    for (let d = 0; d < dim; d++) packed[at + d * 8] = items[i * dim + d]!;
  }
  const weightsAt = arena.allocate("the weights of the items", numPanels * 8 * 4);
  if (weights) arena.f32(weightsAt).set(weights);
  const weighted = weights?.some((w) => w !== 0 && w !== -Infinity) ?? false;
  return { dim, numItems, panels: panels.offset, weights: weightsAt.offset, weighted };
}

/** Queries of a kernel call, so that threads have calls of the same size. @returns a multiple of 4, at most BLOCK_QUERIES */
export function queriesOfBlock(numQueries: number, threads: number): number {
  const numBlocks = threads * Math.max(1, Math.ceil(numQueries / threads / BLOCK_QUERIES));
  return 4 * Math.max(1, Math.ceil(numQueries / numBlocks / 4));
}

/** Queries of a search, as many as its caller likes. */
export interface Queries extends Pick<TopItemsInput, "queries" | "masks"> {
  /** >= 1: items a list */
  top: number;
}

/** Bytes of the lists of a search at most. */
const MOST_LIST_BYTES = 2 ** 32;

/** @throws {UsageError} lists of so many items take more memory than one search may */
export function checkLists(numQueries: number, top: number): void {
  const bytes = numQueries * top * 8;
  if (bytes <= MOST_LIST_BYTES) return;
  throw new UsageError(
    `lists of ${top.toLocaleString("en")} items for ${numQueries.toLocaleString("en")} queries need ` +
      `${sizeText(bytes)}, the limit is ${sizeText(MOST_LIST_BYTES)}: use a smaller --k`,
  );
}

/** Room in the arena for the queries of a search and what it finds: of one search after another, which take it in turn. */
export class SearchRoom {
  /** the struct of the search that is laid out */
  readonly search: number;
  /** one a thread */
  readonly scratches: readonly number[];
  /** u32: blocks taken so far */
  readonly counter: number;
  readonly #arena: Arena;
  readonly #rooms: Rooms;
  #length = 0;

  constructor(arena: Arena, dim: number, threads: number) {
    this.#arena = arena;
    this.#rooms = new Rooms(arena);
    this.search = allocateStruct(arena, "a search", Search);
    this.scratches = Array.from({ length: threads }, () => writeScratch(arena, dim));
    this.counter = arena.room("a counter", 4);
  }

  /** Copies queries into it. @throws {UsageError} they do not fit the arena */
  layOut({ dim, numItems, panels, weights, weighted }: PackedItems, { queries, masks, top }: Queries): void {
    const numQueries = queries.length / dim;
    checkLists(numQueries, top);
    this.#length = numQueries * top;
    putStruct(this.#arena, Search, this.search, {
      ...{ dim, numItems, top, panels, weights, weighted },
      queries: this.#put("the vectors of the queries", queries),
      maskEnds: this.#put("the ends of the masks", masks.indptr),
      masks: this.#put("the masks", masks.items),
      found: this.#rooms.of("the items found", this.#length * 4).offset,
      scores: this.#rooms.of("their scores", this.#length * 4).offset,
    });
    new Uint32Array(this.#arena.memory.buffer, this.counter, 1)[0] = 0;
  }

  /** What the search has found, as copies. */
  results(): TopItems {
    const of = (name: string) => this.#rooms.of(name, this.#length * 4);
    return {
      items: this.#arena.u32(of("the items found")).slice(0, this.#length),
      scores: this.#arena.f32(of("their scores")).slice(0, this.#length),
    };
  }

  #put(name: string, source: Uint32Array | Float32Array): number {
    const region = this.#rooms.of(name, source.byteLength);
    if (source instanceof Float32Array) this.#arena.f32(region).set(source);
    else this.#arena.u32(region).set(source);
    return region.offset;
  }
}

/** Memory that a thread works in. @returns the byte offset of its struct */
function writeScratch(arena: Arena, dim: number): number {
  const bytesOfPair = 4 * Math.ceil((dim + 1) / 2);
  const bytes = {
    tile: 128,
    packed: BLOCK_QUERIES * dim * 4,
    integerQueries: BLOCK_QUERIES * bytesOfPair,
    integerItems: Math.max(INTEGER_BYTES, 8 * bytesOfPair),
    bounds: BLOCK_QUERIES * QueryBound.size,
    pairs: NUM_PAIRS * 8,
  };
  const offset = (part: keyof typeof bytes) => arena.room("a thread's scratch", bytes[part]);
  return writeStruct(arena, "a thread's scratch", Scratch, {
    tile: offset("tile"),
    packed: offset("packed"),
    integerQueries: offset("integerQueries"),
    integerItems: offset("integerItems"),
    bounds: offset("bounds"),
    pairs: offset("pairs"),
  });
}
