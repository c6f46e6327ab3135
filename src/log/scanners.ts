// The scanners of one reading: the calling thread's own, and those on threads of a large log.

import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { UsageError } from "../errors.js";
import { newMemory, RESERVED } from "../kernels/shared/shared-memory.js";
import { freeAddresses, THREAD_ADDRESSES } from "../workers/process-limits.js";
import type { ChunkBuffers } from "./chunk-buffers.js";
import { ChunkScanner, type ChunkScan, type ScanSetup } from "./chunk-scanner.js";
import type { ScanLayout } from "./layout.js";
import type { ScanMemory } from "./scanner.js";

/** What a thread is started with. */
export interface ScannerData {
  module: WebAssembly.Module;
  setup: ScanSetup;
  memory: WebAssembly.Memory;
}

/** What a thread is sent, a chunk. */
export interface ScanJob {
  bytes: Uint8Array<ArrayBuffer>;
  quoted: number[];
  layout: ScanLayout;
}

/** What it sends back: the scan with the chunk's buffer, or the message of the UsageError that its memory is full. */
export type ScanReply = { scan: ChunkScan; buffer: ArrayBuffer } | { tooLarge: string };

/** A scanner; scans come in the order of the chunks. */
export interface Scanner {
  /** Takes the chunk's buffer. */
  scan(job: ScanJob): Promise<ChunkScan>;
  close(): Promise<unknown>;
}

/** A scanner that works when it is called. */
export class LocalScanner implements Scanner {
  readonly #scanner: ChunkScanner;

  constructor(
    setup: ScanSetup,
    memory: ScanMemory,
    private readonly buffers: ChunkBuffers,
  ) {
    this.#scanner = new ChunkScanner(setup, memory);
  }

  async scan({ bytes, quoted, layout }: ScanJob): Promise<ChunkScan> {
    const scan = this.#scanner.scan(bytes, quoted, layout);
    this.buffers.give(bytes.buffer);
    return scan;
  }

  async close(): Promise<void> {}
}

/** How many of so many threads the addresses of the process allow; results do not depend on it. */
export function affordableScanners(numThreads: number): number {
  return Math.max(0, Math.min(numThreads, Math.floor(freeAddresses() / (RESERVED + THREAD_ADDRESSES))));
}

/** A scanner on a thread of its own. */
export class ThreadScanner implements Scanner {
  readonly #worker: Worker;
  readonly #waiting: { resolve: (scan: ChunkScan) => void; reject: (error: unknown) => void }[] = [];

  /** @throws {IoError} the system does not give the addresses of a memory */
  constructor({ module, setup }: Omit<ScannerData, "memory">, buffers: ChunkBuffers) {
    // here rather than on the thread, where a failure would lose its class
    const data: ScannerData = { module, setup, memory: newMemory() };
    this.#worker = new Worker(fileURLToPath(new URL("./scan.worker.js", import.meta.url).href), {
      workerData: data,
      // flags of the process, such as --input-type, may be none of a thread's
      execArgv: [],
      // what a scanner makes is sent on: a small nursery is all that it needs, where the default grows to 48 MB a thread
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.on("message", (reply: ScanReply) => {
      const { resolve, reject } = this.#waiting.shift()!;
      if ("scan" in reply) {
        buffers.give(reply.buffer);
        resolve(reply.scan);
      } else reject(new UsageError(reply.tooLarge));
    });
    this.#worker.on("error", (error) => {
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  scan({ bytes, quoted, layout }: ScanJob): Promise<ChunkScan> {
    const scan = new Promise<ChunkScan>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    this.#worker.postMessage({ bytes, quoted, layout } satisfies ScanJob, [bytes.buffer]);
    return scan;
  }

  close(): Promise<unknown> {
    return this.#worker.terminate();
  }
}
