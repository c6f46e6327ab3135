// What the limits of the process leave, where Linux tells them. V8 ends the process, without an exception, when a thread finds too
// few addresses (`ulimit -v`): so these are looked at before one is started.

import { readFileSync } from "node:fs";
import { IoError, sizeText } from "../errors.js";

/** Bytes of addresses that a thread takes for its heap, its code and its stacks: 0.65 GiB on Node 20 and x86-64. */
export const THREAD_ADDRESSES = 0.75 * 2 ** 30;

/** How many files the process may open at once; infinite where there is no limit, and where the system does not tell. */
export function openFileLimit(): number {
  return limitOf("Max open files");
}

/** Bytes of addresses that the process may take; infinite where there is no limit, and where the system does not tell. */
export function addressLimit(): number {
  return limitOf("Max address space");
}

/** Bytes of addresses that can still be taken; infinite where there is no limit, and where the system does not tell. */
export function freeAddresses(): number {
  const limit = addressLimit();
  if (limit === Infinity) return Infinity;
  const used = /^VmSize:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return used === undefined ? Infinity : limit - 1024 * Number(used);
}

/**
 * @param collect called before threads are refused: WebAssembly memories of earlier work hold addresses until they are found unused
 * @throws {IoError} there are too few addresses for so many threads
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

/** The soft limit of that name. */
function limitOf(name: string): number {
  try {
    const limits = readFileSync("/proc/self/limits", "utf8");
    const limit = new RegExp(`^${name}\\s+(\\d+)`, "m").exec(limits)?.[1];
    return limit === undefined ? Infinity : Number(limit);
  } catch {
    return Infinity;
  }
}
