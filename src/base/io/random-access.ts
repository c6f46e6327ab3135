// Opens a file for random access, which Parquet requires, and computes its fingerprint.

import { readSync } from "node:fs";
import { open } from "node:fs/promises";
import { DataError, IoError } from "../errors.js";
import { openSource } from "./source.js";
import type { InputFingerprint } from "./fingerprint.js";

export interface RandomAccessFile {
  readonly path: string;
  /** descriptor of the open file, for readers on several threads; this object closes it */
  readonly fd: number;
  readonly totalBytes: number;
  /** returns u8: a copy of the bytes [start, end) */
  slice: (start: number, end?: number) => Promise<ArrayBuffer>;
  close(): Promise<void>;
}

/** Opens a file. @throws as openSource; {IoError} it is a pipe */
export async function openRandomAccess(path: string): Promise<RandomAccessFile> {
  // opens the file once with openSource, so that errors are reported as for every other input
  const source = await openSource(path);
  const { totalBytes } = source;
  await source.close();
  if (totalBytes === undefined) throw new IoError(`cannot seek in '${path}': it is a pipe, name a file`);
  const file = await open(path, "r");
  let isClosed = false;
  return {
    path,
    totalBytes,
    fd: file.fd,
    async slice(start, end = totalBytes) {
      if (!(start >= 0 && end >= start && end <= totalBytes)) {
        throw new DataError(`the file is damaged: it points to bytes ${start} to ${end} of ${totalBytes}`, {
          file: path,
        });
      }
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length;) {
        const read = await file.read(bytes, at, bytes.length - at, start + at);
        if (read.bytesRead === 0) throw new IoError(`'${path}' was truncated while it was being read`);
        at += read.bytesRead;
      }
      return bytes.buffer;
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      await file.close();
    },
  };
}

/** Reads a whole file to compute its checksum. @throws as openSource */
export async function digestOf(path: string): Promise<InputFingerprint> {
  const whole = await openSource(path);
  try {
    for await (const _ of whole.pieces());
    return whole.fingerprint();
  } finally {
    await whole.close();
  }
}

/**
 * Returns a function that reads an open file at any position, on any thread; bytes of the previous read are reused.
 *
 * @returns reads the bytes [start, end); the next call overwrites them @throws {IoError} the file ends before
 */
export function readerOf({
  fd,
  path,
}: {
  fd: number;
  path: string;
}): (start: number, end: number) => Uint8Array {
  let buffer = new Uint8Array(0);
  let [first, last] = [0, 0];
  return (start, end) => {
    if (start < first || end > last) {
      const length = end - start;
      if (buffer.length < length) buffer = new Uint8Array(length);
      [first, last] = [0, 0];
      for (let at = 0; at < length;) {
        const read = readSync(fd, buffer, at, length - at, start + at);
        if (read === 0) throw new IoError(`'${path}' became shorter while it was read`);
        at += read;
      }
      [first, last] = [start, end];
    }
    return buffer.subarray(start - first, end - first);
  };
}
