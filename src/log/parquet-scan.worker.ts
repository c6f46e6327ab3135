// One scanner of Parquet on a thread of its own: ranges of rows come in, scans go out, in order.

import { parentPort, workerData } from "node:worker_threads";
import { ParquetScanner, type CellRequest, type RangeScan, type RowRange } from "./parquet-scanner.js";
import { buffersOf, sentError, type SentError } from "./scan-thread.js";
import { ScanMemory } from "./scanner.js";

/** What a thread is started with. */
export interface ParquetScannerData {
  module: WebAssembly.Module;
  requests: readonly CellRequest[];
  memory: WebAssembly.Memory;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what parquet-read.ts sends
const { module, requests, memory } = workerData as ParquetScannerData;
const scanner = new ParquetScanner(requests, new ScanMemory(module, memory));

parentPort!.on("message", (range: RowRange) => {
  try {
    const result = scanner.scan(range);
    const transferred = buffersOf(result.scan).filter((buffer) => buffer instanceof ArrayBuffer);
    parentPort!.postMessage(result satisfies RangeScan, transferred);
  } catch (error) {
    parentPort!.postMessage(sentError(error) satisfies SentError, []);
  }
});
