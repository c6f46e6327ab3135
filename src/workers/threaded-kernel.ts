// A kernel's memory with the threads that call its functions: what every trainer and solver in AssemblyScript is made of.
//
//   class of a trainer ──► lays its arrays out in the arena ──► begin: threads start
//                      ──► run: calls of the kernel's functions, dealt to the threads (kernel-thread.ts) ──► reads its arrays
//                      ──► runTask: what the threads' own script does
//                      ──► terminate

import { stopBarrier } from "../kernels/shared/barrier.js";
import { GrowingArrays } from "../kernels/shared/growing-arrays.js";
import { loadKernel } from "../kernels/shared/load.js";
import { Arena, type Region } from "../kernels/shared/memory.js";
import type { AnyKernel, ThreadInit, ThreadTask, Work } from "./kernel-thread.js";
import { WorkerPool } from "./pool.js";

/** Threads to be started, as layouts have them. */
export interface KernelThreads {
  /** offset of each thread's own struct, or how many threads without one */
  threads: readonly number[] | number;
  /** where threads wait for one another */
  barrier?: Region | undefined;
}

/** A script whose threads run tasks of its own beside calls, and what it is passed. */
export interface ThreadScript {
  url: URL;
  own: unknown;
}

/** A kernel K, and what its threads' own script runs. `terminate` ends the threads and must be called. */
export class ThreadedKernel<K, Task = never, Result = never> {
  readonly arena: Arena;
  readonly #counters: GrowingArrays;
  #pool: WorkerPool<ThreadTask<Task>, Result | number[]> | undefined;

  constructor(arena = new Arena()) {
    this.arena = arena;
    this.#counters = new GrowingArrays(arena, "the works of threads");
  }

  /**
   * Starts the threads, when the arrays are laid out.
   *
   * @param kernels whose functions are called
   * @throws {IoError} the process has too few addresses for so many threads
   */
  async begin(
    kernels: string | readonly string[],
    { threads, barrier }: KernelThreads,
    { url, own }: ThreadScript = { url: new URL("./kernel.worker.js", import.meta.url), own: null },
  ): Promise<this> {
    const modules = await Promise.all([kernels].flat().map(loadKernel));
    const structs = typeof threads === "number" ? Array.from({ length: threads }, () => 0) : threads;
    const init: ThreadInit<unknown> = { memory: this.arena.memory, modules, threads: structs, own };
    const release = () => barrier && stopBarrier(this.arena, barrier);
    this.#pool = await WorkerPool.start(url, structs.length, init, release);
    return this;
  }

  get numThreads(): number {
    return this.#started.size;
  }

  /**
   * Has the threads do works, one after another; a thread does not wait for the others between two of them.
   *
   * @returns of works that deal blocks, what the calls returned, by block
   */
  async run(...works: Work<K>[]): Promise<number[]> {
    const counters = this.#counters.reserve("counters", 4 * works.length);
    this.arena.u32(counters).fill(0);
    const request = { works: works as Work<AnyKernel>[], counters: counters.offset };
    const shares = (await this.#started.run(request)) as number[][];
    const numResults = shares.reduce((sum, { length }) => sum + length, 0);
    return Array.from(
      { length: numResults },
      (_, block) => shares[block % shares.length]![Math.floor(block / shares.length)]!,
    );
  }

  /** Has every thread run a task of the script. @returns their results, in the threads' order */
  async runTask(task: Task): Promise<Result[]> {
    return (await this.#started.run({ task })) as Result[];
  }

  /** Ends the threads, whatever they do. */
  async terminate(): Promise<void> {
    await this.#pool?.terminate();
  }

  get #started(): WorkerPool<ThreadTask<Task>, Result | number[]> {
    if (!this.#pool) throw new RangeError("a kernel whose threads were not started");
    return this.#pool;
  }
}
