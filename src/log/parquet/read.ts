// Reads a log of Parquet, or of batches in memory: ranges of rows are sent to scanners, and their scans are merged in
// the order of the ranges.
//
// The calling thread merges and passes batches on; while the next scan is not ready, it scans a range itself. The
// result does not depend on which thread scans a range: each thread receives its ranges in order, and only the merger
// assigns codes.

import { skipAdvice } from "../skip-advice.js";
import { DataError } from "../../base/errors.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { digestOf, type RandomAccessFile } from "../../base/io/random-access.js";
import { loadKernel } from "../../compute/kernels/shared/load.js";
import { newMemory } from "../../compute/kernels/shared/memory.js";
import { finderData, TableLock, type FinderData } from "../key-finder.js";
import type { Batch, ColumnRequest, Log, ReadOptions, ReadResult } from "../log.js";
import { Merger } from "../merge.js";
import type { KeyKnowledge } from "./keys.js";
import type { ParquetFile } from "./files.js";
import type { DigestJob, ParquetScannerData, RangeJob } from "./scan.worker.js";
import type { ColumnCodes } from "./codes.js";
import {
  buffersOfRange,
  cellRequests,
  checked,
  isNumbers,
  ParquetScanner,
  type CellRequest,
  type RangeScan,
  type ParquetRowRange,
} from "./scanner.js";
import { progressOf } from "../read.js";
import { receivedError, ScanThread, type SentError } from "../scan-thread.js";
import { scanMemories, type ScanMemory } from "../scanner.js";
import { affordableScanners } from "../text/scanners.js";

/** Number of ranges that are queued for a thread: the range that it scans, and the next one. */
const RANGES_AHEAD = 2;

/** The parts in which a log is read, in order: for each file its start, its ranges of rows, and its end. */
export type RangeItem =
  | { kind: "start"; file: RangeFile }
  /** `release` is called once the range was scanned, but not after an error */
  | { kind: "range"; range: ParquetRowRange; release?: () => void }
  /** the code that reads these parts closes the file once its ranges were scanned */
  | { kind: "end"; file: RangeFile };

/** A Parquet file, or a source of batches of rows in memory. */
export type RangeFile = ParquetFile | BatchFile;

export interface BatchFile {
  path: string;
  /** returns the checksum of all rows */
  fingerprint: () => InputFingerprint;
}

interface RangeReading {
  items: AsyncGenerator<RangeItem, void, undefined>;
  requests: readonly ColumnRequest[];
  options: ReadOptions;
  numThreads: number;
}

/** An entry of the queue. If it is a range of rows, `result` becomes its scan or an error. */
interface Ordered {
  item: RangeItem;
  /** returns the buffers of the scan to the thread that scanned, which reuses them */
  give?: (buffers: ArrayBuffer[]) => void;
  result?: RangeScan | { error: unknown } | undefined;
  coming?: Promise<unknown>;
}

interface OtherThread {
  thread: ScanThread<RangeJob | DigestJob, RangeScan | InputFingerprint | SentError>;
  /** buffers of the thread's earlier scans; the next range that is sent to the thread returns them */
  spent: ArrayBuffer[];
  /** true while the thread computes a checksum, which takes as long as scanning several ranges of rows */
  isDigesting: boolean;
}

function isIdle({ thread, isDigesting }: OtherThread): boolean {
  return !isDigesting && thread.numWaiting < RANGES_AHEAD;
}

function isBatches(file: RangeFile): file is BatchFile {
  return "fingerprint" in file;
}

/** Reads every row once, in order; implements Log.read. */
export async function readRanges(
  { items, requests, options, numThreads }: RangeReading,
  onBatch: Parameters<Log["read"]>[1],
  observe: Parameters<Log["read"]>[2],
): Promise<ReadResult> {
  const module = await loadKernel("scan");
  const memories = scanMemories(module);
  const numOthers = affordableScanners(numThreads - 1);
  const cells = cellRequests(requests);
  const threads: OtherThread[] = [];
  const ranges = new RangeMerger(cells, options, memories.merger);
  const { merger } = ranges;
  const local = new ParquetScanner(cells, memories.scanner, options.nulls, ranges.knowledge);
  const keyOf = (request: number, code: number) => merger.keyOf(request, code);
  const inputs: InputFingerprint[] = [];
  const progress: { path: string; bytesRead: number; totalBytes: number }[] = [];
  const open = new Set<RandomAccessFile>();
  const digests = new Map<ParquetFile, Promise<InputFingerprint>>();
  let rowsOfFile = 1;

  const settle = async ({ item, result, give }: Ordered): Promise<void> => {
    if (item.kind === "start") {
      merger.startFile(options.held?.linesBefore ?? 0);
      if (isBatches(item.file)) return;
      rowsOfFile = item.file.numRows;
      progress.push({ path: item.file.path, bytesRead: 0, totalBytes: item.file.source.totalBytes });
      return;
    }
    if (item.kind === "end") {
      if (isBatches(item.file)) {
        inputs.push(item.file.fingerprint());
        return;
      }
      inputs.push(await digests.get(item.file)!);
      await item.file.source.close();
      open.delete(item.file.source);
      return;
    }
    if (!result || "error" in result) throw result?.error;
    const { batch: columns, spent } = buffersOfRange(result);
    item.release?.();
    const batch = ranges.merge(result, item.range);
    give!(spent);
    if (batch.numRows + batch.faultyRows.length > 0) await onBatch(batch, keyOf);
    give!(columns);
    const read = progress.at(-1);
    if (read)
      read.bytesRead = Math.floor((read.totalBytes * Math.min(rowsOfFile, merger.nextLine - 1)) / rowsOfFile);
    observe?.(progressOf(merger.numRows, progress));
  };

  const digested = (path: string): Promise<InputFingerprint> => {
    const [other] = threads;
    if (other) other.isDigesting = true;
    const digest = other
      ? other.thread.send({ path }).then((reply) => {
          other.isDigesting = false;
          if ("sha256" in reply) return reply;
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the thread answers in order
          throw receivedError(reply as SentError);
        })
      : digestOf(path);
    // errors are ignored here, because the checksum is awaited at the end of the file, or never if another error occurs
    digest.catch(() => undefined);
    return digest;
  };

  const take = (range: ParquetRowRange): Omit<Ordered, "item"> => {
    const other = threads.find(isIdle);
    if (!other) {
      const give = (buffers: ArrayBuffer[]) => local.buffers.give(buffers);
      try {
        return { give, result: local.scan(range) };
      } catch (error) {
        return { give, result: { error } };
      }
    }
    const taken: Omit<Ordered, "item"> = { give: (buffers) => other.spent.push(...buffers) };
    const spent = other.spent.splice(0);
    taken.coming = other.thread.send({ range, spent }, spent).then(
      (reply) => {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the thread answers in order
        taken.result = "columns" in reply ? reply : { error: receivedError(reply as SentError) };
      },
      (error: unknown) => (taken.result = { error }),
    );
    return taken;
  };

  // the length of the queue is bounded, so memory holds the keys and a few ranges
  const ordered: Ordered[] = [];
  const most = RANGES_AHEAD * (1 + numOthers);
  let isEnd = false;
  /** the error that ended the reading of items; thrown after all earlier rows, whose errors come first */
  let failure: { error: unknown } | undefined;
  const nextItem = async (): Promise<RangeItem | undefined> => {
    try {
      const { value, done } = await items.next();
      return done === true ? undefined : value;
    } catch (error) {
      failure = { error };
      return undefined;
    }
  };
  try {
    for (let i = 0; i < numOthers; i++) {
      // the memory is created here and not on the thread, where the class of an error would be lost
      const own = { memory: newMemory(), finder: ranges.finderData() };
      const data: ParquetScannerData = { module, requests: cells, nulls: options.nulls, ...own };
      threads.push({
        thread: new ScanThread(new URL("./scan.worker.js", import.meta.url), data),
        spent: [],
        isDigesting: false,
      });
    }
    for (;;) {
      const [head] = ordered;
      const hasIdle = threads.some(isIdle);
      const isWaiting = !head || (head.coming !== undefined && head.result === undefined);
      if (!isEnd && ordered.length < most && (hasIdle || isWaiting)) {
        const item = await nextItem();
        if (item?.kind === "start" && !isBatches(item.file)) {
          open.add(item.file.source);
          const digest = digested(item.file.source.path);
          digests.set(item.file, digest);
          // without other threads, the checksum is computed first, because nothing can be read at the same time
          if (threads.length === 0) await digest;
        }
        if (!item) isEnd = true;
        else if (item.kind === "range") ordered.push(Object.assign(take(item.range), { item }));
        else ordered.push({ item });
        // returns to the event loop, so that replies of the other threads arrive
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      if (!head) break;
      await head.coming;
      ordered.shift();
      await settle(head);
    }
    if (failure) throw failure.error;
  } finally {
    // threads may still read the files, so the threads are closed first
    await Promise.all(threads.map(({ thread }) => thread.close()));
    for (const source of open) await source.close();
  }
  return {
    numRows: merger.numRows,
    dictionaries: merger.dictionaries(),
    inputs,
    skipped: ranges.skipped,
    nulls: merger.nulls,
  };
}

/** Merges the scans of ranges in the order of the ranges. */
export class RangeMerger {
  readonly merger: Merger;
  readonly skipped: Record<string, number> = {};
  readonly #options: ReadOptions;
  readonly #memory: ScanMemory;
  readonly #lock: TableLock;
  /** for each requested column: the object that assigns the log's codes to its keys; undefined for numbers */
  readonly #codes: (ColumnCodes | undefined)[];

  constructor(requests: readonly CellRequest[], options: ReadOptions, memory: ScanMemory) {
    [this.#options, this.#memory] = [options, memory];
    this.#lock = new TableLock(memory);
    this.merger = new Merger({ requests: [...requests] }, 0, options, memory, this.#lock);
    this.#codes = this.merger.columnCodes();
  }

  /** Returns the function with which a scanner on the calling thread looks up codes of keys. */
  readonly knowledge = (request: number): Pick<KeyKnowledge, "find"> => ({
    find: (keys, gap, codes) => this.#codes[request]!.table.find(keys, gap, codes),
  });

  /** Returns the data for a thread that looks up the codes assigned so far. */
  finderData(): FinderData {
    const tables = this.#codes.map((codes) => codes?.table.offset);
    return finderData(this.#memory, this.#lock, tables);
  }

  /**
   * Returns the range's rows with the log's codes; rows without a text are counted and skipped. The batch takes
   * ownership of the scan's arrays.
   *
   * @throws {DataError} such rows exist and are not skipped, or a key is not UTF-8
   * @throws {UsageError} the keys outgrow the memory
   */
  merge(
    { faulty: lines, group, columns, ...scan }: RangeScan,
    { path, columns: leaves }: ParquetRowRange,
  ): Batch {
    const { onBadRow, keepBadRows } = this.#options;
    const { merger } = this;
    const faulty = lines.map(({ line, ...fault }) => ({ ...fault, line: merger.nextLine + line }));
    const [fault] = faulty;
    if (fault && onBadRow === "error")
      throw new DataError(
        `${fault.message} (${skipAdvice(faulty.length, merger.numRows + scan.numRows + faulty.length)})`,
        {
          file: path,
          line: fault.line,
          column: fault.column,
        },
      );
    for (const { reason } of faulty) this.skipped[reason] = (this.skipped[reason] ?? 0) + 1;
    const codes = columns.map((column, request) => {
      if (isNumbers(column)) return column;
      const leaf = leaves[request]!;
      const name = typeof leaf === "string" ? "" : leaf.name;
      return checked({ path }, { name }, () => this.#codes[request]!.codesOf(column, group));
    });
    const batch = merger.mergeCoded({ ...scan, columns: codes }, path);
    if (keepBadRows === true)
      batch.faultyRows.push(...faulty.map(({ line, reason }) => ({ file: path, line, reason, text: "" })));
    return batch;
  }
}
