// Binding of the graph filter's kernel: its functions, its struct laid out in an arena, and the memory of each thread.

import type { Arena } from "../shared/memory.js";
import { writeStruct } from "../shared/struct.js";
import type { ItemLists } from "../top-items/binding.js";
import { FilterPlan, type Kernel } from "./layout.js";

/** Its functions; pointers are byte offsets. */
export type FilterKernel = Kernel;

/** Number of users per panel: the lanes of its rows. */
export const LANES = 16;

/** Number of panels that are finished together, so that the components are read once for all of them. */
export const BLOCK_PANELS = 4;

/** Number of users per block. */
export const BLOCK_USERS = BLOCK_PANELS * LANES;

/** A graph of users and items, in both directions, without repeated edges. */
export interface UserItemGraph {
  /** items of each user */
  users: ItemLists;
  /** users of each item */
  items: ItemLists;
}

/** Input of the kernel. */
export interface FilterInput extends UserItemGraph {
  /** f32[numItems] */
  after: Float32Array;
  dim: number;
  /** f32[numItems][dim], row-major: W */
  components: Float32Array;
}

/** Memory of a thread, as byte offsets. */
export interface FilterScratch {
  /** BLOCK_PANELS + 1 of f32[numItems][16] */
  itemPanels: number[];
  /** f32[numUsers][16] */
  users: number;
  /** f32[2 BLOCK_PANELS][dim][8] */
  queries: number;
  /** u32[BLOCK_PANELS] */
  panels: number;
  /** f32[4][8], and f32[16] */
  tile: number;
  worst: number;
}

/** Addresses of the struct and the components. */
export interface FilterLayout {
  plan: number;
  numUsers: number;
  numItems: number;
  dim: number;
  /** W, f32[ceil(numItems / 4)][dim][4] */
  components: number;
  /** memory of each thread */
  scratches: FilterScratch[];
}

const padded = (numRows: number): number => Math.ceil(numRows / 4) * 4;

/** Returns the bytes that `allocateFilter` lays out, up to alignment. */
export function filterBytes(
  { numUsers, numItems, numEntries }: { numUsers: number; numItems: number; numEntries: number },
  dim: number,
  threads: number,
): number {
  const shared = 8 * numEntries + 12 * (numUsers + numItems) + 4 * padded(numItems) * dim;
  const own = 64 * ((BLOCK_PANELS + 1) * padded(numItems) + numUsers) + 4 * BLOCK_USERS * dim;
  return shared + threads * own;
}

/** Copies the input into the arena and allocates the threads' memory. @throws {UsageError} it does not fit */
export function allocateFilter(
  arena: Arena,
  { users, items, after, dim, components }: FilterInput,
  threads: number,
): FilterLayout {
  const [numUsers, numItems] = [users.indptr.length - 1, items.indptr.length - 1];
  const entries = `${users.items.length} pairs of users and items`;
  const packed = arena.allocate("the components of the items", padded(numItems) * dim * 4);
  const view = arena.f32(packed);
  for (let i = 0; i < numItems; i++)
    for (let d = 0; d < dim; d++) view[componentIndex(dim, i, d)] = components[i * dim + d]!;
  const afterAt = arena.allocate("the degrees of the items", padded(numItems) * 4);
  arena.f32(afterAt).set(after);
  const plan = writeStruct(arena, "a graph filter", FilterPlan, {
    numUsers,
    numItems,
    userEnds: arena.put("the users", users.indptr),
    userItems: arena.put(entries, users.items),
    itemEnds: arena.put("the items", items.indptr),
    itemUsers: arena.put(entries, items.items),
    userScale: arena.put("the degrees of the users", inverseDegrees(users)),
    itemScale: arena.put("the degrees of the items", inverseDegrees(items)),
    after: afterAt,
    dim,
    components: packed,
  });
  const room = (name: string, bytes: number) => arena.allocate(name, bytes).offset;
  const itemPanel = () => room(`a panel of ${numItems} items`, padded(numItems) * LANES * 4);
  const scratch = (): FilterScratch => ({
    itemPanels: Array.from({ length: BLOCK_PANELS + 1 }, itemPanel),
    users: room(`a panel of ${numUsers} users`, numUsers * LANES * 4),
    queries: room("the users of a block", BLOCK_USERS * dim * 4),
    panels: room("a list", BLOCK_PANELS * 4),
    tile: room("a tile", 128),
    worst: room("a row", LANES * 4),
  });
  const scratches = Array.from({ length: threads }, scratch);
  return { plan, numUsers, numItems, dim, components: packed.offset, scratches };
}

/** Returns the index of W[i][d]; four items are side by side. */
export function componentIndex(dim: number, i: number, d: number): number {
  return ((i >>> 2) * dim + d) * 4 + (i & 3);
}

/** Returns the index of dimension d of a block's user; eight users are side by side. */
export function queryIndex(dim: number, user: number, d: number): number {
  return ((user >>> 3) * dim + d) * 8 + (user & 7);
}

function inverseDegrees({ indptr }: ItemLists): Float32Array {
  return Float32Array.from({ length: indptr.length - 1 }, (_, r) => {
    const degree = indptr[r + 1]! - indptr[r]!;
    return degree > 0 ? 1 / degree : 0;
  });
}
