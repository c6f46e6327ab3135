// A file that is read at any place, as Parquet needs it, with the fingerprint that every input has.

import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { DataError, IoError } from "../errors.js";
import { openSource } from "./source.js";
import type { InputFingerprint } from "./fingerprint.js";

export interface RandomAccessFile {
  readonly path: string;
  /** bytes read so far, no more than there are */
  readonly bytesRead: number;
  readonly totalBytes: number;
  /** u8: a copy of the bytes [start, end) */
  slice: (start: number, end?: number) => Promise<ArrayBuffer>;
  /** Of the whole file, whatever was read of it; after it was opened, at any time. */
  fingerprint(): InputFingerprint;
  close(): Promise<void>;
}

/** Opens a file and reads it once for its checksum. @throws as openSource; {IoError} it is a pipe */
export async function openRandomAccess(path: string): Promise<RandomAccessFile> {
  // errors of opening are those of every input
  const source = await openSource(path);
  const hash = createHash("sha256");
  let totalBytes = 0;
  try {
    if (source.totalBytes === undefined)
      throw new IoError(`cannot read '${path}' at any place: it is a pipe, name a file`);
    for await (const piece of source.pieces()) {
      hash.update(piece);
      totalBytes += piece.length;
    }
  } finally {
    await source.close();
  }
  const sha256 = hash.digest("hex");
  const file = await open(path, "r");
  let bytesRead = 0;
  let isClosed = false;
  return {
    path,
    totalBytes,
    get bytesRead() {
      return Math.min(bytesRead, totalBytes);
    },
    async slice(start, end = totalBytes) {
      if (!(start >= 0 && end >= start && end <= totalBytes)) {
        throw new DataError(`the file is damaged: it points to bytes ${start} to ${end} of ${totalBytes}`, {
          file: path,
        });
      }
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length;) {
        const read = await file.read(bytes, at, bytes.length - at, start + at);
        if (read.bytesRead === 0) throw new IoError(`'${path}' became shorter while it was read`);
        at += read.bytesRead;
      }
      bytesRead += bytes.length;
      return bytes.buffer;
    },
    fingerprint: () => ({ path, bytes: totalBytes, sha256 }),
    async close() {
      if (isClosed) return;
      isClosed = true;
      await file.close();
    },
  };
}
