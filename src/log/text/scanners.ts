// The scanners of one reading: the calling thread's own, and those on threads of a large log.

import { newMemory, RESERVED } from "../../kernels/shared/memory.js";
import { freeAddresses, THREAD_ADDRESSES } from "../../workers/process-limits.js";
import type { ChunkBuffers } from "./input.js";
import { ChunkScanner, type ChunkScan, type ScanSetup } from "./chunk-scanner.js";
import type { ScanLayout } from "../file-columns.js";
import { receivedError, ScanThread, type SentError } from "../scan-thread.js";
import type { ScanMemory } from "../scanner.js";

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

/** What it sends back: the scan with the chunk's buffer, or the error that its memory is full. */
export type ScanReply = { scan: ChunkScan; buffer: ArrayBuffer } | SentError;

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
  readonly #thread: ScanThread<ScanJob, ScanReply>;

  /** @throws {IoError} the system does not give the addresses of a memory */
  constructor(
    { module, setup }: Omit<ScannerData, "memory">,
    private readonly buffers: ChunkBuffers,
  ) {
    // the memory is made here rather than on the thread, where a failure would lose its class
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
