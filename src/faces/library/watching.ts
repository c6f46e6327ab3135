// Watches and aborts a call from TypeScript: converts an optional signal and observer to the Watch of commands.

import { setMaxListeners } from "node:events";
import { UsageError } from "../../base/errors.js";
import { noSuchOption } from "../../options/table.js";
import type { Progress, Watch } from "../../training/session/watch.js";

/** Observes and aborts a call. Without it, the call reports nothing and runs to its end. */
export interface Watching {
  /** aborting it stops the work; the promise rejects with the signal's reason, and no output is left incomplete */
  signal?: AbortSignal | undefined;
  /** called with progress: rows read, epochs, notes and warnings */
  observe?: ((progress: Progress) => void) | undefined;
  /** called with output that the command line would write to standard output; a promise that it returns is awaited */
  write?: ((chunk: Uint8Array | string) => void | Promise<void>) | undefined;
}

/** Names of the properties of Watching. */
export const watchingNames = ["signal", "observe", "write"];

/** @throws {UsageError} the value is not a Watching */
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
 * Runs the work under a signal of its own, so that the caller's signal has one listener, which is removed at the end.
 *
 * @param savesOnAbort whether an abort ends the training with its best epoch, as under `--on-interrupt save`
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
    // the caller may have aborted between two trainings of the command
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
