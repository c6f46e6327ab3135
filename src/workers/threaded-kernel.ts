// A kernel's memory with the threads that call its functions: what every trainer and solver in AssemblyScript is made of.
//
//   class of a trainer ──► lays its arrays out in the arena ──► begin: threads start
//                      ──► run: calls of the kernel's functions, dealt to the threads (kernel-thread.ts) ──► reads its arrays
//                      ──► runTask: what the threads' own script does
//                      ──► terminate

import { availableParallelism } from "node:os";
import { setCores, stopBarrier } from "../kernels/shared/barrier.js";
import { GrowingArrays } from "../kernels/shared/growing-arrays.js";
import { loadKernel } from "../kernels/shared/load.js";
import { Arena, type Region } from "../kernels/shared/memory.js";
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

/** Threads to be started, as layouts have them. */
export interface KernelThreads {
  /** offset of each thread's own struct, or how many threads without one */
  threads: readonly number[] | number;
  /** where threads wait for one another */
  barrier?: Region | undefined;
  /**
   * Has the first `threads` threads work from now on, at whatever number of them; called between two runs. Without it all threads do
   * work in step.
   */
  use?: ((threads: number) => void) | undefined;
}

/** A script whose threads run tasks of its own beside calls, and what it is passed. */
export interface ThreadScript {
  url: URL;
  own: unknown;
}

/** Makes what chooses the number of threads that work in step. Tests put another in its place. */
export const choosing: { start: (most: number) => Choice } = { start: (most) => new ThreadChoice(most) };

/** A kernel K, and what its threads' own script runs. `terminate` ends the threads and must be called. */
export class ThreadedKernel<K, Task = never, Result = never> {
  readonly arena: Arena;
  readonly #counters: GrowingArrays;
  #pool: WorkerPool<ThreadTask<Task>, Result | number[]> | undefined;
  #use: ((threads: number) => void) | undefined;
  #choice: Choice | undefined;
  /** milliseconds of a block in step; of the first piece nothing is known yet */
  #perBlock = Infinity;

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

  /** Threads that were started. */
  get numThreads(): number {
    return this.#started.size;
  }

  /** Threads that work in step: of those that were started, as many as are fastest. */
  get threadsInUse(): ThreadsInUse {
    return { used: this.#choice?.inUse ?? this.numThreads, of: this.numThreads };
  }

  /**
   * Has the threads do works, one after another; a thread does not wait for the others between two of them.
   *
   * @returns of works that deal blocks, what the calls returned, by block
   */
  async run(...works: Work<K>[]): Promise<number[]> {
    const [work] = works;
    if (this.#choice && this.#use && works.length === 1 && work && "every" in work) {
      await this.#runInStep(work, work.every, this.#choice, this.#use);
      return [];
    }
    return await this.#call(works);
  }

  /** Does a work in step piece by piece, each by the number of threads that the choice names. */
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
    // whoever reads what threads have made finds it as if all had worked
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

  /** Has the first `threads` threads, by default all, run a task of the script. @returns their results, in the threads' order */
  async runTask(task: Task, threads = this.numThreads): Promise<Result[]> {
    return (await this.#started.run({ task }, threads)) as Result[];
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
