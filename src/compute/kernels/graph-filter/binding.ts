import type { Arena } from "../shared/memory.js";
import { writeStruct } from "../shared/struct.js";
import type { ItemLists } from "../top-items/binding.js";
import { FilterPlan } from "./layout.js";

export type { Kernel as FilterKernel } from "./layout.js";

/** Number of users per panel. */
export const LANES = 16;

/** Number of panels that finishPanels handles together, so that it reads the matrix of eigenvectors once for all. */
const BLOCK_PANELS = 4;

/** Number of users for whom finishPanels computes the scores together. */
export const BLOCK_USERS = BLOCK_PANELS * LANES;

/** A bipartite graph of users and items, without repeated edges: the items of each user, and the users of each item. */
export interface UserItemGraph {
  users: ItemLists;
  items: ItemLists;
}

interface FilterInput extends UserItemGraph {
  /** factor of each item's scores, f32[numItems] */
  after: Float32Array;
  dim: number;
  /** f32[numItems][dim]: the leading eigenvectors */
  components: Float32Array;
}

/** Byte offsets of the buffers of one thread. */
interface FilterScratch {
  /** BLOCK_PANELS + 1 panels, f32[numItems][16] */
  itemPanels: number[];
  /** f32[numUsers][16] */
  users: number;
  /** f32[2 BLOCK_PANELS][dim][8]: each user's vector z in the space of the eigenvectors, eight side by side */
  queries: number;
  /** u32[BLOCK_PANELS]: byte offsets */
  panels: number;
  /** f32[4][8] for finishPanels, and f32[16] for bestOfPanel */
  tile: number;
  worst: number;
}

export interface FilterLayout {
  /** byte offset of the FilterPlan */
  plan: number;
  numUsers: number;
  numItems: number;
  dim: number;
  /** byte offset of the eigenvectors, f32[ceil(numItems / 4)][dim][4], four items side by side */
  components: number;
  scratches: FilterScratch[];
}

const padded = (numRows: number): number => Math.ceil(numRows / 4) * 4;

/** Returns the number of bytes that `allocateFilter` allocates, not counting alignment. */
export function filterBytes(
  { numUsers, numItems, numEntries }: { numUsers: number; numItems: number; numEntries: number },
  dim: number,
  threads: number,
): number {
  const shared = 8 * numEntries + 12 * (numUsers + numItems) + 4 * padded(numItems) * dim;
  const own = 64 * ((BLOCK_PANELS + 1) * padded(numItems) + numUsers) + 4 * BLOCK_USERS * dim;
  return shared + threads * own;
}

/**
 * Copies the graph and the leading eigenvectors into the arena, and allocates the threads' buffers.
 * @throws {UsageError} they do not fit
 */
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

/** Returns the index of dimension d of item i in the packed eigenvectors. */
export function componentIndex(dim: number, i: number, d: number): number {
  return ((i >>> 2) * dim + d) * 4 + (i & 3);
}

/** Returns the index of dimension d of a user's vector z in the queries of a block. */
export function queryIndex(dim: number, user: number, d: number): number {
  return ((user >>> 3) * dim + d) * 8 + (user & 7);
}

function inverseDegrees({ indptr }: ItemLists): Float32Array {
  return Float32Array.from({ length: indptr.length - 1 }, (_, r) => {
    const degree = indptr[r + 1]! - indptr[r]!;
    return degree > 0 ? 1 / degree : 0;
  });
}
