interface Machine {
  terminate(): Promise<void>;
}

/**
 * Calls a function that works with the threads of a kernel, and ends the threads afterwards.
 *
 * @param signal ends the threads promptly when aborted; the promise then rejects with the signal's reason
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
 * Ends the threads of a kernel when the signal is aborted.
 * @returns a function that ends the threads and stops listening to the signal
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
 * Does work on threads that another listener ends when the signal is aborted.
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
