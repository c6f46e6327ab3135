// A thread that scans: jobs go in, replies come out, in order.

import { Worker } from "node:worker_threads";
import { DataError, EmbedError, IoError, UsageError, type Place } from "../errors.js";
import { threadEnded } from "../workers/thread-ended.js";
import type { ChunkScan } from "./text/chunk-scanner.js";

/** The buffers of a scan's arrays, which move to another thread with it. */
export function buffersOf({ columns, newKeys }: ChunkScan): ArrayBufferLike[] {
  return [
    ...columns.map(({ buffer }) => buffer),
    ...newKeys.flatMap(({ bytes, offsets }) => [bytes.buffer, offsets.buffer]),
  ];
}

/** An error on its way between threads, which its class does not survive. */
export interface SentError {
  name: "DataError" | "IoError" | "UsageError";
  message: string;
  place?: Place | undefined;
}

/** @throws the error itself, where it is a bug or of another class */
export function sentError(error: unknown): SentError {
  if (error instanceof DataError) return { name: "DataError", message: error.detail, place: error.place };
  if (error instanceof EmbedError && (error.name === "IoError" || error.name === "UsageError"))
    return { name: error.name, message: error.message };
  throw error;
}

/** The error that was sent. */
export function receivedError({ name, message, place }: SentError): EmbedError {
  if (name === "DataError") return new DataError(message, place);
  return name === "IoError" ? new IoError(message) : new UsageError(message);
}

/** A thread that answers jobs. */
export class ScanThread<Job, Reply> {
  readonly #worker: Worker;
  #failure: unknown;
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: unknown) => void }[] = [];

  /** @param script what runs in it */
  constructor(script: URL, workerData: object) {
    this.#worker = new Worker(script, {
      workerData,
      // flags of the process, such as --input-type, may be none of a thread's
      execArgv: [],
      // what a scanner makes is sent on: a small nursery is all that it needs, where the default grows to 48 MB a thread
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.on("message", (reply: Reply) => this.#waiting.shift()!.resolve(reply));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", (code) => this.#fail(threadEnded(code)));
  }

  /** Jobs on their way. */
  get numWaiting(): number {
    return this.#waiting.length;
  }

  send(job: Job, transferred: ArrayBuffer[] = []): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    if (this.#failure !== undefined) this.#fail(this.#failure);
    this.#worker.postMessage(job, transferred);
    return reply;
  }

  close(): Promise<unknown> {
    this.#worker.removeAllListeners("exit");
    return this.#worker.terminate();
  }

  /** Rejects jobs, as the thread answers no more. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
