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
  const end = endedBy(machine, signal);
  try {
    return await unlessAborted(signal, () => work(machine));
  } finally {
    await end();
  }
}

/** Has the signal end a machine that outlives one piece of work. @returns ends it, and what the signal has to do with it */
export function endedBy(machine: Machine, signal: AbortSignal | undefined): () => Promise<void> {
  const abort = () => void machine.terminate();
  signal?.addEventListener("abort", abort);
  return async () => {
    signal?.removeEventListener("abort", abort);
    await machine.terminate();
  };
}

/** Does work of a machine that the signal ends. @throws what the work throws, or the signal's reason */
export async function unlessAborted<R>(signal: AbortSignal | undefined, work: () => Promise<R>): Promise<R> {
  try {
    signal?.throwIfAborted();
    return await work();
  } catch (error) {
    // work that was cut off fails in its own words
    signal?.throwIfAborted();
    throw error;
  }
}
