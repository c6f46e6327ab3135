// The reading itself: chunks go to scanners in turn, and their scans come back to be merged in the chunks' order.

import type { ByteSource } from "../io/source.js";
import type { ChunkScan, ScanSetup } from "./chunk-scanner.js";
import type { InputItem } from "./input.js";
import type { Log, ReadOptions, ReadProgress, ReadResult } from "./log.js";
import { Merger } from "./merge.js";
import { noRows, type ReadSizes } from "./open.js";
import { loadScanner, ScanMemory } from "./scanner.js";
import { startScanners } from "./scanners.js";

/** Chunks that a thread is given ahead: one to work on, and enough that it never waits for the next. */
const CHUNKS_AHEAD = 3;

/** What openLog hands over. */
export interface Reading {
  items: AsyncGenerator<InputItem, void, undefined>;
  /** the inputs opened so far, in order; all of them when items has ended */
  sources: readonly ByteSource[];
  setup: ScanSetup;
  options: ReadOptions;
  sizes: ReadSizes;
}

/** An item on its way; chunks with their scan to come. */
type Ordered = { item: InputItem; scanner: number; scan: Promise<ChunkScan> | undefined };

/** Reads every row once, in order: Log.read. */
export async function readLog(
  { items, sources, setup, options, sizes }: Reading,
  onBatch: Parameters<Log["read"]>[1],
  observe: Parameters<Log["read"]>[2],
): Promise<ReadResult> {
  const module = await loadScanner();
  const { first, isAll } = await takeBytes(items, sizes.smallLog);
  const numThreads = isAll || options.threads <= 1 ? 0 : options.threads;
  const scanners = startScanners({ module, setup }, numThreads);
  const merger = new Merger(
    setup,
    scanners.length,
    options.onBadRow,
    options.encoding,
    new ScanMemory(module),
  );
  const keyOf = (request: number, code: number) => merger.keyOf(request, code);

  // what is on its way is bounded: memory is that of the keys and of a few chunks
  const maxAhead = CHUNKS_AHEAD * numThreads;
  const ordered: Ordered[] = [];
  let numChunks = 0;
  let path = "";
  try {
    for await (const item of chained(first, items)) {
      const scanner = numChunks % scanners.length;
      let scan: Promise<ChunkScan> | undefined;
      if (item.kind === "chunk") {
        numChunks++;
        scan = scanners[scanner]!.scan(item);
        // it is awaited in its turn, which an earlier failure may take away
        scan.catch(() => undefined);
      }
      ordered.push({ item, scanner, scan });
      while (ordered.length > maxAhead) await settle(ordered.shift()!);
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
  };

  async function settle({ item, scanner, scan }: Ordered): Promise<void> {
    if (item.kind === "start") {
      path = item.path;
      merger.startFile(item.linesBefore);
    } else if (item.kind === "failure") {
      throw item.error(merger.nextLine + item.line);
    } else if (item.kind === "end") {
      if (merger.rowsOfFile === 0) throw noRows(path);
    } else if (scan) {
      const batch = merger.merge(await scan, scanner, path);
      if (batch.numRows > 0) await onBatch(batch, keyOf);
      observe?.(progressOf(merger.numRows, sources));
    }
  }
}

/** Pulls items until their chunks hold so many bytes. */
async function takeBytes(items: AsyncGenerator<InputItem, void, undefined>, bytes: number) {
  const first: InputItem[] = [];
  for (let taken = 0; taken < bytes;) {
    const { value, done } = await items.next();
    if (done || !value) return { first, isAll: true };
    first.push(value);
    if (value.kind === "chunk") taken += value.bytes.length;
  }
  return { first, isAll: false };
}

async function* chained(first: InputItem[], rest: AsyncGenerator<InputItem, void, undefined>) {
  yield* first.splice(0);
  yield* rest;
}

function progressOf(rows: number, sources: readonly ByteSource[]): ReadProgress {
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
