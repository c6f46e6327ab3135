// Idle threads, which serve no pool: they wait for the next one, and meanwhile help with rounds (rounds.ts).

import { Worker } from "node:worker_threads";
import { collectGarbage } from "./garbage.js";
import { checkAddresses, freeAddresses } from "./process-limits.js";

const idle = new Set<Worker>();
const MOST_IDLE = 8;
/** Maximum number of threads that work on rounds at once, including the calling one. */
let mostAtWork = 1;

/**
 * Starts idle threads in advance, when the other cores have nothing to do. Starts none if the address space is limited.
 */
export function startThreads(size: number): void {
  mostAtWork = size;
  if (freeAddresses() < Infinity) return;
  while (idle.size < Math.min(size, MOST_IDLE)) keepIdle(newThread());
}

/** Returns up to `most` threads that can help the calling one; they stay idle threads. */
export function helpers(most: number): Worker[] {
  return [...idle].slice(0, Math.max(0, Math.min(most, mostAtWork - 1)));
}

/** Takes `size` threads, idle ones first. @throws {IoError} the process has too little address space for them */
export function takeThreads(size: number): Worker[] {
  const taken = [...idle].slice(0, size);
  checkAddresses(size - taken.length, collectGarbage);
  for (const worker of taken) {
    idle.delete(worker);
    stopListening(worker);
  }
  return [...taken, ...Array.from({ length: size - taken.length }, newThread)];
}

/** Adds a thread to the idle ones, until it ends. @returns false if there are already enough */
export function keepIdle(worker: Worker): boolean {
  if (idle.size >= MOST_IDLE) return false;
  const forget = () => void idle.delete(worker);
  worker.on("exit", forget).on("error", forget);
  worker.unref();
  idle.add(worker);
  return true;
}

/** Removes a pool's listeners. `removeAllListeners()` without an event would also remove Node's own. */
export function stopListening(worker: Worker): void {
  for (const event of ["message", "error", "exit"]) worker.removeAllListeners(event);
}

function newThread(): Worker {
  return new Worker(new URL("./thread.js", import.meta.url), { execArgv: [] });
}
