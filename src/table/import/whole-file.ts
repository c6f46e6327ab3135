// Reads files into memory, limits what a compressed file may unpack to, and reads ranges of files.

import { openRandomAccess, digestOf } from "../../base/io/random-access.js";
import { canReopen, openSource } from "../../base/io/source.js";
import type { InputFingerprint } from "../../base/io/fingerprint.js";
import { DataError, UsageError, sizeText } from "../../base/errors.js";

/** Maximum number of bytes of a file that is read as a whole; tests lower it. */
export const wholeBytes = { most: 2 ** 31 };

/** Maximum ratio of an archive's unpacked size to its own size, and number of unpacked bytes that is always allowed. */
const [MAX_RATIO, ALWAYS] = [64, 64 << 20];

/** @throws {DataError} a file unpacks to far more than its size, which would fill the memory */
export function checkUnpacked(unpacked: number, packed: number, file: string): void {
  const most = Math.max(ALWAYS, MAX_RATIO * packed);
  if (unpacked <= most) return;
  throw new DataError(
    `it unpacks to more than ${most} bytes, from ${packed}: the compression ratio is limited to ` +
      `${MAX_RATIO}; write it uncompressed, or in a format without padding`,
    { file },
  );
}

/**
 * Reads and unpacks a file.
 *
 * @param hint what to do if the file is too large
 * @throws {UsageError} it has more than 2 GiB
 * @throws {DataError} it unpacks to far more than its size
 */
export async function wholeFile(
  path: string,
  hint = "decompress it first",
): Promise<{ bytes: Uint8Array; fingerprint: InputFingerprint }> {
  const source = await openSource(path);
  try {
    const parts: Uint8Array[] = [];
    let length = 0;
    for await (const piece of source.pieces()) {
      parts.push(Uint8Array.from(piece));
      length += piece.length;
      if (length > source.bytesRead) checkUnpacked(length, source.bytesRead, path);
      const most = Math.max(length, source.totalBytes ?? 0);
      if (most > wholeBytes.most)
        throw new UsageError(
          `'${path}' has ${sizeText(most)}, and a file of this kind is read as a whole, up to ` +
            `${sizeText(wholeBytes.most)}: ${hint}`,
        );
    }
    return { bytes: Uint8Array.from(Buffer.concat(parts)), fingerprint: source.fingerprint() };
  } finally {
    await source.close();
  }
}

/** A file of which ranges of bytes are read; call `close` in any case. */
export interface ByteRanges {
  size: number;
  /** returns a copy of the bytes start .. end - 1; beyond the end of the file, there are none */
  slice: (start: number, end: number) => Promise<ArrayBuffer>;
  fingerprint: () => Promise<InputFingerprint>;
  close: () => Promise<void>;
}

/** Opens a file to read ranges of bytes; compressed files and pipes are read as a whole. @throws as wholeFile */
export async function openRanges(path: string): Promise<ByteRanges> {
  if (/\.(gz|zst)$/i.test(path) || !(await canReopen(path))) {
    const { bytes, fingerprint } = await wholeFile(path);
    return {
      size: bytes.length,
      slice: async (start, end) => await Promise.resolve(new Uint8Array(bytes.subarray(start, end)).buffer),
      fingerprint: async () => await Promise.resolve(fingerprint),
      close: async () => await Promise.resolve(),
    };
  }
  const file = await openRandomAccess(path);
  return {
    size: file.totalBytes,
    slice: async (start, end) => await file.slice(start, Math.min(end, file.totalBytes)),
    fingerprint: async () => await digestOf(path),
    close: async () => await file.close(),
  };
}
