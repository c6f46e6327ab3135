// The reading itself: chunks go to scanners, and their scans come back to be merged in the chunks' order.
//
// The calling thread scans the log's first part alone, the 200 MB of a second; what comes after goes to the threads in
// turn. Threads have to start, learn the keys and hand over codes: on two cores they gain nothing on 66 MB, 1.2 on 660.

import { UsageError, nearestName } from "../errors.js";
import type { ByteSource } from "../io/source.js";
import type { ChunkBuffers, InputItem } from "./text/input.js";
import type { ChunkScan, ScanSetup } from "./text/chunk-scanner.js";
import { placesOf, type ScanLayout } from "./file-columns.js";
import type { Log, ReadOptions, ReadProgress, ReadResult, ReadSizes } from "./log.js";
import { Merger } from "./merge.js";
import { noRows } from "./text/dialect.js";
import { loadKernel } from "../kernels/shared/load.js";
import { scanMemories } from "./scanner.js";
import { affordableScanners, LocalScanner, ThreadScanner, type Scanner } from "./text/scanners.js";

/** Chunks that a thread is given ahead: one to work on, and enough that it never waits for the next. */
const CHUNKS_AHEAD = 2;

/** What openLog hands over. */
export interface Reading {
  items: AsyncGenerator<InputItem, void, undefined>;
  /** the inputs opened so far, in order; all of them when items has ended */
  sources: readonly ByteSource[];
  setup: ScanSetup;
  /** names of the columns that setup's requests ask for */
  names: readonly string[];
  options: ReadOptions;
  sizes: ReadSizes;
  /** where buffers of chunks go when they are scanned */
  buffers: ChunkBuffers;
}

/** An item on its way; a chunk with its scan to come. */
interface Ordered {
  item: InputItem;
  scanner: number;
  scan?: Promise<ChunkScan>;
}

/** Reads every row once, in order: Log.read. */
export async function readLog(
  { items, sources, setup, names, options, sizes, buffers }: Reading,
  onBatch: Parameters<Log["read"]>[1],
  observe: Parameters<Log["read"]>[2],
): Promise<ReadResult> {
  const module = await loadKernel("scan");
  // the calling thread is one of them: it merges and passes batches on
  const memories = scanMemories(module);
  const numThreads = affordableScanners(options.threads - 1);
  const scanners: Scanner[] = [new LocalScanner(setup, memories.scanner, buffers)];
  const merger = new Merger(setup, 1 + numThreads, options, memories.merger);
  const keyOf = (request: number, code: number) => merger.keyOf(request, code);
  let path = "";

  const settle = async ({ item, scanner, scan }: Ordered): Promise<void> => {
    if (item.kind === "start") {
      path = item.columns.path;
      merger.startFile(item.linesBefore);
    } else if (item.kind === "failure") {
      throw item.error(merger.nextLine + item.line);
    } else if (item.kind === "end") {
      if (merger.rowsOfFile === 0) throw noRows(path);
    } else if (scan) {
      const batch = merger.merge(await scan, scanner, path);
      if (batch.numRows > 0 || batch.faultyRows.length > 0) await onBatch(batch, keyOf);
      observe?.(progressOf(merger.numRows, sources));
    }
  };

  // what is on its way is bounded: memory is that of the keys and of a few chunks
  const ordered: Ordered[] = [];
  let layout: ScanLayout | undefined;
  let localBytes = 0;
  let turn = 0;
  try {
    for await (const item of items) {
      if (item.kind === "start") layout = scanLayout(item, names, setup.dialect.delimiter);
      if (item.kind === "chunk") {
        const isLocal = numThreads === 0 || localBytes < sizes.localBytes;
        if (isLocal) localBytes += item.bytes.length;
        if (!isLocal && scanners.length === 1) {
          for (let i = 0; i < numThreads; i++) scanners.push(new ThreadScanner({ module, setup }, buffers));
        }
        const scanner = isLocal ? 0 : 1 + (turn++ % numThreads);
        const { bytes, quoted } = item;
        const scan = scanners[scanner]!.scan({ bytes, quoted, layout: layout! });
        // it is awaited in its turn, which an earlier failure may take away
        scan.catch(() => undefined);
        ordered.push({ item, scanner, scan });
      } else {
        ordered.push({ item, scanner: 0 });
      }
      while (ordered.length > CHUNKS_AHEAD * (scanners.length - 1)) await settle(ordered.shift()!);
    }
    for (let next = ordered.shift(); next; next = ordered.shift()) await settle(next);
  } finally {
    await Promise.all(scanners.map((scanner) => scanner.close()));
  }
  return {
    numRows: merger.numRows,
    dictionaries: merger.dictionaries(),
    inputs: sources.map((source) => source.fingerprint()),
    skipped: merger.skipped,
    nulls: merger.nulls,
    ...(merger.numHeaders > 0 && { repeatedHeaders: merger.numHeaders }),
  };
}

/** Where a file has what is asked for, and its header: of one column that is a word like any other. */
function scanLayout(
  { columns, header }: InputItem & { kind: "start" },
  names: readonly string[],
  delimiter: string,
): ScanLayout {
  const layout = placesOf(columns, names);
  if (!header || header.length < 2) return layout;
  return { ...layout, header: { cells: header, line: Buffer.from(header.join(delimiter), "utf8") } };
}

/** Of all inputs opened so far. */
export function progressOf(
  rows: number,
  sources: readonly Pick<ByteSource, "bytesRead" | "totalBytes">[],
): ReadProgress {
  let totalBytes: number | undefined = 0;
  let bytes = 0;
  for (const source of sources) {
    bytes += source.bytesRead;
    totalBytes =
      totalBytes === undefined || source.totalBytes === undefined
        ? undefined
        : totalBytes + source.totalBytes;
  }
  return { rows, bytes, totalBytes };
}

/** A request for a column that the log does not have. */
export function noSuchColumn(name: string, columns: string[]): UsageError {
  const nearest = nearestName(name, columns);
  return new UsageError(
    `no column '${name}'${nearest === undefined ? "" : `, did you mean '${nearest}'?`} The columns are: ${columns.join(", ")}`,
  );
}

/** A log that is read once, and has the columns that are asked for. @throws as the log; {UsageError} it has no such column */
export function checkedReading(log: Log): Log {
  let isRead = false;
  return {
    ...log,
    async read(requests, onBatch, observe) {
      if (isRead) throw new Error("a log can only be read once");
      isRead = true;
      for (const { name } of requests) if (!log.columns.includes(name)) throw noSuchColumn(name, log.columns);
      return await log.read(requests, onBatch, observe);
    },
  };
}

/** Items that were pulled already, then the rest. */
export async function* replayed<T>(pulled: T[], rest: AsyncGenerator<T, void, undefined>) {
  for (let item = pulled.shift(); item; item = pulled.shift()) yield item;
  yield* rest;
}
