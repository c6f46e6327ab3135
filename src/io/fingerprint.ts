// What identifies an input: a manifest states it, so that a run can be reproduced and a leak found.

import { createHash } from "node:crypto";

/** The checksum of bytes, hexadecimal. */
export function sha256Of(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export interface InputFingerprint {
  /** as the user named it; `-` for standard input */
  path: string;
  /** of the file as it is on disk, compressed or not */
  bytes: number;
  /** hexadecimal */
  sha256: string;
}
