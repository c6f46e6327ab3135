// Work that threads do, ended with them: when it is done, when it fails, or when a signal says so.

/** Threads, and what they work on. */
interface Machine {
  /** ends them, whatever they do */
  terminate(): Promise<void>;
}

/**
 * Does the work and ends the machine.
 *
 * @param signal ends the machine promptly; the promise rejects with its reason
 * @throws what the work throws
 */
export async function withMachine<M extends Machine, R>(
  machine: M,
  signal: AbortSignal | undefined,
  work: (machine: M) => Promise<R>,
): Promise<R> {
  const abort = () => void machine.terminate();
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    return await work(machine);
  } catch (error) {
    // work that was cut off fails in its own words
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    await machine.terminate();
  }
}
