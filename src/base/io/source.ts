// Reads the bytes of a file, a pipe or standard input, decompresses them by the file's extension, and computes the
// fingerprint of the bytes on disk.

import { createHash } from "node:crypto";
import { open, stat, type FileHandle } from "node:fs/promises";
import { stdin } from "node:process";
import { Readable, type Transform } from "node:stream";
import * as zlib from "node:zlib";
import { DataError, EmbedError, IoError, NoInputError, UsageError } from "../errors.js";
import { asIoError, errorCode } from "./write.js";
import type { InputFingerprint } from "./fingerprint.js";

/** An input that is read once, from start to end. */
export interface ByteSource {
  /** path as the user named it; `-` for standard input */
  readonly path: string;
  /** number of bytes read so far, before decompression */
  readonly bytesRead: number;
  /** size of the file on disk; undefined for a pipe */
  readonly totalBytes: number | undefined;
  /**
   * Yields the decompressed bytes. A piece may share its buffer with others: copy it before transferring or keeping it.
   * @throws {IoError} reading failed
   * @throws {DataError} the compressed data is damaged
   */
  pieces(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Returns the fingerprint of the whole input; call it after the last piece. */
  fingerprint(): InputFingerprint;
  /** Closes the file; may be called before the end. */
  close(): Promise<void>;
}

/**
 * Opens a file, a named pipe or (`-`) standard input; `.gz` and `.zst` are decompressed.
 *
 * @param pieceBytes number of bytes per read
 * @throws {NoInputError} the file does not exist
 * @throws {IoError} the file cannot be read
 * @throws {UsageError} it is a directory, or `.zst` on a Node version without zstd
 */
export async function openSource(path: string, pieceBytes = 1 << 20): Promise<ByteSource> {
  const decompress = decompressOf(path, pieceBytes);
  if (path === "-")
    return new StreamedSource(path, undefined, stdinPieces(), decompress, () => stdin.destroy());
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const stats = await handle.stat();
    if (stats.isDirectory()) throw isDirectory(path);
    const file = handle;
    return new StreamedSource(
      path,
      stats.isFile() ? stats.size : undefined,
      filePieces(file, path, pieceBytes),
      decompress,
      () => file.close(),
    );
  } catch (error) {
    await handle?.close();
    throw readError(path, error);
  }
}

/** A source whose first bytes have been read in advance; whoever calls `take` must close the source. */
export interface PeekedSource {
  path: string;
  /** u8: some of the input's first bytes, decompressed; empty if the input is empty */
  first: Uint8Array;
  /** Returns the source, which still yields the bytes read in advance; undefined from the second call on. */
  take(): ByteSource | undefined;
  /** Closes the source unless `take` was called. */
  leave(): Promise<void>;
}

/** Reads the first bytes of a source in advance. @throws as its pieces() */
export async function peekedSource(source: ByteSource): Promise<PeekedSource> {
  const pieces = source.pieces();
  let first: Uint8Array = new Uint8Array(0);
  try {
    const { value, done } = await pieces.next();
    // copies the piece, because the next one may use the same buffer
    if (done !== true) first = Uint8Array.from(value);
  } catch (error) {
    await source.close();
    throw error;
  }
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    yield first;
    yield* pieces;
  }
  const { path, totalBytes } = source;
  let isTaken = false;
  return {
    path,
    first,
    take() {
      if (isTaken) return undefined;
      isTaken = true;
      return {
        path,
        totalBytes,
        get bytesRead() {
          return source.bytesRead;
        },
        pieces: all,
        fingerprint: () => source.fingerprint(),
        close: () => source.close(),
      };
    },
    async leave() {
      if (!isTaken) await source.close();
    },
  };
}

/** Returns bytes in memory as a source, with the name of the input that they come from. */
export function heldSource(path: string, bytes: Uint8Array): ByteSource {
  return new StreamedSource(path, bytes.length, pieceOf(bytes), undefined, () => undefined);
}

async function* pieceOf(bytes: Uint8Array) {
  yield bytes;
}

/** Whether opening and closing a path takes no data from a later reader, as it would for a pipe or standard input. */
export async function canReopen(path: string): Promise<boolean> {
  if (path === "-") return false;
  try {
    return !(await stat(path)).isFIFO();
  } catch {
    // ignores the error, because opening the path will report it
    return true;
  }
}

class StreamedSource implements ByteSource {
  bytesRead = 0;
  readonly #hash = createHash("sha256");
  readonly #raw: AsyncGenerator<Uint8Array, void, undefined>;
  readonly #decompress: Decompress | undefined;
  readonly #free: () => unknown;
  #sha256: string | undefined;
  #closed = false;

  constructor(
    readonly path: string,
    readonly totalBytes: number | undefined,
    raw: AsyncGenerator<Uint8Array, void, undefined>,
    decompress: Decompress | undefined,
    free: () => unknown,
  ) {
    this.#raw = raw;
    this.#decompress = decompress;
    this.#free = free;
  }

  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#decompress ? this.#decompress(this.#hashed()) : this.#hashed();
    } catch (error) {
      throw readError(this.path, error);
    }
  }

  async *#hashed(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of this.#raw) {
      this.#hash.update(piece);
      this.bytesRead += piece.length;
      yield piece;
    }
  }

  fingerprint(): InputFingerprint {
    this.#sha256 ??= this.#hash.digest("hex");
    return { path: this.path, bytes: this.bytesRead, sha256: this.#sha256 };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#free();
  }
}

function decompressOf(path: string, pieceBytes: number): Decompress | undefined {
  const chunkSize = Math.max(pieceBytes, 1 << 16);
  if (/\.gz$/i.test(path)) return gunzip({ chunkSize });
  if (/\.zst$/i.test(path)) return unzstd({ chunkSize });
  return undefined;
}

/** Reads one piece of the input in advance, so that the disk and the consumer of the pieces work in parallel. */
async function* filePieces(handle: FileHandle, path: string, pieceBytes: number) {
  const readPiece = async () => {
    const buffer = Buffer.allocUnsafeSlow(pieceBytes);
    const { bytesRead } = await handle.read(buffer, 0, pieceBytes, null);
    return buffer.subarray(0, bytesRead);
  };
  const readAhead = () => {
    const piece = readPiece();
    // if the consumer stops early, the failure of a pending read does not matter
    piece.catch(() => undefined);
    return piece;
  };
  let next = readAhead();
  try {
    for (;;) {
      const piece = await next;
      if (piece.length === 0) return;
      next = readAhead();
      yield piece;
    }
  } catch (error) {
    throw readError(path, error);
  }
}

async function* stdinPieces() {
  try {
    yield* typedPieces(stdin);
  } catch (error) {
    throw readError("-", error);
  }
}

function isDirectory(path: string): UsageError {
  return new UsageError(`cannot read '${path}': it is a directory, name a file`);
}

function readError(path: string, error: unknown): unknown {
  if (error instanceof EmbedError) return error;
  const code = errorCode(error);
  const message =
    typeof error === "object" && error !== null && "message" in error ? String(error.message) : "";
  if (code === "ENOENT" || code === "ENOTDIR") return new NoInputError(`'${path}' does not exist`);
  if (code === "EISDIR") return isDirectory(path);
  if (/^(Z|ZSTD)_/.test(code)) {
    return new DataError(`the compressed data is damaged or truncated (${message})`, { file: path });
  }
  if (code === "EMFILE" || code === "ENFILE") return asIoError(error, `cannot read '${path}'`);
  if (code !== "") return new IoError(`cannot read '${path}': ${message}`, { cause: error });
  return error;
}

/** Decompresses a stream; reads all of its input, including bytes after the end of the compressed data. */
type Decompress = (compressed: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>;

interface Options {
  /** size in bytes of the pieces that are returned */
  chunkSize: number;
}

/** Decompresses gzip with any number of members. */
function gunzip(options: Options): Decompress {
  return async function* (bytes) {
    const compressed = Readable.from(bytes, { objectMode: false });
    const stream = zlib.createGunzip(options);
    compressed.on("error", (error) => stream.destroy(error));
    try {
      yield* typedPieces(compressed.pipe(stream));
      // decompression may end before the input does (bytes after the last member), but the fingerprint needs all bytes
      for await (const _ of compressed);
    } finally {
      compressed.destroy();
      stream.destroy();
    }
  };
}

type Counting = Transform & { bytesWritten: number };

/** Decompresses zstd with any number of frames. @throws {UsageError} this Node version has no zstd */
function unzstd(options: Options): Decompress {
  const zstd: typeof zlib & { createZstdDecompress?: (options: Options) => Counting } = zlib;
  const create = zstd.createZstdDecompress;
  if (!create)
    throw new UsageError(`.zst files need Node 22.15 or later, this is ${process.version}: use .gz`);
  return async function* (bytes) {
    const pieces = bytes[Symbol.asyncIterator]();
    let rest: Uint8Array | undefined;
    do {
      const stream = create(options);
      const feeding = feedFrame(rest, pieces, stream);
      feeding.catch((error: unknown) => stream.destroy(error as Error));
      try {
        yield* typedPieces(stream);
        rest = await feeding;
      } finally {
        stream.destroy();
      }
    } while (rest);
  };
}

/** Feeds one frame. @returns the unused input, which belongs to the next frame; undefined at the input's end */
async function feedFrame(
  first: Uint8Array | undefined,
  pieces: AsyncIterator<Uint8Array>,
  stream: Counting,
): Promise<Uint8Array | undefined> {
  for (let piece = first; ; piece = undefined) {
    if (!piece) {
      const { value, done } = await pieces.next();
      if (done === true) break;
      piece = value;
    }
    const before = stream.bytesWritten;
    await new Promise<void>((resolve, reject) =>
      stream.write(piece, (error) => (error ? reject(error) : resolve())),
    );
    const taken = stream.bytesWritten - before;
    if (taken < piece.length) return piece.subarray(taken);
  }
  stream.end();
  return undefined;
}

/** Declares the type of a byte stream's pieces, which Node declares as `any`. */
function typedPieces(stream: AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- neither objectMode nor an encoding is set
  return stream as AsyncIterable<Uint8Array>;
}
