// Bytes of a file, a pipe or standard input, decompressed by the file's extension and fingerprinted as they are on disk.

import { createHash } from "node:crypto";
import { open, stat, type FileHandle } from "node:fs/promises";
import { stdin } from "node:process";
import { bytesOf, gunzip, unzstd, type Decompress } from "./decompress.js";
import { DataError, EmbedError, IoError, NoInputError, UsageError } from "../errors.js";
import { errorCode } from "./error-code.js";
import { asIoError } from "./write.js";
import type { InputFingerprint } from "./fingerprint.js";

/** One input, read once from start to end. */
export interface ByteSource {
  /** as the user named it; `-` for standard input */
  readonly path: string;
  /** bytes taken from disk so far, before decompression */
  readonly bytesRead: number;
  /** size on disk; undefined for a pipe */
  readonly totalBytes: number | undefined;
  /**
   * The decompressed bytes. A piece may share its buffer with others: copy what is to be transferred or kept.
   * @throws {IoError} reading failed on the way
   * @throws {DataError} the compressed data is damaged
   */
  pieces(): AsyncGenerator<Uint8Array, void, undefined>;
  /** Of the whole input; only after the last piece. */
  fingerprint(): InputFingerprint;
  /** Frees the file handle, also before the end. */
  close(): Promise<void>;
}

/**
 * Opens a file, a named pipe or (`-`) standard input; `.gz` and `.zst` are decompressed.
 *
 * @param pieceBytes size of the reads, bytes
 * @throws {NoInputError} it does not exist
 * @throws {IoError} it cannot be read
 * @throws {UsageError} it is a directory, or `.zst` on a Node without zstd
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

/** A source whose first bytes are known; it is read by whoever takes it. */
export interface PeekedSource {
  path: string;
  /** u8: some of its first bytes, decompressed; none of an empty one */
  first: Uint8Array;
  /** The source, all of whose bytes are still to come; undefined from the second time on. */
  take(): ByteSource | undefined;
  /** Closes it where nobody took it. */
  leave(): Promise<void>;
}

/** Looks at the first bytes of a source. @throws as its pieces() */
export async function peekedSource(source: ByteSource): Promise<PeekedSource> {
  const pieces = source.pieces();
  let first: Uint8Array = new Uint8Array(0);
  try {
    const { value, done } = await pieces.next();
    // a piece may share its buffer with the next
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

/** Bytes in memory, named as the input that they are of. */
export function heldSource(path: string, bytes: Uint8Array): ByteSource {
  return new StreamedSource(path, bytes.length, pieceOf(bytes), undefined, () => undefined);
}

async function* pieceOf(bytes: Uint8Array) {
  yield bytes;
}

/** Whether opening a path and leaving it takes nothing from a later reader: false for pipes and standard input. */
export async function canReopen(path: string): Promise<boolean> {
  if (path === "-") return false;
  try {
    return !(await stat(path)).isFIFO();
  } catch {
    // opening it says what is wrong
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

/** Reads one piece ahead, so that the disk works while the receiver does. */
async function* filePieces(handle: FileHandle, path: string, pieceBytes: number) {
  const readPiece = async () => {
    const buffer = Buffer.allocUnsafeSlow(pieceBytes);
    const { bytesRead } = await handle.read(buffer, 0, pieceBytes, null);
    return buffer.subarray(0, bytesRead);
  };
  const readAhead = () => {
    const piece = readPiece();
    // a receiver that stops early leaves a read on its way, whose failure is nobody's business
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
    yield* bytesOf(stdin);
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
