// Limits of the process, as far as Linux reports them. If a thread finds too little address space (`ulimit -v`), V8
// aborts the process without an exception, so the limit is checked before a thread is started.

import { readFileSync } from "node:fs";
import { IoError, sizeText } from "../errors.js";

/** Address space that a thread needs for its heap, code and stacks: 0.65 GiB on Node 20 and x86-64, plus a margin. */
export const THREAD_ADDRESSES = 0.75 * 2 ** 30;

/**
 * Returns how many files the process may open at once; infinite if there is no limit, or the system does not report it.
 */
export function openFileLimit(): number {
  return limitOf("Max open files");
}

/**
 * Returns the bytes of address space that the process may use; infinite if there is no limit, or the system does not
 * report it.
 */
export function addressLimit(): number {
  return limitOf("Max address space");
}

/**
 * Returns the bytes of address space that the process may still use; infinite if there is no limit, or the system does
 * not report it.
 */
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
export function checkAddresses(numThreads: number, collect: () => void = () => undefined): void {
  const needed = numThreads * THREAD_ADDRESSES;
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

/** Returns the process's soft limit of the given name. */
function limitOf(name: string): number {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const limit = new RegExp(`^${name}\\s+(\\d+)`, "m").exec(limits)?.[1];
    return limit === undefined ? Infinity : Number(limit);
  } catch {
    return Infinity;
  }
}
