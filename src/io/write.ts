// Bytes to disk: one file from chunks, synced, with the size and checksum that a manifest states.

import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { EmbedError, IoError } from "../errors.js";

export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Small chunks are joined up to this size, so that a writer may yield as it likes. */
const BLOCK = 1 << 20;

/**
 * Writes chunks to a file, replacing it, and syncs it; directories on the way to it are made.
 *
 * @returns its size and the hexadecimal sha256 of its bytes
 * @throws the signal's reason when aborted; errors of the file system as they are
 */
export async function writeChunks(
  path: string,
  chunks: Chunks,
  signal?: AbortSignal,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, "w");
  let bytes = 0;
  try {
    let pending: Uint8Array[] = [];
    let pendingBytes = 0;
    const flush = async (): Promise<void> => {
      const block = pending.length === 1 ? pending[0]! : Buffer.concat(pending);
      [pending, pendingBytes] = [[], 0];
      hash.update(block);
      bytes += block.length;
      // a write may take less than it was given
      for (let at = 0; at < block.length;) at += (await file.write(block, at)).bytesWritten;
    };
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      pending.push(chunk);
      pendingBytes += chunk.length;
      if (pendingBytes >= BLOCK) await flush();
    }
    if (pendingBytes > 0) await flush();
    // pipes and devices cannot be synced and need not be
    await file.sync().catch((error: unknown) => {
      if (codeOf(error) !== "EINVAL" && codeOf(error) !== "ENOTSUP") throw error;
    });
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Syncs a directory, or a file that is written already. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync().catch((error: unknown) => {
      // some network file systems sync no directories
      if (codeOf(error) !== "EINVAL" && codeOf(error) !== "ENOTSUP") throw error;
    });
  } finally {
    await handle.close();
  }
}

/** The code of a file system error, such as ENOSPC. */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** An error of the file system as an IoError that says what was being done; any other error as it is. */
export function asIoError(error: unknown, doing: string): unknown {
  // errors of node:fs carry the system call that failed
  const fromSystem = typeof error === "object" && error !== null && "syscall" in error;
  if (error instanceof EmbedError || !fromSystem) return error;
  const code = codeOf(error);
  const advice = code === "ENOSPC" || code === "EDQUOT" ? "; free some space or write elsewhere" : "";
  return new IoError(`${doing}: ${explanations[code ?? ""] ?? code}${advice}`, { cause: error });
}

const explanations: Record<string, string> = {
  ENOSPC: "the disk is full (ENOSPC)",
  EDQUOT: "the disk quota is used up (EDQUOT)",
  EACCES: "permission denied (EACCES)",
  EPERM: "permission denied (EPERM)",
  EROFS: "the file system is read-only (EROFS)",
  EIO: "the device reported an error (EIO)",
};
