// Sets up and stops the barrier (assembly/barrier.ts) at which the threads of a kernel wait for each other.

import { CORES, GENERATION, STOP } from "./layout.js";
import type { Arena, Region } from "./memory.js";

/** Allocates a barrier: four u32, each on a separate cache line. */
export function allocateBarrier(arena: Arena): Region {
  return arena.allocate("a barrier", 256);
}

/**
 * Sets the number of cores: waiting threads spin only if there are no more threads than cores. Until this is called,
 * they sleep.
 */
export function setCores(arena: Arena, barrier: Region, cores: number): void {
  arena.u32(barrier)[CORES >>> 2] = cores;
}

/**
 * Releases all threads that wait at the barrier now or later, permanently; the kernels of these threads return at once.
 */
export function stopBarrier(arena: Arena, barrier: Region): void {
  const words = new Int32Array(arena.memory.buffer, barrier.offset, barrier.bytes >>> 2);
  Atomics.store(words, STOP >>> 2, 1);
  Atomics.notify(words, GENERATION >>> 2);
}
