// Limits of the process, as far as Linux reports them. If a thread finds too little address space (`ulimit -v`), V8
// aborts the process without an exception, so the limit is checked before a thread is started.

import { readFileSync } from "node:fs";
import { IoError, sizeText } from "../../base/errors.js";

/** Address space that a thread needs for its heap, code and stacks: 0.65 GiB on Node 20 and x86-64, plus a margin. */
export const THREAD_ADDRESSES = 0.75 * 2 ** 30;
/** The same for the thread of a command, which also loads the program and the rows. */
export const COMMAND_ADDRESSES = 2 ** 30;

/**
 * Returns the number of files that the process may open; infinite without a limit, or if the system does not report it.
 */
export function openFileLimit(): number {
  return limitOf("Max open files");
}

/** Returns the bytes of address space that the process may use; infinite as in `openFileLimit`. */
export function addressLimit(): number {
  return limitOf("Max address space");
}

/** Returns the bytes of address space that are left; infinite as in `openFileLimit`. */
export function freeAddresses(): number {
  const limit = addressLimit();
  if (limit === Infinity) return Infinity;
  const used = /^VmSize:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return used === undefined ? Infinity : limit - 1024 * Number(used);
}

/**
 * Checks that the remaining address space suffices for a number of further threads.
 *
 * @param collect called before the error is thrown, since unused WebAssembly memories occupy addresses until they are
 * collected
 * @throws {IoError} it does not suffice
 */
export function checkAddresses(
  numThreads: number,
  collect: () => void = () => undefined,
  needed = numThreads * THREAD_ADDRESSES,
): void {
  if (freeAddresses() >= needed) return;
  collect();
  const free = freeAddresses();
  if (free >= needed) return;
  const fewer = numThreads > 1 ? "fewer --threads need less, and " : "";
  throw new IoError(
    `${numThreads} ${numThreads === 1 ? "thread needs" : "threads need"} ${sizeText(needed)} of address ` +
      `space, but the limit of this process (ulimit -v) leaves ${sizeText(Math.max(0, free))}: ${fewer}\`ulimit ` +
      "-v unlimited` removes the limit",
  );
}

function limitOf(name: string): number {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const limit = new RegExp(`^${name}\\s+(\\d+)`, "m").exec(limits)?.[1];
    return limit === undefined ? Infinity : Number(limit);
  } catch {
    return Infinity;
  }
}

/**
 * Returns the error for a thread that ended without an error of its own, which means that the system ended it.
 *
 * @param exitCode undefined if the thread merely stopped responding
 */
export function threadEnded(exitCode?: number): IoError {
  const code = exitCode === undefined ? "" : ` (exit code ${exitCode})`;
  return new IoError(
    `a thread ended in the middle of its work${code}, so nothing was written: start the command again; with less memory in use, ` +
      "or fewer --threads, if the system is short of memory",
  );
}
