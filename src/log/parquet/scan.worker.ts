// A worker thread that scans Parquet: it receives ranges of rows and sends their scans back, in order.

import { parentPort, workerData } from "node:worker_threads";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { digestOf } from "../../base/io/random-access.js";
import { KeyFinder, type FinderData } from "../key-finder.js";
import {
  buffersOfRange,
  ParquetScanner,
  type CellRequest,
  type RangeScan,
  type ParquetRowRange,
} from "./scanner.js";
import { sentError, type SentError } from "../scan-thread.js";
import { ScanMemory } from "../scanner.js";

export interface RangeJob {
  range: ParquetRowRange;
  /** buffers of the thread's earlier scans, which it can reuse */
  spent: ArrayBuffer[];
}

export interface DigestJob {
  path: string;
}

export interface ParquetScannerData {
  module: WebAssembly.Module;
  requests: readonly CellRequest[];
  nulls: readonly string[] | undefined;
  /** memory that only this thread uses */
  memory: WebAssembly.Memory;
  finder: FinderData;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what read.ts sends
const { module, requests, nulls, memory, finder } = workerData as ParquetScannerData;
const keyFinder = new KeyFinder(module, finder);
const scanner = new ParquetScanner(requests, new ScanMemory(module, memory), nulls, (request) => ({
  find: (keys, gap, codes) => keyFinder.find(finder.tables[request]!, keys, gap, codes),
  findsCells: true,
}));

function scanned({ range, spent }: RangeJob): void {
  scanner.buffers.give(spent);
  const result = scanner.scan(range);
  const buffers = buffersOfRange(result);
  parentPort!.postMessage(result satisfies RangeScan, [...buffers.batch, ...buffers.spent]);
}

async function answer(job: RangeJob | DigestJob): Promise<void> {
  try {
    if ("range" in job) scanned(job);
    else parentPort!.postMessage((await digestOf(job.path)) satisfies InputFingerprint);
  } catch (error) {
    parentPort!.postMessage(sentError(error) satisfies SentError);
  }
}

// jobs are answered one after another, so that replies keep their order even if one job is a slow checksum
let last = Promise.resolve();
parentPort!.on("message", (job: RangeJob | DigestJob) => {
  last = last.then(() => answer(job));
});
