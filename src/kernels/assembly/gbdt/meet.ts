import { barrier } from "../math/barrier";

/** Returns when all threads have called it; false when the pool is stopping. */
export function meet(b: usize, numThreads: u32): bool {
  return barrier(b, numThreads);
}
