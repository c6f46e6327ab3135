// The reading itself: chunks go to scanners in turn, and their scans come back to be merged in the chunks' order.

import type { ByteSource } from "../io/source.js";
import { ChunkScanner, type ChunkScan, type ScanSetup } from "./chunk-scanner.js";
import type { InputItem } from "./input.js";
import type { Log, ReadOptions, ReadResult } from "./log.js";
import { Merger } from "./merge.js";
import { noRows, type ReadSizes } from "./open.js";

/** What openLog hands over. */
export interface Reading {
  items: AsyncGenerator<InputItem, void, undefined>;
  /** the inputs opened so far, in order; all of them when items has ended */
  sources: readonly ByteSource[];
  setup: ScanSetup;
  options: ReadOptions;
  sizes: ReadSizes;
}

/** Reads every row once, in order: Log.read. */
export async function readLog(
  { items, sources, setup, options }: Reading,
  onBatch: Parameters<Log["read"]>[1],
  observe: Parameters<Log["read"]>[2],
): Promise<ReadResult> {
  const merger = new Merger(setup, 1, options.onBadRow, options.encoding);
  const scanner = new ChunkScanner(setup);
  const keyOf = (request: number, code: number) => merger.keyOf(request, code);
  let path = "";
  const take = async (scan: ChunkScan) => {
    const batch = merger.merge(scan, 0, path);
    if (batch.numRows > 0) await onBatch(batch, keyOf);
    observe?.(progressOf(merger.numRows, sources));
  };
  for await (const item of items) {
    if (item.kind === "start")
      [path, merger.nextLine, merger.rowsOfFile] = [item.path, item.linesBefore + 1, 0];
    else if (item.kind === "failure") throw item.error(merger.nextLine + item.line);
    else if (item.kind === "chunk") await take(scanner.scan(item.bytes, item.quoted));
    else if (merger.rowsOfFile === 0) throw noRows(path);
  }
  return {
    numRows: merger.numRows,
    dictionaries: merger.dictionaries(),
    inputs: sources.map((source) => source.fingerprint()),
    skipped: merger.skipped,
  };
}

function progressOf(rows: number, sources: readonly ByteSource[]) {
  const total = sources.reduce<number | undefined>(
    (sum, { totalBytes }) => (sum === undefined || totalBytes === undefined ? undefined : sum + totalBytes),
    0,
  );
  return { rows, bytes: sources.reduce((sum, { bytesRead }) => sum + bytesRead, 0), totalBytes: total };
}
