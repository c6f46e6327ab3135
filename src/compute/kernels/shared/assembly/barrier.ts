// A barrier for the threads of a pool. It spins briefly and then sleeps, so that a shared core is released.
//
//   b       four u32, each on a cache line of its own: arrivals, generation, stop, cores
//   stop    set by ../barrier.ts when a thread failed or the pool is asked to end: all threads are released,
//           permanently
//   cores   number of cores that the process may use; if there are more threads, all sleep at once, as spinning would
//           delay others

export const GENERATION: usize = 64;
export const STOP: usize = 128;
export const CORES: usize = 192;
/**
 * Iterations of the spin loop, tens of microseconds: longer than threads differ in their time for a batch, because a
 * sleeping thread is slow to wake, and much shorter than a time slice.
 */
const SPINS = 40000;
/** Nanoseconds of one sleep; a lost wake-up costs at most this time. */
const SLEEP: i64 = 10_000_000;

/**
 * Waits until all `numThreads` threads have called the function equally often.
 *
 * @returns false when the pool is stopping: the caller must return at once
 */
export function barrier(b: usize, numThreads: u32): bool {
  if (numThreads == 1) return atomic.load<u32>(b + STOP) == 0;
  const generation = atomic.load<u32>(b + GENERATION);

  // the last thread to arrive opens the barrier for the others
  if (atomic.add<u32>(b, 1) == numThreads - 1) {
    atomic.store<u32>(b, 0);
    atomic.store<u32>(b + GENERATION, generation + 1);
    atomic.notify(b + GENERATION, -1);
    return atomic.load<u32>(b + STOP) == 0;
  }
  const spins = numThreads <= load<u32>(b + CORES) ? SPINS : 0;
  for (let i = 0; i < spins; i++) {
    if (atomic.load<u32>(b + GENERATION) != generation) return atomic.load<u32>(b + STOP) == 0;
  }
  while (atomic.load<u32>(b + GENERATION) == generation) {
    if (atomic.load<u32>(b + STOP) != 0) return false;
    atomic.wait<i32>(b + GENERATION, <i32>generation, SLEEP);
  }
  return atomic.load<u32>(b + STOP) == 0;
}
