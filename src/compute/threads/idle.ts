// Idle threads belong to no pool: they wait until a pool takes them, and meanwhile help the calling thread to execute
// the rounds of a computation (rounds.ts).

import { availableParallelism } from "node:os";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker } from "node:worker_threads";
import { checkAddresses, freeAddresses } from "./process-limits.js";

/**
 * Number of cores that the process may use, which taskset and similar limits reduce. More threads would only wait for
 * one another and use memory. Tests and benchmarks that need more threads overwrite it.
 */
export const cores = { usable: availableParallelism };
const idle = new Set<Worker>();
const MOST_IDLE = 8;
/** Maximum number of threads, including the calling one, that execute the rounds of one computation. */
let mostAtWork = 1;

/** Starts idle threads in advance, while the other cores have no work. Starts none if the address space is limited. */
export function startThreads(size: number): void {
  mostAtWork = size;
  if (freeAddresses() < Infinity) return;
  while (idle.size < Math.min(size, MOST_IDLE)) keepIdle(newThread());
}

/** Returns at most `most` idle threads that can help the calling thread; they stay idle. */
export function helpers(most: number): Worker[] {
  return [...idle].slice(0, Math.max(0, Math.min(most, mostAtWork - 1)));
}

/**
 * Takes `size` threads, idle ones first.
 * @throws {IoError} the process has too little address space for further ones
 */
export function takeThreads(size: number): Worker[] {
  const taken = [...idle].slice(0, size);
  checkAddresses(size - taken.length, collectGarbage);
  for (const worker of taken) {
    idle.delete(worker);
    stopListening(worker);
  }
  return [...taken, ...Array.from({ length: size - taken.length }, newThread)];
}

/** Keeps a thread until it ends. @returns false if there are enough idle threads */
export function keepIdle(worker: Worker): boolean {
  if (idle.size >= MOST_IDLE) return false;
  const forget = () => void idle.delete(worker);
  worker.on("exit", forget).on("error", forget);
  worker.unref();
  idle.add(worker);
  return true;
}

/**
 * Removes a pool's listeners, by event, because `removeAllListeners()` without an event would also remove Node's own.
 */
export function stopListening(worker: Worker): void {
  for (const event of ["message", "error", "exit"]) worker.removeAllListeners(event);
}

function newThread(): Worker {
  return new Worker(new URL("./thread.js", import.meta.url), { execArgv: [] });
}

let collect: unknown;

/** Calls V8's garbage collector, which is available only after the flag --expose-gc is set. */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc");
  }
  if (typeof collect === "function") collect();
}
