// Cuts the events of users into blocks of consecutive users, and writes them to a store before the first epoch: grouped
// by user, and grouped by item for each group of items. The order of a user's items and of an item's users is the same
// as in a training in one memory.
//
//   block    consecutive users; their number depends only on the data, so that a checkpoint suits any --max-memory
//   group    consecutive items, as many as fit into memory with their sums (compute/kernels/als/assembly/main.ts)
//   events   u32[numRows + 1] end of each row's events; u32[numEvents] items of a user's events, or users within the
//            block of an item's; f32[numEvents] confidences, if there are any; f32[numRows] penalties, of users only

import { transpose } from "../../dataset/sequences/interactions.js";
import type { BlockStore } from "../../base/io/block-store.js";
import { packedRows, rowsBetween, type SparseRows } from "../../compute/kernels/als/binding.js";

/**
 * Number of dimensions that are solved together; the result is as good as with all dimensions at once, in half the time
 * (docs/algorithms/implicit.md).
 */
export const BLOCK = 16;

/**
 * Limits of a block of users: bytes of their vectors, and number of their events; and the bytes that items' partial
 * sums may take regardless of --max-memory. Tests lower these limits.
 */
export const blockLimits = { bytes: 64 << 20, events: 8 << 20, sums: 256 << 20 };

/**
 * Returns u32[numBlocks + 1]: the first user of each block, and the number of users.
 * @param rowBytes bytes of a vector
 */
export function cutUsers({ indptr }: SparseRows, rowBytes: number): Uint32Array {
  const mostRows = Math.max(1, Math.floor(blockLimits.bytes / rowBytes));
  const numUsers = indptr.length - 1;
  const starts = [0];
  for (let u = 1; u < numUsers; u++) {
    const start = starts.at(-1)!;
    const isFull = u - start >= mostRows || indptr[u + 1]! - indptr[start]! > blockLimits.events;
    if (isFull) starts.push(u);
  }
  return Uint32Array.from([...starts, numUsers]);
}

export function mostBetween(ends: ArrayLike<number>): number {
  let most = 0;
  for (let i = 1; i < ends.length; i++) most = Math.max(most, ends[i]! - ends[i - 1]!);
  return most;
}

/**
 * Returns the positions of the arrays of a block's events in the store, counted in u32 numbers.
 * @param numPenalties 0 for events that are grouped by item
 */
export function eventSections(numRows: number, numEvents: number, isWeighted: boolean, numPenalties: number) {
  const indices = numRows + 1;
  const penalties = indices + (isWeighted ? 2 : 1) * numEvents;
  return {
    indices,
    // 0 if they are not stored, because all are 1
    confidences: isWeighted ? indices + numEvents : 0,
    penalties,
    end: penalties + numPenalties,
  };
}

export const usersName = (block: number): string => `users ${block}`;
export const itemsName = (group: number, block: number): string => `items ${group} ${block}`;
export const scoresName = (group: number, block: number): string => `scores ${group} ${block}`;

/**
 * Writes the events of all blocks.
 *
 * @param starts first user of each block, and the number of users
 * @param groups first item of each group, and the number of items
 * @param penalties f32[numUsers]: penalty of each user
 * @returns number of events by group and block
 */
export async function storeEvents(
  users: SparseRows,
  { starts, groups, penalties }: { starts: Uint32Array; groups: Uint32Array; penalties: Float32Array },
  store: BlockStore,
): Promise<Uint32Array[]> {
  const numEvents = Array.from(groups.subarray(1), () => new Uint32Array(starts.length - 1));
  for (let b = 0; b + 1 < starts.length; b++) {
    const [first, last] = [starts[b]!, starts[b + 1]!];
    const ofUsers = rowsBetween(users, first, last);
    await store.write(usersName(b), packed(ofUsers, penalties.subarray(first, last)));
    const ofItems = transpose(ofUsers, groups.at(-1)!);
    for (const [g, counts] of numEvents.entries()) {
      const events = rowsBetween(ofItems, groups[g]!, groups[g + 1]!);
      counts[b] = events.indices.length;
      await store.write(itemsName(g, b), packed(events, new Float32Array()));
    }
  }
  return numEvents;
}

function packed(rows: SparseRows, penalties: Float32Array): Uint32Array {
  const numbers = packedRows(rows, penalties.length);
  new Float32Array(numbers.buffer).set(penalties, numbers.length - penalties.length);
  return numbers;
}
