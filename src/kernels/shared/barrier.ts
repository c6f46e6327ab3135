// Setup and stopping of the barrier at which the threads of a kernel meet (assembly/barrier.ts).

import { CORES, GENERATION, STOP } from "./layout.js";
import type { Arena, Region } from "./memory.js";

/** A barrier of the arena: four u32, each on a cache line of its own. */
export function allocateBarrier(arena: Arena): Region {
  return arena.allocate("a barrier", 256);
}

/** Sets the number of threads that can spin without keeping others from a core; before, all sleep. */
export function setCores(arena: Arena, barrier: Region, cores: number): void {
  arena.u32(barrier)[CORES >>> 2] = cores;
}

/** Releases every thread that waits at the barrier or will reach it, permanently; their kernels return at once. */
export function stopBarrier(arena: Arena, barrier: Region): void {
  const words = new Int32Array(arena.memory.buffer, barrier.offset, barrier.bytes >>> 2);
  Atomics.store(words, STOP >>> 2, 1);
  Atomics.notify(words, GENERATION >>> 2);
}
