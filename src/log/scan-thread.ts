// A thread that scans: it receives jobs and replies to them in order.

import { Worker } from "node:worker_threads";
import { DataError, EmbedError, IoError, UsageError, type Place } from "../base/errors.js";
import { threadEnded } from "../compute/threads/process-limits.js";
import type { ChunkScan } from "./text/chunk-scanner.js";

/** Returns the buffers of a scan's arrays; they are transferred to another thread together with the scan. */
export function buffersOf({ columns, newKeys }: ChunkScan): ArrayBufferLike[] {
  return [
    ...columns.map(({ buffer }) => buffer),
    ...newKeys.flatMap(({ bytes, offsets }) => [bytes.buffer, offsets.buffer]),
  ];
}

/** An error that is sent between threads. The class of an error is lost on the way, so its members are sent instead. */
export interface SentError {
  name: "DataError" | "IoError" | "UsageError";
  message: string;
  place?: Place | undefined;
}

/** Converts an error to a message for another thread. @throws the error itself, if it is a bug or has another class */
export function sentError(error: unknown): SentError {
  if (error instanceof DataError) return { name: "DataError", message: error.detail, place: error.place };
  if (error instanceof EmbedError && (error.name === "IoError" || error.name === "UsageError"))
    return { name: error.name, message: error.message };
  throw error;
}

export function receivedError({ name, message, place }: SentError): EmbedError {
  if (name === "DataError") return new DataError(message, place);
  return name === "IoError" ? new IoError(message) : new UsageError(message);
}

export class ScanThread<Job, Reply> {
  readonly #worker: Worker;
  #failure: unknown;
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: unknown) => void }[] = [];

  constructor(script: URL, workerData: object) {
    this.#worker = new Worker(script, {
      workerData,
      // flags of the process, such as --input-type, may be invalid for a thread
      execArgv: [],
      // a small young generation suffices, because a scanner sends its results away; by default it grows to 48 MB per
      // thread
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.on("message", (reply: Reply) => this.#waiting.shift()!.resolve(reply));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", (code) => this.#fail(threadEnded(code)));
  }

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

  /** Rejects all pending jobs, because the thread does not answer anymore. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
