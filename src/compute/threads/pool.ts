// A pool of threads that execute one task at a time; each thread executes its share. A task module implements the task.
//
//   pool.run(task) ──► thread 0: run(task) ──► [result 0, result 1, ...]
//                  └─► thread 1: run(task) ──┘
//
// Threads outlive their pool and serve the next one, because starting a thread takes longer than many tasks.

import type { Worker } from "node:worker_threads";
import { keepIdle, stopListening, takeThreads } from "./idle.js";
import { freeAddresses, threadEnded } from "./process-limits.js";
import type { SharedRounds } from "./rounds.js";

/**
 * What a task module exports as `start`: called with the pool's `init`, it returns the function that executes tasks.
 */
export type StartTask<Init, Task, Result> = (
  init: Init,
  index: number,
) => ((task: Task) => Result) | Promise<(task: Task) => Result>;

/** A request to a thread; `rounds` (rounds.ts) is the only one without an answer. */
export type ThreadRequest<Task> =
  | { url: string; init: unknown; index: number }
  | { task: Task }
  | { leave: true }
  | { rounds: SharedRounds };

export type ThreadReply<Result> = { ready: true } | { result: Result } | { error: unknown } | { left: true };

interface Pending<Result> {
  resolve: (reply: ThreadReply<Result>) => void;
  reject: (error: Error) => void;
}

/** Owns its threads until `terminate`. Idle threads do not keep the process alive. */
export class WorkerPool<Task, Result> {
  readonly size: number;
  #workers: readonly Worker[];
  readonly #pending: (Pending<Result> | undefined)[];
  readonly #release: () => void;
  #failure: Error | undefined;

  private constructor(workers: Worker[], release: () => void) {
    this.size = workers.length;
    this.#workers = workers;
    this.#pending = workers.map(() => undefined);
    this.#release = release;
    workers.forEach((worker, i) => {
      worker.on("message", (reply: ThreadReply<Result>) => {
        if ("error" in reply) this.#fail(asError(reply.error));
        this.#settle(i, reply);
      });
      worker.on("error", (error) => this.#fail(asError(error)));
      worker.on("exit", (code) => this.#fail(threadEnded(code)));
    });
  }

  /**
   * Takes `size` threads, idle ones first; each imports the task module and calls its `start`.
   *
   * @param url address of the task module
   * @param init data that is sent to every thread; shared memory and compiled modules are shared, not copied
   * @param release wakes threads that wait for one another; called when one of them fails
   * @throws {IoError} the process has too little address space for the threads
   */
  static async start<Task, Result>(
    url: URL,
    size: number,
    init: unknown,
    release: () => void = () => undefined,
  ): Promise<WorkerPool<Task, Result>> {
    const pool = new WorkerPool<Task, Result>(takeThreads(size), release);
    try {
      await pool.#repliesTo((index) => ({ url: url.href, init, index }));
    } catch (error) {
      await pool.terminate();
      throw error;
    }
    return pool;
  }

  /**
   * Executes the task on the first `threads` threads and returns their results, in the threads' order.
   *
   * @throws the error of a thread; the other threads are released first, and the pool cannot be used afterwards
   */
  async run(task: Task, threads = this.size): Promise<Result[]> {
    const replies = await this.#repliesTo(() => ({ task }), threads);
    return replies.map((reply) => {
      if (!("result" in reply)) throw new TypeError("a thread answered a task without a result");
      return reply.result;
    });
  }

  /** Makes idle threads available to the next pool, and ends busy threads. A pending `run` is rejected. */
  async terminate(): Promise<void> {
    const isIdle = !this.#failure && this.#pending.every((pending) => pending === undefined);
    this.#fail(new Error("the pool was terminated"));
    const workers = this.#workers;
    this.#workers = [];
    // if the address space is limited, the memory of idle threads may be needed by the process
    const mayStay = isIdle && freeAddresses() === Infinity;
    await Promise.all(
      workers.map((worker) => {
        // without this reference, the process could exit before the thread has left the pool or has ended
        worker.ref();
        stopListening(worker);
        return mayStay ? stay(worker) : end(worker);
      }),
    );
  }

  async #repliesTo(
    request: (index: number) => ThreadRequest<Task>,
    threads = this.size,
  ): Promise<ThreadReply<Result>[]> {
    if (this.#failure) throw this.#failure;
    return Promise.all(
      this.#workers.slice(0, threads).map((worker, i) => {
        return new Promise<ThreadReply<Result>>((resolve, reject) => {
          this.#pending[i] = { resolve, reject };
          worker.ref();
          worker.postMessage(request(i));
        });
      }),
    );
  }

  #settle(i: number, reply: ThreadReply<Result>): void {
    // a late reply must not unreference a thread that is being ended, because the process would exit before it has
    // ended
    if (!this.#failure) this.#workers[i]!.unref();
    this.#pending[i]?.resolve(reply);
    this.#pending[i] = undefined;
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#release();
    this.#pending.forEach((pending, i) => {
      pending?.reject(error);
      this.#pending[i] = undefined;
    });
  }
}

/** Makes a thread leave its pool and become idle, or ends it if there are enough idle threads. */
async function stay(worker: Worker): Promise<void> {
  const isAlive = await new Promise<boolean>((resolve) => {
    worker.once("message", () => resolve(true));
    worker.once("exit", () => resolve(false));
    worker.once("error", () => resolve(false));
    worker.postMessage({ leave: true } satisfies ThreadRequest<never>);
  });
  stopListening(worker);
  if (isAlive && !keepIdle(worker)) await end(worker);
}

async function end(worker: Worker): Promise<void> {
  // ignores errors of a thread that is being ended
  worker.on("error", () => undefined);
  await worker.terminate();
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
