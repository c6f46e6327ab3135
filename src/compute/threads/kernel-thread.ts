// The script of the threads of a kernel: each thread executes its share of the kernel calls that the main thread
// requests.
//
//   { every: { end: 6, size: 2 }, call: [f, ...] }   all threads call f on blocks 0 1 2, in step by a barrier
//   { deal: { end: 6, size: 2 }, call: [f, ...] }    thread 0 calls f on blocks 0 2, thread 1 on block 1
//   { take: { end: 6, size: 2 }, call: [f, ...] }    each thread takes the next block when it has finished one
//   { untilDone: true, call: [f, ...] }              each thread calls f until it returns 0

import { kernelImports } from "../kernels/shared/load.js";
import type { StartTask } from "./pool.js";

/**
 * An argument of a call. A number or boolean is passed unchanged; an array contains one number for each block, in the
 * order in which blocks are visited; "thread" is the address of the thread's own struct, and "index" the thread's
 * number; "first", "count" and "end" describe the items of the block.
 */
export type Argument =
  | number
  | boolean
  | Uint32Array
  | Float32Array
  | "thread"
  | "index"
  | "first"
  | "count"
  | "end";

type KernelFunction = (...args: number[]) => number | undefined;

export type AnyKernel = Record<string, KernelFunction>;

export type Call<K> = {
  [F in keyof K]: K[F] extends (...args: infer A) => unknown
    ? readonly [name: F, ...args: { [I in keyof A]: Argument }]
    : never;
}[keyof K];

/** The items from `first` to `end` - 1. */
export interface Blocks {
  /** index of the first item; 0 when absent */
  first?: number;
  end: number;
  /** items of a block and of a call; few, because the engine replaces unoptimized code only between calls */
  size: number;
  /** order in which blocks are visited; ascending when absent */
  order?: Uint32Array | undefined;
  /** number of equal blocks, if not blocks of `size` items; each is processed by calls of at most `size` items */
  parts?: number;
}

/** A single block with a single item, for a function that is called once, or once in each thread. */
export const ONCE: Blocks = { end: 1, size: 1 };

/** A function of the kernel, with the way in which its calls are divided among the threads. */
export type Work<K> = { call: Call<K> } & (
  | { every: Blocks }
  | { deal: Blocks }
  | { take: Blocks }
  | { untilDone: true }
);

/** A request to a thread: kernel calls, or a task of its own script. */
export type ThreadTask<Task> =
  | {
      works: readonly Work<AnyKernel>[];
      /** byte offset of u32[works.length]: number of blocks that threads have taken so far */
      counters: number;
      /** threads 0 to `threads` - 1 take part */
      threads: number;
      /** for synchronized work: range of positions in the order of blocks; all when absent */
      visits?: readonly [from: number, to: number];
    }
  | { task: Task };

export interface ThreadInit<Own> {
  memory: WebAssembly.Memory;
  /** compiled kernels whose functions work in the same memory */
  modules: readonly WebAssembly.Module[];
  /** byte offset of the struct of each thread */
  threads: readonly number[];
  /** data that the thread's own script receives */
  own: Own;
}

export interface KernelThread<K, Own> {
  /** the script may replace functions before the first call */
  kernel: K;
  memory: WebAssembly.Memory;
  index: number;
  numThreads: number;
  own: Own;
  /** Returns another instance of the kernel, which works in the given memory. */
  instantiate: (memory: WebAssembly.Memory) => K;
}

/**
 * Creates the function that a thread's script exports as `start`. The thread then executes kernel calls and the
 * script's own tasks.
 *
 * @param tasks called once in each thread; returns the function that executes a task
 */
export function kernelThread<K, Own, Task, Result>(
  tasks?: (thread: KernelThread<K, Own>) => (task: Task) => Result,
): StartTask<ThreadInit<Own>, ThreadTask<Task>, Result | number[]> {
  return ({ memory, modules, threads, own }, index) => {
    const instantiate = (of: WebAssembly.Memory) =>
      Object.fromEntries(
        modules.flatMap((module) =>
          Object.entries(new WebAssembly.Instance<AnyKernel>(module, kernelImports(of)).exports),
        ),
      );
    const kernel = instantiate(memory);
    const runTask = tasks?.({
      ...{ memory, index, numThreads: threads.length, own },
      kernel: kernel as K,
      instantiate: (of) => instantiate(of) as K,
    });
    const caller = new Caller(new Map(Object.entries(kernel)), memory, threads, index);
    return (request) => ("task" in request ? runTask!(request.task) : caller.run(request));
  };
}

type CallOnItems = (i: number, first: number, end: number) => number | undefined;

/** Executes the share of one thread in the requested calls. */
class Caller {
  readonly #functions: ReadonlyMap<string, KernelFunction>;
  readonly #memory: WebAssembly.Memory;
  readonly #threads: readonly number[];
  readonly #index: number;

  constructor(
    functions: ReadonlyMap<string, KernelFunction>,
    memory: WebAssembly.Memory,
    threads: readonly number[],
    index: number,
  ) {
    this.#functions = functions;
    this.#memory = memory;
    this.#threads = threads;
    this.#index = index;
  }

  /**
   * Stops if a synchronized call returns 0, which means that the pool is being stopped.
   * @returns results of the calls that were dealt to this thread (`deal`)
   */
  run({ works, counters, threads, visits }: Exclude<ThreadTask<never>, { task: never }>): number[] {
    const results: number[] = [];
    // the memory may have grown since the last request
    const taken = new Int32Array(this.#memory.buffer, counters, works.length);
    for (const [w, work] of works.entries()) {
      const call = this.#caller(work.call);
      if ("untilDone" in work) {
        while (call(0, 0, 0) !== 0) continue;
      } else if ("take" in work) {
        const next = () => Atomics.add(taken, w, 1);
        for (let i = next(), n = numBlocks(work.take); i < n; i = next()) onBlock(work.take, i, call);
      } else if ("deal" in work) {
        for (let i = this.#index, n = numBlocks(work.deal); i < n; i += threads) {
          const result = onBlock(work.deal, i, call);
          if (result !== undefined) results.push(result);
        }
      } else {
        const [from, to] = visits ?? [0, numBlocks(work.every)];
        for (let i = from; i < to; i++) if (onBlock(work.every, i, call) === 0) return results;
      }
    }
    return results;
  }

  #caller([name, ...args]: readonly [string, ...Argument[]]): CallOnItems {
    const f = this.#functions.get(name)!;
    const own = { thread: this.#threads[this.#index]!, index: this.#index, first: 0, count: 0, end: 0 };
    const values = args.map((arg) => (typeof arg === "string" ? own[arg] : Number(arg)));
    const varying = args.flatMap((arg, at) =>
      typeof arg === "object" || arg === "first" || arg === "count" || arg === "end" ? [{ arg, at }] : [],
    );
    return (i, first, end) => {
      for (const { arg, at } of varying) {
        if (typeof arg === "object") values[at] = arg[i]!;
        else values[at] = arg === "first" ? first : arg === "end" ? end : end - first;
      }
      return f(...values);
    };
  }
}

export function numBlocks({ first = 0, end, size, parts }: Blocks): number {
  return parts ?? Math.max(0, Math.ceil((end - first) / size));
}

/** Calls a function on the items of the i-th visited block. @returns result of the last call */
function onBlock({ first = 0, end, size, order, parts }: Blocks, i: number, call: CallOnItems) {
  const block = order ? order[i]! : i;
  const edge = (b: number) =>
    parts ? first + Math.floor((b * (end - first)) / parts) : Math.min(first + b * size, end);
  let result: number | undefined;
  for (let at = edge(block), last = edge(block + 1); at < last; at += size)
    result = call(i, at, Math.min(at + size, last));
  return result;
}
