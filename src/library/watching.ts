// How a call from TypeScript is watched and stopped: a signal and an observer, both optional → the Watch of every command.

import { setMaxListeners } from "node:events";
import { UsageError } from "../errors.js";
import { noSuchOption } from "../training/options/table.js";
import type { Progress, Watch } from "../training/session/watch.js";

/** How a call is watched and stopped; without it nothing is said, and it runs to its end. */
export interface Watching {
  /** aborting it stops the work; the promise rejects with the signal's reason, and no output is left half-written */
  signal?: AbortSignal | undefined;
  /** hears of rows read, epochs, notes and warnings */
  observe?: ((progress: Progress) => void) | undefined;
  /** takes what the command line writes to standard output where no file is named; what it returns is waited for */
  write?: ((chunk: Uint8Array | string) => void | Promise<void>) | undefined;
}

/** Its parts. */
export const watchingNames = ["signal", "observe", "write"];

/** @throws {UsageError} it is none */
export function checkWatching(name: string, watching: unknown): asserts watching is Watching {
  if (typeof watching !== "object" || watching === null)
    throw new UsageError(
      `${name} takes { signal, observe, write } after its options, got ${String(watching)}`,
    );
  for (const key of Object.keys(watching))
    if (!watchingNames.includes(key)) throw noSuchOption(name, key, watchingNames);
  const { signal, observe, write } = watching as Watching;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new UsageError(`${name}: signal must be an AbortSignal`);
  for (const [key, callback] of Object.entries({ observe, write }))
    if (callback !== undefined && typeof callback !== "function")
      throw new UsageError(`${name}: ${key} must be a function`);
}

/**
 * Does the work under a signal of its own, so that the caller's has one listener, which is gone when the work is done.
 *
 * @param savesOnAbort an abort is as the first signal to `--on-interrupt save`: once an epoch is kept, it ends the training with the best
 */
export async function watchedBy<T>(
  { signal, observe = () => undefined }: Watching,
  savesOnAbort: boolean,
  work: (watch: Watch) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const inner = new AbortController();
  setMaxListeners(0, inner.signal);
  let finish: (() => void) | undefined;
  let finishes = false;
  const onAbort = (): void => {
    if (finish === undefined && !finishes) return inner.abort(signal!.reason);
    finishes = true;
    finish?.();
  };
  const finishInstead = (offered: () => void): (() => void) => {
    finish = offered;
    // it may have come between two of a command's trainings
    if (finishes) offered();
    return () => {
      if (finish === offered) finish = undefined;
    };
  };
  signal?.addEventListener("abort", onAbort);
  try {
    return await work({ observe, signal: inner.signal, ...(savesOnAbort && { finishInstead }) });
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}
