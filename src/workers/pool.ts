// A pool of threads that run one task at a time, each on its share. It knows no algorithm: a task module does.
//
//   pool.run(task) ──► thread 0: run(task) ──► [result 0, result 1, ...]
//                  └─► thread 1: run(task) ──┘

import { Worker } from "node:worker_threads";
import { checkAddresses } from "./process-limits.js";

/** What a task module exports as `start`: it receives what the pool was made with, and returns what a thread runs. */
export type StartTask<Init, Task, Result> = (
  init: Init,
  index: number,
) => ((task: Task) => Result) | Promise<(task: Task) => Result>;

/** What a thread is made with. */
export interface ThreadData {
  url: string;
  init: unknown;
  index: number;
}

/** What a thread sends back. */
export type ThreadReply<Result> = { ready: true } | { result: Result } | { error: unknown };

interface Pending<Result> {
  resolve: (reply: ThreadReply<Result>) => void;
  reject: (error: Error) => void;
}

/** Threads that live until `terminate`; they do not keep the process alive while idle. */
export class WorkerPool<Task, Result> {
  readonly size: number;
  readonly #workers: Worker[];
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
      worker.on("exit", () => this.#fail(new Error(`thread ${i} of a pool ended`)));
    });
  }

  /**
   * Starts `size` threads, each importing the task module and calling its `start`.
   *
   * @param url     of the task module
   * @param init    sent to every thread; a shared memory and a compiled module are shared, not copied
   * @param release wakes threads that wait for one another; called when one of them fails
   * @throws {IoError} the limit of the process leaves too few addresses for so many
   */
  static async start<Task, Result>(
    url: URL,
    size: number,
    init: unknown,
    release: () => void = () => undefined,
  ): Promise<WorkerPool<Task, Result>> {
    checkAddresses(size);
    const workers = Array.from({ length: size }, (_, index) => {
      const workerData: ThreadData = { url: url.href, init, index };
      return new Worker(new URL("./thread.js", import.meta.url), { workerData });
    });
    const pool = new WorkerPool<Task, Result>(workers, release);
    try {
      await pool.#repliesTo(() => undefined);
    } catch (error) {
      await pool.terminate();
      throw error;
    }
    return pool;
  }

  /**
   * Runs the task on every thread and returns their results, in the threads' order.
   *
   * @throws what a thread threw; the others are released first, and the pool is of no use afterwards
   */
  async run(task: Task): Promise<Result[]> {
    const replies = await this.#repliesTo((worker) => worker.postMessage(task));
    return replies.map((reply) => {
      if (!("result" in reply)) throw new TypeError("a thread answered a task without a result");
      return reply.result;
    });
  }

  /** Ends the threads, whatever they do; a run that is under way is rejected. */
  async terminate(): Promise<void> {
    this.#fail(new Error("the pool was terminated"));
    await Promise.all(
      this.#workers.map((worker) => {
        // an idle thread does not keep the process alive, and the process must live to see it end
        worker.ref();
        return worker.terminate();
      }),
    );
  }

  async #repliesTo(send: (worker: Worker) => void): Promise<ThreadReply<Result>[]> {
    if (this.#failure) throw this.#failure;
    return Promise.all(
      this.#workers.map((worker, i) => {
        return new Promise<ThreadReply<Result>>((resolve, reject) => {
          this.#pending[i] = { resolve, reject };
          worker.ref();
          send(worker);
        });
      }),
    );
  }

  #settle(i: number, reply: ThreadReply<Result>): void {
    // a late answer of a thread that is being ended must not let the process go before it has
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

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}
