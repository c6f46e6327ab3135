// The scanners of one reading: one on the calling thread and, if the log is large, others on worker threads.

import { newMemory, RESERVED } from "../../compute/kernels/shared/memory.js";
import { freeAddresses, THREAD_ADDRESSES } from "../../compute/threads/process-limits.js";
import type { ChunkBuffers } from "./input.js";
import { ChunkScanner, type ChunkScan, type ScanSetup } from "./chunk-scanner.js";
import type { ScanLayout } from "../file-columns.js";
import { receivedError, ScanThread, type SentError } from "../scan-thread.js";
import type { ScanMemory } from "../scanner.js";

export interface ScannerData {
  module: WebAssembly.Module;
  setup: ScanSetup;
  memory: WebAssembly.Memory;
}

export interface ScanJob {
  bytes: Uint8Array<ArrayBuffer>;
  quoted: number[];
  layout: ScanLayout;
}

/** The reply of a worker thread: the scan with the buffer of the chunk, or the error that its memory is full. */
export type ScanReply = { scan: ChunkScan; buffer: ArrayBuffer } | SentError;

/** Scans chunks and returns their scans in the order of the chunks. */
export interface Scanner {
  /** Scans a chunk, and takes ownership of its buffer. */
  scan(job: ScanJob): Promise<ChunkScan>;
  close(): Promise<unknown>;
}

/** A scanner on the calling thread; each call scans a chunk before it returns. */
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

/** Limits the number of threads by the address space available to the process; results do not depend on it. */
export function affordableScanners(numThreads: number): number {
  if (numThreads <= 0) return 0;
  return Math.max(0, Math.min(numThreads, Math.floor(freeAddresses() / (RESERVED + THREAD_ADDRESSES))));
}

export class ThreadScanner implements Scanner {
  readonly #thread: ScanThread<ScanJob, ScanReply>;

  /** @throws {IoError} the system provides no addresses for a memory */
  constructor(
    { module, setup }: Omit<ScannerData, "memory">,
    private readonly buffers: ChunkBuffers,
  ) {
    // the memory is created here and not on the thread, where the class of an error would be lost
    const data: ScannerData = { module, setup, memory: newMemory() };
    this.#thread = new ScanThread(new URL("./scan.worker.js", import.meta.url), data);
  }

  async scan(job: ScanJob): Promise<ChunkScan> {
    const reply = await this.#thread.send(job, [job.bytes.buffer]);
    if (!("scan" in reply)) throw receivedError(reply);
    this.buffers.give(reply.buffer);
    return reply.scan;
  }

  close(): Promise<unknown> {
    return this.#thread.close();
  }
}
