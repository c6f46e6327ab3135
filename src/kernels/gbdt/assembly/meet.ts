import { barrier } from "../../shared/assembly/barrier";

/** Returns when all threads have called it; false when the pool is stopping. */
export function meet(b: usize, numThreads: u32): bool {
  return barrier(b, numThreads);
}
