// A worker thread that scans delimited text: it receives chunks and sends their scans back, in order.

import { parentPort, workerData } from "node:worker_threads";
import { ChunkScanner } from "./chunk-scanner.js";
import { buffersOf, sentError } from "../scan-thread.js";
import { ScanMemory } from "../scanner.js";
import type { ScanJob, ScannerData, ScanReply } from "./scanners.js";

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what scanners.ts sends
const { module, setup, memory } = workerData as ScannerData;
const scanner = new ChunkScanner(setup, new ScanMemory(module, memory));

parentPort!.on("message", ({ bytes, quoted, layout }: ScanJob) => {
  try {
    const scan = scanner.scan(bytes, quoted, layout);
    scan.columns = scan.columns.map((column) => column.slice());
    const transferred = [bytes.buffer, ...buffersOf(scan)].filter((buffer) => buffer instanceof ArrayBuffer);
    parentPort!.postMessage({ scan, buffer: bytes.buffer } satisfies ScanReply, transferred);
  } catch (error) {
    parentPort!.postMessage(sentError(error) satisfies ScanReply, []);
  }
});
