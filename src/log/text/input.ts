// Splits files into chunks of whole records, decoded to UTF-8, in order; the scanners process the chunks.

import { heldSource, openSource, type ByteSource } from "../../base/io/source.js";
import { DataError } from "../../base/errors.js";
import { decoded } from "./decoded.js";
import { readHead, unclosedQuote, type FileHead } from "./dialect.js";
import type { LogFile, ReadOptions } from "../log.js";
import { checkPartition, type FileColumns } from "../file-columns.js";
import { maxRowBytes, rowTooLarge } from "../limits.js";
import { countLines, lastCut, type Dialect } from "./records.js";
import { checkedDelimiter, withOneByte } from "./separator.js";

/** Consecutive whole records of one file. */
interface Chunk {
  kind: "chunk";
  file: number;
  /** u8, whose last byte is a newline; the chunk owns the buffer, so that it can be transferred */
  bytes: Uint8Array<ArrayBuffer>;
  /** runs of records with a quoted cell, which only papaparse may read: alternating starts and ends, ascending */
  quoted: number[];
}

/** A part of the input. The line of a failure is counted from 0 at the end of the previous chunk. */
export type InputItem =
  | Chunk
  | { kind: "start"; file: number; columns: FileColumns; header: string[] | undefined; linesBefore: number }
  | { kind: "failure"; file: number; line: number; error: (line: number) => DataError }
  | { kind: "end"; file: number };

/** An open file whose header was read, while its records were not. */
export interface OpenFile {
  source: ByteSource;
  head: FileHead;
  /** the bytes of the file after its header, decoded to UTF-8 */
  rest: AsyncGenerator<Uint8Array, void, undefined>;
}

/** Opens a file, or the rows in memory that are read in its place. */
export async function sourceOf(
  path: string,
  { held, opened, sources }: Pick<ReadOptions, "held" | "opened" | "sources">,
  pieceBytes: number,
): Promise<ByteSource> {
  if (held) return heldSource(path, held.bytes);
  const peeked = opened?.path === path ? opened.take() : undefined;
  return peeked ?? (await (sources?.open ?? openSource)(path, pieceBytes));
}

export async function openFile(path: string, options: ReadOptions, pieceBytes: number): Promise<OpenFile> {
  const source = await sourceOf(path, options, pieceBytes);
  try {
    const pieces = piecesOf(source, options);
    let bytes: Uint8Array = new Uint8Array(0);
    for (;;) {
      // each attempt reads twice as many bytes, so that a long header is not parsed again for every piece
      const parts = [bytes];
      let [wanted, done] = [bytes.length, false];
      do {
        const next = await pieces.next();
        done = next.done === true;
        if (next.value) parts.push(next.value);
        wanted -= next.value?.length ?? 0;
      } while (!done && wanted > 0);
      bytes = concatenate(parts, done);
      const text = withoutMark(bytes, done);
      const head = text && readHead(path, text, done, options);
      if (text && head) return { source, head, rest: prepended(text.subarray(head.bytes), pieces) };
    }
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Decodes, and replaces a delimiter of several characters by one byte; rows in memory are prepared already. */
export function piecesOf(
  source: ByteSource,
  { encoding, delimiter, held }: ReadOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const pieces = decoded(source.pieces(), source.path, encoding);
  if (delimiter === undefined || held) return pieces;
  const { written } = checkedDelimiter(delimiter);
  return written === undefined ? pieces : withOneByte(pieces, source.path, written);
}

/** Removes the byte-order mark of UTF-8; returns undefined if more bytes are needed to recognize it. */
export function withoutMark(bytes: Uint8Array, ended: boolean): Uint8Array | undefined {
  const mark = [0xef, 0xbb, 0xbf];
  if (!mark.every((byte, i) => i >= bytes.length || bytes[i] === byte)) return bytes;
  if (bytes.length < 3) return ended ? bytes : undefined;
  return bytes.subarray(3);
}

async function* prepended(first: Uint8Array, rest: AsyncGenerator<Uint8Array, void, undefined>) {
  yield first;
  yield* rest;
}

/** Splits the bytes of a file into chunks of whole records, of about `chunkBytes` bytes each. */
async function* cutFile(
  { rest }: OpenFile,
  file: number,
  path: string,
  dialect: Dialect,
  chunkBytes: number,
  buffers?: ChunkBuffers,
): AsyncGenerator<InputItem, void, undefined> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let wanted = chunkBytes;
  for await (const piece of rest) {
    if (piece.length === 0) continue;
    parts.push(piece);
    length += piece.length;
    if (length < wanted) continue;
    const bytes = concatenate(parts, false, buffers);
    const { end, quoted, openQuote } = lastCut(bytes, dialect);
    // if even the first record does not end in these bytes, more bytes are read, unless the record or one of its cells
    // exceeds the limit
    if (end === 0 && openCell(bytes, openQuote, dialect) > dialect.maxCell) {
      yield unclosed(bytes, openQuote);
      return;
    }
    if (end === 0 && bytes.length > maxRowBytes(dialect)) {
      yield { kind: "failure", file, line: 0, error: (line) => rowTooLarge("row", path, line, dialect) };
      return;
    }
    const tail = bytes.slice(end);
    if (end > 0) yield { kind: "chunk", file, bytes: bytes.subarray(0, end), quoted };
    // if no record ends in these bytes, twice as many are read next, so that a long record is not scanned again for
    // every chunk
    [parts, length, wanted] = [
      [tail],
      tail.length,
      tail.length + Math.max(chunkBytes, end === 0 ? length : 0),
    ];
  }
  if (length === 0) return;
  const bytes = concatenate(parts, true, buffers);
  const { end, quoted, openQuote } = lastCut(bytes, dialect);
  const tail = bytes.slice(end);
  if (end > 0) yield { kind: "chunk", file, bytes: bytes.subarray(0, end), quoted };
  if (tail.length > 0) yield unclosed(tail, openQuote - end);

  function unclosed(bytes: Uint8Array, openQuote: number): InputItem {
    const line = countLines(bytes, 0, Math.max(0, openQuote));
    const error = (line: number) =>
      openQuote >= 0
        ? unclosedQuote(path, line, dialect.maxCell)
        : new DataError(`a cell is larger than ${dialect.maxCell} bytes (--max-cell)`, { file: path, line });
    return { kind: "failure", file, line, error };
  }
}

/** Returns the first chunk of a file; undefined if its first record is malformed. */
export async function firstChunk(opened: OpenFile, chunkBytes: number): Promise<Chunk | undefined> {
  const { dialect } = opened.head;
  for await (const item of cutFile(opened, 0, opened.source.path, dialect, chunkBytes))
    return item.kind === "chunk" ? item : undefined;
  return undefined;
}

/** Returns the number of bytes of the unfinished cell at the end of the bytes. */
function openCell(bytes: Uint8Array, openQuote: number, { delimiter }: Dialect): number {
  return bytes.length - (openQuote >= 0 ? openQuote : bytes.lastIndexOf(delimiter.charCodeAt(0)) + 1);
}

/** Concatenates in a new buffer, or one of `buffers`. If `closed`, adds a missing newline at the end. */
function concatenate(parts: Uint8Array[], closed: boolean, buffers?: ChunkBuffers): Uint8Array<ArrayBuffer> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const last = parts.findLast((part) => part.length > 0)?.at(-1);
  const addNewline = closed && length > 0 && last !== 0x0a;
  const total = length + (addNewline ? 1 : 0);
  const bytes = buffers?.take(total) ?? new Uint8Array(total);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  if (addNewline) bytes[length] = 0x0a;
  return bytes;
}

/** Yields each file's start, chunks, failure and end, file after file; the first file is open already. */
export async function* cutFiles(
  files: readonly LogFile[],
  first: OpenFile,
  options: ReadOptions,
  chunkBytes: number,
  buffers: ChunkBuffers,
  onSource: (source: ByteSource) => void,
): AsyncGenerator<InputItem, void, undefined> {
  for (const [file, { path, partition }] of files.entries()) {
    const opened =
      file === 0 ? first : await openFile(path, likeFirst(options, first.head.dialect), chunkBytes);
    onSource(opened.source);
    const { head } = opened;
    const columns = { path, columns: head.columns, partition };
    if (file > 0) checkColumns(columns, { ...files[0]!, columns: first.head.columns }, options);
    const linesBefore = head.lines + (options.held?.linesBefore ?? 0);
    yield { kind: "start", file, columns, header: head.header, linesBefore };
    yield* cutFile(opened, file, path, head.dialect, chunkBytes, buffers);
    await opened.source.close();
    yield { kind: "end", file };
  }
}

/** Applies the first file's delimiter to all files; with another delimiter, columns do not match. */
export function likeFirst(options: ReadOptions, { delimiter, written }: Dialect): ReadOptions {
  return { ...options, delimiter: written ?? delimiter };
}

/** @throws {DataError} a file without column names has a different number of columns than the first file */
export function checkColumns(
  file: FileColumns,
  first: FileColumns,
  { header }: Pick<ReadOptions, "header">,
): void {
  checkPartition(first, file);
  if (header || file.columns.length === first.columns.length) return;
  throw new DataError(
    `expected ${first.columns.length} cells in the first row, as in '${first.path}', got ${file.columns.length}`,
    { file: file.path, line: 1 },
  );
}

/** Maximum number of buffers that wait for reuse; no more are in use at the same time. */
const MAX_KEPT = 8;
/** Sizes of buffers are multiples of this, or powers of two below it. */
const GRAIN = 1 << 18;

/** Reuses a reading's buffers; freed only every 64 MB by each thread's collector, they would be most of its memory. */
export class ChunkBuffers {
  readonly #free: ArrayBuffer[] = [];

  /** Returns u8[length] with arbitrary content; its buffer may be larger. */
  take(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= length);
    const [buffer] = at === -1 ? [] : this.#free.splice(at, 1);
    const size = length > GRAIN ? GRAIN * Math.ceil(length / GRAIN) : 2 ** Math.ceil(Math.log2(length));
    return new Uint8Array(buffer ?? new ArrayBuffer(size), 0, length);
  }

  /** Takes back a buffer that is no longer in use. */
  give(buffer: ArrayBuffer): void {
    this.#free.push(buffer);
    // if there are too many buffers, the smallest is dropped, so that a buffer for the longest chunks remains
    if (this.#free.length > MAX_KEPT) this.#free.sort((a, b) => b.byteLength - a.byteLength).pop();
  }
}
