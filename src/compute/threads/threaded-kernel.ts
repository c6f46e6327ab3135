// A WebAssembly kernel's memory, with the threads that call its functions. All trainers and solvers in AssemblyScript
// use it.
//
//   a trainer's class ──► lays out its arrays in the arena ──► begin: starts the threads
//                     ──► run: divides calls of the kernel among the threads (kernel-thread.ts) ──► reads arrays
//                     ──► runTask: tasks of the threads' own script
//                     ──► terminate

import { availableParallelism } from "node:os";
import { setCores, stopBarrier } from "../kernels/shared/barrier.js";
import { Arena, GrowingArrays, type Region } from "../kernels/shared/memory.js";
import { loadKernel } from "../kernels/shared/load.js";
import {
  numBlocks,
  type AnyKernel,
  type Blocks,
  type ThreadInit,
  type ThreadTask,
  type Work,
} from "./kernel-thread.js";
import { WorkerPool } from "./pool.js";
import { ThreadChoice, type Choice, type ThreadsInUse } from "./thread-choice.js";

export interface KernelThreads {
  /** byte offset of the struct of each thread, or the number of threads if they have no structs */
  threads: readonly number[] | number;
  barrier?: Region | undefined;
  /**
   * Sets the number of threads that take part in synchronized work, beginning with thread 0; called between two runs.
   * Absent: all take part.
   */
  use?: ((threads: number) => void) | undefined;
}

/** A script whose threads execute its own tasks in addition to kernel calls. */
export interface ThreadScript {
  url: URL;
  own: unknown;
}

/** Tests replace this function. */
export const choosing: { start: (most: number) => Choice } = { start: (most) => new ThreadChoice(most) };

/** A kernel K with its threads. The caller must call `terminate`, which ends the threads. */
export class ThreadedKernel<K, Task = never, Result = never> {
  readonly arena: Arena;
  readonly #counters: GrowingArrays;
  #pool: WorkerPool<ThreadTask<Task>, Result | number[]> | undefined;
  #use: ((threads: number) => void) | undefined;
  #choice: Choice | undefined;
  /** milliseconds per block of synchronized work; infinite before the first piece */
  #perBlock = Infinity;

  constructor(arena = new Arena()) {
    this.arena = arena;
    this.#counters = new GrowingArrays(arena, "the works of threads");
  }

  /**
   * Starts the threads, after the arrays were laid out.
   *
   * @param kernels names of the kernels whose functions are called
   * @throws {IoError} the process has too little address space for the threads
   */
  async begin(
    kernels: string | readonly string[],
    { threads, barrier, use }: KernelThreads,
    { url, own }: ThreadScript = { url: new URL("./kernel.worker.js", import.meta.url), own: null },
  ): Promise<this> {
    const modules = await Promise.all([kernels].flat().map(loadKernel));
    const structs = typeof threads === "number" ? Array.from({ length: threads }, () => 0) : threads;
    const init: ThreadInit<unknown> = { memory: this.arena.memory, modules, threads: structs, own };
    if (barrier) setCores(this.arena, barrier, availableParallelism());
    const release = () => barrier && stopBarrier(this.arena, barrier);
    this.#pool = await WorkerPool.start(url, structs.length, init, release);
    this.#use = use;
    if (use && structs.length > 1) this.#choice = choosing.start(structs.length);
    return this;
  }

  get numThreads(): number {
    return this.#started.size;
  }

  /** Number of threads that take part in synchronized work, chosen by measured speed, and number of started ones. */
  get threadsInUse(): ThreadsInUse {
    return { used: this.#choice?.inUse ?? this.numThreads, of: this.numThreads };
  }

  /**
   * Executes pieces of work in order. Threads do not wait for each other between two of them.
   *
   * @returns results of the calls of work with `deal`, in the order of its blocks
   */
  async run(...works: Work<K>[]): Promise<number[]> {
    const [work] = works;
    if (this.#choice && this.#use && works.length === 1 && work && "every" in work) {
      await this.#runInStep(work, work.every, this.#choice, this.#use);
      return [];
    }
    return await this.#call(works);
  }

  /** Executes work in pieces, each with the number of threads that `choice` returns for it. */
  async #runInStep(
    work: Work<K>,
    blocks: Blocks,
    choice: Choice,
    use: (threads: number) => void,
  ): Promise<void> {
    const end = numBlocks(blocks);
    for (let from = 0; from < end;) {
      const { threads, milliseconds } = choice.next();
      use(threads);
      const size = milliseconds === Infinity ? end : Math.max(1, Math.round(milliseconds / this.#perBlock));
      const to = Math.min(end, from + size);
      const began = performance.now();
      await this.#call([work], threads, [from, to]);
      const took = performance.now() - began;
      choice.took(to - from, took);
      this.#perBlock = took / (to - from);
      from = to;
    }
    // all threads take part again after the last piece, because the arrays of all threads are read afterwards
    use(this.numThreads);
  }

  async #call(
    works: readonly Work<K>[],
    threads = this.numThreads,
    visits?: readonly [from: number, to: number],
  ): Promise<number[]> {
    const counters = this.#counters.reserve("counters", 4 * works.length);
    this.arena.u32(counters).fill(0);
    const request = {
      works: works as readonly Work<AnyKernel>[],
      counters: counters.offset,
      threads,
      visits,
    };
    const shares = (await this.#started.run(request, threads)) as number[][];
    const numResults = shares.reduce((sum, { length }) => sum + length, 0);
    return Array.from(
      { length: numResults },
      (_, block) => shares[block % shares.length]![Math.floor(block / shares.length)]!,
    );
  }

  /**
   * Executes a task of the script on the first `threads` threads, by default all.
   * @returns their results, in the threads' order
   */
  async runTask(task: Task, threads = this.numThreads): Promise<Result[]> {
    return (await this.#started.run({ task }, threads)) as Result[];
  }

  /** Ends the threads, even if they are busy. */
  async terminate(): Promise<void> {
    await this.#pool?.terminate();
  }

  get #started(): WorkerPool<ThreadTask<Task>, Result | number[]> {
    if (!this.#pool) throw new RangeError("a kernel whose threads were not started");
    return this.#pool;
  }
}
