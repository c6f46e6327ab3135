// A thread of a threaded kernel: it makes its share of the calls that the main thread asks for.
//
//   { every: { end: 6, size: 2 }, call: [f, ...] }   all threads: f of blocks 0 1 2, in step by the kernel's own barrier
//   { deal: { end: 6, size: 2 }, call: [f, ...] }    thread 0: f of blocks 0 2    thread 1: f of block 1
//   { take: { end: 6, size: 2 }, call: [f, ...] }    each thread takes the next block when it has done one
//   { untilDone: true, call: [f, ...] }              each thread calls f until it returns 0

import { kernelImports } from "../kernels/shared/load.js";
import type { StartTask } from "./pool.js";

/**
 * An argument of a call. A number or a boolean is passed as it is; an array holds a number for each block, in the order of visit;
 * "thread" is the thread's own struct, "index" its number; "first", "count" and "end" are the items of the block.
 */
export type Argument =
  number | boolean | Uint32Array | Float32Array | "thread" | "index" | "first" | "count" | "end";

/** A function of any kernel. */
type KernelFunction = (...args: number[]) => number | undefined;

export type AnyKernel = Record<string, KernelFunction>;

/** A function of the kernel and its arguments. */
export type Call<K> = {
  [F in keyof K]: K[F] extends (...args: infer A) => unknown
    ? readonly [name: F, ...args: { [I in keyof A]: Argument }]
    : never;
}[keyof K];

/** Items first to end - 1, cut into blocks. */
export interface Blocks {
  /** by default 0 */
  first?: number;
  end: number;
  /** items of a call, and of a block: few enough that calls are short, as the engine replaces unoptimized code between calls */
  size: number;
  /** blocks in the order of visit; by default as they stand */
  order?: Uint32Array | undefined;
  /** cuts the items into so many equal blocks instead, each worked through by calls of `size` items */
  parts?: number;
}

/** A call that is made once. */
export const ONCE: Blocks = { end: 1, size: 1 };

/** What the threads do with a function of the kernel. */
export type Work<K> = { call: Call<K> } & (
  { every: Blocks } | { deal: Blocks } | { take: Blocks } | { untilDone: true }
);

/** What a thread is asked to do: work, or a task of its own script. */
export type ThreadTask<Task> =
  | {
      works: readonly Work<AnyKernel>[];
      /** offset of a u32 for each work, the blocks taken so far */
      counters: number;
      /** threads that take part, the first ones */
      threads: number;
      /** of works in step, which of the visited blocks; all when absent */
      visits?: readonly [from: number, to: number];
    }
  | { task: Task };

/** Passed to each thread. */
export interface ThreadInit<Own> {
  memory: WebAssembly.Memory;
  /** kernels that share the memory */
  modules: readonly WebAssembly.Module[];
  /** offset of each thread's own struct */
  threads: readonly number[];
  /** read by the thread's own script */
  own: Own;
}

/** A thread, as its own script sees it. */
export interface KernelThread<K, Own> {
  kernel: K;
  memory: WebAssembly.Memory;
  index: number;
  numThreads: number;
  own: Own;
}

/**
 * What a script exports as `start`: its threads make calls of the kernel, and run tasks of their own.
 *
 * @param tasks called once in each thread; returns what runs a task
 */
export function kernelThread<K, Own, Task, Result>(
  tasks?: (thread: KernelThread<K, Own>) => (task: Task) => Result,
): StartTask<ThreadInit<Own>, ThreadTask<Task>, Result | number[]> {
  return ({ memory, modules, threads, own }, index) => {
    const functions = modules.flatMap((module) =>
      Object.entries(new WebAssembly.Instance<AnyKernel>(module, kernelImports(memory)).exports),
    );
    const kernel = Object.fromEntries(functions) as K;
    const runTask = tasks?.({ kernel, memory, index, numThreads: threads.length, own });
    const caller = new Caller(new Map(functions), memory, threads, index);
    return (request) => ("task" in request ? runTask!(request.task) : caller.run(request));
  };
}

/** Calls a function on items of the i-th block. */
type CallOnItems = (i: number, first: number, end: number) => number | undefined;

/** Makes one thread's share of calls. */
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

  /** Does all works, or none after a call in step that returned 0: the pool is stopping then. @returns what calls on dealt blocks did */
  run({ works, counters, threads, visits }: Exclude<ThreadTask<never>, { task: never }>): number[] {
    const results: number[] = [];
    // the memory may have grown since the last run
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

/** Blocks that the items are cut into. */
export function numBlocks({ first = 0, end, size, parts }: Blocks): number {
  return parts ?? Math.max(0, Math.ceil((end - first) / size));
}

/** Calls on the items of the block that is visited as the i-th. @returns what the last call did */
function onBlock({ first = 0, end, size, order, parts }: Blocks, i: number, call: CallOnItems) {
  const block = order ? order[i]! : i;
  const edge = (b: number) =>
    parts ? first + Math.floor((b * (end - first)) / parts) : Math.min(first + b * size, end);
  let result: number | undefined;
  for (let at = edge(block), last = edge(block + 1); at < last; at += size)
    result = call(i, at, Math.min(at + size, last));
  return result;
}
