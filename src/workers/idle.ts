// Threads that serve no pool: they wait for the next one, and help with rounds (rounds.ts) meanwhile.

import { Worker } from "node:worker_threads";
import { collectGarbage } from "./garbage.js";
import { checkAddresses, freeAddresses } from "./process-limits.js";

const idle = new Set<Worker>();
const MOST_IDLE = 8;
/** How many threads work at once on rounds, the calling one among them. */
let mostAtWork = 1;

/**
 * Has so many threads ready: to be called when others than this thread have nothing to do. None are started where addresses
 * are limited.
 */
export function startThreads(size: number): void {
  mostAtWork = size;
  if (freeAddresses() < Infinity) return;
  while (idle.size < Math.min(size, MOST_IDLE)) keepIdle(newThread());
}

/** Threads that help the calling one: at most so many. They stay idle. */
export function helpers(most: number): Worker[] {
  return [...idle].slice(0, Math.max(0, Math.min(most, mostAtWork - 1)));
}

/** Takes so many threads, idle ones first. @throws {IoError} the limit of the process leaves too few addresses for them */
export function takeThreads(size: number): Worker[] {
  const taken = [...idle].slice(0, size);
  checkAddresses(size - taken.length, collectGarbage);
  for (const worker of taken) {
    idle.delete(worker);
    stopListening(worker);
  }
  return [...taken, ...Array.from({ length: size - taken.length }, newThread)];
}

/** Keeps a thread that serves no pool, as long as it lives. @returns false where there are enough, and it is not kept */
export function keepIdle(worker: Worker): boolean {
  if (idle.size >= MOST_IDLE) return false;
  const forget = () => void idle.delete(worker);
  worker.on("exit", forget).on("error", forget);
  worker.unref();
  idle.add(worker);
  return true;
}

/** Removes a pool's listeners. Not `removeAllListeners()`: Node has listeners of its own there. */
export function stopListening(worker: Worker): void {
  for (const event of ["message", "error", "exit"]) worker.removeAllListeners(event);
}

function newThread(): Worker {
  return new Worker(new URL("./thread.js", import.meta.url), { execArgv: [] });
}
