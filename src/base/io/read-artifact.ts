// Reads files that this program wrote in chunks, and checks their size and checksum against the manifest.

import { createHash } from "node:crypto";
import { constants, fstatSync } from "node:fs";
import { open, stat, type FileHandle } from "node:fs/promises";
import { ArtifactError, sizeText } from "../errors.js";
import { fileKindText } from "./listed-files.js";
import { asIoError, codeOf, pieces } from "./write.js";

const CHUNK = 1 << 20;

/** Whether a path exists. @throws {IoError} this cannot be determined, for example without permission */
export async function pathExists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return false;
    throw asIoError(error, `looking for '${path}' failed`);
  }
}

export type ReadHandle = FileHandle;

/**
 * Opens a file for random access; the caller closes it. @throws {ArtifactError} it is missing, or is not a regular file
 * @throws {IoError}
 */
export async function openArtifact(path: string): Promise<ReadHandle> {
  try {
    return await openRegular(path);
  } catch (error) {
    throw readingError(error, path);
  }
}

/** Opens a file and checks that it is regular. O_NONBLOCK, because opening a named pipe would wait for a writer. */
async function openRegular(path: string): Promise<FileHandle> {
  // Windows has no flag O_NONBLOCK, and no named pipes that could block the call
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    // a call to the thread pool would take ten times as long
    const found = fstatSync(file.fd);
    if (found.isFile()) return file;
    throw new ArtifactError(`'${path}' is ${fileKindText(found)}, expected a regular file`);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Yields a file's bytes, one megabyte at a time. @throws {ArtifactError} the file is missing @throws {IoError} */
export async function* artifactChunks(path: string): AsyncGenerator<Uint8Array, void> {
  const file = await openArtifact(path);
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(CHUNK);
      const { bytesRead } = await file.read(buffer, 0, CHUNK);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw readingError(error, path);
  } finally {
    await file.close();
  }
}

/**
 * Calls `read` with a file opened for random access, and closes it. @throws {ArtifactError} the file is missing @throws
 * {IoError}
 */
export async function withArtifact<T>(path: string, read: (file: ReadHandle) => Promise<T>): Promise<T> {
  const file = await openArtifact(path);
  try {
    return await read(file);
  } catch (error) {
    throw readingError(error, path);
  } finally {
    await file.close();
  }
}

/**
 * Reads a file completely.
 *
 * @param most maximum number of bytes, so that a file which claims to be large does not fill the memory
 * @throws {ArtifactError} the file is missing or larger @throws {IoError}
 */
export async function readArtifact(path: string, most: number = 2 ** 31): Promise<Uint8Array> {
  return await withArtifact(path, async (file) => {
    const { size } = fstatSync(file.fd);
    if (size > most)
      throw new ArtifactError(`'${path}' has ${sizeText(size)}, expected at most ${sizeText(most)}`);
    // readFile of Node is limited to 2 GiB
    const bytes = new Uint8Array(size);
    let end = 0;
    while (end < bytes.length) {
      const { bytesRead } = await file.read(bytes, end, Math.min(bytes.length - end, pieces.most), end);
      if (bytesRead === 0) break;
      end += bytesRead;
    }
    return bytes.subarray(0, end);
  });
}

/**
 * Checks the size and the checksum of a file.
 *
 * @param remake how to create the file again, for the message
 * @throws {ArtifactError} the file is missing, or differs from the one that was written
 */
export async function checkArtifact(
  path: string,
  expected: { bytes: number; sha256: string },
  remake = "train again",
): Promise<void> {
  const { bytes, sha256 } = await fingerprintOf(path, remake);
  const what = bytes === expected.bytes ? "its checksum differs" : `${bytes} bytes, not ${expected.bytes}`;
  if (bytes !== expected.bytes || sha256 !== expected.sha256) {
    throw new ArtifactError(
      `'${path}' does not match the manifest (${what}): it was changed or damaged; restore it or ${remake}`,
    );
  }
}

/** Returns the size and checksum of a file. @throws {ArtifactError} it is missing @throws {IoError} */
export async function fingerprintOf(
  path: string,
  remake = "train again",
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    const file = await openRegular(path);
    try {
      const buffer = Buffer.allocUnsafeSlow(CHUNK);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, CHUNK);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        bytes += bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw readingError(error, path, remake);
  }
  return { bytes, sha256: hash.digest("hex") };
}

function readingError(error: unknown, path: string, remake = "train again"): unknown {
  if (codeOf(error) === "ENOENT") {
    return new ArtifactError(`'${path}' is missing from its directory; restore it or ${remake}`, {
      cause: error,
    });
  }
  return asIoError(error, `reading '${path}' failed`);
}
