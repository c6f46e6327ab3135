// Runs work on threads, and ends the threads when the work is done, fails, or is aborted.

/** The threads of a kernel, with their memory. */
interface Machine {
  /** ends the machine's threads, even if they are busy */
  terminate(): Promise<void>;
}

/**
 * Calls a function with a machine, and ends the machine's threads afterwards.
 *
 * @param signal ends the machine promptly; the promise then rejects with the signal's reason
 * @throws what the work throws
 */
export async function withMachine<M extends Machine, R>(
  machine: M,
  signal: AbortSignal | undefined,
  work: (machine: M) => Promise<R>,
): Promise<R> {
  const end = endedBy(machine, signal);
  try {
    return await unlessAborted(signal, () => work(machine));
  } finally {
    await end();
  }
}

/**
 * Ends a machine's threads when the signal is aborted.
 * @returns a function that ends the machine and stops listening to the signal
 */
export function endedBy(machine: Machine, signal: AbortSignal | undefined): () => Promise<void> {
  const abort = () => void machine.terminate();
  signal?.addEventListener("abort", abort);
  return async () => {
    signal?.removeEventListener("abort", abort);
    await machine.terminate();
  };
}

/**
 * Does work on a machine whose threads end when the signal is aborted.
 * @throws what the work throws, or the signal's reason
 */
export async function unlessAborted<R>(signal: AbortSignal | undefined, work: () => Promise<R>): Promise<R> {
  try {
    signal?.throwIfAborted();
    return await work();
  } catch (error) {
    // work on threads that were ended fails with another error, which is replaced by the signal's reason
    signal?.throwIfAborted();
    throw error;
  }
}
