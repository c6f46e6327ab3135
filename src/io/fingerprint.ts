// What identifies an input: a manifest states it, so that a run can be reproduced and a leak found.

export interface InputFingerprint {
  /** as the user named it; `-` for standard input */
  path: string;
  /** of the file as it is on disk, compressed or not */
  bytes: number;
  /** hexadecimal */
  sha256: string;
}
