// One scanner on a thread of its own: chunks come in, scans go out, in order.

import { parentPort, workerData } from "node:worker_threads";
import { EmbedError } from "../errors.js";
import { ChunkScanner } from "./chunk-scanner.js";
import { ScanMemory } from "./scanner.js";
import type { ScanJob, ScannerData, ScanReply } from "./scanners.js";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what scanners.ts sends
const { module, setup, memory } = workerData as ScannerData;
const scanner = new ChunkScanner(setup, new ScanMemory(module, memory));

parentPort!.on("message", ({ bytes, quoted, layout }: ScanJob) => {
  try {
    const scan = scanner.scan(bytes, quoted, layout);
    const buffers = [
      bytes.buffer,
      ...scan.columns.map(({ buffer }) => buffer),
      ...scan.newKeys.flatMap((keys) => [keys.bytes.buffer, keys.offsets.buffer]),
    ];
    const transferred = buffers.filter((buffer) => buffer instanceof ArrayBuffer);
    parentPort!.postMessage({ scan, buffer: bytes.buffer } satisfies ScanReply, transferred);
  } catch (error) {
    // an error's class does not survive the way between threads
    if (!(error instanceof EmbedError)) throw error;
    parentPort!.postMessage({ tooLarge: error.message } satisfies ScanReply, []);
  }
});
