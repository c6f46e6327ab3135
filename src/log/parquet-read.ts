// Ranges of rows go to scanners, and their scans come back to be merged in the ranges' order.
//
// The calling thread merges and passes batches on; where the next scan is still on its way, it scans a range itself. Which
// thread scans a range changes nothing: each sees its ranges in order, and the log's codes are given in the merger.

import { DataError } from "../errors.js";
import type { InputFingerprint } from "../io/fingerprint.js";
import type { RandomAccessFile } from "../io/random-access.js";
import { loadKernel } from "../kernels/shared/load.js";
import { newMemory } from "../kernels/shared/shared-memory.js";
import type { Batch, ColumnRequest, Log, ReadOptions, ReadResult } from "./log.js";
import { Merger } from "./merge.js";
import type { ParquetFile } from "./parquet-files.js";
import type { ParquetScannerData } from "./parquet-scan.worker.js";
import { cellRequests, ParquetScanner, type RangeScan, type RowRange } from "./parquet-scanner.js";
import { progressOf } from "./read.js";
import { receivedError, ScanThread, type SentError } from "./scan-thread.js";
import { scanMemories } from "./scanner.js";
import { affordableScanners } from "./scanners.js";

/** Ranges that a thread is given: one to work on, and the next. */
const RANGES_AHEAD = 2;

/** Files and their ranges, in order. */
export type RangeItem =
  | { kind: "start"; file: ParquetFile }
  | { kind: "range"; range: RowRange }
  /** the receiver closes the file, once its ranges are scanned */
  | { kind: "end"; file: ParquetFile };

/** What openParquet hands over. */
interface RangeReading {
  items: AsyncGenerator<RangeItem, void, undefined>;
  requests: readonly ColumnRequest[];
  options: ReadOptions;
  numThreads: number;
}

/** An item on its way; a range with its scan, or an error, to come. */
interface Ordered {
  item: RangeItem;
  scanner: number;
  result?: RangeScan | { error: unknown } | undefined;
  coming?: Promise<unknown>;
}

/** Reads every row once, in order: Log.read. */
export async function readRanges(
  { items, requests, options, numThreads }: RangeReading,
  onBatch: Parameters<Log["read"]>[1],
  observe: Parameters<Log["read"]>[2],
): Promise<ReadResult> {
  const module = await loadKernel("scan");
  const memories = scanMemories(module);
  const numOthers = affordableScanners(numThreads - 1);
  const setup = { requests: cellRequests(requests) };
  const local = new ParquetScanner(setup.requests, memories.scanner);
  const threads: ScanThread<RowRange, RangeScan | SentError>[] = [];
  const merger = new Merger(setup, 1 + numOthers, options, memories.merger);
  const keyOf = (request: number, code: number) => merger.keyOf(request, code);
  const skipped: Record<string, number> = {};
  const inputs: InputFingerprint[] = [];
  const progress: { path: string; bytesRead: number; totalBytes: number }[] = [];
  const open = new Set<RandomAccessFile>();
  let rowsOfFile = 1;

  const settle = async ({ item, scanner, result }: Ordered): Promise<void> => {
    if (item.kind === "start") {
      merger.startFile(options.held?.linesBefore ?? 0);
      rowsOfFile = item.file.numRows;
      progress.push({ path: item.file.path, bytesRead: 0, totalBytes: item.file.source.totalBytes });
      return;
    }
    if (item.kind === "end") {
      inputs.push(item.file.source.fingerprint());
      await item.file.source.close();
      open.delete(item.file.source);
      return;
    }
    if (!result || "error" in result) throw result?.error;
    const batch = mergeScan(merger, result, scanner, item.range.path, options, skipped);
    if (batch.numRows + batch.faultyRows.length > 0) await onBatch(batch, keyOf);
    const read = progress.at(-1)!;
    read.bytesRead = Math.floor((read.totalBytes * Math.min(rowsOfFile, merger.nextLine - 1)) / rowsOfFile);
    observe?.(progressOf(merger.numRows, progress));
  };

  const take = (range: RowRange): Omit<Ordered, "item"> => {
    const scanner = threads.findIndex(({ numWaiting }) => numWaiting < RANGES_AHEAD);
    if (scanner === -1) {
      try {
        return { scanner: 0, result: local.scan(range) };
      } catch (error) {
        return { scanner: 0, result: { error } };
      }
    }
    const taken: Omit<Ordered, "item"> = { scanner: 1 + scanner };
    taken.coming = threads[scanner]!.send(range).then(
      (reply) => (taken.result = "scan" in reply ? reply : { error: receivedError(reply) }),
      (error: unknown) => (taken.result = { error }),
    );
    return taken;
  };

  // what is on its way is bounded: memory is that of the keys and of a few ranges
  const ordered: Ordered[] = [];
  const most = RANGES_AHEAD * (1 + numOthers);
  let isEnd = false;
  try {
    for (let i = 0; i < numOthers; i++) {
      // the memory is made here rather than on the thread, where a failure would lose its class
      const data: ParquetScannerData = { module, requests: setup.requests, memory: newMemory() };
      threads.push(new ScanThread("./parquet-scan.worker.js", data));
    }
    for (;;) {
      const [head] = ordered;
      const isIdle = threads.some(({ numWaiting }) => numWaiting < RANGES_AHEAD);
      const isWaiting = !head || (head.coming !== undefined && head.result === undefined);
      if (!isEnd && ordered.length < most && (isIdle || isWaiting)) {
        const { value: item, done } = await items.next();
        if (done !== true && item.kind === "start") open.add(item.file.source);
        if (done === true) isEnd = true;
        else if (item.kind === "range") ordered.push(Object.assign(take(item.range), { item }));
        else ordered.push({ item, scanner: 0 });
        // scans of the threads come in
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      if (!head) break;
      await head.coming;
      ordered.shift();
      await settle(head);
    }
  } finally {
    // before files are closed, which threads may still read
    await Promise.all(threads.map((thread) => thread.close()));
    for (const source of open) await source.close();
  }
  return {
    numRows: merger.numRows,
    dictionaries: merger.dictionaries(),
    inputs,
    skipped,
    nulls: merger.nulls,
  };
}

/**
 * Merges a scan; rows that have no text are thrown, or counted and left out.
 *
 * @throws {DataError} such a row, unless they are skipped
 */
export function mergeScan(
  merger: Merger,
  { scan, faulty: lines }: RangeScan,
  scanner: number,
  path: string,
  { onBadRow, keepBadRows }: ReadOptions,
  skipped: Record<string, number>,
): Batch {
  const faulty = lines.map(({ line, ...fault }) => ({ ...fault, line: merger.nextLine + line }));
  const [fault] = faulty;
  if (fault && onBadRow === "error")
    throw new DataError(`${fault.message} (skip such rows with --on-bad-row skip)`, {
      file: path,
      line: fault.line,
      ...(fault.column !== undefined && { column: fault.column }),
    });
  for (const { reason } of faulty) skipped[reason] = (skipped[reason] ?? 0) + 1;
  const batch = merger.merge(scan, scanner, path);
  if (keepBadRows === true)
    batch.faultyRows.push(...faulty.map(({ line, reason }) => ({ file: path, line, reason, text: "" })));
  return batch;
}
