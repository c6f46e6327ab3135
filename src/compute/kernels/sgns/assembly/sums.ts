// Sums over slices by a binary tree that is split in the middle, so that each thread can add up its own slices before
// others read them, and the sum has the same bytes at any number of threads.
//
//   J = 4    (s_0 + s_1) + (s_2 + s_3)        with two threads, the first writes s_0 + s_1 and the second s_2 + s_3
//
// The sum of slices lo .. hi - 1 overwrites that of slice lo.

import { BLOCK, blocksOf, Plan, Thread } from "./plan";

/** Maximum levels of the tree: 7 for 64 slices. */
export const LEVELS: u32 = 7;

/** Returns the first slice of a thread; with two, four or eight threads, the slices of a thread form a subtree. */
export function firstSlice(plan: Plan, index: u32): u32 {
  return (index * plan.numSlices + plan.numThreads - 1) / plan.numThreads;
}

function ownerOf(plan: Plan, j: u32): u32 {
  return (j * plan.numThreads) / plan.numSlices;
}

/** Returns the slice at which the tree splits lo .. hi - 1. */
export function middle(lo: u32, hi: u32): u32 {
  return (lo + hi + 1) >>> 1;
}

/** @param bytes size of both arrays of f32, a multiple of 16 */
export function addAll(target: usize, source: usize, bytes: usize): void {
  for (let k: usize = 0; k < bytes; k += 16) {
    v128.store(target + k, f32x4.add(v128.load(target + k), v128.load(source + k)));
  }
}

/**
 * Returns the sum over slices lo .. hi - 1 of the partial scores that threads have added up.
 *
 * @param partials of slice 0; those of the next slice are `stride` bytes further
 * @param bytes    size of the array, at most that of a row block
 * @param level    index of the thread's buffer for the sum; callers pass 0, and the recursion uses further buffers
 * @returns address of the sum; if one thread owns all slices, it is that of the thread's own sum
 */
export function sumOfSlices(
  plan: Plan,
  thread: Thread,
  partials: usize,
  stride: usize,
  bytes: usize,
  lo: u32,
  hi: u32,
  level: u32,
): usize {
  if (ownerOf(plan, lo) == ownerOf(plan, hi - 1)) return partials + <usize>lo * stride;
  const mid = middle(lo, hi);
  const left = sumOfSlices(plan, thread, partials, stride, bytes, lo, mid, level);
  const right = sumOfSlices(plan, thread, partials, stride, bytes, mid, hi, level + 1);
  const target = thread.scores + <usize>(level * blocksOf(plan)) * BLOCK;
  for (let k: usize = 0; k < bytes; k += 16) {
    v128.store(target + k, f32x4.add(v128.load(left + k), v128.load(right + k)));
  }
  return target;
}
