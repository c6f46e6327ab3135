// Changes the number of threads that train a model between two runs of its kernel: updates the plan, and the state that
// threads carry from batch to batch. The bytes of the results do not depend on the number of threads.

import type { Arena, Region } from "./memory.js";
import { getField, setField, type Struct } from "./struct.js";

/** State of each thread that must be kept when the number of threads changes. */
export interface KeptByThreads<T extends Struct> {
  thread: T;
  /** byte offset of each thread's struct */
  threads: readonly number[];
  /** names of fields with sums that only the last thread adds to */
  ofLast?: readonly (keyof T["fields"] & string)[];
  /** names of fields that are equal in every thread */
  alike?: readonly (keyof T["fields"] & string)[];
  /** callback that updates other data that depend on the number of threads */
  follow?: (threads: number) => void;
}

/**
 * Returns a setter for the number of threads that take part in a run.
 * @param plan byte offset of a struct with a field `numThreads`, which initially counts all threads
 * @returns function that sets the number of threads for the following runs
 */
export function threadsInUse<P extends Struct, T extends Struct>(
  arena: Arena,
  struct: P,
  plan: number,
  { thread, threads, ofLast = [], alike = [], follow }: KeptByThreads<T>,
): (threads: number) => void {
  let inUse = threads.length;
  return (next) => {
    if (next === inUse) return;
    for (const field of ofLast) {
      const sum = getField(arena, thread, threads[inUse - 1]!, field);
      setField(arena, thread, threads[inUse - 1]!, field, 0);
      setField(arena, thread, threads[next - 1]!, field, sum);
    }
    for (const field of alike) {
      const value = getField(arena, thread, threads[0]!, field);
      for (const other of threads.slice(1)) setField(arena, thread, other, field, value);
    }
    follow?.(next);
    setField(arena, struct, plan, "numThreads", next);
    inUse = next;
  };
}

/** Copies the floats of the first thread's region to the regions of the other threads, which have the same length. */
export function copyToOthers(arena: Arena, [first, ...others]: readonly Region[]): void {
  for (const other of others) arena.f32(other).set(arena.f32(first!));
}
