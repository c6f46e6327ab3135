// Writes chunks of bytes to a file, syncs it, and returns the size and checksum for the manifest.

import { createHash } from "node:crypto";
import { mkdir, open, type FileHandle, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { EmbedError, IoError, OutputError } from "../errors.js";

/** Maximum number of bytes that are read or written at a time; tests set a lower one. */
export const pieces = { most: 1 << 30 };

export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Size in bytes of the blocks to which small chunks are joined, so that callers may pass chunks of any size. */
const BLOCK = 1 << 20;

/**
 * Writes chunks to a file, replaces an existing one, and syncs it; missing directories are created.
 *
 * @returns its size and the hexadecimal SHA-256 of its bytes
 * @throws the signal's reason when aborted; errors of the file system unchanged
 */
export async function writeChunks(path: string, chunks: Chunks, signal?: AbortSignal): Promise<WrittenFile> {
  return await writeAll(await ChunkWriter.open(path), chunks, signal);
}

/**
 * Writes chunks to a file without computing a checksum, which would take a third of the time of writing text. For files
 * that no manifest lists.
 */
export async function writeUnlisted(path: string, chunks: Chunks, signal?: AbortSignal): Promise<void> {
  await writeAll(await ChunkWriter.open(path, { isHashed: false }), chunks, signal);
}

async function writeAll(file: ChunkWriter, chunks: Chunks, signal?: AbortSignal): Promise<WrittenFile> {
  try {
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      await file.write(chunk);
    }
    return await file.finish();
  } finally {
    await file.close();
  }
}

/** Size and checksum of a file, as manifests contain them. */
export interface WrittenFile {
  bytes: number;
  /** SHA-256 of the written bytes, in hexadecimal */
  sha256: string;
}

/** A file that is written chunk by chunk; call `close` in any case. */
export class ChunkWriter {
  readonly #file: FileHandle;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** joins the chunks of a block; reused, because new memory would cost page faults and garbage collections */
  #block = Buffer.alloc(0);

  private constructor(
    file: FileHandle,
    private readonly isHashed: boolean,
  ) {
    this.#file = file;
  }

  /** @param isHashed false: bytes are not hashed, and the checksum is that of an empty file */
  static async open(path: string, { isHashed = true } = {}): Promise<ChunkWriter> {
    await mkdir(dirname(path), { recursive: true });
    return new ChunkWriter(await open(path, "w"), isHashed);
  }

  /** Appends a chunk, which must not change until the next flush. */
  async write(chunk: Uint8Array): Promise<void> {
    if (chunk.length >= BLOCK) {
      // a large chunk is written directly, without a copy to a block
      await this.flush();
      await this.#put(chunk);
      return;
    }
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    if (this.#pendingBytes >= BLOCK) await this.flush();
  }

  /** Writes all pending chunks to the file; afterwards their arrays may be reused. */
  async flush(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const block = this.#pending.length === 1 ? this.#pending[0]! : this.#joined();
    [this.#pending, this.#pendingBytes] = [[], 0];
    await this.#put(block);
  }

  async #put(block: Uint8Array): Promise<void> {
    this.#bytes += block.length;
    // Node.js hashes and writes less than 2 GiB at a time, and a write may accept fewer bytes than requested
    for (let at = 0; at < block.length;) {
      const part = block.subarray(at, at + pieces.most);
      const { bytesWritten } = await this.#file.write(part);
      if (this.isHashed) this.#hash.update(part.subarray(0, bytesWritten));
      at += bytesWritten;
    }
  }

  /** Returns the pending chunks as one block, in a buffer that the next call overwrites. */
  #joined(): Uint8Array {
    if (this.#block.length < this.#pendingBytes) this.#block = Buffer.allocUnsafeSlow(2 * this.#pendingBytes);
    let at = 0;
    for (const chunk of this.#pending) {
      this.#block.set(chunk, at);
      at += chunk.length;
    }
    return this.#block.subarray(0, at);
  }

  async finish(): Promise<WrittenFile> {
    await this.flush();
    // pipes and devices cannot be synced, which is no error
    await this.#file.sync().catch((error: unknown) => {
      if (codeOf(error) !== "EINVAL" && codeOf(error) !== "ENOTSUP") throw error;
    });
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync().catch((error: unknown) => {
      // some network file systems do not sync directories, which is no error
      if (codeOf(error) !== "EINVAL" && codeOf(error) !== "ENOTSUP") throw error;
    });
  } finally {
    await handle.close();
  }
}

export function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/**
 * Returns the `code` of an error that Node throws, such as ENOENT; empty if the error has none. Does not use instanceof
 * Error, which is false under jest.
 */
export function errorCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/** Converts a file system error to an IoError that says what was being done; returns other errors unchanged. */
export function asIoError(error: unknown, doing: string): unknown {
  // errors of node:fs have the name of the failed system call
  const fromSystem = typeof error === "object" && error !== null && "syscall" in error;
  if (error instanceof EmbedError || !fromSystem) return error;
  const code = codeOf(error);
  const advice = code === "ENOSPC" || code === "EDQUOT" ? "; free some space or write elsewhere" : "";
  return new IoError(`${doing}: ${explanations[code ?? ""] ?? code}${advice}`, { cause: error });
}

/** Converts an error of creating a file: to an IoError if the disk is full or fails, else to an OutputError. */
export function asCreateError(error: unknown, doing: string): unknown {
  const code = codeOf(error);
  if (code === undefined || code === "ENOSPC" || code === "EDQUOT" || code === "EIO") {
    return asIoError(error, doing);
  }
  return new OutputError(`${doing}: ${explanations[code] ?? code}`, { cause: error });
}

const explanations: Record<string, string> = {
  ENOSPC: "the disk is full (ENOSPC)",
  EDQUOT: "the disk quota is used up (EDQUOT)",
  EACCES: "permission denied (EACCES)",
  EPERM: "permission denied (EPERM)",
  EROFS: "the file system is read-only (EROFS)",
  EMFILE: "too many files are open (EMFILE), raise the limit of this process, for example `ulimit -n 4096`",
  ENFILE: "too many files are open on this machine (ENFILE)",
  EIO: "the device reported an error (EIO)",
};

/** Removes a file if it exists. @throws {IoError} it cannot be removed */
export async function removeFile(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw asIoError(error, `removing '${path}' failed`);
  }
}
