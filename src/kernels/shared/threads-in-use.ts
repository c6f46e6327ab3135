// Changes the number of threads of a machine between two runs: updates the plan, and the state that threads keep during a training. The
// results are the same bytes.

import type { Arena, Region } from "./memory.js";
import { getField, setField, type Struct } from "./struct.js";

/** State that threads keep from one run to the next. */
export interface KeptByThreads<T extends Struct> {
  thread: T;
  /** offset of each thread's struct */
  threads: readonly number[];
  /** sums that only the last thread adds to */
  ofLast?: readonly (keyof T["fields"] & string)[];
  /** fields that are the same in every thread */
  alike?: readonly (keyof T["fields"] & string)[];
  /** prepares what else the first `threads` threads need */
  follow?: (threads: number) => void;
}

/**
 * @param plan offset of a struct with a field `numThreads`, all threads at first
 * @returns a function that sets the number of threads that work from now on
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

/** Copies floats of the first thread to the others. @param regions one per thread, of equal length */
export function copyToOthers(arena: Arena, [first, ...others]: readonly Region[]): void {
  for (const other of others) arena.f32(other).set(arena.f32(first!));
}
