// Changes the number of threads that train a model between two runs of its kernel. The bytes of the results do not
// depend on the number of threads.

import type { Arena, Region } from "./memory.js";
import { getField, setField, type Struct } from "./struct.js";

/** State that threads carry from batch to batch, which is kept when their number changes. */
interface KeptByThreads<T extends Struct> {
  thread: T;
  /** byte offset of each thread's struct */
  threads: readonly number[];
  /** fields with sums that only the last thread adds to */
  ofLast?: readonly (keyof T["fields"] & string)[];
  /** fields that are equal in every thread */
  alike?: readonly (keyof T["fields"] & string)[];
  /** updates other data that depend on the number of threads */
  follow?: (threads: number) => void;
}

/**
 * Returns a function that sets the number of threads for the following runs.
 * @param plan byte offset of a struct with a field `numThreads`, which initially counts all threads
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

/** Copies the floats of the first thread's region to those of the others. */
export function copyToOthers(arena: Arena, [first, ...others]: readonly Region[]): void {
  for (const other of others) arena.f32(other).set(arena.f32(first!));
}
