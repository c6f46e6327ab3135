// What identifies an input: a manifest states it, so that a run can be reproduced and a leak found.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { NoInputError } from "../errors.js";
import { asIoError, codeOf } from "./write.js";

const UPDATE = 1 << 30;

/** The checksum of bytes, hexadecimal. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The checksum of several arrays of bytes, one after another, whatever their sizes. */
export function sha256OfAll(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  // one update takes 2 GiB at most
  for (const part of parts)
    for (let at = 0; at < part.length; at += UPDATE) hash.update(part.subarray(at, at + UPDATE));
  return hash.digest("hex");
}

export interface InputFingerprint {
  /** as the user named it; `-` for standard input */
  path: string;
  /** of the file as it is on disk, compressed or not */
  bytes: number;
  /** hexadecimal */
  sha256: string;
  /** what the checksum is of, where it is not of the file's bytes: of the rows as they were read */
  of?: "rows";
  /** of a file on another machine: when it was last modified, ISO 8601 */
  modified?: string;
}

/** Of a file as it is now. @throws {NoInputError} there is none @throws {IoError} */
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
