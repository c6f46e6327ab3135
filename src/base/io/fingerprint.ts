// The fingerprint of an input file. Manifests contain it, so that runs can be reproduced and data leaks detected.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { NoInputError } from "../errors.js";
import { asIoError, codeOf } from "./write.js";

const UPDATE = 1 << 30;

/** Returns the SHA-256 of bytes, hexadecimal. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Returns the SHA-256 of several concatenated arrays of bytes of any size. */
export async function sha256OfAll(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  // hashes long arrays in pieces, because one update of the hash takes at most 2 GiB
  for await (const part of parts)
    for (let at = 0; at < part.length; at += UPDATE) hash.update(part.subarray(at, at + UPDATE));
  return hash.digest("hex");
}

export const CHECKSUM_BYTES = 32;

/** Yields the chunks, and then the SHA-256 of their bytes. */
export async function* withChecksum(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  yield hash.digest();
}

/** Whether the last CHECKSUM_BYTES of a file are the SHA-256 of the bytes before them. */
export async function endsWithChecksum(file: FileHandle): Promise<boolean> {
  const end = (await file.stat()).size - CHECKSUM_BYTES;
  if (end <= 0) return false;
  const { buffer } = await file.read(Buffer.alloc(CHECKSUM_BYTES), 0, CHECKSUM_BYTES, end);
  const before = file.createReadStream({ start: 0, end: end - 1, autoClose: false, highWaterMark: 1 << 20 });
  return (await sha256OfAll(before)) === buffer.toString("hex");
}

export interface InputFingerprint {
  /** path of the file as the user named it; `-` for standard input */
  path: string;
  /** size of the file on disk, compressed or not */
  bytes: number;
  /** SHA-256 of the file, in hexadecimal */
  sha256: string;
  /** `rows` if the checksum was computed from the rows that were read, and not from the file's bytes */
  of?: "rows";
  /** time of the last modification of a remote file, ISO 8601 */
  modified?: string;
}

/** Computes the fingerprint of a file. @throws {NoInputError} the file does not exist @throws {IoError} */
export async function fingerprintOf(path: string): Promise<InputFingerprint> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path)) {
      hash.update(chunk as Uint8Array);
      bytes += (chunk as Uint8Array).length;
    }
  } catch (error) {
    if (codeOf(error) === "ENOENT")
      throw new NoInputError(`input '${path}' does not exist`, { cause: error });
    throw asIoError(error, `reading '${path}' failed`);
  }
  return { path, bytes, sha256: hash.digest("hex") };
}
